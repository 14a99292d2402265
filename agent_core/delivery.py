"""Sends outgoing rows: in order for each destination, once each, and never in silence.

A row goes READY → STARTED → SENT. The epoch of an agent's row is compared in the transaction that
starts it, and nothing is waited for between that and the call: after a person took the
conversation, nothing the agent wrote is started any more. What was started without a known outcome
is looked up before it is sent again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import replace
from datetime import datetime
from functools import partial

from agent_core.blocks import Note
from agent_core.delivery_outages import Outages, watched
from agent_core.delivery_outcomes import Job, Outcomes, Undeliverable
from agent_core.delivery_pace import PostPace
from agent_core.delivery_starts import Later, Paced, Starts, while_leased
from agent_core.errors import (
    DestinationGone,
    LimitedMidway,
    PlatformError,
    PlatformUnavailable,
    RateLimited,
)
from agent_core.fair_line import FairLine
from agent_core.messages import (
    DestinationId,
    OutboundMessage,
    Platform,
    Posted,
    ReplyAddress,
)
from agent_core.outgoing import OutgoingRow
from agent_core.ports import Clock, Engine, EngineKind, PlatformAdapter, Store, UnitOfWork
from agent_core.telemetry import SILENT, Telemetry, trace_in_force
from agent_core.watched_send import watched_send

log = logging.getLogger(__name__)

AT_ONCE = 64  # destinations that are sent to; the others wait, and what waits for its pace too
MARK_OF_A_SECOND_TRY = "(sent again: the first try may have arrived)"


class _Overtaken(Exception):
    """Another process may be sending by now what this one was about to."""


class Delivery:
    """The Outbox port, and the handler of DELIVER entries.

    `undeliverable` is told, in the transaction that gives a row up or leaves an agent's out, so
    that a person hears of it.
    """

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        adapters: Mapping[Platform, PlatformAdapter],
        clock: Clock,
        holder: str,
        pace: PostPace,
        undeliverable: Undeliverable,
        telemetry: Telemetry = SILENT,
        outages: Outages | None = None,
    ) -> None:
        self._store = store
        self._engine = engine
        self._adapters = adapters
        self._clock = clock
        self._holder = holder
        self._telemetry = telemetry
        self._outages = outages or Outages()
        self._outcomes = Outcomes(store=store, clock=clock, undeliverable=undeliverable)
        self._starts = Starts(
            clock=clock, pace=pace, outages=self._outages, outcomes=self._outcomes
        )
        self._line = FairLine(AT_ONCE)
        self._draining: dict[DestinationId, asyncio.Task[None]] = {}
        self._again: set[DestinationId] = set()
        self._stopping = asyncio.Event()
        self._may_send: Callable[[], bool] = lambda: True

    def act_as(self, holder: str, may_send: Callable[[], bool]) -> None:
        """Before the first send: the name under which this process holds destinations.

        `may_send` is asked before each call of a platform: False where others may have taken over.
        """
        self._holder, self._may_send = holder, may_send

    def queue(self, tx: UnitOfWork, row: OutgoingRow) -> None:
        """Puts the row on its way with the caller's transaction. Idempotent by `row.id`."""
        original = tx.outgoing.get(row.updates) if row.updates else None
        if original is not None and original.message.discloses_ai:
            # What a message said of being an AI it goes on saying, however it is redrawn.
            row = replace(row, message=replace(row.message, discloses_ai=True))
        if row.trace is None:
            row = replace(row, trace=trace_in_force())
        if tx.outgoing.add(row):
            tx.after_commit(lambda: self.kick(row.destination))

    def kick(self, destination: DestinationId) -> None:
        """Starts sending what waits for this destination, unless that is under way already."""
        if self._stopping.is_set():
            return
        if destination in self._draining:
            self._again.add(destination)
            return
        task = asyncio.get_running_loop().create_task(
            self._drain(destination),
            context=Context(),  # each row brings its own trace
        )
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

    async def attend(self, left_by_dead: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """Sends what nobody sends: rows whose process died before, or while, it sent them.

        `left_by_dead` gets the names that hold the others, and frees those of the dead.
        """
        now = self._clock.now()
        found = await self._store.run(lambda tx: tx.outgoing.unattended(now))
        for destination, holder in found:
            if holder is None or holder == self._holder:
                self.kick(destination)
        others = sorted({holder for _, holder in found if holder and holder != self._holder})
        if others:
            await left_by_dead(others)

    async def free(self, holder: str) -> None:
        """What a dead process held: sent by this one from now on."""
        found = await self._store.run(lambda tx: tx.outgoing.release_all(holder))
        for destination in found:
            self.kick(destination)

    async def stop(self, seconds: float) -> None:
        """Starts nothing new; what is still being sent after `seconds` is left to the next start.

        A send that is cut off stays STARTED, and so is looked up before it is sent again.
        """
        self._stopping.set()
        if not self._draining:
            return
        _, late = await asyncio.wait(list(self._draining.values()), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def idle(self) -> None:
        """Returns once nothing is being sent by this process."""
        while self._draining:
            await asyncio.wait(list(self._draining.values()))
            await asyncio.sleep(0)

    async def _drain(self, destination: DestinationId) -> None:
        try:
            await self._work_off(destination)
        except _Overtaken:
            return
        except Exception:
            # Caught here so that one broken row cannot end the process; the reconciler returns.
            log.exception("delivery stopped", extra={"destination": destination})

    async def _work_off(self, destination: DestinationId) -> None:
        may_post = False  # whether the room's turn has been waited for
        while not self._stopping.is_set():
            # Before the row is started: its lease must not run out in the line.
            async with self._line.place(_share_of(destination)):
                found = await self._store.run(
                    partial(self._starts.next_of, destination, self._holder, may_post)
                )
                if isinstance(found, Job):
                    with watched_send(self._telemetry, found) as watched:
                        watched.ended(await self._carry_out(found))
            may_post = False
            match found:
                case None:
                    return
                case Later(at=at):
                    await self._come_back(destination, at)
                    return
                case Paced(place=place):
                    await self._wait(place.seconds)
                    may_post = place.is_ours
        await self._store.run(lambda tx: tx.outgoing.release(destination, self._holder))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    # --- one row ----------------------------------------------------------------------------

    async def _carry_out(self, job: Job) -> str:
        """How it ended, in a word."""
        if not self._may_send() or self._clock.now() >= job.lease_ends:
            # This process stood still for long. The row stays STARTED: whoever has it now looks.
            log.warning("not sent: this process no longer has the destination")
            raise _Overtaken
        platform = job.destination.address.room.platform
        adapter = self._adapters.get(platform)
        if adapter is None:
            await self._outcomes.refused(job, f"{platform} is not set up here", gone=True)
            return "gone"
        if job.would_leak:
            reason = "the support room is shared with another company"
            await self._outcomes.refused(job, reason, gone=True)
            return "withheld"
        room = job.destination.address.room
        leave = None if job.waits else self._outages.enter(room)
        if leave is None:  # another one tries whether the platform answers again
            if job.too_late:
                reason = f"{platform} has taken no messages for a day{job.doubt}"
                await self._outcomes.refused(job, reason)
            else:
                await self._outcomes.later(job, self._outages.pause(room))
            return "unavailable"
        try:
            call = while_leased(job, self._clock.now(), self._send(adapter, job))
            posted = await watched(leave, call)
        except (RateLimited, LimitedMidway) as error:
            await self._outcomes.limited(job, error, self._outages.refused)
            return "rate_limited"
        except PlatformUnavailable as error:
            await self._outage(adapter, job, str(error), maybe_accepted=error.maybe_accepted)
            return "unavailable"
        except DestinationGone as error:
            await self._outcomes.refused(job, str(error), gone=True)
            return "gone"
        except (PlatformError, ValueError) as error:
            await self._outcomes.refused(job, str(error))
            return "refused"
        except Exception as error:
            # A defect of ours: tried again like an outage, so that it ends with a person too.
            log.exception("sending failed", extra={"outgoing": job.row.id})
            await self._outage(adapter, job, type(error).__name__, maybe_accepted=True)
            return "failed"
        if posted is None and job.edits is None:
            await self._outcomes.dropped(job)
            return "dropped"
        await self._outcomes.sent(job, posted)
        return "sent"

    async def _outage(
        self, adapter: PlatformAdapter, job: Job, reason: str, *, maybe_accepted: bool
    ) -> None:
        await self._outcomes.after_outage(
            job,
            reason,
            maybe_accepted=maybe_accepted,
            can_look_up=_can_be_found(adapter, job.row),
            all_down=self._outages.is_down(job.destination.address.room),
        )

    async def _send(self, adapter: PlatformAdapter, job: Job) -> Posted | None:
        """None where a message was changed, or where nothing may be posted any more."""
        address, message = job.destination.address, job.row.message
        if job.edits is not None:
            await adapter.update(address, job.edits, message)
            return None
        if job.found_started:
            findable = _can_be_found(adapter, job.row)
            if findable:
                found = await adapter.find(address, job.row.id)
                if found is not None:
                    return found
            if job.is_over:
                return None
            if not findable:
                message = _marked(message)
        return await adapter.post(address, message, job.row.id)

    async def _come_back(self, destination: DestinationId, at: datetime) -> None:
        ref = f"{destination}@{at.isoformat()}"

        def submit(tx: UnitOfWork) -> None:
            self._engine.submit(tx, kind=EngineKind.DELIVER, key=destination, ref=ref, at=at)

        await self._store.run(submit)


def _can_be_found(adapter: PlatformAdapter, row: OutgoingRow) -> bool:
    if row.message.private_to is not None:
        return adapter.can_look_up_private
    return adapter.can_look_up


def _share_of(destination: DestinationId) -> str:
    """The tenant of a thread or room; one share for all that is the support room's own.

    A tenant that is slow to answer takes no more than its part of the places.
    """
    place, slash, _ = destination.partition("/")
    return place if slash else "support"


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
