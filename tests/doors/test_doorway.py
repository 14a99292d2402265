"""Who keeps the service waiting is let go; who has been heard is answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from bots import server
from bots.bodies import BUDGET, SMALL_BODY, BodyBudget, BodyRefused, read_body
from bots.doorway import DOORWAY, STEP_REQUESTS, Doorway
from bots.sight.readiness import Report

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
MOST = 1024 * 1024
PATIENCE = 20.0


class House:
    """A server with one door that reads a body and waits for leave to answer."""

    def __init__(self, doorway: Doorway, budget: BodyBudget) -> None:
        self.leave = asyncio.Event()
        self.leave.set()
        self.asked = 0
        self.finished = 0
        doors = [web.post("/door", self._door), web.post("/broken", self._broken)]
        self.app = server.application(doors, _fine, doorway)
        self.app[BUDGET] = budget
        self.address = ""
        self._writers: list[asyncio.StreamWriter] = []

    async def _door(self, request: web.Request) -> web.Response:
        try:
            body = await read_body(request, most=MOST)
        except BodyRefused as refused:
            return web.Response(status=refused.status)
        self.asked += 1
        await self.leave.wait()
        self.finished += 1
        return web.Response(text=str(len(body)))

    async def _broken(self, request: web.Request) -> web.Response:
        raise KeyError("s3cret")

    async def call(self, words: bytes = b"") -> Pair:
        parts = urlsplit(self.address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(words)
        self._writers.append(writer)
        return reader, writer

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():  # noqa: ASYNC110 - the server tells no event
                await asyncio.sleep(0.005)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def house(*, budget: BodyBudget | None = None, **limits: Any) -> AsyncIterator[House]:
    found = House(Doorway(**limits), budget or BodyBudget())
    async with server.listening(found.app, "127.0.0.1", 0) as found.address:
        try:
            yield found
        finally:
            found.leave.set()
            found.close()


async def _fine() -> Report:
    return Report()


def post(size: int, *, sent: int | None = None, extra: bytes = b"") -> bytes:
    """A request whose body has `size` bytes, of which `sent` are on their way."""
    head = b"POST /door HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n" % (extra, size)
    return head + b"x" * (size if sent is None else sent)


async def status(pair: Pair) -> int:
    """The status of the next answer; 0 where the connection was closed instead."""
    async with asyncio.timeout(PATIENCE):
        try:
            line = await pair[0].readline()
        except ConnectionError:
            return 0
    return int(line.split()[1]) if line else 0


@pytest.mark.parametrize("words", [b"", b"POST /door HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"P"])
async def test_headers_that_do_not_end_are_not_waited_for(words: bytes) -> None:
    async with house(head_seconds=0.1) as found:
        assert await status(await found.call(words)) == 0
        assert len(found.app[DOORWAY]) == 0


async def test_headers_in_drops_get_no_more_time() -> None:
    async with house(head_seconds=0.3) as found:
        reader, writer = await found.call(b"POST /door HTTP/1.1\r\n")
        ended = asyncio.ensure_future(reader.read())
        async with asyncio.timeout(PATIENCE):
            while not ended.done():
                writer.write(b"X-A: b\r\n")
                await asyncio.wait({ended}, timeout=0.05)


async def test_a_body_in_drops_is_answered_408() -> None:
    async with house(budget=BodyBudget(seconds=0.2)) as found:
        pair = await found.call(post(1_000, sent=1))
        ended = asyncio.ensure_future(status(pair))
        while not ended.done():
            pair[1].write(b"x")
            await asyncio.wait({ended}, timeout=0.05)
        assert await ended == 408
        assert found.asked == 0


async def test_silence_between_requests_has_an_end() -> None:
    async with house(idle_seconds=0.1) as found:
        pair = await found.call(post(3))
        assert await status(pair) == 200
        assert (await pair[0].read())[-1:] == b"3"  # the rest of the answer, and the end


async def test_an_answer_under_way_has_an_end_too_and_its_work_goes_on() -> None:
    async with house(request_seconds=0.1) as found:
        found.leave.clear()
        pair = await found.call(post(3))
        assert await status(pair) == 0
        found.leave.set()
        await found.until(lambda: found.finished == 1)


async def test_those_who_say_nothing_make_room_for_one_who_does() -> None:
    async with house(connections=4) as found:
        silent = [await found.call(b"POST /door HTTP/1.1\r\n") for _ in range(3)]
        silent.append(await found.call(post(1_000, sent=10)))
        await found.until(lambda: len(found.app[DOORWAY]) == 4)
        for _ in range(8):
            pair = await found.call(post(3))
            assert await status(pair) == 200
        assert len(found.app[DOORWAY]) <= 4
        assert [await status(pair) for pair in silent] == [0, 0, 0, 0]


async def test_who_has_been_read_is_never_turned_out_for_another() -> None:
    async with house(connections=3) as found:
        found.leave.clear()
        heard = [await found.call(post(3)) for _ in range(3)]
        await found.until(lambda: found.asked == 3)
        assert await status(await found.call(post(3))) == 0
        found.leave.set()
        assert [await status(pair) for pair in heard] == [200, 200, 200]


async def test_large_bodies_share_a_budget_and_small_ones_need_none() -> None:
    large = SMALL_BODY + 100_000
    async with house(budget=BodyBudget(size=150_000)) as found:
        first = await found.call(post(large, sent=large - 1))
        # Of the budget, 100,000 are taken once a second large one is refused.
        await found.until(lambda: not found.app[BUDGET].take(100_000) or _given(found, 100_000))
        assert await status(await found.call(post(large))) == 429
        assert await status(await found.call(post(SMALL_BODY))) == 200
        first[1].write(b"x")
        assert await status(first) == 200
        assert await status(await found.call(post(large))) == 200  # all was given back


def _given(found: House, size: int) -> bool:
    found.app[BUDGET].give(size)
    return False


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (post(MOST), 200),
        (post(MOST + 1, sent=0), 413),
        (post(10, extra=b"Content-Encoding: gzip\r\n"), 415),
        (post(10, extra=b"Content-Encoding: identity\r\n"), 200),
        (post(3, extra=b"X-One: 1\r\n" * 100), 400),
        (post(3, extra=b"X-Long: " + b"x" * 9_000 + b"\r\n"), 400),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ],
)
async def test_sizes_have_an_end(words: bytes, expected: int) -> None:
    async with house() as found:
        assert await status(await found.call(words)) == expected


async def test_chunks_without_end_are_refused_when_they_are_too_many() -> None:
    async with house() as found:
        head = b"POST /door HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        pair = await found.call(head)
        answer = asyncio.ensure_future(status(pair))
        piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        written = 0
        while not answer.done() and written < 400:
            pair[1].write(piece)
            written += 1
            await asyncio.wait({answer}, timeout=0.01)
        assert await answer == 413


@pytest.mark.parametrize(
    "words",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer s3cret\r\n\r\n",
        b"GET http://[::1s3cret HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00s3cret\r\n\r\n",
        b"POST /broken HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_every_answer_says_nothing_of_what_runs_here_or_came_in(words: bytes) -> None:
    async with house() as found:
        asyncio.get_running_loop().set_debug(True)  # aiohttp then shows where an error was
        reader, _ = await found.call(words)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(x for x in answer.splitlines() if x.startswith("Content-Length"))
        answer += (await reader.readexactly(int(length.split()[1]))).decode()
        assert "aiohttp" not in answer and "Server: handrail" in answer
        assert "no-store" in answer and "nosniff" in answer
        assert "s3cret" not in answer and "Traceback" not in answer


async def test_a_crowd_begins_a_few_in_each_step_of_the_loop_and_in_order() -> None:
    doorway, loop = Doorway(), asyncio.get_running_loop()
    step = 0
    begun: list[tuple[int, int]] = []

    def tick() -> None:
        nonlocal step
        step += 1
        if len(begun) < 100:
            loop.call_soon(tick)

    async def request(number: int) -> None:
        await doorway.begin()
        begun.append((number, step))

    tick()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(request(number) for number in range(100)))
    assert [number for number, _ in begun] == list(range(100))
    in_step = Counter(at for _, at in begun)
    assert len(in_step) >= 6
    assert max(in_step.values()) <= STEP_REQUESTS
