"""A live feed of a stand-in's changes, as server-sent events with a bounded memory."""

import asyncio
import contextlib
import json
from collections import deque
from typing import Any

from aiohttp import web

from playground.loopback import CORS_HEADERS

_REMEMBERED = 1_000
_HEARTBEAT_SECONDS = 15.0


class Feed:
    """Numbers every change, remembers the last thousand and hands them to any number of readers."""

    def __init__(self) -> None:
        self._seq = 0
        self._remembered: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._wakers: set[asyncio.Event] = set()

    @property
    def seq(self) -> int:
        """The number of the last change; 0 before the first."""
        return self._seq

    def publish(self, kind: str, **fields: Any) -> None:
        """Adds {"seq": n, "type": kind, …fields} and wakes the readers."""
        self._seq += 1
        self._remembered.append({"seq": self._seq, "type": kind, **fields})
        for waker in self._wakers:
            waker.set()

    def after(self, seq: int) -> list[dict[str, Any]]:
        """The remembered changes with a greater number."""
        return [change for change in self._remembered if change["seq"] > seq]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answers a reader until it leaves. `?after=N` or `Last-Event-ID` says what it has seen."""
        seen = _number(
            request.headers.get("Last-Event-ID") or request.query.get("after"), self._seq
        )
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                **request.get(CORS_HEADERS, {}),
            }
        )
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            await response.prepare(request)
            await response.write(b": connected\n\n")
            while True:
                waker.clear()
                for change in self.after(seen):
                    seen = change["seq"]
                    text = json.dumps(change, ensure_ascii=False)
                    await response.write(f"id: {seen}\ndata: {text}\n\n".encode())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(waker.wait(), _HEARTBEAT_SECONDS)
                    continue
                await response.write(b": still here\n\n")
        except (ConnectionResetError, asyncio.CancelledError):
            return response
        finally:
            self._wakers.discard(waker)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdigit() else otherwise
