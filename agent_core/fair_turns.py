"""Turns in fair order over accounts: who runs, and whose transaction is next.

Two lines. The first holds the turns that run; most of their time is waiting for a model, so it is
long. The second holds transactions of turns, and is as short as the store is: what each of 300
turns of one account does next comes in turn with what the one turn of another does.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import TypeVar

from agent_core.conversation import Conversation, ConversationId
from agent_core.fair_line import FairLine, LineView, Place
from agent_core.ports import Store, UnitOfWork

T = TypeVar("T")

REMEMBERED = 10_000  # conversations whose share is known without a look
_place: ContextVar[Place | None] = ContextVar("place", default=None)
_share: ContextVar[str | None] = ContextVar("share", default=None)


@asynccontextmanager
async def aside(leave: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
    """Has the leave. Who waits for it has no place in the line of turns: others have that."""
    place = _place.get()
    if place is not None:
        place.leave()
    async with leave:
        if place is not None:
            await place.take()
        yield


class Shares:
    """Whose share each conversation uses. What intake took is known; the rest is looked up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[ConversationId, str] = OrderedDict()

    def remember(self, conversation: Conversation) -> None:
        """Called on the event loop."""
        self._known[conversation.id] = conversation.share
        self._known.move_to_end(conversation.id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def of(self, conversation_id: ConversationId) -> str:
        """The conversation itself is its share where it is not stored: nothing is to be done."""
        known = self._known.get(conversation_id)
        if known is not None:
            return known
        found = await self._store.run(lambda tx: tx.conversations.get(conversation_id))
        if found is None:
            return str(conversation_id)
        self.remember(found)
        return found.share


class FairTurns:
    """The engine's handler of turns, in front of the driver's."""

    def __init__(
        self, run: Callable[[str, str], Awaitable[None]], shares: Shares, *, places: int
    ) -> None:
        self._run = run
        self._shares = shares
        self._line = FairLine(places)

    async def run(self, conversation_id: str, ref: str) -> None:
        """Waits for a place, and then works on the conversation."""
        share = await self._shares.of(ConversationId(conversation_id))
        async with self._line.place(share) as place:
            mark, held = _share.set(share), _place.set(place)
            try:
                await self._run(conversation_id, ref)
            finally:
                _share.reset(mark)
                _place.reset(held)

    def send_away(self) -> None:
        """Before a stop: what has not begun is left to the next process."""
        self._line.send_away()

    def view(self) -> LineView:
        """How many turns run and wait in this process."""
        return self._line.view()


class FairStore:
    """A Store for turns: their transactions come in fair order over shares.

    `places`: how many transactions may be on their way to the store at once. What belongs to no
    turn goes straight to it, and so in front of what waits here.
    """

    def __init__(self, store: Store, *, places: int) -> None:
        self._store = store
        self._line = FairLine(places, part=1.0)

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T:
        share = _share.get()
        if share is None:
            return await self._store.run(fn)
        async with self._line.place(share):
            return await self._store.run(fn)

    async def close(self) -> None:
        await self._store.close()

    def view(self) -> LineView:
        """How many transactions of turns run and wait."""
        return self._line.view()
