"""Carries out what the router decided about somebody's words."""

import logging
from dataclasses import replace
from datetime import datetime

from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    ConversationStatus,
    TranscriptEntry,
)
from agent_core.decisions import Decisions
from agent_core.different import Houses, why_not_different
from agent_core.directory import spoken_by
from agent_core.escalations import EscalationReason
from agent_core.fair_turns import Shares
from agent_core.intake_replies import IntakeReplies
from agent_core.journal import InboxKind, InboxStatus
from agent_core.messages import (
    DestinationId,
    InboundMessage,
    MessageDeleted,
    MessageEdited,
)
from agent_core.outgoing import Destination
from agent_core.overload import Overload
from agent_core.people import AccountId
from agent_core.ports import Engine, Ids, Outbox, SupportCommands, SupportDesk, UnitOfWork
from agent_core.router import (
    CallSupport,
    Ignore,
    MessageDecision,
    Remark,
    Situation,
    TakeOver,
    ToSupport,
    WorkForAgent,
)
from agent_core.wake import wake
from agent_core.yeses import Approve, Cancel, Confirm, Decline, Tell

log = logging.getLogger(__name__)

ASKED_LENGTH = 500
_FILE = "[attached file: "


class MessageIntake:
    """What follows from a message, an edit or a deletion."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        engine: Engine,
        desk: SupportDesk,
        commands: SupportCommands,
        decisions: Decisions,
        ids: Ids,
        overload: Overload | None = None,
        houses: Houses | None = None,
        shares: Shares | None = None,
    ) -> None:
        self.replies = IntakeReplies(outbox)
        self._engine = engine
        self._desk = desk
        self._commands = commands
        self._decisions = decisions
        self._ids = ids
        self._overload = overload
        self._houses = houses or Houses()
        self._shares = shares

    def is_worth_taking(self, decision: MessageDecision) -> bool:
        """A message that is not for us leaves no trace: its twin may still be."""
        if isinstance(decision, Ignore):
            log.debug("message ignored", extra={"why": decision.why})
            return False
        return True

    def begin(
        self,
        tx: UnitOfWork,
        event: InboundMessage,
        *,
        audience: Audience,
        account_id: AccountId | None,
        now: datetime,
    ) -> Conversation:
        """A new conversation for the message's thread."""
        conversation = Conversation(
            id=ConversationId(self._ids.new("conv")),
            room=event.message.room,
            destination=DestinationId(f"thread:{event.thread}"),
            audience=audience,
            account_id=account_id,
            status=ConversationStatus.WITH_AGENT,
            epoch=1,
            opened_at=now,
        )
        tx.conversations.add(conversation, event.thread)
        tx.outgoing.put_destination(
            Destination(id=conversation.destination, address=event.reply_to, opens_thread=False)
        )
        return conversation

    def carry_out(
        self,
        tx: UnitOfWork,
        event: InboundMessage,
        situation: Situation,
        decision: MessageDecision,
        conversation: Conversation | None,
        now: datetime,
    ) -> None:
        """Writes the words down, and does what was decided."""
        if isinstance(decision, Remark):
            self._commands.remark(tx, decision.case, event, situation.who)
            return
        if conversation is None:
            raise ValueError("only a remark has no conversation")
        entry = self._write_down(tx, event, situation, conversation)
        match decision:
            case WorkForAgent():
                self._to_agent(tx, event, situation, conversation, entry, now)
            case CallSupport():
                self.call_support(tx, conversation, entry.text, situation, now)
            case ToSupport(case=case):
                self._desk.relay(tx, case, entry)
                self.replies.added_to_case(tx, situation, conversation, case, now)
            case TakeOver():
                self._commands.take_over(tx, conversation, situation.who, entry)
            case Confirm(proposal=proposal):
                self._decisions.confirm(tx, proposal, now)
            case Cancel(proposal=proposal):
                self._decisions.cancel(tx, proposal, now)
                self._decisions.tell(tx, proposal, "Cancelled. Nothing was changed.", now)
            case Approve(proposal=proposal):
                problem = why_not_different(tx, self._houses, proposal, situation.who)
                if problem is not None:
                    self.replies.tell(tx, event, conversation, problem, now)
                else:
                    self._decisions.approve(tx, proposal, situation.who, now)
            case Decline(proposal=proposal):
                self._decisions.decline(tx, proposal, situation.who, now)
            case Tell(sentence=sentence):
                self.replies.tell(tx, event, conversation, sentence, now)

    def call_support(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        asked: str,
        situation: Situation,
        now: datetime,
    ) -> None:
        """A case, without asking the model first."""
        self._desk.open(
            tx,
            conversation,
            reason=EscalationReason.ASKED_FOR,
            asked=asked[:ASKED_LENGTH],
            asked_by=situation.who,
            suggestion="Ask what they need; the AI agent has not worked on this.",
            at=now,
        )

    def edited(self, tx: UnitOfWork, event: MessageEdited) -> None:
        """The transcript shows the new words; support sees that they changed."""
        entry = tx.transcript.of_message(event.message)
        if entry is None or entry.deleted_at is not None:
            return
        text = "\n".join([event.text, *_file_lines(entry.text)]).strip()
        if entry.text == text:
            return
        tx.transcript.edit(event.message, text, event.edited_at)
        case = tx.escalations.open_in(entry.conversation_id)
        if case is not None:
            self._desk.relay(tx, case, replace(entry, text=text, edited_at=event.edited_at))

    def deleted(self, tx: UnitOfWork, event: MessageDeleted) -> None:
        """What was not begun is not begun; support sees that the words are gone."""
        entry = tx.transcript.of_message(event.message)
        if entry is None or entry.deleted_at is not None:
            return
        tx.transcript.delete(event.message, event.deleted_at)
        untouched = [
            row.seq
            for row in tx.inbox.new_rows(entry.conversation_id)
            if row.transcript_seq == entry.seq and row.status is InboxStatus.NEW
        ]
        if untouched:
            tx.inbox.finish(untouched)
        case = tx.escalations.open_in(entry.conversation_id)
        if case is not None:
            self._desk.relay(tx, case, replace(entry, deleted_at=event.deleted_at))

    # --- inner ------------------------------------------------------------------------------

    def _write_down(
        self,
        tx: UnitOfWork,
        event: InboundMessage,
        situation: Situation,
        conversation: Conversation,
    ) -> TranscriptEntry:
        entry = TranscriptEntry(
            conversation_id=conversation.id,
            speaker=spoken_by(situation.audience, ours=situation.is_ours),
            name=situation.who.name,
            text=_with_files(event),
            at=event.sent_at,
            identity=event.author.identity,
            message=event.message,
        )
        return replace(entry, seq=tx.transcript.append(entry))

    def _to_agent(
        self,
        tx: UnitOfWork,
        event: InboundMessage,
        situation: Situation,
        conversation: Conversation,
        entry: TranscriptEntry,
        now: datetime,
    ) -> None:
        problem = self._overload.problem(tx, conversation) if self._overload else None
        if problem is not None:
            self._shed(tx, conversation, entry.text, situation, problem, now)
            return
        if conversation.status is ConversationStatus.RESOLVED:
            opened = conversation.moved(ConversationStatus.WITH_AGENT)
            tx.conversations.save(opened, expected_epoch=conversation.epoch)
        if self._overload is not None:
            took = self._overload.took
            tx.after_commit(lambda: took(conversation))
        if self._shares is not None:
            remember = self._shares.remember
            tx.after_commit(lambda: remember(conversation))
        row = tx.inbox.add(
            conversation.id,
            InboxKind.MESSAGE,
            author=event.author,
            author_key=situation.who.key,
            at=now,
            transcript_seq=entry.seq,
        )
        wake(tx, self._engine, row)

    def _shed(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        asked: str,
        situation: Situation,
        problem: str,
        now: datetime,
    ) -> None:
        """People take it instead. What they are told next goes to them: the customer hears once."""
        self._desk.open(
            tx,
            conversation,
            reason=EscalationReason.OVERLOADED,
            asked=asked[:ASKED_LENGTH],
            asked_by=situation.who,
            suggestion=f"{problem} Answer by hand, or hand it back when there is less to do.",
            at=now,
        )


def _with_files(event: InboundMessage) -> str:
    """The words, and a line for each file: the agent cannot open them, people can."""
    lines = [event.text] if event.text else []
    # One line each, whatever a file is called: what follows a line break would be their words.
    named = (" ".join(f"{file.name} ({file.media_type})".split()) for file in event.files)
    lines += [f"{_FILE}{name}]" for name in named]
    return "\n".join(lines)


def _file_lines(text: str) -> list[str]:
    """The lines of files in a stored entry: an edit changes the words alone."""
    return [line for line in text.split("\n") if line.startswith(_FILE)]
