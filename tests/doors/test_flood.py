"""A real `handrail serve` under floods: its memory stays bounded, and honest requests are answered.

The figures are those of the process: /proc/PID/status, so Linux alone.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bots import bootstrap
from bots.demo import environment
from bots.demo.children import Child
from bots.demo.options import Support
from bots.demo.prepare import prepare
from bots.doorway import BACKLOG, CONNECTIONS
from bots.settings import Settings
from playground import people
from playground.payments_api.app import running as payments_running
from playground.slack_api.app import running as slack_running
from playground.slack_api.world import SlackWorld
from playground.teams_api.server import running as teams_running
from playground.teams_api.world import TeamsWorld
from tests.doors.senders import slack_headers
from tests.doors.wires import Request, sent

MIB = 1024 * 1024
SLACK_SECONDS = 3.0
CROWD = CONNECTIONS + 150
# Every connection may hold a small body and what is on its way; all together some large ones.
MOST_GROWTH = 160 * MIB

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(
        not Path("/proc/self/status").exists(), reason="There is no /proc: run this on Linux."
    ),
]


@dataclass(slots=True, kw_only=True)
class Service:
    """The process that serves."""

    address: str
    pid: int
    honest_sent: int = 0

    def memory(self) -> int:
        """Bytes that it holds now."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(x for x in lines if x.startswith("VmRSS")).split()[1]) * 1024

    def connections(self) -> int:
        """Sockets and files that it has open."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    async def honest(self) -> float:
        """Slack delivers a message; how many seconds until it is taken. It is kept by then."""
        self.honest_sent += 1
        body = a_mention(self.honest_sent)
        headers = [(b"Host", b"x"), (b"Content-Type", b"application/json"), *slack_headers(body)]
        started = time.monotonic()
        request = Request(target=b"/slack/events", headers=headers, body=body)
        assert await sent(self.address, request) == 200
        return time.monotonic() - started

    async def call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.address)
        return await asyncio.open_connection(parts.hostname, parts.port)


def a_mention(number: int) -> bytes:
    team = people.VENDOR_TEAM.team_id
    event = {
        "type": "event_callback",
        "team_id": team,
        "event_id": f"Ev{number}",
        "event_time": int(time.time()),
        "authorizations": [{"team_id": team, "user_id": people.SLACK_BOT_USER_ID, "is_bot": True}],
        "event": {
            "type": "app_mention",
            "user": people.GLOBEX_OWNER.user_id,
            "team": team,
            "user_team": people.GLOBEX_OWNER.team_id,
            "text": f"<@{people.SLACK_BOT_USER_ID}> hello",
            "ts": f"1795340000.{number:06}",
            "channel": people.GLOBEX_ROOM.channel_id,
        },
    }
    return json.dumps(event).encode()


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Service]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(slack_running(SlackWorld()))
        world = TeamsWorld(messaging_endpoint="http://127.0.0.1:9/api/messages")
        teams = await stack.enter_async_context(teams_running(world))
        _, payments = await stack.enter_async_context(payments_running(folder / "payments.db"))
        stand_ins = environment.StandIns(page="", slack_api=slack, teams=teams, payments=payments)
        environ = environment.of_service(folder, stand_ins, Support.SLACK, None)
        settings = Settings.load(environ)
        bootstrap.migrate(settings)
        await prepare(settings, Support.SLACK)
        (folder / "logs").mkdir()
        words = ("bots.cli", "serve", "--host", "127.0.0.1", "--port", "0")
        given = {**environment.for_children(), **environ}
        child = await Child.start("service", words, environ=given, folder=folder)
        try:
            address = (await child.first_line()).removeprefix("listening on ")
            yield Service(address=address, pid=child.pid)
            assert not child.has_ended, child.tail()
            noise = [x for x in (folder / "logs/service.log").read_text().splitlines() if is_bad(x)]
            assert noise == []
        finally:
            await child.stop()


def is_bad(line: str) -> bool:
    # The stand-in never posted what was delivered here, so there is no thread to answer in.
    return "Traceback" in line or ('"error"' in line and "message not delivered" not in line)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path) as service:
        await service.honest()  # what is loaded at first use is loaded
        yield service


async def drain(service: Service, seconds: float = 3.0) -> list[float]:
    """Honest deliveries, one after the other, for so long, and seven at least."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(took) < 7:
        took.append(await service.honest())
    return took


def judged(service: Service, before: int, peak: int, took: list[float]) -> None:
    growth = (peak - before) / MIB
    print(f"grew {growth:.1f} MiB; honest: {len(took)}, median {statistics.median(took):.3f} s,")
    print(f"worst {max(took):.3f} s; descriptors now {service.connections()}")
    assert peak - before < MOST_GROWTH
    assert statistics.median(took) < SLACK_SECONDS


async def flooded(service: Service, each: bytes, more: bytes = b"") -> None:
    """A crowd that each sends `each`, then drips `more`, while others are honest."""
    before, peak = service.memory(), 0
    crowd = []
    for _ in range(CROWD):
        reader, writer = await service.call()
        writer.write(each)
        crowd.append((reader, writer))
        if len(crowd) % 50 == 0:
            peak = max(peak, service.memory())
            await asyncio.sleep(0)
    honest = asyncio.ensure_future(drain(service))
    most = 0
    while not honest.done():
        for _, writer in crowd:
            if more and not writer.is_closing():
                writer.write(more)
        peak, most = max(peak, service.memory()), max(most, service.connections())
        await asyncio.wait({honest}, timeout=0.2)
    for _, writer in crowd:
        writer.close()
    judged(service, before, peak, await honest)
    assert most < CONNECTIONS + BACKLOG + 100, "more connections than there may be"


def a_head(path: bytes, length: int) -> bytes:
    lines = [b"POST %s HTTP/1.1" % path, b"Host: x", b"Content-Type: application/json"]
    return b"\r\n".join([*lines, b"Content-Length: %d" % length, b"", b""])


async def test_a_crowd_that_never_ends_its_headers(service: Service) -> None:
    await flooded(service, b"POST /slack/events HTTP/1.1\r\nX-Slow: ", more=b"x")


async def test_a_crowd_that_dribbles_large_bodies(service: Service) -> None:
    """Each has sent almost all of a mebibyte, and keeps the end to itself: 660 MiB in all."""
    await flooded(service, a_head(b"/slack/events", MIB) + b"x" * (MIB - 2_000), more=b"x")


async def test_bodies_without_end(service: Service) -> None:
    """Some claim little and send chunk upon chunk, some claim a terabyte: both are cut off."""
    before, peak = service.memory(), 0
    chunk = b"10000\r\n" + b"[" * 65_536 + b"\r\n"
    head = a_head(b"/slack/events", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    claim = a_head(b"/api/messages", 10**12)

    async def pour(start: bytes, piece: bytes) -> int:
        """How many bytes were taken off our hands before the end."""
        _, writer = await service.call()
        written = 0
        try:
            writer.write(start)
            while written < 64 * MIB:
                writer.write(piece)
                written += len(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
        return written

    honest = asyncio.ensure_future(drain(service))
    pouring = [asyncio.ensure_future(pour(head, chunk)) for _ in range(10)]
    pouring += [asyncio.ensure_future(pour(claim, b"[" * 65_536)) for _ in range(10)]
    while not honest.done():
        peak = max(peak, service.memory())
        await asyncio.wait({honest}, timeout=0.1)
    for task in pouring:
        task.cancel()
    await asyncio.gather(*pouring, return_exceptions=True)
    judged(service, before, peak, await honest)
