"""The room of an embedded conversation: the platform adapter without a platform.

What is posted gets the next number of its room and stays in the store, where every process reads
it; nothing leaves the process.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Final

from agent_core.messages import (
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Platform,
    PlatformIdentity,
    Posted,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.outgoing import OutgoingRow
from agent_core.people import PersonId
from agent_core.ports import Store, UnitOfWork

# Two tenants, so that nobody is taken for one of the vendor's own by where they write.
_ROOMS: Final = "rooms"
_PEOPLE: Final = "people"
_SUPPORT: Final = "support"


def room_of(conversation: str) -> RoomRef:
    """The room that stands for a conversation of this name."""
    return RoomRef(platform=Platform.EMBEDDED, tenant_id=_ROOMS, room_id=conversation)


def support_room_of(case_id: str) -> RoomRef:
    """Where a case's own posts would go: nobody reads there, the hand-over is a callback."""
    return RoomRef(platform=Platform.EMBEDDED, tenant_id=_SUPPORT, room_id=case_id)


def thread_of(room: RoomRef) -> ThreadRef:
    """A room has one thread."""
    return ThreadRef(room=room, thread_id="")


def identity_of(person_id: PersonId) -> PlatformIdentity:
    """A person as the embedding product knows them."""
    return PlatformIdentity(platform=Platform.EMBEDDED, tenant_id=_PEOPLE, user_id=person_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation. `number` counts from 1 within it, without gaps."""

    number: int
    content: OutboundMessage


class Watch:
    """One waiter's ear. A beat between two waits is not missed."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """True if there was a beat since the last wait, or is one within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.event.wait()
        except TimeoutError:
            return False
        self.event.clear()
        return True


class Pulses:
    """Wakes whoever waits for news of a conversation or of a room."""

    def __init__(self) -> None:
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)

    def beat(self, key: str) -> None:
        for watch in self._watches.get(key, ()):
            watch.event.set()

    @contextmanager
    def watch(self, *keys: str) -> Iterator[Watch]:
        """Hears the beats of these keys."""
        watch = Watch()
        for key in keys:
            self._watches[key].add(watch)
        try:
            yield watch
        finally:
            for key in keys:
                self._watches[key].discard(watch)
                if not self._watches[key]:
                    del self._watches[key]


class EmbeddedRoom:
    """The PlatformAdapter port. A post takes effect with the commit that delivery makes of it."""

    platform: Final = Platform.EMBEDDED
    can_look_up: Final = True
    can_look_up_private: Final = True

    def __init__(self, store: Store, pulses: Pulses) -> None:
        self._store = store
        self._pulses = pulses

    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        room = address.room
        number = await self._store.run(lambda tx: last_number(tx, room)) + 1
        self._pulses.beat(str(room))
        posted = MessageRef(room=room, message_id=str(number))
        return Posted(message=posted, thread=thread_of(room), address=address)

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None:
        self._pulses.beat(str(address.room))

    async def find(self, address: ReplyAddress, outgoing_id: OutgoingId) -> Posted | None:
        """None: what was not committed, nobody has seen."""
        return None

    async def close(self) -> None:
        """Nothing to close."""


# --- reading what was posted -------------------------------------------------------------------


def last_number(tx: UnitOfWork, room: RoomRef) -> int:
    """The number of the newest message; 0 where there is none. Few look-ups, however many."""
    tx.conversations.of_thread(thread_of(room))  # held first, as everybody who posts does
    above = 1
    while _row(tx, room, above) is not None:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        if _row(tx, room, middle) is None:
            above = middle
        else:
            below = middle
    return below


def messages_after(tx: UnitOfWork, room: RoomRef, number: int) -> tuple[Message, ...]:
    """The messages with a higher number, oldest first, each as it was first posted."""
    tx.conversations.of_thread(thread_of(room))
    found: list[Message] = []
    for one in count(number + 1):
        row = _row(tx, room, one)
        if row is None:
            break
        found.append(Message(number=one, content=row.message))
    return tuple(found)


def _row(tx: UnitOfWork, room: RoomRef, number: int) -> OutgoingRow | None:
    row = tx.outgoing.of_message(MessageRef(room=room, message_id=str(number)))
    while row is not None and row.updates is not None:  # an edit stands for its original
        row = tx.outgoing.get(row.updates)
    return row
