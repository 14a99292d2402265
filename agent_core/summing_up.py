"""Asks the engine for a summary of what was said long ago, beside the turns."""

from typing import Final

from agent_core.conversation import ConversationId
from agent_core.ports import Engine, EngineKind, UnitOfWork

COMPACT: Final = "compact:"


def ask_for_summary(
    tx: UnitOfWork, engine: Engine, conversation_id: ConversationId, mark: str
) -> None:
    """Idempotent by `mark`. Whoever handles it reads again whether one is due."""
    ref = f"{COMPACT}{mark}"
    engine.submit(tx, kind=EngineKind.TIMER, key=str(conversation_id), ref=ref)
