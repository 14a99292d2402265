"""One turn as a pure stepper: journal entries in, the next step out. No I/O and no clock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from agent_core.escalations import EscalationReason
from agent_core.journal import InboxKind, JournalEntry
from agent_core.limits import Limits
from agent_core.proposals import ProposalId
from agent_core.tooling import ToolCall


class Kind(StrEnum):
    """The kinds of journal entries; the comment shows each body's keys."""

    ENTERED = "entered"  # rows, upto, silent, instructions, tools, policy, model
    RESUMED = "resumed"  # attempt
    JOINED = "joined"  # rows, upto: newer messages of the same person
    REPLY = "reply"  # text, calls, tokens
    MODEL_FAILED = "model_failed"  # error
    RESULT = "result"  # call, content, failed, told, run: proposal id or None
    EXECUTED = "executed"  # proposal, content, title, outcome
    TOLD = "told"  # proposal: the requester knows that it was declined or ran out
    DISCARDED = "discarded"  # {}: the last draft is not sent
    SENT = "sent"  # outgoing, text
    ESCALATED = "escalated"  # reason
    SILENCED = "silenced"  # {}: a person has the conversation now
    CLOSED = "closed"  # status


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


# --- steps ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model what to do or say."""


@dataclass(frozen=True, slots=True)
class RunReads:
    """Run these reads, outside any transaction."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Consider:
    """Validate, authorise and preview one action; then propose, decide or refuse it."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ChooseAccount:
    """Resolve which account a member of staff means."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a decided proposal, once."""

    proposal: ProposalId


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the requester that a proposal was declined or ran out."""

    proposal: ProposalId


@dataclass(frozen=True, slots=True)
class Send:
    """Send the model's final words, unless the person wrote on meanwhile."""

    text: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """A person takes over. `apology`: say sorry by code, as no answer will come."""

    reason: EscalationReason
    suggestion: str
    apology: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""


Step = CallModel | RunReads | Consider | ChooseAccount | Execute | Tell | Send | Escalate | Finish


# --- state ----------------------------------------------------------------------------------


@dataclass(slots=True)
class TurnState:
    """What a journal adds up to."""

    decisions: list[ProposalId] = field(default_factory=list)  # to be run, in order
    refusals: list[ProposalId] = field(default_factory=list)  # to be told
    open_calls: list[RecordedCall] = field(default_factory=list)
    draft: str | None = None
    needs_model: bool = False
    asked_anything: bool = False  # a message, and not only a decision
    told: bool = False  # code has posted something the person can see
    model_failed: bool = False
    model_calls: int = 0
    tool_calls: int = 0
    failures: int = 0
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
            _take_rows(state, body["rows"])
        case Kind.REPLY:
            _take_reply(state, body)
        case Kind.MODEL_FAILED:
            state.model_failed = True
        case Kind.RESULT:
            _take_result(state, body)
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


def _take_reply(state: TurnState, body: Any) -> None:
    state.model_calls += 1
    state.tokens += body["tokens"]
    state.open_calls = list(calls_of(body))
    state.tool_calls += len(state.open_calls)
    state.draft = None if state.open_calls else body["text"]
    state.needs_model = False


def _take_result(state: TurnState, body: Any) -> None:
    state.open_calls = [one for one in state.open_calls if one.call.id != body["call"]]
    state.failures += bool(body["failed"])
    state.told = state.told or body["told"]
    if body["run"]:
        state.decisions.append(ProposalId(body["run"]))
    state.needs_model = True


def _take_executed(state: TurnState, body: Any) -> None:
    state.decisions = [one for one in state.decisions if one != body["proposal"]]
    state.told = True
    state.needs_model = True


# --- the next step ----------------------------------------------------------------------------


def next_step(entries: Sequence[JournalEntry], limits: Limits) -> Step:
    """What to do now. The same journal gives the same step."""
    state = state_of(entries)
    if state.ended:
        return Finish()
    if state.decisions:
        return Execute(state.decisions[0])
    if state.silent:
        return Finish()
    if state.refusals:
        return Tell(state.refusals[0])
    return _limit_reached(state, limits) or _call_step(state) or _word_step(state)


def _limit_reached(state: TurnState, limits: Limits) -> Step | None:
    if state.failures >= limits.tool_failures:
        return Escalate(
            EscalationReason.REPEATED_FAILURE,
            f"The agent's tools failed {state.failures} times in a row. Do it by hand.",
        )
    over = (
        (state.needs_model and state.model_calls >= limits.model_calls)
        or state.tool_calls > limits.tool_calls
        or state.tokens > limits.tokens
        or (state.needs_model and state.seconds > limits.turn_seconds)
    )
    if over:
        return Escalate(
            EscalationReason.REPEATED_FAILURE,
            "The agent reached the limit of one turn without an answer. Read what it did, and "
            "take it from there.",
            apology=True,
        )
    return None


def _call_step(state: TurnState) -> Step | None:
    if not state.open_calls:
        return None
    first = state.open_calls[0]
    match first.kind:
        case CallKind.ACTION:
            return Consider(first.call)
        case CallKind.CHOOSE_ACCOUNT:
            return ChooseAccount(first.call)
        case CallKind.HAND_OVER:
            return _hand_over(first.call)
        case CallKind.READ | CallKind.UNKNOWN:
            return RunReads(_leading_reads(state.open_calls))


def _leading_reads(calls: Sequence[RecordedCall]) -> tuple[ToolCall, ...]:
    reads: list[ToolCall] = []
    for one in calls:
        if one.kind not in (CallKind.READ, CallKind.UNKNOWN):
            break
        reads.append(one.call)
    return tuple(reads)


def _hand_over(call: ToolCall) -> Escalate:
    """The model wants a person. Bad arguments are no reason to withhold one."""
    try:
        asked = json.loads(call.arguments).get("reason") == EscalationReason.ASKED_FOR
    except (ValueError, AttributeError):
        asked = False
    reason = EscalationReason.ASKED_FOR if asked else EscalationReason.BEYOND_SCOPE
    return Escalate(reason, call.arguments)


def _word_step(state: TurnState) -> Step:
    if state.model_failed:
        return _after_model_failure(state)
    if state.needs_model:
        return CallModel()
    if state.draft:
        return Send(state.draft)
    if state.told or not state.asked_anything:
        return Finish()
    return _after_model_failure(state)


def _after_model_failure(state: TurnState) -> Step:
    if state.told and not state.asked_anything:
        return Finish()  # the receipt alone stands
    return Escalate(
        EscalationReason.MODEL_FAILURE,
        "The agent's model gave no usable answer. Answer by hand.",
        apology=True,
    )
