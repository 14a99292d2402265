"""How `handrail serve` is told to stop: by SIGTERM or SIGINT, from its first moment on."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """A stop was asked for before there was anything that serves.

    No Exception: nobody takes it for a failure of what it breaks off.
    """


class Stop:
    """The first signal is a wish, which each part of a start and a run meets in its own way.

    A second one, also while the rest is still closed, ends the process at once: what is under way
    is taken up by the next start or by another worker.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._starting: asyncio.Task[Any] | None = None

    def watch_the_loop(self) -> None:
        """From here on nothing is interrupted in the middle of a step. Raises Stopped."""
        loop = asyncio.get_running_loop()
        for number in _STOPS:
            loop.add_signal_handler(number, self._ask, number)
        if self._asked.is_set():  # told where an exception is lost, as in a finalizer
            raise Stopped

    async def unless_asked(self, work: Coroutine[Any, Any, T]) -> T:
        """Carries `work` out; a signal cancels it, and then this raises Stopped."""
        self._starting = task = asyncio.create_task(work)
        if self._asked.is_set():
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            if self._asked.is_set():
                raise Stopped from None
            raise
        finally:
            self._starting = None

    async def wait(self) -> None:
        """Until a signal comes."""
        await self._asked.wait()

    def interrupt(self, number: int, _frame: FrameType | None) -> None:
        """Before the loop watches: breaks off whatever runs, a migration too, which rolls back.

        A wait for SQLite's one writer ends first: it hears no signal.
        """
        self._ask(number)
        raise Stopped

    def _ask(self, number: int) -> None:
        if self._asked.is_set():
            log.warning("asked twice to stop: leaving at once, the rest is taken over")
            os._exit(128 + number)
        self._asked.set()
        if self._starting is not None:
            self._starting.cancel()


@contextmanager
def stoppable() -> Iterator[Stop]:
    """In the main thread. A stop within is no error, however far the work had come.

    Without a handler SIGTERM would kill, and do nothing at all to the first process of a container.
    """
    stop = Stop()
    before = [(number, signal.signal(number, stop.interrupt)) for number in _STOPS]
    try:
        yield stop
    except Stopped:
        log.info("stopped before it served")
    finally:
        for number, handler in before:
            signal.signal(number, handler)
