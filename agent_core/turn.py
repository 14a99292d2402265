"""One turn as a pure stepper: journal entries in, the next step out. No I/O and no clock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agent_core.escalations import EscalationReason
from agent_core.journal import JournalEntry
from agent_core.limits import Limits
from agent_core.proposals import ProposalId
from agent_core.tooling import ToolCall
from agent_core.turn_state import CallKind, Draft, RecordedCall, TurnState, UndoWish, state_of

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
    """Validate, authorise and preview one action; what needs a card is drafted."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class Present:
    """Show what was considered: one card for one action, one plan for several."""

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Preview and judge the undoing of an effect; then propose, run or refuse it."""

    wish: UndoWish


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
    """A person takes over. `apology`: say sorry by code, as no answer will come.

    `because`: what the customer is told of the reason; "" where there is nothing to tell.
    """

    reason: EscalationReason
    suggestion: str
    apology: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""


Step = (
    CallModel
    | RunReads
    | Consider
    | Present
    | TakeBack
    | ChooseAccount
    | Execute
    | Tell
    | Send
    | Escalate
    | Finish
)


# --- the next step ----------------------------------------------------------------------------


def next_step(entries: Sequence[JournalEntry], limits: Limits) -> Step:
    """What to do now. The same journal gives the same step."""
    state = state_of(entries)
    if state.decisions:  # also once a person was called: what has its yes is done, or told why not
        return Execute(state.decisions[0])
    if state.undos:
        return TakeBack(state.undos[0])
    if state.ended:
        return Finish()
    if state.silent:
        return Finish()
    if state.refusals:
        return Tell(state.refusals[0])
    step = _limit_reached(state, limits) or _call_step(state) or _word_step(state)
    if state.drafts and isinstance(step, Send | Escalate | Finish | ChooseAccount):
        return Present(tuple(state.drafts))  # nothing more can join the card from here on
    return step


def _limit_reached(state: TurnState, limits: Limits) -> Step | None:
    if state.unavailable:  # to ask on would only hear the same again
        return Escalate(
            EscalationReason.TOOL_FAILURE,
            f"{state.unavailable} Answer by hand, or hand it back once the system is up.",
            apology=True,
            because="I cannot look into your account at the moment.",
        )
    if state.failures >= limits.tool_failures:
        return Escalate(
            EscalationReason.REPEATED_FAILURE,
            f"The agent's tools failed {state.failures} times. Do it by hand.",
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
    if state.draft and state.failed and not state.found and not state.told:
        return Escalate(
            EscalationReason.TOOL_FAILURE,
            f"{state.failed} The agent found nothing out. It would have said: {state.draft[:500]}",
            apology=True,
            because="I could not do that just now.",
        )
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
