"""What keeps the agent out of a conversation for now: a brake, or too many answers in short time.

Whoever wrote is not left alone: the conversation goes to people, with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from agent_core.brakes import holds_conversation
from agent_core.conversation import Conversation, Speaker
from agent_core.directory import requester_of
from agent_core.escalations import EscalationReason
from agent_core.journal import InboxRow
from agent_core.messages import Participant
from agent_core.ports import UnitOfWork
from agent_core.services import Services

ASKED_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why the agent stays out, for the people who take over."""

    reason: EscalationReason
    suggestion: str


def hold_on(tx: UnitOfWork, services: Services, conversation: Conversation) -> Hold | None:
    """What holds the agent back in this conversation at this moment; None: it may work."""
    brake = holds_conversation(tx.brakes.all(), conversation)
    if brake is None:
        return None
    who = f"{brake.set_by[:1].upper()}{brake.set_by[1:]}"
    why = f" ({brake.reason})" if brake.reason else ""
    return Hold(
        reason=EscalationReason.PAUSED,
        suggestion=f"{who} has paused {brake.in_words}{why}, so the AI agent does not "
        "answer here. Answer the customer yourself.",
    )


def budget_used_up(tx: UnitOfWork, services: Services, conversation: Conversation) -> Hold | None:
    """The agent answered too often here in a short time: two machines may be talking."""
    limits = services.limits
    since = services.clock.now() - timedelta(seconds=limits.reply_window_seconds)
    entries = tx.transcript.last(conversation.id, limits.replies * 4)
    answers = sum(entry.speaker is Speaker.AGENT and entry.at >= since for entry in entries)
    if answers < limits.replies:
        return None
    minutes = round(limits.reply_window_seconds / 60)
    return Hold(
        reason=EscalationReason.REPLY_BUDGET,
        suggestion=f"The agent answered {answers} times within {minutes} minutes. Read what it is "
        "about: it may be talking to another machine.",
    )


def give_to_people(
    tx: UnitOfWork,
    services: Services,
    conversation: Conversation,
    hold: Hold,
    author: Participant,
    asked: str,
) -> None:
    """Opens a case: the conversation waits for support from here on."""
    services.desk.open(
        tx,
        conversation,
        reason=hold.reason,
        asked=asked[-ASKED_LENGTH:] or "(nothing was written)",
        asked_by=requester_of(tx, author),
        suggestion=hold.suggestion,
        at=services.clock.now(),
    )


def words_of(tx: UnitOfWork, rows: Sequence[InboxRow]) -> str:
    """What these inbox rows hold, in the words of whoever wrote them."""
    found = (
        tx.transcript.get(row.conversation_id, row.transcript_seq)
        for row in rows
        if row.transcript_seq is not None
    )
    return "\n".join(entry.text for entry in found if entry is not None)
