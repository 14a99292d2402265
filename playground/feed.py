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
        self._ended = False

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

    async def changes(self, seq: int, *, timeout: float) -> list[dict[str, Any]]:
        """The changes with a greater number, waiting for one; TimeoutError when none comes."""
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            async with asyncio.timeout(timeout):
                while not (found := self.after(seq)) and not self._ended:
                    waker.clear()
                    await waker.wait()
            return found
        finally:
            self._wakers.discard(waker)

    def end(self) -> None:
        """Lets every reader go, so that the server can stop."""
        self._ended = True
        for waker in self._wakers:
            waker.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answers a reader until it leaves. `?after=N` or `Last-Event-ID` says what it has seen.

        Where that cannot be continued, {"type": "reload"} comes first: read the whole state again.
        """
        seen = _number(
            request.headers.get("Last-Event-ID") or request.query.get("after"), self._seq
        )
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers | request.get(CORS_HEADERS, {}))
        with contextlib.suppress(ConnectionResetError):
            await response.prepare(request)
            await response.write(b": connected\n\n")
            if self._forgotten(seen):
                seen = self._seq
                await response.write(_line({"seq": seen, "type": "reload"}))
            while not self._ended:
                try:
                    found = await self.changes(seen, timeout=_HEARTBEAT_SECONDS)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                for change in found:
                    seen = change["seq"]
                    await response.write(_line(change))
        return response

    def _forgotten(self, seq: int) -> bool:
        """True when changes after this number are lost: too long ago, or before a restart."""
        oldest = self._remembered[0]["seq"] if self._remembered else self._seq + 1
        return seq > self._seq or seq < oldest - 1


def _line(change: dict[str, Any]) -> bytes:
    text = json.dumps(change, ensure_ascii=False)
    return f"id: {change['seq']}\ndata: {text}\n\n".encode()


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdigit() else otherwise
