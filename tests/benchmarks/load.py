"""What one service holds: latency at a rate, conversations at once, the ceiling, a long run."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Final

import aiohttp
from slack_sdk.signature import SignatureVerifier

from playground import people
from tests.benchmarks.processes import Child, Json, child
from tests.benchmarks.town_shape import channels

MODEL_CALLS: Final = 2  # of each turn: it reads the account, then it answers
PATIENCE: Final = 120.0


def quantile(values: list[float], part: float) -> float:
    """The value at this part of the sorted list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


@dataclass(slots=True)
class Load:
    """A service, the town that it lives in, and what is sent to it.

    `added`: seconds from a signed delivery to its answer's post, without what the model took.
    """

    service: Child
    town: Child
    http: aiohttp.ClientSession
    model_seconds: float
    sent: dict[tuple[str, str], float] = field(default_factory=dict)
    added: list[float] = field(default_factory=list)
    _number: "count[int]" = field(default_factory=lambda: count(1))
    _channel: "cycle[str]" = field(default_factory=lambda: cycle(channels()))

    async def ask(self) -> None:
        """One mention in a thread of its own, signed as Slack signs it, acknowledged."""
        number, channel = next(self._number), next(self._channel)
        ts = f"{1_700_000_000 + number}.000100"
        body = json.dumps(_event(number, channel, ts))
        stamp = str(int(time.time()))
        signed = SignatureVerifier(people.SLACK_SIGNING_SECRET).generate_signature(
            timestamp=stamp, body=body
        )
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signed or "",
        }
        self.sent[channel, ts] = time.monotonic()
        url = self.service.hello["url"]
        async with self.http.post(url, data=body, headers=headers) as got:
            if got.status != 200:
                raise RuntimeError(f"{got.status} {await got.text()}")

    async def at_rate(self, per_second: float, seconds: float) -> None:
        """So many a second, evenly, whether or not the former ones are answered."""
        began, asked = time.monotonic(), []
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            asked.append(asyncio.create_task(self.ask()))
        await asyncio.gather(*asked)

    async def collect(self) -> int:
        """Takes the posts that came in. How many questions are still open."""
        for channel, thread, at in (await self.town.ask())["posts"]:
            began = self.sent.pop((channel, thread), None)
            if began is not None:  # a second post into the thread is no first answer
                self.added.append(at - began - MODEL_CALLS * self.model_seconds)
        return len(self.sent)

    async def until_answered(self) -> None:
        """Raises TimeoutError where somebody is never answered."""
        async with asyncio.timeout(PATIENCE):
            while await self.collect():  # noqa: ASYNC110 - the town tells no event
                await asyncio.sleep(0.05)

    def taken(self) -> list[float]:
        """The latencies since the last question."""
        added, self.added = self.added, []
        return added


def _event(number: int, channel: str, ts: str) -> Json:
    home, ours = people.NORTHWIND_TEAM.team_id, people.VENDOR_TEAM.team_id
    event = {
        "type": "app_mention",
        "user": people.NORTHWIND_OWNER.user_id,
        "team": ours,
        "user_team": home,
        "source_team": home,
        "text": f"<@{people.SLACK_BOT_USER_ID}> what plan are we on?",
        "ts": ts,
        "channel": channel,
        "event_ts": ts,
    }
    bot = {"team_id": ours, "user_id": people.SLACK_BOT_USER_ID, "is_bot": True}
    return {
        "team_id": home,
        "api_app_id": people.SLACK_APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{number:010d}",
        "event_time": 1_700_000_000 + number,
        "authorizations": [{**bot, "enterprise_id": None, "is_enterprise_install": False}],
        "is_ext_shared_channel": True,
    }


@asynccontextmanager
async def loaded(model_seconds: float, database: str | None = None) -> AsyncIterator[Load]:
    """A running service that has answered a few questions already."""
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(
            child("tests.benchmarks.load_town", str(model_seconds))
        )
        more = [database] if database else []
        service = await stack.enter_async_context(
            child("tests.benchmarks.load_service", town.hello["url"], *more)
        )
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        load = Load(service=service, town=town, http=http, model_seconds=model_seconds)
        await load.at_rate(5, 4)
        await load.until_answered()
        load.taken()
        await service.ask()
        yield load


# --- what is measured -------------------------------------------------------------------------


async def latency(per_second: float = 10, seconds: float = 60) -> Json:
    """Milliseconds that everything but the model adds, at this rate."""
    async with loaded(0.3) as load:
        cpu = (await load.service.ask())["cpu"]
        await load.at_rate(per_second, seconds)
        await load.until_answered()
        told = await load.service.ask()
        added = load.taken()
    return {
        "turns": len(added),
        "p50 ms": round(quantile(added, 0.5) * 1000, 1),
        "p99 ms": round(quantile(added, 0.99) * 1000, 1),
        "CPU ms per turn": round((told["cpu"] - cpu) * 1000 / len(added), 1),
        "loop lag p99 ms": told["lag"]["p99"],
    }


async def waiting(conversations: int = 500, model_seconds: float = 2.0) -> Json:
    """So many conversations at once, each of whose model calls takes this long."""
    async with loaded(model_seconds) as load:
        before = await load.service.ask(collect=True)
        await asyncio.sleep(0.1)
        await load.service.ask()  # forgets how long that took
        asked = [asyncio.create_task(load.ask()) for _ in range(int(conversations))]
        await asyncio.gather(*asked)
        began = time.monotonic()
        await load.collect()
        during = await load.service.ask()
        await load.until_answered()
        after = await load.service.ask()
        added = load.taken()
    lag = max(during["lag"]["p99"], after["lag"]["p99"])
    return {
        "conversations answered": len(added),
        "seconds": round(time.monotonic() - began, 1),
        "loop lag p99 ms": lag,
        "KB per waiting turn": round((during["memory"] - before["memory"]) * 1024 / conversations),
    }


async def ceiling(turns: int = 400) -> Json:
    """Turns per second where the next waits behind the last, with a model that takes no time."""
    async with loaded(0.0) as load:
        began = time.monotonic()
        asked = [asyncio.create_task(load.ask()) for _ in range(int(turns))]
        await asyncio.gather(*asked)
        await load.until_answered()
        seconds = time.monotonic() - began
    return {"turns": turns, "turns per second": round(turns / seconds, 1)}


async def soak(minutes: float, per_second: float) -> list[Json]:
    """A row for each minute at this rate."""
    rows: list[Json] = []
    async with loaded(0.3) as load:
        for minute in range(int(minutes)):
            before = (await load.service.ask())["cpu"]
            await load.at_rate(per_second, 60)
            await load.collect()
            told, added = await load.service.ask(), load.taken()
            rows.append(
                {
                    "minute": minute + 1,
                    "answered": len(added),
                    "p50 ms": round(quantile(added, 0.5) * 1000, 1),
                    "p99 ms": round(quantile(added, 0.99) * 1000, 1),
                    "memory MB": round(told["memory"], 1),
                    "CPU %": round((told["cpu"] - before) / 60 * 100, 1),
                    "loop lag p99 ms": told["lag"]["p99"],
                }
            )
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        await load.until_answered()
    return rows


def measure() -> list[Json]:
    """Rows of {name, unit, ours, peers, ratio}; the peer is the target where there is one."""
    rows: list[Json] = []
    for name, found, targets in (
        ("10 turns a second", asyncio.run(latency()), {"p50 ms": 120, "p99 ms": 400}),
        ("500 conversations at once", asyncio.run(waiting()), {"loop lag p99 ms": 100}),
        ("as fast as they come", asyncio.run(ceiling()), {}),
    ):
        for unit, ours in found.items():
            most = targets.get(unit)
            rows.append(
                {
                    "name": f"whole service on SQLite, {name}",
                    "unit": unit,
                    "ours": ours,
                    "peers": {"at most": most} if most else {},
                    "ratio": round(ours / most, 2) if most else None,
                }
            )
    return rows


if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    what = {"latency": latency, "waiting": waiting, "ceiling": ceiling, "soak": soak}[name]
    print(json.dumps(asyncio.run(what(*map(float, numbers))), indent=2))  # type: ignore[operator]
