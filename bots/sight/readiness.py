"""Whether the service is ready, degraded or not ready, each problem a sentence with its remedy.

Not ready: another process would do better, so the load balancer sends requests elsewhere. Degraded:
every process has the same trouble (a model that is down, a token that was revoked), or it is soon
to come; taking this one out would only make it worse. Anybody may ask, so no sentence names an
address, a file, an account or a person, and however often it is asked, each look has its own pace.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from agent_core.errors import HandrailError

log = logging.getLogger(__name__)

Look = Callable[[], Awaitable[str | None]]
PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What keeps requests away (`problems`), and what does not (`degraded`), in sentences."""

    problems: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look. `look` returns a sentence, or None where all is well.

    `severe`: not ready. `every_seconds`: how long an answer holds. `unanswered`: the sentence
    where the look breaks or takes too long. `waits`: False for looks over the network, which run
    beside the question and answer the next one.
    """

    name: str
    look: Look
    unanswered: str
    severe: bool = False
    every_seconds: float = 2.0
    waits: bool = True


class Readiness:
    """Asks each check at its own pace, and never twice at once."""

    def __init__(
        self, checks: Sequence[Check], *, seconds: Callable[[], float] = monotonic
    ) -> None:
        self._kept = [_Kept(check, seconds) for check in checks]

    async def report(self) -> Report:
        """Answers within PATIENCE_SECONDS."""
        await asyncio.gather(*(kept.refresh() for kept in self._kept))
        told = [(kept.check, kept.sentence) for kept in self._kept if kept.sentence is not None]
        return Report(
            problems=tuple(sentence for check, sentence in told if check.severe and sentence),
            degraded=tuple(sentence for check, sentence in told if not check.severe and sentence),
        )

    async def close(self) -> None:
        """Ends looks that are under way."""
        running = [kept.task for kept in self._kept if kept.task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class _Kept:
    """One check and its last answer."""

    def __init__(self, check: Check, seconds: Callable[[], float]) -> None:
        self.check = check
        self.sentence: str | None = None
        self.task: asyncio.Task[None] | None = None
        self._seconds = seconds
        self._looked_at = float("-inf")

    async def refresh(self) -> None:
        if self.task is None or self.task.done():
            if self._seconds() - self._looked_at < self.check.every_seconds:
                return
            self.task = asyncio.create_task(self._look())
        if not self.check.waits:
            return
        await asyncio.wait([self.task], timeout=PATIENCE_SECONDS)
        if not self.task.done():
            self.sentence = self.check.unanswered

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await self.check.look()
        except (HandrailError, OSError, TimeoutError) as problem:
            found = self.check.unanswered
            log.warning(
                "not ready", extra={"check": self.check.name, "problem": type(problem).__name__}
            )
        except Exception:  # a defect in the look is no sign that all is well
            found = self.check.unanswered
            log.exception("a look broke", extra={"check": self.check.name})
        if found is not None and found != self.sentence:
            log.warning("%s: %s", self.check.name, found)
        self.sentence = found
        self._looked_at = self._seconds()
