"""Sends outgoing rows: in order for each destination, once each, and never in silence.

A row goes READY → STARTED → SENT. The epoch of an agent's row is compared in the transaction that
starts it: after a person took the conversation, nothing the agent wrote is started any more. What
was started without a known outcome is looked up before it is sent again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent_core.blocks import Note
from agent_core.delivery_pace import Pace
from agent_core.errors import (
    DestinationGone,
    HandrailError,
    NotPermitted,
    PlatformError,
    PlatformUnavailable,
    RateLimited,
)
from agent_core.messages import (
    DestinationId,
    MessageRef,
    OutboundMessage,
    Platform,
    Posted,
    ReplyAddress,
)
from agent_core.outgoing import Destination, OutgoingRow, OutgoingStatus
from agent_core.ports import Clock, Engine, EngineKind, PlatformAdapter, Store, UnitOfWork

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 300.0
CUSTOMER_ATTEMPTS = 8  # about ten minutes; then a case tells a person
MARK_OF_A_SECOND_TRY = "(sent again: the first try may have arrived)"

Undeliverable = Callable[[UnitOfWork, OutgoingRow, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A row that this process has started, with all that the call needs."""

    row: OutgoingRow
    destination: Destination
    edits: MessageRef | None  # the message to change, where the row is an update
    found_started: bool  # an earlier try may have reached the platform


@dataclass(frozen=True, slots=True, kw_only=True)
class _Later:
    """Nothing can be sent before `at`."""

    at: datetime


class Delivery:
    """The Outbox port, and the handler of DELIVER entries.

    `undeliverable` is told, in the transaction that gives a row up, so that a person hears of it.
    """

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        adapters: Mapping[Platform, PlatformAdapter],
        clock: Clock,
        holder: str,
        pace: Pace,
        undeliverable: Undeliverable,
    ) -> None:
        self._store = store
        self._engine = engine
        self._adapters = adapters
        self._clock = clock
        self._holder = holder
        self._pace = pace
        self._undeliverable = undeliverable
        self._draining: dict[DestinationId, asyncio.Task[None]] = {}
        self._again: set[DestinationId] = set()
        self._stopping = False

    def queue(self, tx: UnitOfWork, row: OutgoingRow) -> None:
        """Puts the row on its way with the caller's transaction. Idempotent by `row.id`."""
        if tx.outgoing.add(row):
            tx.after_commit(lambda: self.kick(row.destination))

    def kick(self, destination: DestinationId) -> None:
        """Starts sending what waits for this destination, unless that is under way already."""
        if self._stopping:
            return
        if destination in self._draining:
            self._again.add(destination)
            return
        task = asyncio.get_running_loop().create_task(self._drain(destination))
        self._draining[destination] = task
        task.add_done_callback(lambda _: self._drained(destination))

    def _drained(self, destination: DestinationId) -> None:
        self._draining.pop(destination, None)
        if destination in self._again:
            self._again.discard(destination)
            self.kick(destination)

    async def handle(self, key: str, _ref: str) -> None:
        """A DELIVER entry: sends what waits for destination `key`."""
        self.kick(DestinationId(key))

    async def stop(self, seconds: float) -> None:
        """Starts nothing new and lets running sends end within `seconds`."""
        self._stopping = True
        if self._draining:
            await asyncio.wait(list(self._draining.values()), timeout=seconds)

    async def idle(self) -> None:
        """Returns once nothing is being sent by this process."""
        while self._draining:
            await asyncio.wait(list(self._draining.values()))
            await asyncio.sleep(0)

    async def _drain(self, destination: DestinationId) -> None:
        try:
            while not self._stopping:
                job = await self._store.run(lambda tx: self._start(tx, destination))
                if job is None:
                    return
                if isinstance(job, _Later):
                    await self._come_back(destination, job.at)
                    return
                await self._carry_out(job)
        except Exception:
            # Caught here so that one broken row cannot end the process; the reconciler returns.
            log.exception("delivery stopped", extra={"destination": destination})

    # --- one row ----------------------------------------------------------------------------

    def _start(self, tx: UnitOfWork, destination_id: DestinationId) -> _Job | _Later | None:
        now = self._clock.now()
        if not tx.outgoing.lease(destination_id, self._holder, now, now + LEASE):
            return None
        while (row := tx.outgoing.next_row(destination_id)) is not None:
            if row.not_before is not None and row.not_before > now:
                tx.outgoing.release(destination_id, self._holder)
                return _Later(at=row.not_before)
            destination = tx.outgoing.destination(destination_id)
            edits = self._edited_message(tx, row)
            if destination is None or self._is_over(tx, row) or (row.updates and edits is None):
                tx.outgoing.save(replace(row, status=OutgoingStatus.DROPPED))
                continue
            found_started = row.status is OutgoingStatus.STARTED
            started = replace(row, status=OutgoingStatus.STARTED, attempts=row.attempts + 1)
            tx.outgoing.save(started)
            return _Job(
                row=started, destination=destination, edits=edits, found_started=found_started
            )
        tx.outgoing.release(destination_id, self._holder)
        return None

    def _is_over(self, tx: UnitOfWork, row: OutgoingRow) -> bool:
        """An agent's row whose conversation has changed hands before the row was started."""
        if row.epoch is None or row.status is OutgoingStatus.STARTED:
            return False
        if row.conversation_id is None:
            return False
        conversation = tx.conversations.get(row.conversation_id)
        return conversation is None or conversation.epoch != row.epoch

    def _edited_message(self, tx: UnitOfWork, row: OutgoingRow) -> MessageRef | None:
        original = tx.outgoing.get(row.updates) if row.updates else None
        return original.posted if original else None

    async def _carry_out(self, job: _Job) -> None:
        adapter = self._adapters.get(job.destination.address.room.platform)
        if adapter is None:
            reason = f"{job.destination.address.room.platform} is not set up here"
            await self._store.run(lambda tx: self._give_up(tx, job, reason))
            return
        await self._pace.wait_for(job.destination.address.room)
        try:
            posted = await self._send(adapter, job)
        except RateLimited as error:
            pause = error.retry_after_seconds
            await self._store.run(lambda tx: self._postpone(tx, job, pause, sent_nothing=True))
        except PlatformUnavailable as error:
            await self._after_outage(job, str(error), maybe_accepted=error.maybe_accepted)
        except (DestinationGone, NotPermitted, PlatformError, ValueError) as error:
            reason = str(error)
            await self._store.run(lambda tx: self._refused(tx, job, reason))
        else:
            await self._store.run(lambda tx: self._sent(tx, job, posted))

    async def _send(self, adapter: PlatformAdapter, job: _Job) -> Posted | None:
        address, message = job.destination.address, job.row.message
        if job.edits is not None:
            await adapter.update(address, job.edits, message)
            return None
        if job.found_started:
            if adapter.can_look_up and message.private_to is None:
                found = await adapter.find(address, job.row.id)
                if found is not None:
                    return found
            elif not adapter.can_look_up:
                message = _marked(message)
        return await adapter.post(address, message, job.row.id)

    # --- what came of it --------------------------------------------------------------------

    def _sent(self, tx: UnitOfWork, job: _Job, posted: Posted | None) -> None:
        row, destination = job.row, job.destination
        message = posted.message if posted else job.edits
        tx.outgoing.save(
            replace(row, status=OutgoingStatus.SENT, posted=message, not_before=None, problem="")
        )
        first_of_thread = destination.opens_thread and destination.address.thread_id is None
        if posted is None or not first_of_thread or row.message.private_to is not None:
            return
        tx.outgoing.put_destination(replace(destination, address=posted.address))
        if row.conversation_id and tx.escalations.of_destination(destination.id) is None:
            tx.conversations.attach(row.conversation_id, posted.thread)

    async def _after_outage(self, job: _Job, reason: str, *, maybe_accepted: bool) -> None:
        if job.row.attempts >= CUSTOMER_ATTEMPTS:
            await self._store.run(lambda tx: self._refused(tx, job, reason))
            return
        pause = self._pause_seconds(job.row)
        await self._store.run(
            lambda tx: self._postpone(tx, job, pause, sent_nothing=not maybe_accepted)
        )

    def _refused(self, tx: UnitOfWork, job: _Job, reason: str) -> None:
        """A case is never given up: it is tried again, ever more slowly, and the log says so."""
        if tx.escalations.of_destination(job.row.destination) is None:
            self._give_up(tx, job, reason)
            return
        log.error(
            "support cannot be reached",
            extra={"room": str(job.destination.address.room), "problem": reason},
        )
        self._postpone(tx, job, self._pause_seconds(job.row), sent_nothing=True, problem=reason)

    def _postpone(
        self, tx: UnitOfWork, job: _Job, seconds: float, *, sent_nothing: bool, problem: str = ""
    ) -> None:
        at = self._clock.now() + timedelta(seconds=seconds)
        status = OutgoingStatus.READY if sent_nothing else OutgoingStatus.STARTED
        if job.found_started:
            status = OutgoingStatus.STARTED  # an earlier try is still unresolved
        tx.outgoing.save(replace(job.row, status=status, not_before=at, problem=problem))

    def _give_up(self, tx: UnitOfWork, job: _Job, reason: str) -> None:
        log.error(
            "message not delivered",
            extra={"room": str(job.destination.address.room), "problem": reason},
        )
        failed = replace(job.row, status=OutgoingStatus.FAILED, problem=reason)
        tx.outgoing.save(failed)
        try:
            self._undeliverable(tx, failed, reason)
        except HandrailError:
            log.exception("nobody could be told", extra={"outgoing": failed.id})

    async def _come_back(self, destination: DestinationId, at: datetime) -> None:
        ref = f"{destination}@{at.isoformat()}"

        def submit(tx: UnitOfWork) -> None:
            self._engine.submit(tx, kind=EngineKind.DELIVER, key=destination, ref=ref, at=at)

        await self._store.run(submit)

    def _pause_seconds(self, row: OutgoingRow) -> float:
        doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(row.attempts - 1, 10)
        return min(doubled, LONGEST_PAUSE_SECONDS)


def _marked(message: OutboundMessage) -> OutboundMessage:
    """The message with a line that says it may be the second of its kind."""
    return replace(
        message,
        blocks=(*message.blocks, Note(text=MARK_OF_A_SECOND_TRY)),
        fallback=f"{message.fallback}\n{MARK_OF_A_SECOND_TRY}",
    )


def room_destination(address: ReplyAddress) -> DestinationId:
    """The destination that stands for a room itself: where new threads are opened from."""
    return DestinationId(f"room:{address.room}")
