"""What support people do with a case: claim, reply, hand back, resolve, take over.

Each is decided in the intake transaction by compare-and-set: of two people one gets the case, and
the other is told who has it.
"""

from dataclasses import replace
from datetime import datetime

from agent_core import presses
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
from agent_core.escalations import (
    Escalation,
    EscalationId,
    EscalationReason,
    EscalationStatus,
)
from agent_core.held import held_case
from agent_core.messages import (
    Author,
    ButtonPressed,
    FormSubmitted,
    InboundMessage,
    OutboundMessage,
    OutgoingId,
)
from agent_core.outgoing import OutgoingRow
from agent_core.people import Capability, PersonId, Requester
from agent_core.ports import Answer, Clock, Outbox, UnitOfWork
from escalation import post
from escalation.desk import Desk
from escalation.forms import reply_form

GONE = "This case is no longer known."
REPLY_LENGTH = 3000


class Commands:
    """The SupportCommands port."""

    def __init__(self, *, desk: Desk, outbox: Outbox, decisions: Decisions, clock: Clock) -> None:
        self._desk = desk
        self._outbox = outbox
        self._decisions = decisions
        self._clock = clock

    def press(self, tx: UnitOfWork, event: ButtonPressed, who: Requester) -> Answer:
        """Decides a `case.*` button."""
        case_id, _, rest = event.value.partition("|")
        case = held_case(tx, EscalationId(case_id))
        if case is None:
            return Answer(notice=GONE)
        if (refusal := self._refusal(case, who, event.action)) is not None:
            return Answer(notice=refusal)
        now = self._clock.now()
        match event.action:
            case presses.CLAIM:
                self._claim(tx, case, who, now)
                return Answer()
            case presses.REPLY:
                return Answer(form=reply_form(case))
            case presses.HAND_BACK:
                return self._close(tx, case, who, EscalationStatus.HANDED_BACK, now)
            case presses.RESOLVE:
                return self._close(tx, case, who, EscalationStatus.RESOLVED, now)
            case presses.SEND_TO_CUSTOMER:
                return self._send_remark(tx, case, who, rest, now)
        return Answer(notice=GONE)

    def submit(self, tx: UnitOfWork, event: FormSubmitted, who: Requester) -> Answer:
        """The reply form. What is wrong keeps the form open, with the words still in it."""
        case = held_case(tx, EscalationId(event.value))
        if event.form != presses.REPLY_FORM or case is None:
            return Answer(form_errors={presses.REPLY_TEXT: GONE})
        text = event.inputs.get(presses.REPLY_TEXT, "").strip()
        if not text:
            return Answer(form_errors={presses.REPLY_TEXT: "Write what the customer shall read."})
        if len(text) > REPLY_LENGTH:
            too_long = (
                f"At most {REPLY_LENGTH} characters; these are {len(text)}. Send it in parts."
            )
            return Answer(form_errors={presses.REPLY_TEXT: too_long})
        if (refusal := self._refusal(case, who, presses.REPLY)) is not None:
            return Answer(form_errors={presses.REPLY_TEXT: refusal})
        now = self._clock.now()
        if tx.inbox.take(f"form:{event.submission_id}", now):
            self._reply(tx, case, who, text, f"reply:{event.submission_id}", now)
        return Answer()

    def remark(
        self, tx: UnitOfWork, escalation: Escalation, event: InboundMessage, who: Requester
    ) -> None:
        """Stays inside. The hint holds the words that its button would send."""
        row_id = _hint_id(escalation, event.message.message_id)
        hint = post.remark_hint(
            event.text,
            f"{escalation.id}|{event.message.message_id}",
            to=who.identity,
            refusal=self._refusal(escalation, who, presses.SEND_TO_CUSTOMER) or "",
        )
        self._desk.post(tx, escalation.destination, row_id, hint, event.sent_at)

    def take_over(
        self, tx: UnitOfWork, conversation: Conversation, who: Requester, entry: TranscriptEntry
    ) -> Escalation:
        """A colleague answered in the customer's thread. See the port."""
        now = self._clock.now()
        case = tx.escalations.open_in(conversation.id)
        if case is None:
            case = self._desk.open(
                tx,
                conversation,
                reason=EscalationReason.TAKEN_OVER,
                asked=f"{who.name} answered in the customer's thread.",
                asked_by=who,
                suggestion=f"{who.name} has this conversation. Hand it back when it is done.",
                at=now,
                quiet=True,
            )
        claimed = self._own(tx, case, who, now)
        self._desk.relay(tx, claimed, entry)
        self._say_who_has_it(tx, claimed, who, now)
        self._outbox.queue(
            tx,
            OutgoingRow(
                id=OutgoingId(f"case:{case.id}:taken:{who.key}"),
                destination=conversation.destination,
                message=post.take_over_hint(claimed, who.identity),
                created_at=now,
                conversation_id=conversation.id,
            ),
        )
        return claimed

    def _say_who_has_it(
        self, tx: UnitOfWork, case: Escalation, who: Requester, now: datetime
    ) -> None:
        sentence = (
            f"**{who.name}** has taken this conversation over ({case.label}). The AI agent does "
            "not answer here until they hand it back."
        )
        self._desk.tell_customer(tx, case, f"taken-over:{who.key}", sentence, now, relayed=False)

    # --- who may ----------------------------------------------------------------------------

    def _refusal(self, case: Escalation, who: Requester, action: str) -> str | None:
        """Why this person cannot do this to this case now; None if they can."""
        owns = case.claimed_by is not None and str(case.claimed_by) == who.key
        if not owns and not (who.can(Capability.SUPPORT) or who.can(Capability.LEAD)):
            return post.not_support(who.identity)
        if not case.status.is_open:
            return f"{case.label} is closed: it was {case.status.value.replace('_', ' ')}."
        if case.claimed_by is None or owns:
            return None
        if who.can(Capability.LEAD):
            return None
        return f"{case.claimed_by_name} has {case.label}. A support lead can take it over."

    # --- what happens -----------------------------------------------------------------------

    def _claim(self, tx: UnitOfWork, case: Escalation, who: Requester, now: datetime) -> Escalation:
        """Theirs from now on; from somebody else only where `_refusal` let a lead through."""
        if str(case.claimed_by) == who.key:
            return case
        claimed = self._own(tx, case, who, now)
        joined = (
            f"has taken this over from {case.claimed_by_name}" if case.claimed_by else "has joined"
        )
        sentence = f"**{who.name}** from the support team {joined} ({case.label})."
        what = f"claimed:{who.key}:{now.isoformat()}"
        self._desk.tell_customer(tx, claimed, what, sentence, now, relayed=False)
        if claimed.card is not None:
            # Calling them makes them follow the thread: what the customer writes reaches them.
            line = post.message(post.is_yours(claimed, case.claimed_by_name))
            row_id = f"case:{case.id}:{what}:line"
            owner = (who.person,) if who.person else ()
            called = post.calling(owner, self._desk.platform, "it is yours:", line)
            self._desk.post(tx, case.destination, row_id, called, now)
        return claimed

    def _own(self, tx: UnitOfWork, case: Escalation, who: Requester, now: datetime) -> Escalation:
        """The case and the conversation become this person's; open confirmations end."""
        claimed = replace(
            case,
            status=EscalationStatus.CLAIMED,
            claimed_by=PersonId(who.key),
            claimed_by_name=who.name,
            claimed_at=now,
        )
        tx.escalations.save(claimed, expected=case)
        note_case(tx, claimed, AuditKind.CLAIMED, now, who=who)
        conversation = tx.conversations.get(case.conversation_id)
        if conversation is not None:
            owned = conversation.moved(ConversationStatus.WITH_SUPPORT, to=PersonId(who.key))
            tx.conversations.save(owned, expected_epoch=conversation.epoch)
            self._decisions.close_unconfirmed(tx, owned, now)
        self._desk.redraw(tx, claimed, now)
        return claimed

    def _reply(
        self,
        tx: UnitOfWork,
        case: Escalation,
        who: Requester,
        text: str,
        row_id: str,
        now: datetime,
    ) -> None:
        """To the customer, under the person's name; an unclaimed case becomes theirs."""
        owned = self._claim(tx, case, who, now) if case.claimed_by is None else case
        conversation = tx.conversations.get(case.conversation_id)
        if conversation is None:
            return
        entry = TranscriptEntry(
            conversation_id=conversation.id,
            speaker=Speaker.SUPPORT,
            name=who.name,
            text=text,
            at=now,
            identity=who.identity,
        )
        entry = replace(entry, seq=tx.transcript.append(entry))
        self._outbox.queue(
            tx,
            OutgoingRow(
                id=OutgoingId(row_id),
                destination=conversation.destination,
                message=OutboundMessage(
                    blocks=(Text(markdown=text),),
                    fallback=text,
                    author=Author.PERSON,
                    author_name=who.name,
                ),
                created_at=now,
                conversation_id=conversation.id,
            ),
        )
        self._desk.relay(tx, owned, entry)
        note_case(tx, owned, AuditKind.REPLIED, now, who=who)

    def _send_remark(
        self, tx: UnitOfWork, case: Escalation, who: Requester, message_id: str, now: datetime
    ) -> Answer:
        hint = tx.outgoing.get(OutgoingId(_hint_id(case, message_id)))
        words = post.words_of_hint(hint.message) if hint else ""
        if hint is None or not words:
            return Answer(notice="This remark is no longer known, so nothing was sent.")
        if hint.message.private_to != who.identity:
            return Answer(notice="Only its author can send a remark to the customer.")
        row_id = f"reply:{case.id}:{message_id}"
        if tx.outgoing.get(OutgoingId(row_id)) is not None:
            return Answer(notice="This was sent already.")
        self._reply(tx, case, who, words, row_id, now)
        return Answer(notice="Sent to the customer under your name.")

    def _close(
        self,
        tx: UnitOfWork,
        case: Escalation,
        who: Requester,
        status: EscalationStatus,
        now: datetime,
    ) -> Answer:
        # Whom the card shows from now on: a lead may close what somebody else had, or nobody.
        closed = replace(
            case,
            status=status,
            closed_at=now,
            claimed_by=PersonId(who.key),
            claimed_by_name=who.name,
        )
        tx.escalations.save(closed, expected=case)
        conversation = tx.conversations.get(case.conversation_id)
        resolved = status is EscalationStatus.RESOLVED
        note_case(
            tx, closed, AuditKind.RESOLVED if resolved else AuditKind.HANDED_BACK, now, who=who
        )
        if conversation is not None:
            moved = conversation.moved(
                ConversationStatus.RESOLVED if resolved else ConversationStatus.WITH_AGENT
            )
            tx.conversations.save(moved, expected_epoch=conversation.epoch)
        self._desk.redraw(tx, closed, now)
        sentence = (
            f"{who.name} has marked {case.label} as resolved. Write here if there is more."
            if resolved
            else f"{who.name} has handed this back to the AI agent ({case.label} is closed). "
            "Write here to go on."
        )
        self._desk.tell_customer(tx, closed, status.value, sentence, now)
        return Answer()


def _hint_id(case: Escalation, message_id: str) -> str:
    return f"hint:{case.id}:{message_id}"
