"""Reads the body of a request no further, and no longer, than an honest sender needs."""

import asyncio
from typing import Final

from aiohttp import web

BODY_SECONDS: Final = 10.0  # Slack gives up after 3, Teams after 15
SMALL_BODY: Final = 64 * 1024  # what every request may hold; honest ones are smaller
LARGE_BODIES: Final = 32 * 1024 * 1024  # what all requests together may hold above that


class BodyRefused(Exception):
    """A body that is not taken: `status` is the answer, the message says why, without content."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class BodyBudget:
    """Bytes that the larger bodies being read may hold together. Small ones always fit.

    `seconds`: how long the reading of one body may take.
    """

    def __init__(self, size: int = LARGE_BODIES, *, seconds: float = BODY_SECONDS) -> None:
        self._left = size
        self.seconds = seconds

    def take(self, size: int) -> bool:
        """False where there is not that much left."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give(self, size: int) -> None:
        self._left += size


BUDGET: Final = web.AppKey("handrail_body_budget", BodyBudget)


async def read_body(request: web.Request, *, most: int) -> bytes:
    """The body: at most `most` bytes, in time, and within the budget of all. Raises BodyRefused.

    The time is the reading's alone: what a handler commits afterwards is never cut short by it.
    """
    # A small body can unfold into a huge one, and no channel sends compressed ones.
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise BodyRefused(415, "the body must not be compressed")
    if (request.content_length or 0) > most:
        raise BodyRefused(413, "body is too large")
    budget = request.app.get(BUDGET, BodyBudget())
    held, taken = bytearray(), 0
    try:
        async with asyncio.timeout(budget.seconds):
            while not request.content.at_eof():
                if request.transport is None:
                    raise BodyRefused(400, "the connection ended")
                chunk = await request.content.readany()
                size = len(held) + len(chunk)
                if size > most:
                    raise BodyRefused(413, "body is too large")
                more = max(0, size - SMALL_BODY) - taken
                if more > 0:
                    if not budget.take(more):
                        raise BodyRefused(429, "too many large bodies at once")
                    taken += more
                held += chunk
    except TimeoutError:
        raise BodyRefused(408, "the body took too long") from None
    except (web.RequestPayloadError, ConnectionError):
        raise BodyRefused(400, "the body ended early, or its framing is wrong") from None
    finally:
        budget.give(taken)
    return bytes(held)
