"""Durable state, and one transaction on it.

A unit of work is one transaction. Its methods are synchronous and run in a store thread; no model,
account or platform call happens inside. Everything a method returns is a frozen value.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from agent_core.ports.actions import Brakes, Ledger, Proposals
from agent_core.ports.audit import Audit
from agent_core.ports.conversations import Conversations, Escalations, Transcript
from agent_core.ports.outgoing import Outgoing
from agent_core.ports.people import People, Rooms
from agent_core.ports.turns import Inbox, Turns
from agent_core.ports.upkeep import Upkeep

T = TypeVar("T")


class UnitOfWork(Protocol):
    """One transaction. `connection` is for the engine alone (None in memory)."""

    rooms: Rooms
    people: People
    conversations: Conversations
    transcript: Transcript
    inbox: Inbox
    turns: Turns
    proposals: Proposals
    ledger: Ledger
    outgoing: Outgoing
    escalations: Escalations
    brakes: Brakes
    audit: Audit
    upkeep: Upkeep

    @property
    def connection(self) -> object | None: ...
    def after_commit(self, callback: Callable[[], None]) -> None:
        """Runs on the event loop once the transaction is committed; never if it is rolled back."""
        ...


class Store(Protocol):
    """Durable state. `run` is one transaction: commits when `fn` returns, rolls back on a raise."""

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T: ...
    async def close(self) -> None: ...


class DurableStore(Store, Protocol):
    """A store whose bytes outlast the process."""

    async def scrub(self) -> bool:
        """Lets go of the bytes of what was erased; False where others keep it from that."""
        ...
