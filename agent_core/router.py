"""Decides, purely, whose a delivery is and what follows from it. No I/O, no clock, no model.

The situation holds everything that was read in the intake transaction; the decision is a value
that `intake` carries out in the same transaction by compare-and-set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent_core.bare_words import BareWord, bare_word
from agent_core.cards import approvers_text
from agent_core.conversation import Audience, Conversation, ConversationStatus, RoomMode
from agent_core.escalations import Escalation
from agent_core.messages import InboundMessage
from agent_core.people import Requester
from agent_core.proposals import Proposal, ProposalStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known when a message arrives."""

    audience: Audience
    mode: RoomMode
    is_support_room: bool
    who: Requester
    is_ours: bool  # one of the vendor's own people, by home tenant or capability
    conversation: Conversation | None
    case: Escalation | None  # open, of this conversation
    case_of_thread: Escalation | None  # where the message stands in a support thread
    open_proposals: Sequence[Proposal] = ()


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


@dataclass(frozen=True, slots=True)
class Confirm:
    """The requester's own yes to this proposal."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Cancel:
    """The requester's no."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Approve:
    """Somebody else's yes, whom policy named."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Decline:
    """Somebody else's no, whom policy named."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Tell:
    """Nothing changes; the sentence says why. In the thread for words, in private for clicks."""

    sentence: str


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
    if situation.is_ours and situation.audience is Audience.SHARED:
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
    if event.mentions_agent and conversation.status is ConversationStatus.WITH_AGENT:
        return WorkForAgent()
    if conversation.status is ConversationStatus.RESOLVED:
        return Listen()
    if conversation.status is ConversationStatus.WITH_SUPPORT:
        return ToSupport(situation.case) if situation.case else Listen()
    return TakeOver()


def _next_message(
    event: InboundMessage, situation: Situation, conversation: Conversation
) -> MessageDecision:
    word = bare_word(event.text)
    if word is not None and (decided := _decided_in_words(word, situation)) is not None:
        return decided
    if conversation.status in (
        ConversationStatus.WAITING_FOR_SUPPORT,
        ConversationStatus.WITH_SUPPORT,
    ):
        return ToSupport(situation.case) if situation.case else Listen()
    if _is_between_people(event) or situation.mode is RoomMode.SILENT:
        return Listen()
    return WorkForAgent()


def _is_between_people(event: InboundMessage) -> bool:
    """The message opens by addressing somebody else by name."""
    return event.text.lstrip().startswith("@") and not event.mentions_agent and not event.direct


def _decided_in_words(word: BareWord, situation: Situation) -> MessageDecision | None:
    """A bare yes or no counts when exactly one open proposal is this person's to decide."""
    who = situation.who
    waiting = [p for p in situation.open_proposals if p.status is not ProposalStatus.DECIDED]
    if not waiting:
        return None
    to_confirm = [p for p in waiting if _is_to_confirm_by(p, who)]
    to_approve = [p for p in waiting if may_approve(p, who)]
    mine = [*to_confirm, *to_approve]
    if len(mine) > 1:
        titles = "; ".join(p.title for p in mine)
        return Tell(
            f"More than one request is open here ({titles}). Please use the buttons on the card."
        )
    if to_confirm:
        return Confirm(mine[0]) if word is BareWord.YES else Cancel(mine[0])
    if to_approve:
        return Approve(mine[0]) if word is BareWord.YES else Decline(mine[0])
    if all(p.requester_key != who.key for p in waiting):
        return Tell(whose_yes(waiting[0], word))
    return None


def _is_to_confirm_by(proposal: Proposal, who: Requester) -> bool:
    return (
        proposal.status is ProposalStatus.AWAITING_CONFIRMATION
        and proposal.requester_key == who.key
    )


def whose_yes(proposal: Proposal, word: BareWord = BareWord.YES) -> str:
    """The sentence for somebody whose yes or no does not count."""
    if proposal.status is ProposalStatus.AWAITING_APPROVAL:
        return f"“{proposal.title}” waits for {_approvers(proposal)}."
    return f"Only {proposal.requester_name} can say {word} to “{proposal.title}”."


def whose_no(proposal: Proposal) -> str:
    """The sentence for somebody who presses Cancel on another person's request."""
    return f"Only {proposal.requester_name} can cancel “{proposal.title}”."


def _approvers(proposal: Proposal) -> str:
    return approvers_text(proposal.approval) if proposal.approval else "somebody else"


def may_approve(proposal: Proposal, who: Requester) -> bool:
    """Whether this person's yes is the approval. Nobody approves their own request."""
    need = proposal.approval
    if proposal.status is not ProposalStatus.AWAITING_APPROVAL or need is None:
        return False
    if who.person is None or who.key == proposal.requester_key:
        return False
    return who.role_in(proposal.account_id) in need.roles or bool(
        who.capabilities & need.capabilities
    )


# --- buttons on a proposal's card --------------------------------------------------------------


def route_confirmation(
    proposal: Proposal, who: Requester, *, yes: bool, now: datetime
) -> Confirm | Cancel | Tell:
    """The requester presses Confirm or Cancel; anybody else is told why it does not count."""
    if not yes and proposal.status is ProposalStatus.AWAITING_APPROVAL:
        return Cancel(proposal) if proposal.requester_key == who.key else Tell(whose_no(proposal))
    if proposal.status is not ProposalStatus.AWAITING_CONFIRMATION:
        return Tell(how_it_stands(proposal))
    if proposal.requester_key != who.key:
        return Tell(whose_yes(proposal))
    if yes and proposal.expires_at <= now:
        return Tell("This request has expired. Please ask again, so that the figures are current.")
    return Confirm(proposal) if yes else Cancel(proposal)


def route_approval(
    proposal: Proposal, who: Requester, *, yes: bool, now: datetime
) -> Approve | Decline | Tell:
    """An approver presses Approve or Decline; anybody else is told why it does not count."""
    if proposal.status is not ProposalStatus.AWAITING_APPROVAL:
        return Tell(how_it_stands(proposal))
    if who.key == proposal.requester_key:
        return Tell("Nobody can approve their own request.")
    if not may_approve(proposal, who):
        return Tell(f"This needs a yes from {_approvers(proposal)}.")
    if yes and proposal.expires_at <= now:
        return Tell("This request has expired. It has to be asked again.")
    return Approve(proposal) if yes else Decline(proposal)


def how_it_stands(proposal: Proposal) -> str:
    """A sentence for a click on a card whose matter is settled, or not yet this far."""
    by = f" by {proposal.approver_name}" if proposal.approver_name else ""
    return {
        ProposalStatus.AWAITING_CONFIRMATION: f"{proposal.requester_name} has not confirmed yet.",
        ProposalStatus.AWAITING_APPROVAL: (
            f"It is confirmed, and waits for {_approvers(proposal)}."
        ),
        ProposalStatus.DECIDED: "It is decided already, and about to be done.",
        ProposalStatus.CONSUMED: "It was decided already; the receipt says how it went.",
        ProposalStatus.CANCELLED: "It was cancelled, so nothing will be done.",
        ProposalStatus.DECLINED: f"It was declined{by}, so nothing will be done.",
        ProposalStatus.EXPIRED: "It has expired, so nothing will be done. Please ask again.",
    }[proposal.status]
