"""Acknowledged Slack deliveries, ours on disk, beside a bare Bolt app that keeps nothing."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from itertools import count
from statistics import median
from typing import Final

import aiohttp
from slack_sdk.signature import SignatureVerifier

from playground import people
from playground.slack_api.app import running
from playground.slack_api.world import SlackWorld
from tests.benchmarks.processes import Child, Json, child
from tests.benchmarks.slack_server import BOLT, OURS

CONNECTIONS: Final = 32
ADDRESSED: Final = "app_mention"  # stored, decided, queued for the agent
OVERHEARD: Final = "message"  # in a room where the agent only listens to its name: read, not kept
KINDS: Final = {
    ADDRESSED: "Slack deliveries acknowledged: a mention, stored and queued (fsync)",
    OVERHEARD: "Slack deliveries acknowledged: talk not meant for the agent, read",
}
Sent = tuple[bytes, dict[str, str]]
Figure = tuple[float, float]  # requests per second, CPU ms per request


class Deliveries:
    """Signed events as Slack sends them from a shared channel, no two alike."""

    def __init__(self) -> None:
        self._number = count(1)
        self._verifier = SignatureVerifier(people.SLACK_SIGNING_SECRET)

    def some(self, kind: str, number: int) -> list[Sent]:
        return [self._signed(json.dumps(self._event(kind))) for _ in range(number)]

    def _event(self, kind: str) -> Json:
        number = next(self._number)
        ts = f"{1_700_000_000 + number}.000100"
        home, ours = people.NORTHWIND_TEAM.team_id, people.VENDOR_TEAM.team_id
        event = {
            "type": kind,
            "user": people.NORTHWIND_OWNER.user_id,
            "team": ours if kind == ADDRESSED else home,
            "user_team": home,
            "source_team": home,
            "text": "two more seats please",
            "ts": ts,
            "client_msg_id": f"9f1a5a0e-57ad-4a2e-8a39-{number:012d}",
            "channel": people.NORTHWIND_ROOM.channel_id,
            "event_ts": ts,
        }
        if kind == ADDRESSED:
            event["text"] = f"<@{people.SLACK_BOT_USER_ID}> two more seats please"
        else:
            event["channel_type"] = "channel"
        bot = {"team_id": ours, "user_id": people.SLACK_BOT_USER_ID, "is_bot": True}
        return {
            "token": "verification",
            "team_id": home,
            "api_app_id": people.SLACK_APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{number:010d}",
            "event_time": 1_700_000_000 + number,
            "authorizations": [{**bot, "enterprise_id": None, "is_enterprise_install": False}],
            "is_ext_shared_channel": True,
            "event_context": "4-eyJldCI6Im1lc3NhZ2UifQ",
        }

    def _signed(self, body: str) -> Sent:
        timestamp = str(int(time.time()))
        signature = self._verifier.generate_signature(timestamp=timestamp, body=body) or ""
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature,
        }
        return body.encode(), headers


async def _deliver(http: aiohttp.ClientSession, url: str, deliveries: list[Sent]) -> None:
    left = iter(deliveries)

    async def one_connection() -> None:
        for body, headers in left:
            async with http.post(url, data=body, headers=headers) as got:
                if got.status != 200:
                    raise RuntimeError(f"{got.status} {await got.text()}")

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))


async def _figure(server: Child, deliveries: list[Sent]) -> Figure:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as http:
        url = server.hello["url"]
        cpu = (await server.ask())["cpu"]
        began = time.perf_counter()
        await _deliver(http, url, deliveries)
        seconds = time.perf_counter() - began
        cpu = (await server.ask())["cpu"] - cpu
    return len(deliveries) / seconds, cpu * 1000 / len(deliveries)


async def _measure(requests: int, rounds: int, names: tuple[str, ...]) -> dict[str, list[Json]]:
    found: dict[tuple[str, str], list[Figure]] = {(k, n): [] for k in KINDS for n in names}
    made = Deliveries()
    async with AsyncExitStack() as stack:
        # The servers ask it once who they and the author are, in the warm-up.
        slack_api = await stack.enter_async_context(running(SlackWorld()))
        servers = {
            name: await stack.enter_async_context(
                child("tests.benchmarks.slack_server", name, slack_api)
            )
            for name in names
        }
        for kind in KINDS:
            for server in servers.values():
                await _figure(server, made.some(kind, 2 * CONNECTIONS))
        for _ in range(rounds):
            for kind in KINDS:
                for name, server in servers.items():
                    found[kind, name].append(await _figure(server, made.some(kind, requests)))
    return {kind: _rows(kind, found, names) for kind in KINDS}


def _rows(
    kind: str, found: dict[tuple[str, str], list[Figure]], names: tuple[str, ...]
) -> list[Json]:
    rows = []
    for place, unit in ((0, "requests per second"), (1, "CPU ms per request of the server")):
        figures = {name: median(figure[place] for figure in found[kind, name]) for name in names}
        peers = {name: round(figures[name], 2) for name in names if name != OURS}
        rows.append(
            {
                "name": KINDS[kind],
                "unit": unit,
                "ours": round(figures[OURS], 2),
                "peers": peers,
                "ratio": round(figures[OURS] / figures[BOLT], 2) if BOLT in figures else None,
            }
        )
    return rows


def measure(
    requests: int = 800, rounds: int = 5, names: tuple[str, ...] = (OURS, BOLT)
) -> list[Json]:
    """Rows of {name, unit, ours, peers, ratio}. `ratio`: ours to the bare app's."""
    by_kind = asyncio.run(_measure(requests, rounds, names))
    return [row for rows in by_kind.values() for row in rows]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
