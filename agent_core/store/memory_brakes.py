"""Brakes in memory."""

from collections.abc import Sequence

from agent_core.brakes import Brake, BrakeScope
from agent_core.store.memory_records import Drawer, drawer
from agent_core.store.memory_tables import Kept, Undo
from agent_core.store.rows import BRAKES


class MemoryBrakes:
    """`ports.Brakes`."""

    def __init__(self, undo: Undo) -> None:
        self._brakes = Kept[Brake](Brake, undo)

    def all(self) -> Sequence[Brake]:
        return sorted(self._brakes, key=lambda brake: (brake.scope, brake.target))

    def set(self, brake: Brake) -> None:
        self._brakes.put((brake.scope, brake.target), brake)

    def release(self, scope: BrakeScope, target: str) -> bool:
        if self._brakes.get((scope, target)) is None:
            return False
        self._brakes.remove((scope, target))
        return True

    def drawers(self) -> dict[str, Drawer]:
        return {"hr_brakes": drawer(self._brakes, BRAKES)}
