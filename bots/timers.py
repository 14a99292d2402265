"""Hands each timer of the engine to the part that set it."""

import logging
from collections.abc import Iterator

from agent_core.deadlines import EXPIRES, Deadlines
from agent_core.ports import UnitOfWork
from agent_core.reconciler import DueTimer
from escalation.brief import Briefing, Reminders
from escalation.desk import BRIEF, REMIND

log = logging.getLogger(__name__)


class Timers:
    """The handler of TIMER entries: `ref` begins with the name of what is due."""

    def __init__(self, *, briefing: Briefing, reminders: Reminders, deadlines: Deadlines) -> None:
        self._briefing = briefing
        self._reminders = reminders
        self._deadlines = deadlines

    async def fire(self, key: str, ref: str) -> None:
        """Whoever handles it reads the state again, and may find nothing to do."""
        if ref.startswith(BRIEF):
            await self._briefing.brief(key)
        elif ref.startswith(REMIND):
            await self._reminders.remind(key, ref.rsplit(":", 1)[-1])
        elif ref.startswith(EXPIRES):
            await self._deadlines.expire(key)
        else:
            log.error("unknown timer", extra={"ref": ref})


def unbriefed(tx: UnitOfWork) -> Iterator[DueTimer]:
    """Cases whose brief is not posted yet: the reconciler asks for them again."""
    for case in tx.escalations.waiting():
        if case.card is None:
            yield DueTimer(key=case.id, ref=f"{BRIEF}{case.id}:again", at=case.opened_at)
