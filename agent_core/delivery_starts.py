"""Decides which row of a destination may be started now, and starts it: one transaction."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from agent_core.conversation import Audience
from agent_core.delivery_outages import Outages
from agent_core.delivery_outcomes import Job, Outcomes, has_waited_long, without_absence
from agent_core.delivery_pace import Place, PostPace
from agent_core.errors import PlatformUnavailable
from agent_core.messages import DestinationId, MessageRef
from agent_core.outgoing import Destination, OutgoingRow, OutgoingStatus
from agent_core.ports import Clock, UnitOfWork

LEASE = timedelta(seconds=60)
SEND_SECONDS = 45.0  # of the lease: whoever has it next must not send beside this process
T = TypeVar("T")
_NOW = Place(seconds=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Nothing can be sent before `at`."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """The room's turn comes then; nothing was started."""

    place: Place


Next = Job | Later | Paced | None


class Starts:
    """Takes a destination and starts what is to be sent to it, inside the caller's transaction."""

    def __init__(
        self, *, clock: Clock, pace: PostPace, outages: Outages, outcomes: Outcomes
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._outages = outages
        self._outcomes = outcomes

    def next_of(
        self, destination_id: DestinationId, holder: str, may_post: bool, tx: UnitOfWork
    ) -> Next:
        """The next row, started; or when to come back; None: nothing for this process.

        `may_post`: the room's turn has been waited for.
        """
        now = self._clock.now()
        _hold_conversation(tx, destination_id)
        if not tx.outgoing.lease(destination_id, holder, now, now + LEASE):
            return None
        while (row := tx.outgoing.next_row(destination_id)) is not None:
            if row.not_before is not None and row.not_before > now:
                tx.outgoing.release(destination_id, holder)
                return Later(at=row.not_before)
            row = without_absence(row, now)
            destination = tx.outgoing.destination(destination_id)
            edits = _edited_message(tx, row)
            found_started = row.status is OutgoingStatus.STARTED
            is_over = _is_over(tx, row)
            lost = destination is None or (row.updates is not None and edits is None)
            if destination is None or lost or (is_over and not found_started):
                self._outcomes.drop(tx, row)
                continue
            job = Job(
                row=row,
                destination=destination,
                edits=edits,
                lease_ends=now + LEASE,
                found_started=found_started,
                is_over=is_over,
                would_leak=_would_leak(tx, row, destination),
                too_late=self._is_too_late(row, destination, now),
            )
            outage = self._outages.wait(tx, destination.address.room)
            if outage > 0 and job.too_late:
                # An outage leaves one try a minute to a whole tenant: by tries alone, the last of
                # many messages would be told of after days.
                return replace(job, waits=True)
            if outage > 0:
                at = now + timedelta(seconds=outage)
                tx.outgoing.save(replace(row, not_before=at))  # until then nobody looks for it
                tx.outgoing.release(destination_id, holder)
                return Later(at=at)
            place = _NOW if may_post else self._pace.take(tx, destination.address.room)
            if place.seconds > 0:
                until = (
                    now + LEASE + timedelta(seconds=place.seconds)
                )  # nobody else waits in line for it
                tx.outgoing.lease(destination_id, holder, now, until)
                return Paced(place=place)
            attempts = row.attempts + 1
            started = replace(row, status=OutgoingStatus.STARTED, attempts=attempts, not_before=now)
            tx.outgoing.save(started)
            return replace(job, row=started)
        tx.outgoing.release(destination_id, holder)
        return None

    def _is_too_late(self, row: OutgoingRow, destination: Destination, now: datetime) -> bool:
        """Support's own rows are never given up, nor any as soon as we are back ourselves."""
        if row.is_inside or not has_waited_long(row, now):
            return False
        return self._outages.lasts(destination.address.room)


async def while_leased(job: Job, now: datetime, call: Awaitable[T]) -> T:
    """The call's result. Raises PlatformUnavailable in time before another process may send."""
    left = (job.lease_ends - now).total_seconds()
    try:
        async with asyncio.timeout(min(left, SEND_SECONDS)):
            return await call
    except TimeoutError:
        raise PlatformUnavailable("the send took too long", maybe_accepted=True) from None


def _is_over(tx: UnitOfWork, row: OutgoingRow) -> bool:
    """An agent's row whose conversation has changed hands since it was written."""
    if row.epoch is None or row.conversation_id is None:
        return False
    conversation = tx.conversations.get(row.conversation_id)
    return conversation is None or conversation.epoch != row.epoch


def _edited_message(tx: UnitOfWork, row: OutgoingRow) -> MessageRef | None:
    original = tx.outgoing.get(row.updates) if row.updates else None
    return original.posted if original else None


def _hold_conversation(tx: UnitOfWork, destination_id: DestinationId) -> None:
    """Before the destination, as everybody who posts does: nobody waits in a circle."""
    row = tx.outgoing.next_row(destination_id)
    if row is not None and row.epoch is not None and row.conversation_id is not None:
        tx.conversations.get(row.conversation_id)


def _would_leak(tx: UnitOfWork, row: OutgoingRow, destination: Destination) -> bool:
    """The row is support's own, and customers can read the room now."""
    if not row.is_inside:
        return False
    binding = tx.rooms.get(destination.address.room)
    return binding is not None and binding.audience is Audience.SHARED
