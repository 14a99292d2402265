"""Checks of messages and views that Slack makes before it takes them."""

import json
from collections.abc import Callable
from typing import Any

Block = dict[str, Any]

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
TEXT_HARD_LIMIT = 40_000
# Slack documents no total; posts were seen to fail between 11,000 and 13,000 characters.
TOTAL_TEXT = 12_000
METADATA_BYTES = 8_000

_TEXT_LIMITS = {"section": 3_000, "header": 150, "markdown": 12_000}
_BLOCK_TYPES = frozenset(
    [
        *("actions", "context", "context_actions", "divider", "file", "header", "image", "input"),
        *("markdown", "rich_text", "section", "video"),
    ]
)
_SELECTS = tuple(
    f"{several}{kind}_select"
    for several in ("", "multi_")
    for kind in ("static", "external", "users", "conversations", "channels")
)
_INTERACTIVE = frozenset(
    [
        *("button", "overflow", "datepicker", "timepicker", "datetimepicker", "radio_buttons"),
        *("checkboxes", "feedback_buttons", "icon_button", "workflow_button", "number_input"),
        *("plain_text_input", "rich_text_input", "email_text_input", "url_text_input"),
        *("file_input", *_SELECTS),
    ]
)


def message_problem(text: Any, blocks: Any, metadata: Any) -> tuple[str, list[str]] | None:
    """Slack's error code for a message it would refuse, with what is wrong; None when it is good.

    Stricter than Slack in one point: blocks without `text` are refused (`no_text`), since what a
    screen reader or a notification shows would be missing.
    """
    if not isinstance(text, str) or not text:
        return "no_text", ["send `text`; beside blocks it is what notifications show"]
    if len(text) > TEXT_HARD_LIMIT:
        return "msg_too_long", [f"text has {len(text)} of {TEXT_HARD_LIMIT} characters"]
    if metadata is not None and (problem := _metadata_problem(metadata)):
        return problem
    if blocks is None:
        return None
    if problems := block_problems(blocks, limit=MESSAGE_BLOCKS):
        return "invalid_blocks", problems
    total = _text_length(blocks)
    if total > TOTAL_TEXT:
        return "msg_blocks_too_long", [f"blocks have {total} of {TOTAL_TEXT} characters"]
    return None


def view_problem(view: Any) -> list[str]:
    """What is wrong with a modal view; empty when Slack would open it."""
    if not isinstance(view, dict):
        return ["must provide a view"]
    if view.get("type") != "modal":
        return ["unsupported type: only modal is opened here [json-pointer:/view/type]"]
    problems = []
    for name, needed in (("title", True), ("submit", False), ("close", False)):
        problems += _label_problems(view.get(name), 24, f"/view/{name}", needed=needed)
    if len(str(view.get("private_metadata", ""))) > 3_000:
        problems.append("must be less than 3001 characters [json-pointer:/view/private_metadata]")
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        return [*problems, "must have at least one block [json-pointer:/view/blocks]"]
    if any(_kind(block) == "input" for block in blocks) and not view.get("submit"):
        problems.append("missing required field: submit [json-pointer:/view]")
    return problems + block_problems(blocks, limit=VIEW_BLOCKS, pointer="/view/blocks")


def block_problems(blocks: Any, *, limit: int, pointer: str = "/blocks") -> list[str]:
    """What is wrong with a list of blocks, each with a JSON pointer."""
    if not isinstance(blocks, list):
        return [f"must be an array [json-pointer:{pointer}]"]
    if len(blocks) > limit:
        return [f"no more than {limit} items allowed [json-pointer:{pointer}]"]
    problems: list[str] = []
    block_ids: set[str] = set()
    for at, block in enumerate(blocks):
        here = f"{pointer}/{at}"
        if not isinstance(block, dict) or block.get("type") not in _BLOCK_TYPES:
            problems.append(f"unsupported type: {_kind(block)} [json-pointer:{here}/type]")
            continue
        block_id = block.get("block_id")
        if block_id is not None and (not isinstance(block_id, str) or len(block_id) > 255):
            problems.append(f"block_id must be at most 255 characters [json-pointer:{here}]")
        elif block_id in block_ids:
            problems.append(f"block_id {block_id} is used twice [json-pointer:{here}/block_id]")
        elif block_id:
            block_ids.add(block_id)
        problems += _one_block(block, here)
    return problems


def elements_of(block: Block) -> list[Block]:
    """The interactive elements of a block: of actions, an input, or a section's accessory."""
    several = block.get("elements")
    found = [block.get("accessory"), block.get("element")]
    found += several if isinstance(several, list) else []
    return [e for e in found if isinstance(e, dict) and e.get("type") in _INTERACTIVE]


def with_ids(blocks: list[Block], new_id: Callable[[], str]) -> list[Block]:
    """A copy with the block and action ids that Slack adds where there are none."""
    copied: list[Block] = json.loads(json.dumps(blocks))
    for block in copied:
        block.setdefault("block_id", new_id())
        for element in elements_of(block):
            element.setdefault("action_id", new_id())
    return copied


def _one_block(block: Block, here: str) -> list[str]:
    kind = block["type"]
    problems: list[str] = []
    if kind == "section":
        problems += _section_problems(block, here)
    elif kind == "header":
        problems += _label_problems(block.get("text"), 150, f"{here}/text", needed=True)
    elif kind == "markdown":
        problems += _text_problems(block.get("text"), _TEXT_LIMITS[kind], f"{here}/text")
    elif kind == "context":
        problems += _count_problems(block.get("elements"), 10, f"{here}/elements")
    elif kind == "actions":
        problems += _count_problems(block.get("elements"), 25, f"{here}/elements")
        problems += _element_types(block.get("elements"), here)
    elif kind == "input":
        problems += _label_problems(block.get("label"), 2_000, f"{here}/label", needed=True)
        problems += _element_types([block.get("element")], here)
    elif kind == "image" and not block.get("alt_text"):
        problems.append(f"missing required field: alt_text [json-pointer:{here}]")
    return problems + _element_problems(elements_of(block), here)


def _section_problems(block: Block, here: str) -> list[str]:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        return [f"must have text or fields [json-pointer:{here}]"]
    problems: list[str] = []
    if text is not None:
        problems += _text_object_problems(text, _TEXT_LIMITS["section"], f"{here}/text")
    if fields is not None:
        problems += _count_problems(fields, 10, f"{here}/fields")
        for at, field in enumerate(fields if isinstance(fields, list) else []):
            problems += _text_object_problems(field, 2_000, f"{here}/fields/{at}")
    return problems


def _element_types(elements: Any, here: str) -> list[str]:
    listed = elements if isinstance(elements, list) else []
    return [
        f"unsupported element: {_kind(element)} [json-pointer:{here}/elements/{at}]"
        for at, element in enumerate(listed)
        if _kind(element) not in _INTERACTIVE
    ]


def _element_problems(elements: list[Block], here: str) -> list[str]:
    problems: list[str] = []
    seen: set[str] = set()
    for at, element in enumerate(elements):
        pointer = f"{here}/elements/{at}"
        action_id = element.get("action_id")
        # Slack makes an action id up when there is none.
        if action_id is not None and not 1 <= len(str(action_id)) <= 255:
            problems.append(f"action_id must have 1 to 255 characters [json-pointer:{pointer}]")
        elif action_id in seen:
            problems.append(f"`action_id` {action_id} already exists [json-pointer:{pointer}]")
        elif action_id is not None:
            seen.add(action_id)
        if element["type"] == "button":
            problems += _label_problems(element.get("text"), 75, f"{pointer}/text", needed=True)
        if len(str(element.get("value", ""))) > 2_000:
            problems.append(f"must be less than 2001 characters [json-pointer:{pointer}/value]")
        problems += _option_problems(element.get("options"), f"{pointer}/options")
        if element.get("style") not in (None, "primary", "danger"):
            problems.append(f"style must be primary or danger [json-pointer:{pointer}/style]")
    return problems


def _option_problems(options: Any, pointer: str) -> list[str]:
    if options is None:
        return []
    problems = _count_problems(options, 100, pointer)
    for at, option in enumerate(options if isinstance(options, list) else []):
        if not isinstance(option, dict) or not isinstance(option.get("value"), str):
            problems.append(f"must be an option with a value [json-pointer:{pointer}/{at}]")
        else:
            problems += _text_object_problems(option.get("text"), 75, f"{pointer}/{at}/text")
    return problems


def _text_object_problems(value: Any, limit: int, pointer: str) -> list[str]:
    if not isinstance(value, dict) or value.get("type") not in ("mrkdwn", "plain_text"):
        return [f"must be a text object [json-pointer:{pointer}]"]
    return _text_problems(value.get("text"), limit, f"{pointer}/text")


def _label_problems(value: Any, limit: int, pointer: str, *, needed: bool) -> list[str]:
    if value is None:
        return [f"missing required field [json-pointer:{pointer}]"] if needed else []
    if not isinstance(value, dict) or value.get("type") != "plain_text":
        return [f"must be a plain_text object [json-pointer:{pointer}]"]
    return _text_problems(value.get("text"), limit, f"{pointer}/text")


def _text_problems(value: Any, limit: int, pointer: str) -> list[str]:
    if not isinstance(value, str) or not value:
        return [f"must be more than 0 characters [json-pointer:{pointer}]"]
    if len(value) > limit:
        return [f"must be less than {limit + 1} characters [json-pointer:{pointer}]"]
    return []


def _count_problems(value: Any, limit: int, pointer: str) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= limit:
        return [f"must have 1 to {limit} items [json-pointer:{pointer}]"]
    return []


def _metadata_problem(metadata: Any) -> tuple[str, list[str]] | None:
    if (
        not isinstance(metadata, dict)
        or not isinstance(metadata.get("event_type"), str)
        or not isinstance(metadata.get("event_payload"), dict)
    ):
        return "invalid_metadata_format", ["metadata needs event_type and event_payload"]
    if len(json.dumps(metadata)) > METADATA_BYTES:
        return "metadata_too_large", [f"metadata is larger than {METADATA_BYTES} bytes"]
    return None


def _text_length(value: Any) -> int:
    """The characters people would read, in any depth."""
    if isinstance(value, list):
        return sum(_text_length(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    return (len(own) if isinstance(own, str) else 0) + sum(
        _text_length(item) for item in value.values()
    )


def _kind(block: Any) -> str:
    return str(block.get("type")) if isinstance(block, dict) else type(block).__name__
