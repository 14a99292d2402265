"""What a person's hands make of blocks: answers of a form, and the action of a click. Pure."""

from typing import Any

from playground.slack_api.blocks import Block, elements_of
from playground.slack_api.state import Json, SlackRefusal

# type of element → (name of its answer, name of its initial answer)
_FIELDS = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
_TEXT = ("value", "initial_value")
_NO_ANSWER = ("button", "icon_button", "feedback_buttons", "workflow_button")


def state_values(blocks: list[Block], given: Json) -> Json:
    """`state.values` of a form or message: block id → action id → answer.

    `given` has the same two levels; an answer is Slack's own object, or just its value: text, an
    option's value, a list of them, a person's id, a date. Where nothing is given, the initial
    answer stands.
    """
    values: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in _NO_ANSWER:
                continue
            block_id, action_id = block["block_id"], element["action_id"]
            name, initial = _FIELDS.get(element["type"], _TEXT)
            answer = element.get(initial)
            if action_id in given.get(block_id, {}):
                answer = _answer(element, given[block_id][action_id], name)
            values.setdefault(block_id, {})[action_id] = {"type": element["type"], name: answer}
    return values


def missing_answers(blocks: list[Block], values: Json) -> dict[str, str]:
    """The required inputs left empty, which Slack's client refuses before anything is sent."""
    missing = {}
    for block in blocks:
        if block["type"] != "input" or block.get("optional"):
            continue
        answers = values.get(block["block_id"], {}).values()
        filled = any(v not in (None, "", []) for a in answers for k, v in a.items() if k != "type")
        if not filled:
            missing[block["block_id"]] = "Please complete this required field."
    return missing


def clicked_action(
    blocks: list[Block], *, action_id: str, block_id: str | None, value: Any, action_ts: str
) -> Json:
    """The entry of `actions` for a click; `value` is what was chosen in a select or a date."""
    for block in blocks:
        if block_id not in (None, block.get("block_id")):
            continue
        for element in elements_of(block):
            if element.get("action_id") != action_id:
                continue
            kind = element["type"]
            action: Json = {
                "action_id": action_id,
                "block_id": block["block_id"],
                "type": kind,
                "action_ts": action_ts,
            }
            if kind in _NO_ANSWER:
                kept = ("text", "value", "style", "url")
                return action | {name: element[name] for name in kept if name in element}
            name, _ = _FIELDS.get(kind, _TEXT)
            return action | {name: _answer(element, value, name)}
    raise SlackRefusal("action_not_found", [f"there is no {action_id} to press here any more"])


def _answer(element: Block, given: Any, name: str) -> Any:
    if isinstance(given, dict) and name in given:
        return given[name]
    if name == "selected_option":
        return _option(element, given)
    if name == "selected_options":
        return [_option(element, one) for one in given or []]
    return given


def _option(element: Block, given: Any) -> Any:
    if given is None or isinstance(given, dict):
        return given
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    for option in (option for group in groups for option in group["options"]):
        if option["value"] == given:
            return option
    raise SlackRefusal("option_not_found", [f"{given} is not among the options"])
