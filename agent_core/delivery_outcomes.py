"""Writes down what came of one try to send a row: sent, later, or given up and a person told."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent_core import notices
from agent_core.blocks import Buttons, Text
from agent_core.delivery_outages import LONG_SECONDS
from agent_core.errors import ConversationChanged, LimitedMidway, RateLimited
from agent_core.messages import MessageRef, OutboundMessage, OutgoingId, Posted, RoomRef
from agent_core.outgoing import ALONE, Destination, OutgoingRow, OutgoingStatus
from agent_core.ports import Clock, Store, UnitOfWork

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 300.0
PART_OF_REFUSALS = 0.25  # of the time for which a platform has refused a row: the pause, at least,
LONGEST_REST_SECONDS = 60.0  # up to this
CUSTOMER_ATTEMPTS = 8  # about ten minutes; then a case tells a person
LONGEST_WAIT = timedelta(days=1)  # for a platform that takes nothing from anybody
ABSENCE = timedelta(hours=1)  # a row that was due for so long: nobody was there to try it
REDUCED_LENGTH = 2_500
_NOT_SHOWN = (
    "Some details are for the person who asked alone, and I could not show them in private here. "
    "Please ask me again in a direct chat."
)
_TRIES = 4  # of a transaction, where somebody changed a row first
_MAYBE = "; it may have arrived all the same"
_LIMITED_SINCE = "too many requests since "  # begins such a row's `problem`; the time follows

# Told in the transaction that gives a row up (`failed`) or leaves an agent's out (`dropped`).
Undeliverable = Callable[[UnitOfWork, OutgoingRow, str], None]
# In the transaction that puts a row off once more: its room, and for how many seconds it has been.
TellOfLimit = Callable[[UnitOfWork, RoomRef, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row that this process has started, with all that the call needs."""

    row: OutgoingRow
    destination: Destination
    edits: MessageRef | None  # the message to change, where the row is an update
    lease_ends: datetime  # from then on another process may send it
    found_started: bool  # an earlier try may have reached the platform
    is_over: bool = False  # an agent's row that a person has overtaken since that earlier try
    would_leak: bool = False  # inside talk, for a room that customers read now
    too_late: bool = False  # it has waited for a day, and its platform is still down
    waits: bool = False  # it was not started, as nothing may be sent there now

    @property
    def for_customer(self) -> bool:
        """Or whoever else wrote; the rest is the support room's own."""
        return not self.row.is_inside

    @property
    def doubt(self) -> str:
        """What a person must know before they say the same in another way."""
        return _MAYBE if self.found_started else ""


class Outcomes:
    """The second half of a delivery: one transaction for each try."""

    def __init__(self, *, store: Store, clock: Clock, undeliverable: Undeliverable) -> None:
        self._store = store
        self._clock = clock
        self._undeliverable = undeliverable

    async def sent(self, job: Job, posted: Posted | None) -> None:
        """`posted` is None where a message was changed."""
        await self._store.run(lambda tx: self._sent(tx, job, posted))

    async def later(self, job: Job, seconds: float) -> None:
        """Nothing was sent by this try, and so it was none."""
        spared, problem = _spared(job), job.row.problem
        await self._store.run(
            lambda tx: self._postpone(tx, spared, seconds, sent_nothing=True, problem=problem)
        )

    async def limited(
        self, job: Job, limit: RateLimited | LimitedMidway, tell: TellOfLimit
    ) -> None:
        """One too many for the platform, which asks for some seconds: this try was none.

        Whatever it asks for, it is asked again before people take the silence for a no; and ever
        more rarely while it goes on refusing, as what asks again too soon keeps a limit in force.
        Since when is kept with the row: the next try may be another process's. A row that is taken
        between others' refusals is only paced, and so none counts but its own.
        """
        now = self._clock.now()
        since = _limited_since(job.row) or now
        lasted = (now - since).total_seconds()
        if lasted >= LONG_SECONDS and has_waited_long(job.row, now) and job.for_customer:
            doubt = "; a part of it is out" if isinstance(limit, LimitedMidway) else job.doubt
            await self.refused(job, f"the platform has taken no more messages for a day{doubt}")
            return
        rest = min(lasted * PART_OF_REFUSALS, LONGEST_REST_SECONDS)
        pause = min(max(limit.retry_after_seconds, rest), LONGEST_PAUSE_SECONDS)
        spared, nothing = _spared(job), isinstance(limit, RateLimited)
        problem = f"{_LIMITED_SINCE}{since.isoformat()}"

        def write(tx: UnitOfWork) -> None:
            self._postpone(tx, spared, pause, sent_nothing=nothing, problem=problem)
            tell(tx, job.destination.address.room, lasted)

        await self._store.run(write)

    async def after_outage(
        self,
        job: Job,
        reason: str,
        *,
        maybe_accepted: bool,
        can_look_up: bool,
        all_down: bool = False,
    ) -> None:
        """Again later; given up after many tries, or after two that may both have arrived.

        `all_down`: nothing else arrives there either. Then a row waits for its turn for a day.
        """
        twice = maybe_accepted and job.found_started and not can_look_up and job.edits is None
        waits = all_down and not has_waited_long(job.row, self._clock.now())
        if twice or (job.row.attempts >= CUSTOMER_ATTEMPTS and not waits):
            doubt = _MAYBE if maybe_accepted or (not can_look_up and job.found_started) else ""
            await self.refused(job, f"{reason}{doubt}", maybe_accepted=maybe_accepted)
            return
        pause = FIRST_PAUSE_SECONDS if waits else _pause_seconds(job.row)
        tried = _spared(job) if waits else job
        problem = job.row.problem  # since when it was refused before; no answer ends that
        await self._store.run(
            lambda tx: self._postpone(
                tx, tried, pause, sent_nothing=not maybe_accepted, problem=problem
            )
        )

    async def refused(
        self, job: Job, reason: str, *, gone: bool = False, maybe_accepted: bool = False
    ) -> None:
        """The platform will not take it. What a person must know reaches one in this commit.

        `gone`: there is no such place (now), whatever is posted. `maybe_accepted`: this last try
        may have arrived after all, and where there is another, it looks first.
        """

        def write(tx: UnitOfWork) -> None:
            self._refused(tx, job, reason, gone=gone, maybe_accepted=maybe_accepted)

        for _ in range(_TRIES - 1):
            try:
                await self._store.run(write)
            except ConversationChanged:
                continue
            return
        await self._store.run(write)

    def drop(self, tx: UnitOfWork, row: OutgoingRow) -> None:
        """Never posted. That an agent's words were left out is written down for people."""
        dropped = replace(row, status=OutgoingStatus.DROPPED)
        tx.outgoing.save(dropped)
        if row.epoch is not None:
            self._undeliverable(tx, dropped, "a person took over first")

    async def dropped(self, job: Job) -> None:
        """Looked for after a person took over, not found, and so not posted any more."""
        await self._store.run(lambda tx: self.drop(tx, job.row))

    # --- inside the transaction -------------------------------------------------------------

    def _sent(self, tx: UnitOfWork, job: Job, posted: Posted | None) -> None:
        row, destination = job.row, job.destination
        message = posted.message if posted else job.edits
        tx.outgoing.save(replace(row, status=OutgoingStatus.SENT, posted=message, problem=""))
        first_of_thread = destination.opens_thread and destination.address.thread_id is None
        if posted is None or not first_of_thread or row.message.private_to is not None:
            return
        tx.outgoing.put_destination(replace(destination, address=posted.address))
        if row.conversation_id and tx.escalations.of_destination(destination.id) is None:
            tx.conversations.attach(row.conversation_id, posted.thread)

    def _refused(
        self, tx: UnitOfWork, job: Job, reason: str, *, gone: bool, maybe_accepted: bool
    ) -> None:
        log.error(
            "message not delivered" if job.for_customer else "support cannot be reached",
            extra={"room": str(job.destination.address.room), "problem": reason},
        )
        failed = replace(job.row, status=OutgoingStatus.FAILED, problem=reason)
        if job.edits is not None or job.row.message.private_to is not None:
            # It must not keep the rows behind it waiting.
            tx.outgoing.save(failed)
            if str(failed.id).startswith(ALONE):
                tx.outgoing.add(self._not_shown(failed))
        elif job.for_customer:
            tx.outgoing.save(failed)
            self._undeliverable(tx, failed, reason)
        else:
            # What support must see is never given up; perhaps it is its form that is refused.
            if job.row.attempts >= CUSTOMER_ATTEMPTS and not gone:
                job = replace(job, row=replace(job.row, message=_reduced(job.row.message)))
            pause = _pause_seconds(job.row)
            self._postpone(tx, job, pause, sent_nothing=not maybe_accepted, problem=reason)

    def _not_shown(self, row: OutgoingRow) -> OutgoingRow:
        """What was said to be shown to one person could not be: they hear how to get it."""
        return OutgoingRow(
            id=OutgoingId(f"{row.id}:not-shown"),
            destination=row.destination,
            message=notices.notice(_NOT_SHOWN),
            created_at=self._clock.now(),
            conversation_id=row.conversation_id,
            trace=row.trace,
        )

    def _postpone(
        self, tx: UnitOfWork, job: Job, seconds: float, *, sent_nothing: bool, problem: str = ""
    ) -> None:
        at = self._clock.now() + timedelta(seconds=seconds)
        status = OutgoingStatus.READY if sent_nothing else OutgoingStatus.STARTED
        if job.found_started:
            status = OutgoingStatus.STARTED  # an earlier try is still unresolved
        tx.outgoing.save(replace(job.row, status=status, not_before=at, problem=problem))


def _spared(job: Job) -> Job:
    """The try uses up none: it says nothing of this row, and the next one may be its last."""
    return replace(job, row=replace(job.row, attempts=job.row.attempts - 1))


def has_waited_long(row: OutgoingRow, now: datetime) -> bool:
    """For longer than an outage is waited for."""
    return now - row.created_at >= LONGEST_WAIT


def without_absence(row: OutgoingRow, now: datetime) -> OutgoingRow:
    """The row as nobody's refusal where it was due for long: we were away, and asked nobody."""
    if row.not_before is None or now - row.not_before < ABSENCE:
        return row
    return replace(row, problem="")


def _limited_since(row: OutgoingRow) -> datetime | None:
    """Since when the platform has refused this row as one too many; None: it has not."""
    if not row.problem.startswith(_LIMITED_SINCE):
        return None
    return datetime.fromisoformat(row.problem.removeprefix(_LIMITED_SINCE))


def _pause_seconds(row: OutgoingRow) -> float:
    doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(row.attempts - 1, 10)
    return min(doubled, LONGEST_PAUSE_SECONDS)


def _reduced(message: OutboundMessage) -> OutboundMessage:
    """The same in the plainest form that still can be acted on: its words and its buttons."""
    buttons = tuple(block for block in message.blocks if isinstance(block, Buttons))
    words = message.fallback[:REDUCED_LENGTH]
    return replace(message, blocks=(Text(markdown=words), *buttons), fallback=words)
