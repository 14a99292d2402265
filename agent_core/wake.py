"""Tells the engine that a conversation has work."""

from agent_core.journal import InboxRow
from agent_core.ports import Engine, EngineKind, UnitOfWork


def wake(tx: UnitOfWork, engine: Engine, row: InboxRow) -> None:
    """One entry for each inbox row; the padded number keeps them in order."""
    ref = f"{row.conversation_id}:{row.seq:012d}"
    engine.submit(tx, kind=EngineKind.TURN, key=row.conversation_id, ref=ref)
