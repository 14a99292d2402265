"""A planner by rules: carries out explicit requests, asks for what is missing, never guesses."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent_core.context import CONTEXT, REQUESTER
from agent_core.models.account_names import account_in
from agent_core.models.meaning import Ask, Meaning, NotUnderstood, Person, Say, Wish
from agent_core.models.scripted_model import LABEL
from agent_core.models.slots import number_in
from agent_core.models.utterances import meanings
from agent_core.models.wording import told
from agent_core.ports import ModelMessage, ModelReply, ModelRequest
from agent_core.tooling import ToolCall

_MESSAGE: Final = re.compile(
    r'<message from="[^"]*" who="([^"]*)"(?: id="([0-9a-f]*)")?>(.*?)</message>', re.DOTALL
)
_FACT: Final = re.compile(r"^(requester id|requester|standing|room|account): (.*)$", re.MULTILINE)
_FACTS: Final = re.compile(r"<facts>(.*?)</facts>", re.DOTALL)
_EVENT: Final = re.compile(r"<event>(.*?)</event>", re.DOTALL)
_CHOSEN: Final = re.compile(r"^The account is (.+)\.$")
_CORRECTION: Final = re.compile(
    r"^\W*(?:yes|yeah|ok|okay|no|sorry|actually|rather|but|make (?:that|it)|only|just|i meant|\W)+"
    r"\W*(?:but |make (?:that|it) |only |just )*(.*)$",
    re.IGNORECASE,
)
WHICH_ACCOUNT: Final = "Which account is this about? Please give me its exact name or id."
_STAFF: Final = "staff of the vendor"


@dataclass(frozen=True, slots=True)
class _Said:
    """One earlier message, as the history shows it. `mine`: by the one who asks now."""

    who: str
    mine: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Result:
    """A call of this turn and what came of it."""

    name: str
    arguments: str
    content: Any


@dataclass(frozen=True, slots=True)
class _Scene:
    """The request, read."""

    asked: tuple[str, ...]
    history: tuple[_Said, ...]
    facts: Mapping[str, str]
    results: tuple[_Result, ...]
    events: tuple[Mapping[str, Any], ...]
    tools: frozenset[str]


class PlannerModel:
    """`ports.ChatModel` by rules. Sees the same request as any model, and nothing else."""

    is_language_model: Final = False
    label: Final = LABEL

    async def reply(self, request: ModelRequest) -> ModelReply:
        return plan(request)

    async def close(self) -> None:
        return None


def plan(request: ModelRequest) -> ModelReply:
    """The next calls, or the final words. Pure: the same request gives the same reply."""
    scene = _read(request)
    text = "\n".join(_meant(scene))
    wanted = _understood(scene, text)
    calls = _next_calls(scene, text, wanted)
    if calls:
        return ModelReply(text="", tool_calls=tuple(calls))
    return ModelReply(text=_words(scene, wanted))


# --- reading the request ----------------------------------------------------------------------


def _read(request: ModelRequest) -> _Scene:
    context = [m.content for m in request.messages if m.name == CONTEXT]
    joined = "\n".join(context)
    facts = dict(_FACT.findall("\n".join(_FACTS.findall(joined))))
    me = facts.get("requester id")
    return _Scene(
        asked=tuple(m.content for m in request.messages if m.name == REQUESTER),
        history=tuple(
            _Said(who, bool(mark) and mark == me, html.unescape(text))
            for who, mark, text in _MESSAGE.findall(context[0])
        )
        if context
        else (),
        facts=facts,
        results=_results(request.messages),
        events=tuple(json.loads(one) for one in _EVENT.findall(joined)),
        tools=frozenset(str(tool.name) for tool in request.tools),
    )


def _results(messages: Sequence[ModelMessage]) -> tuple[_Result, ...]:
    calls = {call.id: call for message in messages for call in message.tool_calls}
    return tuple(
        _Result(calls[m.tool_call_id].name, calls[m.tool_call_id].arguments, json.loads(m.content))
        for m in messages
        if m.role == "tool" and m.tool_call_id in calls
    )


def _meant(scene: _Scene) -> list[str]:
    """The words to understand: what was asked now, completed by what was asked before."""
    before = _earlier(scene)
    meant: list[str] = []
    for text in scene.asked:
        if _CHOSEN.match(text) or (_asked_for_account(scene) and _is_short(text)):
            meant.append(before)
        elif meant and (corrected := _corrected(meant[-1], text)) is not None:
            meant[-1] = corrected
        elif not meant and (corrected := _corrected(before, text)) is not None:
            meant.append(corrected)
        elif before and _answers_a_question(scene, text):
            meant.append(f"{before} {text}")
        else:
            meant.append(text)
    return [text for text in meant if text]


def _earlier(scene: _Scene) -> str:
    """What this person asked for last, with their later corrections and additions to it."""
    current = ""
    for said in scene.history:
        if not said.mine or _CHOSEN.match(said.text):
            continue
        if (corrected := _corrected(current, said.text)) is not None:
            current = corrected
        elif current and _says_nothing_by_itself(said.text):
            current = f"{current} {said.text}"
        else:
            current = said.text
    return current


def _last_words(scene: _Scene) -> str:
    spoken = [said.text for said in scene.history if said.who == "you, the agent"]
    return spoken[-1] if spoken else ""


def _asked_for_account(scene: _Scene) -> bool:
    return _last_words(scene).endswith(WHICH_ACCOUNT)


def _is_short(text: str) -> bool:
    return len(text.split()) <= 4 and all(isinstance(m, NotUnderstood) for m in meanings(text))


def _answers_a_question(scene: _Scene, text: str) -> bool:
    """The agent asked, and this says nothing else by itself."""
    asked = "?" in _last_words(scene)
    return asked and _says_nothing_by_itself(text)


def _says_nothing_by_itself(text: str) -> bool:
    return all(isinstance(m, NotUnderstood) and not m.asks for m in meanings(text))


def _corrected(before: str, text: str) -> str | None:
    """ "make that 3" after "add 5 seats": the same wish with the other number."""
    match = _CORRECTION.match(text)
    number = number_in(match.group(1)) if match and len(text.split()) <= 6 else None
    if number is None or not before:
        return None
    wishes = [one for one in meanings(before) if isinstance(one, Wish)]
    if len(wishes) != 1 or "seats" not in wishes[0].arguments:
        return None
    verb = "add" if wishes[0].tool == "add_seats" else "remove"
    return f"{verb} {number} seats"


# --- deciding ---------------------------------------------------------------------------------


def _understood(scene: _Scene, text: str) -> list[Meaning]:
    found: list[Meaning] = []
    for meaning in meanings(text):
        if isinstance(meaning, Wish) and meaning.arguments.get("member") == "(requester)":
            found.append(Wish(meaning.tool, {"member": scene.facts.get("requester", "")}))
        elif isinstance(meaning, Wish) and meaning.tool not in scene.tools:
            found.append(NotUnderstood(text, asks=True))
        else:
            found.append(meaning)
    return found


def _next_calls(scene: _Scene, text: str, wanted: Sequence[Meaning]) -> list[ToolCall]:
    """What is still to be called. Each wish is called once; people come last."""
    if any(isinstance(one, Person) for one in wanted):
        return [_hand_over("asked_for", text)]
    account = _account_call(scene, wanted)
    if account is not None:
        return [account]
    if _waits_for_account(scene):
        return []
    calls = [call for one in wanted if isinstance(one, Wish) for call in _calls_of(scene, one)]
    if calls:
        return calls
    lost = [one for one in wanted if isinstance(one, NotUnderstood)]
    nothing = not wanted and bool(scene.asked) and not text
    if lost or nothing:
        return [_hand_over("beyond_scope", " ".join(one.text for one in lost) or text)]
    return []


def _hand_over(reason: str, summary: str) -> ToolCall:
    return _call("hand_over", {"reason": reason, "summary": summary[:500]})


def _call(name: str, arguments: Mapping[str, Any]) -> ToolCall:
    return ToolCall(id="", name=name, arguments=json.dumps(arguments, ensure_ascii=False))


def _calls_of(scene: _Scene, wish: Wish) -> list[ToolCall]:
    """The call that carries the wish out, unless it was made already."""
    if wish.latest_invoice:
        return _latest_invoice_calls(scene, wish)
    call = _call(wish.tool, wish.arguments)
    return [] if _was_called(scene, call) else [call]


def _was_called(scene: _Scene, call: ToolCall) -> bool:
    return any((r.name, r.arguments) == (call.name, call.arguments) for r in scene.results)


def _latest_invoice_calls(scene: _Scene, wish: Wish) -> list[ToolCall]:
    look = _call("list_invoices", {"limit": 1})
    if not _was_called(scene, look):
        return [look]
    for result in scene.results:
        found = result.content.get("invoices") if isinstance(result.content, dict) else None
        if result.name == "list_invoices" and found:
            call = _call(wish.tool, {"invoice": found[0]["invoice"], **wish.arguments})
            return [] if _was_called(scene, call) else [call]
    return []


# --- accounts, for staff ----------------------------------------------------------------------


def _account_call(scene: _Scene, wanted: Sequence[Meaning]) -> ToolCall | None:
    """Staff name an account: it is chosen first, once."""
    if "choose_account" not in scene.tools or scene.facts.get("standing") is None:
        return None
    if any(result.name == "choose_account" for result in scene.results):
        return None
    if not any(isinstance(one, Wish) and one.tool != "list_plans" for one in wanted):
        return None
    name = _named_account(scene)
    known = scene.facts.get("account", "").casefold()
    if name is None or name.casefold() in known:
        return None
    return _call("choose_account", {"query": name})


def _named_account(scene: _Scene) -> str | None:
    if not _may_name_accounts(scene):
        return None
    if _asked_for_account(scene) and scene.asked and _is_short(scene.asked[-1]):
        return scene.asked[-1].strip(" .!")
    for text in [*reversed(scene.asked), *_replanned(scene)]:
        if _CHOSEN.match(text):
            return None
        if (name := account_in(text)) is not None:
            return name
    return None


def _replanned(scene: _Scene) -> list[str]:
    """Earlier words count where the present ones only complete them."""
    return (
        []
        if scene.facts.get("account", "none yet") != "none yet"
        else [said.text for said in scene.history if said.mine][-1:]
    )


def _may_name_accounts(scene: _Scene) -> bool:
    """Staff; and people in a direct chat whose account is not clear."""
    return scene.facts.get("standing") == _STAFF or scene.facts.get("account") == "none yet"


def _waits_for_account(scene: _Scene) -> bool:
    return any(_status(result) == "account_needed" for result in scene.results)


def _status(result: _Result) -> str:
    return str(result.content.get("status", "")) if isinstance(result.content, dict) else ""


# --- words ------------------------------------------------------------------------------------


def _words(scene: _Scene, wanted: Sequence[Meaning]) -> str:
    """The final reply. Empty where cards and receipts have said everything, as they have of a
    plan that stopped: that its first step is done must not sound like the whole of it."""
    if _waits_for_account(scene):
        shown = any("card" in result.content for result in scene.results)
        return "" if shown else WHICH_ACCOUNT
    parts = [told(one.name, one.content) for one in scene.results if not _only_looked(one, wanted)]
    if not any("plan" in (event.get("result") or {}) for event in scene.events):
        parts += [_after(event) for event in scene.events]
    parts += [one.question for one in wanted if isinstance(one, Ask)]
    parts += [one.text for one in wanted if isinstance(one, Say)]
    return "\n\n".join(dict.fromkeys(part for part in parts if part))


def _only_looked(result: _Result, wanted: Sequence[Meaning]) -> bool:
    """The newest invoice was found for a refund, whose card shows it; nobody asked for a list."""
    looked = any(isinstance(one, Wish) and one.latest_invoice for one in wanted)
    found = isinstance(result.content, dict) and result.content.get("invoices")
    newest = _call("list_invoices", {"limit": 1}).arguments
    return looked and bool(found) and (result.name, result.arguments) == ("list_invoices", newest)


def _after(event: Mapping[str, Any]) -> str:
    """After a decided action, whose receipt stands already."""
    if event.get("outcome") == "succeeded":
        return "That is done. Is there anything else?"
    if event.get("outcome") in ("refused", "failed"):
        return (
            "Nothing was changed; the receipt says why. Say “I want to talk to someone” and a "
            "person looks at it."
        )
    return ""
