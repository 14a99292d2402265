"""What a turn's journal adds up to: its kinds of entries, and the state they make. Pure."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from agent_core.journal import InboxKind, JournalEntry
from agent_core.proposals import ProposalId
from agent_core.tooling import ToolCall

FAILED: Final = "failed"  # status of a call that the other side did not carry out
UNAVAILABLE: Final = "unavailable"  # status of a call that was not made: the other side is down


class Kind(StrEnum):
    """The kinds of journal entries; the comment shows each body's keys."""

    # rows, upto, from: the first entry shown, summary: the last one summed up or 0,
    # silent, audience, instructions, tools, policy, model
    ENTERED = "entered"
    RESUMED = "resumed"  # attempt
    JOINED = "joined"  # rows, upto: newer messages of the same person
    FACTS = "facts"  # text: what code tells the model of requester, room and account from here on
    REPLY = "reply"  # text, calls, tokens
    MODEL_FAILED = "model_failed"  # error
    # call, content, failed, told, run: proposal id or None, draft: its title, account: the draft's
    RESULT = "result"
    PRESENTED = "presented"  # told, run: proposal ids; the drafts were shown, or may be run
    UNDONE = "undone"  # key, content, told, run: proposal id or None
    EXECUTED = "executed"  # proposal, content, title, outcome, undo: ledger keys
    TOLD = "told"  # proposal: the requester knows that it was declined or ran out
    DISCARDED = "discarded"  # {}: the last draft is not sent
    SENT = "sent"  # outgoing, text
    ESCALATED = "escalated"  # reason
    SILENCED = "silenced"  # {}: a person has the conversation now
    CLOSED = "closed"  # status


_ENDS: Final = {
    Kind.ESCALATED: "escalated",
    Kind.SILENCED: "silenced",
    Kind.SENT: "replied",
    Kind.TOLD: "told",
    Kind.EXECUTED: "acted",
    Kind.PRESENTED: "proposed",
}


def end_of(entries: Sequence[JournalEntry]) -> str:
    """How a closed turn ended, in a word."""
    for entry in reversed(entries):
        if (end := _ENDS.get(Kind(entry.kind))) is not None:
            return end
    return "nothing"


class CallKind(StrEnum):
    """What a call of the model is, classified by code when the reply is recorded."""

    READ = "read"
    ACTION = "action"
    CHOOSE_ACCOUNT = "choose_account"
    HAND_OVER = "hand_over"
    UNKNOWN = "unknown"  # no such tool here: answered with an error


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """A tool call as the journal holds it."""

    call: ToolCall
    kind: CallKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An action that was looked at and not yet shown. `round` counts the person's messages.

    `account`: whose it is; "" where an older version wrote it. `refused`: by policy; the steps
    after it are shown as if it were not there.
    """

    call: ToolCall
    title: str
    round: int
    account: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoWish:
    """An effect that is to be taken back. `automatic`: by policy, as a later step failed."""

    key: ProposalId
    automatic: bool = False


@dataclass(slots=True)
class TurnState:
    """What a journal adds up to."""

    decisions: list[ProposalId] = field(default_factory=list)  # to be run, in order
    refusals: list[ProposalId] = field(default_factory=list)  # to be told
    undos: list[UndoWish] = field(default_factory=list)  # to be considered, in order
    drafts: list[Draft] = field(default_factory=list)  # to be shown together
    rounds: int = 0
    open_calls: list[RecordedCall] = field(default_factory=list)
    draft: str | None = None
    needs_model: bool = False
    asked_anything: bool = False  # a message, and not only a decision
    told: bool = False  # code has posted something the person can see
    model_failed: bool = False
    model_calls: int = 0
    tool_calls: int = 0
    failures: int = 0
    unavailable: str = ""  # why nothing can be looked up or done now
    failed: str = ""  # why a call failed that is the system's fault, and not what was asked of it
    found: bool = False  # some call succeeded, beside the choice of an account
    tokens: int = 0
    discards: int = 0
    silent: bool = False
    ended: bool = False
    started_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def seconds(self) -> float:
        """How long this attempt has worked, by the times of its entries."""
        if self.started_at is None or self.last_at is None:
            return 0.0
        return (self.last_at - self.started_at).total_seconds()


def calls_of(body: Any) -> tuple[RecordedCall, ...]:
    """The calls in a REPLY body."""
    return tuple(
        RecordedCall(
            call=ToolCall(id=one["id"], name=one["name"], arguments=one["arguments"]),
            kind=CallKind(one["kind"]),
        )
        for one in body["calls"]
    )


def state_of(entries: Sequence[JournalEntry]) -> TurnState:
    """Adds the journal up."""
    state = TurnState()
    for entry in entries:
        _add(state, entry)
    return state


def salvaged(entries: Sequence[JournalEntry]) -> TurnState:
    """What can be read of a journal that may be another version's; the rest is left out."""
    state = TurnState()
    for entry in entries:
        for part in _row_by_row(entry):
            with suppress(Exception):  # whatever it holds: giving up on it must go through
                _add(state, part)
    return state


def _row_by_row(entry: JournalEntry) -> list[JournalEntry]:
    """A row that cannot be read takes no other one with it."""
    rows = entry.body.get("rows")
    if not rows or not isinstance(rows, list):
        return [entry]
    return [replace(entry, body={**entry.body, "rows": [row]}) for row in rows]


def _add(state: TurnState, entry: JournalEntry) -> None:
    body = entry.body
    state.last_at = entry.at
    match Kind(entry.kind):
        case Kind.ENTERED:
            state.started_at = entry.at
            state.silent = body["silent"]
            _take_rows(state, body["rows"])
        case Kind.RESUMED:
            state.started_at = entry.at
            state.model_failed = False
        case Kind.JOINED:
            state.rounds += 1
            _take_rows(state, body["rows"])
        case Kind.REPLY:
            _take_reply(state, body)
        case Kind.MODEL_FAILED:
            state.model_failed = True
        case Kind.RESULT:
            _take_result(state, body)
        case Kind.PRESENTED:
            _take_presented(state, body)
        case Kind.UNDONE:
            _take_undone(state, body)
        case Kind.EXECUTED:
            _take_executed(state, body)
        case Kind.TOLD:
            state.refusals.remove(body["proposal"])
            state.told = True
        case Kind.DISCARDED:
            state.draft = None
            state.discards += 1
            state.needs_model = True
        case Kind.SILENCED:
            state.silent = True
        case Kind.SENT | Kind.ESCALATED | Kind.CLOSED:
            state.ended = True


def _take_rows(state: TurnState, rows: Sequence[Any]) -> None:
    for row in rows:
        match InboxKind(row["kind"]):
            case InboxKind.MESSAGE:
                state.needs_model = True
                state.asked_anything = True
            case InboxKind.DECISION:
                state.decisions.append(ProposalId(row["proposal"]))
            case InboxKind.REFUSAL:
                state.refusals.append(ProposalId(row["proposal"]))
            case InboxKind.UNDO:
                state.undos.append(UndoWish(key=ProposalId(row["proposal"])))


def _take_reply(state: TurnState, body: Any) -> None:
    state.model_calls += 1
    state.tokens += body["tokens"]
    state.open_calls = list(calls_of(body))
    state.tool_calls += len(state.open_calls)
    state.draft = None if state.open_calls else body["text"]
    state.needs_model = False


def _take_result(state: TurnState, body: Any) -> None:
    if body["run"]:
        state.decisions.append(ProposalId(body["run"]))
    if body.get("draft"):
        _take_draft(state, body)
    chosen = any(
        one.kind is CallKind.CHOOSE_ACCOUNT and one.call.id == body["call"]
        for one in state.open_calls
    )
    state.open_calls = [one for one in state.open_calls if one.call.id != body["call"]]
    state.failures += bool(body["failed"])
    status = body["content"].get("status")
    if status == UNAVAILABLE:
        state.unavailable = str(body["content"].get("reason"))
    elif status == FAILED and body["failed"]:
        state.failed = str(body["content"].get("reason"))
    state.found = state.found or not (body["failed"] or chosen)
    state.told = state.told or body["told"]
    state.needs_model = True


def _take_draft(state: TurnState, body: Any) -> None:
    """ "Make that 3", said meanwhile: it stands in the place of the wish with other figures."""
    call = next(one.call for one in state.open_calls if one.call.id == body["call"])
    refused = body["content"].get("status") == "refused"
    draft = Draft(
        call=call,
        title=body["draft"],
        round=state.rounds,
        account=body.get("account", ""),
        refused=refused,
    )
    state.drafts = [
        one for one in state.drafts if one.round == draft.round or _wish_of(one) != _wish_of(draft)
    ]
    state.drafts.append(draft)


def _wish_of(draft: Draft) -> tuple[str, str]:
    """The tool and its arguments without their figures: which invoice, which member."""
    try:
        arguments = json.loads(draft.call.arguments)
    except ValueError:
        arguments = None
    words = arguments.items() if isinstance(arguments, dict) else ()
    kept = {name: value for name, value in words if isinstance(value, str)}
    return draft.call.name, json.dumps(kept, sort_keys=True)


def _take_presented(state: TurnState, body: Any) -> None:
    state.drafts = []
    state.decisions += [ProposalId(one) for one in body["run"]]
    state.told = state.told or body["told"]


def _take_undone(state: TurnState, body: Any) -> None:
    state.undos = [one for one in state.undos if one.key != body["key"]]
    state.told = state.told or body["told"]
    if body["run"]:
        state.decisions.append(ProposalId(body["run"]))


def _take_executed(state: TurnState, body: Any) -> None:
    state.decisions = [one for one in state.decisions if one != body["proposal"]]
    keys = body.get("undo", ())
    state.undos += [UndoWish(key=ProposalId(key), automatic=True) for key in keys]
    state.told = True
    state.needs_model = True
