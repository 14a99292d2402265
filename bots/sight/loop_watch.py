"""Watches the event loop: how late it is, whether it stands still, and at which line."""

import asyncio
import logging
import sys
import threading
import traceback
from pathlib import PurePath
from time import monotonic
from types import FrameType
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

log = logging.getLogger(__name__)

BEAT_SECONDS: Final = 0.5
STALL_SECONDS: Final = 5.0  # said in the log, once for each time
DEAD_SECONDS: Final = 30.0
_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class LoopWatch:
    """A beat on the loop, and a thread that looks for it. Costs two wake-ups a second."""

    def __init__(
        self, registry: CollectorRegistry, *, stall_seconds: float = STALL_SECONDS
    ) -> None:
        self._lag = Histogram(
            "handrail_loop_lag_seconds",
            "How much later than asked the event loop woke a task.",
            buckets=_BUCKETS,
            registry=registry,
        )
        stalled = Gauge(
            "handrail_loop_still_seconds",
            "Since the event loop last showed a sign of life.",
            registry=registry,
        )
        stalled.set_function(lambda: self.still_seconds)
        self._stall_seconds = stall_seconds
        self._beat_at = monotonic()
        self._task: asyncio.Task[None] | None = None
        self._over = threading.Event()
        self._loop_thread = threading.get_ident()

    @property
    def still_seconds(self) -> float:
        """Since the last beat: half a second at most, where all is well."""
        return monotonic() - self._beat_at

    @property
    def is_alive(self) -> bool:
        """False where the beat has stopped although this question is answered."""
        return self._task is None or self.still_seconds < DEAD_SECONDS

    def start(self) -> None:
        """Inside the loop that is watched."""
        self._loop_thread = threading.get_ident()
        self._beat_at = monotonic()
        self._task = asyncio.create_task(self._beat())
        threading.Thread(target=self._look, name="handrail-loop-watch", daemon=True).start()

    async def stop(self) -> None:
        self._over.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            asked = monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            self._beat_at = monotonic()
            self._lag.observe(max(0.0, self._beat_at - asked - BEAT_SECONDS))

    def _look(self) -> None:
        told = False
        while not self._over.wait(min(1.0, self._stall_seconds / 2)):
            still = self.still_seconds > self._stall_seconds
            if still and not told:
                frame = sys._current_frames().get(self._loop_thread)
                log.error(
                    "the event loop stands still",
                    extra={"seconds": round(self.still_seconds, 1), "at": place_of(frame)},
                )
            told = still


def place_of(frame: FrameType | None) -> list[str]:
    """The innermost lines of code, without any value."""
    if frame is None:
        return []
    found = list(traceback.walk_stack(frame))[:8]
    return [
        f"{'/'.join(PurePath(each.f_code.co_filename).parts[-3:])}:{line} {each.f_code.co_name}"
        for each, line in found
    ]
