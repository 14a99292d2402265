"""Gathers the full context of a case and posts it: the account's facts first, then our own."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from agent_core.conversation import Conversation, Speaker, TranscriptEntry
from agent_core.errors import ConversationChanged, HandrailError
from agent_core.escalations import Brief, Escalation, EscalationId, EscalationReason, Priority
from agent_core.held import held_case
from agent_core.messages import OutboundMessage, OutgoingId
from agent_core.outgoing import OutgoingRow, OutgoingStatus
from agent_core.people import AccountId, Capability, Person
from agent_core.ports import AccountDirectory, Clock, Store, UnitOfWork
from agent_core.telemetry import within
from escalation import post
from escalation.crowd import Crowd, comes_in_crowds, tell_of_crowd
from escalation.desk import Desk, reminder_row

log = logging.getLogger(__name__)

# Before the case was opened; what came since, or got no answer, is shown whole.
TRANSCRIPT_LENGTH = 20
TRANSCRIPT_MOST = 200
ANSWERING = (Speaker.AGENT, Speaker.SUPPORT)
LEDGER_LENGTH = 20
ACCOUNT_SECONDS = 10.0  # a case must not wait for the account system


class Briefing:
    """The handler of `brief:` timers: once for each case, however often it runs."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        accounts: AccountDirectory,
        clock: Clock,
        crowd: Crowd | None = None,
    ) -> None:
        self._store = store
        self._desk = desk
        self._accounts = accounts
        self._clock = clock
        self._crowd = crowd or Crowd()

    async def tell_of_crowd(self) -> None:
        """The handler of the `crowd:` timer."""
        if await self._store.run(lambda tx: tell_of_crowd(tx, self._desk, self._clock)):
            self._crowd.goes_on()

    async def brief(self, key: str) -> None:
        """Posts the brief of case `key`, also where the account system does not answer."""
        case = await self._store.run(lambda tx: tx.escalations.get(EscalationId(key)))
        if case is None or case.card is not None or not self._crowd.lets_in(case):
            return
        lines = await self._account_lines(case.account_id)
        with within(trace=case.trace, conversation=case.conversation_id):
            await self._store.run(lambda tx: self._post(tx, EscalationId(key), lines))

    async def _account_lines(self, account: AccountId | None) -> tuple[tuple[str, str], ...]:
        if account is None:
            return (("Account", "none: this channel is not linked, or none was named"),)
        try:
            async with asyncio.timeout(ACCOUNT_SECONDS):
                return await self._accounts.summary(account)
        except (HandrailError, OSError, TimeoutError, ValueError) as error:
            log.warning("account system did not answer", extra={"problem": type(error).__name__})
            return (
                ("Account", str(account)),
                ("Account system", "did not answer; look the account up yourself"),
            )

    def _post(
        self, tx: UnitOfWork, case_id: EscalationId, lines: tuple[tuple[str, str], ...]
    ) -> None:
        case = held_case(tx, case_id)
        conversation = tx.conversations.get(case.conversation_id) if case else None
        if case is None or conversation is None or case.card is not None:
            return
        carded = replace(case, card=OutgoingId(f"case:{case.id}:card"))
        tx.escalations.save(carded, expected=case)
        brief = gather(tx, carded, conversation, lines)
        now = self._clock.now()
        first = post.card(carded, post.account_fields(brief))
        for name, message in (
            ("card", self._calling(tx, carded, first)),
            ("transcript", post.transcript(brief)),
            ("actions", post.done_so_far(brief)),
            ("next", post.next_step(brief)),
        ):
            self._desk.post(tx, case.destination, f"case:{case.id}:{name}", message, now)

    def _calling(
        self, tx: UnitOfWork, case: Escalation, message: OutboundMessage
    ) -> OutboundMessage:
        """What cannot wait calls the support people by name."""
        if case.priority is Priority.NORMAL:
            return message
        people = tx.people.with_capability(Capability.SUPPORT)
        platform = self._desk.platform
        return post.calling(people, platform, "please look at this one:", message)


class Reminders:
    """The handler of `remind:` timers: a case that nobody claimed is not forgotten."""

    def __init__(
        self, *, store: Store, desk: Desk, clock: Clock, crowd: Crowd | None = None
    ) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._crowd = crowd or Crowd()

    async def remind(self, key: str, number: str) -> None:
        """Calls support again, and tells the customer how it stands. Nothing if it was claimed."""
        try:
            await self._store.run(lambda tx: self._remind(tx, EscalationId(key), number))
        except ConversationChanged:
            log.debug("claimed in the same moment")

    def _remind(self, tx: UnitOfWork, case_id: EscalationId, number: str) -> None:
        case = held_case(tx, case_id)
        if case is None or not case.status.is_open or case.claimed_by is not None:
            return
        row = reminder_row(case, number)
        if tx.outgoing.get(row) is not None:
            return  # it has fired before
        now = self._clock.now()
        crowded = self._crowd.is_on and comes_in_crowds(case)
        if case.card is not None:  # else the brief is still to come, and opens the thread
            line = post.message(post.still_waiting(case))
            if crowded:
                self._leave_out(tx, case, row, line, now)
            else:
                people, why = self._people(tx, number), "nobody has claimed this yet:"
                called = post.calling(people, self._desk.platform, why, line)
                self._desk.post(tx, case.destination, row, called, now)
        self._tell_customer(tx, case, number, crowded=crowded)

    def _leave_out(
        self,
        tx: UnitOfWork,
        case: Escalation,
        row: OutgoingId,
        message: OutboundMessage,
        at: datetime,
    ) -> None:
        """Written down and not posted: else all would come at once when the crowd is over."""
        tx.outgoing.add(
            OutgoingRow(
                id=row,
                destination=case.destination,
                message=message,
                created_at=at,
                status=OutgoingStatus.DROPPED,
            )
        )

    def _people(self, tx: UnitOfWork, number: str) -> Sequence[Person]:
        """The support people, and from the second time on their leads too."""
        leads = tx.people.with_capability(Capability.LEAD) if number != "1" else ()
        return (*tx.people.with_capability(Capability.SUPPORT), *leads)

    def _tell_customer(
        self, tx: UnitOfWork, case: Escalation, number: str, *, crowded: bool
    ) -> None:
        what = f"reminded:{number}"
        unreachable = case.reason is EscalationReason.DELIVERY_FAILURE
        if unreachable or tx.outgoing.get(OutgoingId(f"case:{case.id}:{what}")) is not None:
            return
        sentence = (
            f"{case.label} is still waiting for a person: many requests came at once. It is not "
            "forgotten."
            if crowded
            else f"{case.label} is still waiting for a person. I am reminding the support team."
            if _arrives(tx, case, number)
            else f"I cannot reach the support team at the moment. {case.label} is kept, and I go "
            "on trying."
        )
        now = self._clock.now()
        self._desk.tell_customer(tx, case, what, sentence, now, relayed=False)


def _arrives(tx: UnitOfWork, case: Escalation, number: str) -> bool:
    """Whether the support thread takes posts, as far as is known: its card is there, and so is the
    reminder before this one, unless it was left out."""
    before = reminder_row(case, int(number) - 1)
    card, reminder = (tx.outgoing.get(one) if one else None for one in (case.card, before))
    if card is None or card.status is not OutgoingStatus.SENT:
        return False
    return reminder is None or reminder.status in (OutgoingStatus.SENT, OutgoingStatus.DROPPED)


def gather(
    tx: UnitOfWork,
    case: Escalation,
    conversation: Conversation,
    account_lines: tuple[tuple[str, str], ...],
) -> Brief:
    """All that is known in our own rows, with the account's lines as they were looked up."""
    binding = tx.rooms.get(conversation.room)
    return Brief(
        escalation=case,
        account_lines=account_lines,
        room=(binding.name if binding else "") or str(conversation.room),
        transcript=_said(tx, case, conversation),
        ledger=tuple(tx.ledger.of_conversation(conversation.id, LEDGER_LENGTH)),
        open_proposals=tuple(tx.proposals.open_in(conversation.id)),
    )


def _said(
    tx: UnitOfWork, case: Escalation, conversation: Conversation
) -> tuple[TranscriptEntry, ...]:
    """What led to the case, and all that was said until now: it was not relayed.

    And all that nobody has answered: under overload much of it may wait, and the agent will not.
    """
    entries = tx.transcript.last(conversation.id, TRANSCRIPT_MOST)
    since = sum(entry.at >= case.opened_at for entry in entries)
    answers = (n for n, entry in enumerate(reversed(entries)) if entry.speaker in ANSWERING)
    unanswered = next(answers, len(entries))
    return tuple(entries[-max(TRANSCRIPT_LENGTH + since, unanswered) :])
