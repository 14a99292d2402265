"""Support for an embedded agent: cases become calls of the product's own functions.

A case is a row; telling people of it is an engine entry in the same transaction, so a callback
follows every case that is committed, and is tried again until it returns.
"""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Final

from agent_core import notices
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_case
from agent_core.blocks import Text
from agent_core.conversation import (
    Conversation,
    ConversationStatus,
    Speaker,
    TranscriptEntry,
)
from agent_core.decisions import Decisions
from agent_core.embedded.room import identity_of, support_room_of
from agent_core.escalations import (
    Escalation,
    EscalationId,
    EscalationReason,
    EscalationStatus,
    Priority,
)
from agent_core.messages import (
    Author,
    ButtonPressed,
    DestinationId,
    FormSubmitted,
    InboundMessage,
    OutboundMessage,
    OutgoingId,
    ReplyAddress,
)
from agent_core.outgoing import Destination, OutgoingRow
from agent_core.people import Capability, PersonId, Requester
from agent_core.ports import (
    Answer,
    Clock,
    Engine,
    EngineKind,
    Ids,
    Outbox,
    UnitOfWork,
)
from agent_core.proposals import Proposal

log = logging.getLogger(__name__)

HAND_OVER: Final = "hand-over:"
APPROVAL: Final = "approval:"
ASKED_LENGTH: Final = 500
TRANSCRIPT: Final = 200  # entries of a brief, the newest


class EmbeddedDesk:
    """The SupportDesk port, and what support people do through the product."""

    def __init__(self, *, outbox: Outbox, engine: Engine, ids: Ids, clock: Clock) -> None:
        self._outbox = outbox
        self._engine = engine
        self._ids = ids
        self._clock = clock

    def open(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        *,
        reason: EscalationReason,
        asked: str,
        asked_by: Requester,
        suggestion: str,
        at: datetime,
        priority: Priority = Priority.NORMAL,
        quiet: bool = False,
    ) -> Escalation:
        """Opens a case or returns the open one; see the port. `quiet`: somebody has answered."""
        existing = tx.escalations.open_in(conversation.id)
        if existing is not None:
            self._call(tx, existing, self._ids.new("news"))
            return existing
        case_id = EscalationId(self._ids.new("case"))
        case = Escalation(
            id=case_id,
            number=tx.escalations.next_number(),
            conversation_id=conversation.id,
            account_id=conversation.account,
            reason=reason,
            priority=priority,
            status=EscalationStatus.WAITING,
            asked=asked[:ASKED_LENGTH],
            asked_by=asked_by.name,
            asker=asked_by.identity,
            suggestion=suggestion,
            destination=DestinationId(f"case:{case_id}"),
            opened_at=at,
        )
        tx.escalations.add(case)
        note_case(tx, case, AuditKind.ESCALATED, at)
        address = ReplyAddress(room=support_room_of(case_id), thread_id=None)
        tx.outgoing.put_destination(
            Destination(id=case.destination, address=address, opens_thread=False)
        )
        if conversation.status is not ConversationStatus.WAITING_FOR_SUPPORT:
            moved = conversation.moved(ConversationStatus.WAITING_FOR_SUPPORT)
            tx.conversations.save(moved, expected_epoch=conversation.epoch)
        self._call(tx, case, "opened")
        if not quiet:
            sentence = f"A person from the support team takes over here ({case.label})."
            self._say(tx, conversation, f"case:{case.id}:opened", sentence, at)
        return case

    def relay(self, tx: UnitOfWork, escalation: Escalation, entry: TranscriptEntry) -> None:
        """Support is called again: the brief then holds these words too."""
        if entry.speaker is not Speaker.SUPPORT:
            changed = entry.edited_at or entry.deleted_at
            version = f":{changed.isoformat()}" if changed else ""
            self._call(tx, escalation, f"{entry.seq}{version}")

    def ask_approval(self, tx: UnitOfWork, proposal: Proposal, conversation: Conversation) -> None:
        """The product hears that one of the vendor's approvers is asked."""
        self._engine.submit(
            tx, kind=EngineKind.TIMER, key=str(proposal.id), ref=f"{APPROVAL}{proposal.id}"
        )

    def chase_approval(
        self,
        tx: UnitOfWork,
        proposal: Proposal,
        *,
        whom: frozenset[Capability],
        text: str,
        mark: str,
    ) -> None:
        """The product hears of it once more."""
        self._engine.submit(
            tx, kind=EngineKind.TIMER, key=str(proposal.id), ref=f"{APPROVAL}{proposal.id}:{mark}"
        )

    def proposal_changed(self, tx: UnitOfWork, proposal: Proposal) -> None:
        """Nothing is drawn for support here: a proposal is read as it stands."""

    def undeliverable(self, tx: UnitOfWork, row: OutgoingRow, reason: str) -> None:
        """A message that could not be posted: support is told, in the same transaction."""
        conversation = tx.conversations.get(row.conversation_id) if row.conversation_id else None
        if conversation is None:
            return
        said = tx.transcript.last(conversation.id, TRANSCRIPT)
        last = next((one for one in reversed(said) if one.identity is not None), None)
        nobody = identity_of(PersonId("-"))
        self.open(
            tx,
            conversation,
            reason=EscalationReason.DELIVERY_FAILURE,
            priority=Priority.HIGH,
            asked=last.text if last else row.message.fallback,
            asked_by=Requester(
                identity=(last.identity if last else None) or nobody,
                name=last.name if last else "the customer",
                person=None,
            ),
            suggestion=f"This could not be posted ({reason}); tell them another way: "
            f"{row.message.fallback[:1000]}",
            at=self._clock.now(),
            quiet=True,
        )

    # --- what support people do -------------------------------------------------------------

    def own(
        self, tx: UnitOfWork, case: Escalation, who: Requester, decisions: Decisions
    ) -> Escalation:
        """The case and the conversation become this person's; open confirmations end."""
        now = self._clock.now()
        person = PersonId(who.key)
        if case.claimed_by == person:
            return case
        claimed = replace(
            case,
            status=EscalationStatus.CLAIMED,
            claimed_by=person,
            claimed_by_name=who.name,
            claimed_at=now,
        )
        tx.escalations.save(claimed, expected=case)
        note_case(tx, claimed, AuditKind.CLAIMED, now, who=who)
        conversation = tx.conversations.get(case.conversation_id)
        if conversation is not None:
            owned = conversation.moved(ConversationStatus.WITH_SUPPORT, to=person)
            tx.conversations.save(owned, expected_epoch=conversation.epoch)
            decisions.close_unconfirmed(tx, owned, now)
        return claimed

    def answer(self, tx: UnitOfWork, conversation: Conversation, who: Requester, text: str) -> None:
        """A support person's words to the customer, under their own name."""
        now = self._clock.now()
        self._remember(tx, conversation, Speaker.SUPPORT, who, text, now)
        message = OutboundMessage(
            blocks=(Text(markdown=text),),
            fallback=text,
            author=Author.PERSON,
            author_name=who.name,
        )
        self._post(tx, conversation, f"answer:{self._ids.new('answer')}", message, now)
        case = tx.escalations.open_in(conversation.id)
        if case is not None:
            note_case(tx, case, AuditKind.REPLIED, now, who=who)

    def hand_back(self, tx: UnitOfWork, conversation: Conversation, case: Escalation) -> None:
        """The case is closed, and the agent answers again."""
        now = self._clock.now()
        closed = replace(case, status=EscalationStatus.HANDED_BACK, closed_at=now)
        tx.escalations.save(closed, expected=case)
        note_case(tx, closed, AuditKind.HANDED_BACK, now)
        moved = conversation.moved(ConversationStatus.WITH_AGENT)
        tx.conversations.save(moved, expected_epoch=conversation.epoch)
        sentence = f"The AI agent is back ({case.label} is closed). Write here to go on."
        self._say(tx, moved, f"case:{case.id}:handed-back", sentence, now)

    # --- inner ------------------------------------------------------------------------------

    def _call(self, tx: UnitOfWork, case: Escalation, what: str) -> None:
        ref = f"{HAND_OVER}{case.id}:{what}"
        self._engine.submit(tx, kind=EngineKind.TIMER, key=str(case.id), ref=ref)

    def _say(
        self, tx: UnitOfWork, conversation: Conversation, row_id: str, sentence: str, at: datetime
    ) -> None:
        self._remember(tx, conversation, Speaker.CODE, None, sentence, at)
        self._post(tx, conversation, row_id, notices.notice(sentence), at)

    def _remember(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        speaker: Speaker,
        who: Requester | None,
        text: str,
        at: datetime,
    ) -> None:
        entry = TranscriptEntry(
            conversation_id=conversation.id,
            speaker=speaker,
            name=who.name if who else "Handrail",
            text=text,
            at=at,
            identity=who.identity if who else None,
        )
        tx.transcript.append(entry)

    def _post(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        row_id: str,
        message: OutboundMessage,
        at: datetime,
    ) -> None:
        row = OutgoingRow(
            id=OutgoingId(row_id),
            destination=conversation.destination,
            message=message,
            created_at=at,
            conversation_id=conversation.id,
        )
        self._outbox.queue(tx, row)


class EmbeddedCommands:
    """The SupportCommands port: there is no support room, so only a take-over can happen."""

    def __init__(self, desk: EmbeddedDesk, decisions: Decisions) -> None:
        self._desk = desk
        self._decisions = decisions

    def take_over(
        self, tx: UnitOfWork, conversation: Conversation, who: Requester, entry: TranscriptEntry
    ) -> Escalation:
        """One of the vendor's own people wrote in a shared conversation: it is theirs."""
        case = tx.escalations.open_in(conversation.id) or self._desk.open(
            tx,
            conversation,
            reason=EscalationReason.TAKEN_OVER,
            asked=f"{who.name} answered in the conversation.",
            asked_by=who,
            suggestion=f"{who.name} has this conversation. Hand it back when it is done.",
            at=entry.at,
            quiet=True,
        )
        return self._desk.own(tx, case, who, self._decisions)

    def press(self, tx: UnitOfWork, event: ButtonPressed, who: Requester) -> Answer:
        return Answer(notice="Cases are handled by the product itself here.")

    def submit(self, tx: UnitOfWork, event: FormSubmitted, who: Requester) -> Answer:
        return Answer(notice="Cases are handled by the product itself here.")

    def remark(
        self, tx: UnitOfWork, escalation: Escalation, event: InboundMessage, who: Requester
    ) -> None:
        raise ValueError("an embedded agent has no support rooms")
