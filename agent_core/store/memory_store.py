"""The store in memory: for tests and for trying things out. It forgets everything at the end."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from agent_core import ports
from agent_core.ports import Seal, UnitOfWork
from agent_core.store.audit_seal import AesSeal
from agent_core.store.memory_audit import MemoryAudit
from agent_core.store.memory_brakes import MemoryBrakes
from agent_core.store.memory_outgoing import MemoryEscalations, MemoryOutgoing
from agent_core.store.memory_people import (
    MemoryConversations,
    MemoryPeople,
    MemoryRooms,
    MemoryTranscript,
)
from agent_core.store.memory_records import MemoryRecords
from agent_core.store.memory_tables import Undo
from agent_core.store.memory_turns import (
    MemoryInbox,
    MemoryLedger,
    MemoryProposals,
    MemoryTurns,
)
from agent_core.store.upkeep import StoreUpkeep

T = TypeVar("T")


class MemoryUnit:
    """The one unit of work of MemoryStore; see ports.UnitOfWork."""

    def __init__(self, seal: Seal) -> None:
        self.undo: Undo = []
        self.callbacks: list[Callable[[], None]] = []
        rooms, people = MemoryRooms(self.undo), MemoryPeople(self.undo)
        conversations = MemoryConversations(self.undo)
        transcript = MemoryTranscript(self.undo, conversations)
        inbox, turns = MemoryInbox(self.undo, conversations), MemoryTurns(self.undo)
        proposals, ledger = MemoryProposals(self.undo), MemoryLedger(self.undo)
        outgoing = MemoryOutgoing(self.undo)
        escalations, brakes = MemoryEscalations(self.undo, outgoing), MemoryBrakes(self.undo)
        self.rooms: ports.Rooms = rooms
        self.people: ports.People = people
        self.conversations: ports.Conversations = conversations
        self.transcript: ports.Transcript = transcript
        self.inbox: ports.Inbox = inbox
        self.turns: ports.Turns = turns
        self.proposals: ports.Proposals = proposals
        self.ledger: ports.Ledger = ledger
        self.outgoing: ports.Outgoing = outgoing
        self.escalations: ports.Escalations = escalations
        self.brakes: ports.Brakes = brakes
        self.audit: ports.Audit = MemoryAudit(self.undo, seal)
        drawers = (
            rooms.drawers()
            | people.drawers()
            | conversations.drawers()
            | transcript.drawers()
            | inbox.drawers()
            | turns.drawers()
            | proposals.drawers()
            | ledger.drawers()
            | outgoing.drawers()
            | escalations.drawers()
            | brakes.drawers()
        )
        self.upkeep: ports.Upkeep = StoreUpkeep(self, MemoryRecords(drawers))

    @property
    def connection(self) -> object | None:
        return None

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    def commit(self) -> list[Callable[[], None]]:
        """Forgets how to undo, and returns what is to be called now."""
        callbacks = list(self.callbacks)
        self.callbacks.clear()
        self.undo.clear()
        return callbacks

    def roll_back(self) -> None:
        while self.undo:
            self.undo.pop()()
        self.callbacks.clear()


class MemoryStore:
    """`ports.Store`."""

    def __init__(self, *, seal: Seal | None = None) -> None:
        self._unit = MemoryUnit(seal or AesSeal())
        self._lock = threading.Lock()

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T:
        # A real store lets others run meanwhile; so does this one, for the same races to show.
        await asyncio.sleep(0)
        with self._lock:
            try:
                result = fn(self._unit)
            except BaseException:
                self._unit.roll_back()
                raise
            callbacks = self._unit.commit()
        for callback in callbacks:
            callback()
        await asyncio.sleep(0)
        return result

    async def close(self) -> None:
        """Nothing to close."""
