"""Decides, purely, whose a delivery is and what follows from it. No I/O, no clock, no model.

The situation holds everything that was read in the intake transaction; the decision is a value
that `intake` carries out in the same transaction by compare-and-set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent_core.bare_words import BareWord, bare_word
from agent_core.conversation import Audience, Conversation, ConversationStatus, RoomMode
from agent_core.escalations import Escalation
from agent_core.messages import InboundMessage
from agent_core.people import Requester
from agent_core.proposals import Proposal
from agent_core.yeses import Approve, Cancel, Confirm, Decline, Tell, decided_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known when a message arrives.

    `open_proposals` are those whose card people have seen. `customer_took_part`: the thread is a
    customer's, and not one that our own people began among themselves.
    """

    audience: Audience
    mode: RoomMode
    is_support_room: bool
    who: Requester
    is_ours: bool  # one of the vendor's own people, by home tenant or capability
    conversation: Conversation | None
    case: Escalation | None  # open, of this conversation
    case_of_thread: Escalation | None  # where the message stands in a support thread
    now: datetime
    open_proposals: Sequence[Proposal] = ()
    customer_took_part: bool = True


@dataclass(frozen=True, slots=True)
class Ignore:
    """Not for us. `why` is for the log; nothing is stored."""

    why: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Belongs to a conversation, and asks nothing of the agent: kept in the transcript."""


@dataclass(frozen=True, slots=True)
class WorkForAgent:
    """The agent takes a turn; a resolved conversation opens again, a missing one begins."""


@dataclass(frozen=True, slots=True)
class CallSupport:
    """Straight to people: the room's agent is silent, or support was asked for by a button."""


@dataclass(frozen=True, slots=True)
class ToSupport:
    """A person has it, or is awaited: the words appear in the support thread."""

    case: Escalation


@dataclass(frozen=True, slots=True)
class TakeOver:
    """One of our own people answered in the customer's thread: it is theirs from now on."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Typed in a support thread: stays inside."""

    case: Escalation


MessageDecision = (
    Ignore
    | Listen
    | WorkForAgent
    | CallSupport
    | ToSupport
    | TakeOver
    | Remark
    | Confirm
    | Cancel
    | Approve
    | Decline
    | Tell
)


def route_message(event: InboundMessage, situation: Situation) -> MessageDecision:
    """Whose is this message, and what does it decide?"""
    if situation.case_of_thread is not None:
        return Remark(situation.case_of_thread)
    if situation.conversation is None:
        return _first_message(event, situation)
    ours = situation.is_ours and situation.audience is Audience.SHARED
    if ours and situation.customer_took_part:
        return _colleague_in_customers_thread(event, situation, situation.conversation)
    return _next_message(event, situation, situation.conversation)


def _first_message(event: InboundMessage, situation: Situation) -> MessageDecision:
    addressed = event.mentions_agent or event.direct
    if situation.is_support_room and not addressed:
        return Ignore("talk in the support room")
    if situation.mode is RoomMode.SILENT:
        return CallSupport() if addressed and not situation.is_ours else Ignore("room is silent")
    if addressed:
        return WorkForAgent()
    starts_thread = event.thread.thread_id in ("", event.message.message_id)
    if situation.mode is RoomMode.ALWAYS and starts_thread and not situation.is_ours:
        return WorkForAgent()
    return Ignore("not addressed to the agent")


def _colleague_in_customers_thread(
    event: InboundMessage, situation: Situation, conversation: Conversation
) -> MessageDecision:
    nobodys = (ConversationStatus.WITH_AGENT, ConversationStatus.RESOLVED)
    if event.mentions_agent and conversation.status in nobodys:
        return WorkForAgent()
    if conversation.status is ConversationStatus.RESOLVED:
        return Listen()
    if conversation.status is ConversationStatus.WITH_SUPPORT and situation.case:
        return ToSupport(situation.case)
    return TakeOver()


def _next_message(
    event: InboundMessage, situation: Situation, conversation: Conversation
) -> MessageDecision:
    with_people = conversation.status is ConversationStatus.WITH_SUPPORT
    word = None if with_people else bare_word(event.text)  # a yes to a person is for that person
    if word is not None and (decided := _in_words(word, event, situation)) is not None:
        return decided
    if with_people or conversation.status is ConversationStatus.WAITING_FOR_SUPPORT:
        return ToSupport(situation.case) if situation.case else CallSupport()
    if situation.mode is RoomMode.SILENT:
        return _in_silent_room(event, situation, conversation)
    if _is_between_people(event):
        return Listen()
    return WorkForAgent()


def _in_silent_room(
    event: InboundMessage, situation: Situation, conversation: Conversation
) -> MessageDecision:
    """The agent says nothing here, so whoever was told to write on is heard by people."""
    addressed = event.mentions_agent or event.direct
    told_to_write_on = conversation.epoch > 1 and not _is_between_people(event)
    if situation.is_ours or not (addressed or told_to_write_on):
        return Listen()
    return CallSupport()


def _is_between_people(event: InboundMessage) -> bool:
    """The message opens by addressing somebody else by name."""
    return event.text.lstrip().startswith("@") and not event.mentions_agent and not event.direct


def _in_words(
    word: BareWord, event: InboundMessage, situation: Situation
) -> Confirm | Cancel | Approve | Decline | Tell | None:
    return decided_in_words(
        word, event.text, situation.open_proposals, situation.who, situation.now
    )
