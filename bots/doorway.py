"""The listening socket: how many connections there may be, and how long one may keep us waiting."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web

from bots.http_log import HttpLog

# Files and connections of our own need descriptors too, of which a process often has 1,024.
CONNECTIONS: Final = 512
HEAD_SECONDS: Final = 10.0  # from a request's first byte to the end of its headers
REQUEST_SECONDS: Final = 60.0  # from there to the end of the answer
IDLE_SECONDS: Final = 75.0  # between requests: longer than the usual proxy keeps a connection
BACKLOG: Final = 100  # as many may be taken in at once, before they are counted
STEP_REQUESTS: Final = 16  # begun in one step of the event loop; a few ms together
READ_BYTES: Final = 16 * 1024  # taken from a connection at a time: the most an honest one sends

# For every server of the application, also one that a test starts in its own way.
HANDLER_ARGUMENTS: Final[dict[str, Any]] = {
    "auto_decompress": False,
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 64,
    "read_bufsize": READ_BYTES,
    "lingering_time": 1.0,  # how long the rest of a refused body is read, so that the answer is
    "keepalive_timeout": IDLE_SECONDS,
    "logger": HttpLog(),
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorway:
    """Counts the connections and looks after their time.

    A full doorway closes the connection that has kept it waiting longest (for headers, a body, or
    anything at all), so that many who say nothing cannot keep out one who does. A request that has
    been read is never cut off; where every connection has one, the new connection is closed.
    """

    def __init__(
        self,
        *,
        connections: int = CONNECTIONS,
        head_seconds: float = HEAD_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.most = connections
        self.head_seconds = head_seconds
        self.request_seconds = request_seconds
        self.idle_seconds = idle_seconds
        # The order is that of the last change of state: the first has been as it is the longest.
        self._open: OrderedDict[asyncio.BaseTransport, Watched] = OrderedDict()
        self._begun = 0  # requests, in this step of the loop
        # One for all: it is filled and emptied in one step of the loop.
        self.buffer = bytearray(READ_BYTES)

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, transport: asyncio.BaseTransport, connection: "Watched") -> bool:
        """False where there is no room, and none can be made."""
        if len(self._open) >= self.most:
            waiting = next((c for c in self._open.values() if c.keeps_us_waiting()), None)
            if waiting is None:
                return False
            waiting.end()
        self._open[transport] = connection
        return True

    def leave(self, transport: asyncio.BaseTransport) -> None:
        self._open.pop(transport, None)

    def changed(self, transport: asyncio.BaseTransport) -> None:
        if transport in self._open:
            self._open.move_to_end(transport)

    async def begin(self) -> None:
        """Waits while enough requests have begun in this step of the event loop.

        Five hundred that come in one moment would otherwise be read, verified and parsed in a
        single step, and timers, turns and answers would wait for all of them.
        """
        while self._begun >= STEP_REQUESTS:  # noqa: ASYNC110 - it is the next step that is awaited
            await asyncio.sleep(0)
        if not self._begun:
            asyncio.get_running_loop().call_soon(self._next_step)
        self._begun += 1

    def _next_step(self) -> None:
        self._begun = 0

    def of(self, transport: asyncio.BaseTransport | None) -> "Watched | None":
        return self._open.get(transport) if transport is not None else None


DOORWAY: Final = web.AppKey("handrail_doorway", Doorway)


class Watched(asyncio.BufferedProtocol):
    """One connection: passes everything on to aiohttp's protocol, and keeps the time."""

    def __init__(self, inner: asyncio.Protocol, doorway: Doorway) -> None:
        self._inner = inner
        self._doorway = doorway
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._request: web.Request | None = None
        self._in_head = False
        self._entered = False

    def keeps_us_waiting(self) -> bool:
        """Whether the other side is to speak: nothing of a request, or not all, has been read."""
        return self._request is None or not self._request.content.is_eof()

    def end(self) -> None:
        """Closes the connection at once. What a handler has begun goes on."""
        if self._transport is not None:
            self._doorway.leave(self._transport)
            self._transport.abort()

    def began(self, request: web.Request) -> None:
        """The headers are read, and a handler begins."""
        self._request, self._in_head = request, False
        self._wait(self._doorway.request_seconds)

    def finished(self) -> None:
        """The handler has its answer."""
        self._request = None
        self._wait(self._doorway.idle_seconds)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._entered = self._doorway.enter(transport, self)
        if not self._entered:
            self._transport.abort()
            return
        self._wait(self._doorway.head_seconds)
        self._in_head = True
        self._inner.connection_made(transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._doorway.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._request is None and not self._in_head:
            self._in_head = True
            self._wait(self._doorway.head_seconds)
        if self._entered:
            self._inner.data_received(bytes(memoryview(self._doorway.buffer)[:nbytes]))

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._entered else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._doorway.leave(self._transport)
        if self._entered:
            self._inner.connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end)
        if self._transport is not None:
            self._doorway.changed(self._transport)


def guard(response: web.StreamResponse) -> None:
    """What every answer bears: nothing of it is kept, run as a page, or told to other sites."""
    response.headers["Server"] = "handrail"  # and not which version of what
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")


class Discreet(web.RequestHandler):
    """aiohttp's protocol, whose answer to what broke names no version and repeats no input."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Raises ConnectionError where an answer had begun."""
        super().handle_error(request, status, exc, message)  # tells the log
        answer = web.Response(status=status, text=f"{status} {HTTPStatus(status).phrase}\n")
        answer.force_close()
        guard(answer)
        return answer


class DoorSite(web.BaseSite):
    """Listens on an address, and lets connections in through the doorway."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, doorway: Doorway) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._host = host
        self._port = port
        self._doorway = doorway

    @property
    def name(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Raises OSError where the port cannot be had."""
        await super().start()
        inner = self._runner.server
        assert inner is not None

        def connection() -> Watched:
            protocol = inner()
            protocol.__class__ = Discreet  # the runner makes its own class alone
            return Watched(protocol, self._doorway)

        self._server = await asyncio.get_running_loop().create_server(
            connection, self._host, self._port, backlog=self._backlog
        )


@web.middleware
async def keep_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells the doorway that a request has begun and ended."""
    doorway = request.app.get(DOORWAY)
    connection = doorway.of(request.transport) if doorway is not None else None
    if doorway is None or connection is None:
        return await handler(request)
    connection.began(request)
    try:
        await doorway.begin()
        return await handler(request)
    finally:
        connection.finished()
