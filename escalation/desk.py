"""Opens cases, keeps their support threads up to date, and asks support for approvals."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent_core import cards, notices
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_case
from agent_core.conversation import Conversation, ConversationStatus, Speaker, TranscriptEntry
from agent_core.disclosure import disclosed
from agent_core.escalations import (
    Escalation,
    EscalationId,
    EscalationReason,
    EscalationStatus,
    Priority,
)
from agent_core.messages import (
    DestinationId,
    OutboundMessage,
    OutgoingId,
    Platform,
    PlatformIdentity,
    ReplyAddress,
    RoomRef,
)
from agent_core.outgoing import APPROVAL_CARD, Destination, OutgoingRow
from agent_core.people import Capability, Requester
from agent_core.ports import Clock, Engine, EngineKind, Ids, Outbox, UnitOfWork
from agent_core.proposals import Proposal
from agent_core.telemetry import trace_in_force
from escalation import post

BRIEF = "brief:"
REMIND = "remind:"

ASKED_LENGTH = 500
REMIND_AFTER = (timedelta(minutes=10), timedelta(minutes=30))


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRoom:
    """Where cases go. `delivery` serves until the room itself has told the adapter's own.

    `hours` is the vendor's sentence on when people answer; "" where none is configured.
    """

    room: RoomRef
    delivery: dict[str, str]
    hours: str = ""
    remind_after: Sequence[timedelta] = REMIND_AFTER


class Desk:
    """The SupportDesk port."""

    def __init__(
        self, *, outbox: Outbox, engine: Engine, room: SupportRoom, ids: Ids, clock: Clock
    ) -> None:
        self._outbox = outbox
        self._engine = engine
        self._room = room
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
        """Opens a case or returns the open one. See the port.

        `quiet`: the customer is not told to wait, because a person has answered already.
        """
        existing = tx.escalations.open_in(conversation.id)
        if existing is not None:
            line = post.another_reason(reason, asked[:ASKED_LENGTH], asked_by.name, suggestion)
            return self._add(tx, existing, line, priority, at)
        case = Escalation(
            id=EscalationId(self._ids.new("case")),
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
            destination=DestinationId("pending"),
            opened_at=at,
            trace=trace_in_force(),
        )
        case = replace(case, destination=DestinationId(f"case:{case.id}"))
        tx.escalations.add(case)
        note_case(tx, case, AuditKind.ESCALATED, at)
        tx.outgoing.put_destination(self.thread_in_support_room(tx, case.destination))
        if conversation.status is not ConversationStatus.WAITING_FOR_SUPPORT:
            moved = conversation.moved(ConversationStatus.WAITING_FOR_SUPPORT)
            tx.conversations.save(moved, expected_epoch=conversation.epoch)
        self.brief_soon(tx, case)
        self._remind_later(tx, case, at)
        if not quiet:
            sentence = post.customer_notice(case, self._room.hours)
            reader = asked_by.identity
            self.tell_customer(tx, case, "opened", sentence, at, relayed=False, reader=reader)
        return case

    def _add(
        self, tx: UnitOfWork, case: Escalation, line: str, priority: Priority, at: datetime
    ) -> Escalation:
        """One more reason for an open case: seen by whoever has it, and never lost.

        What is said twice is posted once. A case only becomes more pressing.
        """
        mark = hashlib.sha256(line.encode()).hexdigest()[:16]
        ranks = list(Priority)
        raised = ranks.index(priority) > ranks.index(case.priority)
        known = replace(case, priority=priority) if raised else case
        if case.card is None and line not in case.suggestion:  # the brief will tell it
            known = replace(known, suggestion=f"{case.suggestion}\n{line}")
        if known != case:
            tx.escalations.save(known, expected=case)
        if case.card is not None:
            message = notices.notice(line)
            if raised:
                people = tx.people.with_capability(Capability.SUPPORT)
                message = post.calling(people, self.platform, "this is urgent now:", message)
                self.redraw(tx, known, at)
            self.post(tx, case.destination, f"case:{case.id}:again:{mark}", message, at)
        return known

    @property
    def platform(self) -> Platform:
        """Where support people are."""
        return self._room.room.platform

    def relay(self, tx: UnitOfWork, escalation: Escalation, entry: TranscriptEntry) -> None:
        """Shows words of the customer's thread in the support thread, once for each version.

        Before the brief is out there is nothing to add to: it will hold these words itself.
        """
        if escalation.card is None:
            self.brief_soon(tx, escalation, again=f":{entry.seq}")  # should it have been lost
            return
        version = ""
        if entry.deleted_at is not None:
            version = ":deleted"
        elif entry.edited_at is not None:
            version = f":edited:{entry.edited_at.isoformat()}"
        self.post(
            tx,
            escalation.destination,
            f"relay:{escalation.id}:{entry.seq}{version}",
            post.relayed(entry),
            entry.edited_at or entry.at,
        )

    def ask_approval(self, tx: UnitOfWork, proposal: Proposal, conversation: Conversation) -> None:
        """Posts the approval card in the support room, in a thread of its own."""
        destination = DestinationId(f"approval:{proposal.id}")
        tx.outgoing.put_destination(self.thread_in_support_room(tx, destination))
        need = proposal.approval
        people = [
            person
            for capability in sorted(need.capabilities if need else ())
            for person in tx.people.with_capability(capability)
        ]
        card = cards.approval_card(
            proposal,
            proposal.account_name,
            post.asked_where(conversation, tx.rooms.get(conversation.room)),
            exact=True,
        )
        called = post.calling(people, self.platform, "please decide:", card)
        self.post(tx, destination, _approval_row(proposal), called, self._clock.now())

    def chase_approval(
        self,
        tx: UnitOfWork,
        proposal: Proposal,
        *,
        whom: frozenset[Capability],
        text: str,
        mark: str,
    ) -> None:
        """Calls people below the approval card; in a thread of its own where there is none."""
        destination = DestinationId(f"approval:{proposal.id}")
        if tx.outgoing.destination(destination) is None:
            tx.outgoing.put_destination(self.thread_in_support_room(tx, destination))
        people = [one for each in sorted(whom) for one in tx.people.with_capability(each)]
        account = proposal.account_name or proposal.account_id
        line = notices.notice(f"“{proposal.title}” for {account}, by {proposal.requester_name}.")
        called = post.calling(people, self.platform, text, line)
        self.post(tx, destination, f"{_approval_row(proposal)}:{mark}", called, self._clock.now())

    def proposal_changed(self, tx: UnitOfWork, proposal: Proposal) -> None:
        """Redraws the approval card, if support has one."""
        original = OutgoingId(_approval_row(proposal))
        posted = tx.outgoing.get(original)
        if posted is None:
            return
        self.post(
            tx,
            posted.destination,
            f"{original}:{proposal.mark}",
            cards.approval_card(proposal, proposal.account_name, exact=True),
            self._clock.now(),
            updates=original,
        )

    # --- for the other files of this folder -------------------------------------------------

    def thread_in_support_room(self, tx: UnitOfWork, destination: DestinationId) -> Destination:
        """A thread that its first post will open in the support room."""
        known = tx.outgoing.destination(DestinationId(f"room:{self._room.room}"))
        delivery = known.address.delivery if known else self._room.delivery
        address = ReplyAddress(room=self._room.room, thread_id=None, delivery=delivery)
        return Destination(id=destination, address=address, opens_thread=True)

    def brief_soon(self, tx: UnitOfWork, case: Escalation, again: str = "") -> None:
        """The brief needs the account system, so it is made outside this transaction."""
        ref = f"{BRIEF}{case.id}{again}"
        self._engine.submit(tx, kind=EngineKind.TIMER, key=str(case.id), ref=ref)

    def tell_customer(
        self,
        tx: UnitOfWork,
        case: Escalation,
        what: str,
        sentence: str,
        at: datetime,
        *,
        relayed: bool = True,
        reader: PlatformIdentity | None = None,
    ) -> None:
        """A sentence by code in the customer's thread, kept in the transcript.

        `reader`: to whom it answers, and who must know by now that this is an AI.
        """
        conversation = tx.conversations.get(case.conversation_id)
        if conversation is None:
            return
        entry = TranscriptEntry(
            conversation_id=conversation.id,
            speaker=Speaker.CODE,
            name="Handrail",
            text=notices.without_emphasis(sentence),
            at=at,
            told=reader,
        )
        entry = replace(entry, seq=tx.transcript.append(entry))
        message = notices.notice(sentence)
        row = OutgoingRow(
            id=OutgoingId(f"case:{case.id}:{what}"),
            destination=conversation.destination,
            message=disclosed(tx, message, reader, at) if reader else message,
            created_at=at,
            conversation_id=conversation.id,
        )
        self._outbox.queue(tx, row)
        if relayed:
            self.relay(tx, case, entry)

    def redraw(self, tx: UnitOfWork, case: Escalation, at: datetime) -> None:
        """The case's card shows who has it now."""
        if case.card is None:
            return
        self.post(
            tx,
            case.destination,
            f"{case.card}:{self._ids.new('drawn')}",
            post.card(case, post.remembered_lines(tx.outgoing.get(case.card))),
            at,
            updates=case.card,
        )

    def post(
        self,
        tx: UnitOfWork,
        destination: DestinationId,
        row_id: str,
        message: OutboundMessage,
        at: datetime,
        updates: OutgoingId | None = None,
    ) -> None:
        """One row on its way inside the support room."""
        self._outbox.queue(
            tx,
            OutgoingRow(
                id=OutgoingId(row_id),
                destination=destination,
                message=message,
                created_at=at,
                updates=updates,
            ),
        )

    def _remind_later(self, tx: UnitOfWork, case: Escalation, at: datetime) -> None:
        for number, pause in enumerate(self._room.remind_after, start=1):
            ref = remind_ref(case, number)
            self._engine.submit(tx, kind=EngineKind.TIMER, key=str(case.id), ref=ref, at=at + pause)


def remind_ref(case: Escalation, number: int) -> str:
    """The name of a case's n-th reminder."""
    return f"{REMIND}{case.id}:{number}"


def reminder_row(case: Escalation, number: int | str) -> OutgoingId:
    """The post of a case's n-th reminder; it is there once the reminder has fired."""
    return OutgoingId(f"case:{case.id}:remind:{number}")


def _approval_row(proposal: Proposal) -> str:
    return f"{APPROVAL_CARD}{proposal.id}"
