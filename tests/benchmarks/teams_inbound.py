"""Inbound Teams deliveries per CPU second: ours, the stock Bot Framework adapter, a bare handler.

`measure()` gives one row for `make bench`; `python -m tests.benchmarks.teams_inbound` prints it.
Each server is a process of its own on loopback. All take the same signed message; ours and the
stock one verify its token, and neither stores anything, so that only the adapters are compared.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import aiohttp
from aiohttp import web

from agent_core.messages import InboundEvent
from agent_core.ports import Answer
from playground import people as sample
from playground.loopback import serving
from playground.teams_api.tokens import CONNECTOR_ISSUER, ChannelTokens

SERVICE_URL = "https://smba.trafficmanager.net/emea/"
CONNECTIONS = 16
KINDS = ("bare", "stock", "ours")


class SilentReceiver:
    """Takes everything and keeps nothing."""

    async def receive(self, event: InboundEvent) -> Answer:
        return Answer()


def activity() -> dict[str, Any]:
    """A message as Teams sends it."""
    tenant = {"id": sample.TEAMS_TENANT_ID}
    return {
        "type": "message",
        "id": "1772445600123",
        "timestamp": "2026-03-02T10:00:00.123Z",
        "localTimestamp": "2026-03-02T10:00:00.123+00:00",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "from": {
            "id": sample.TEAMS_COLLEAGUE.teams_id,
            "name": sample.TEAMS_COLLEAGUE.name,
            "aadObjectId": sample.TEAMS_COLLEAGUE.object_id,
        },
        "conversation": {
            "conversationType": "personal",
            "tenantId": sample.TEAMS_TENANT_ID,
            "id": sample.TEAMS_PERSONAL.conversation_id,
        },
        "recipient": {"id": sample.TEAMS_BOT_ID, "name": sample.TEAMS_BOT_NAME},
        "channelData": {"tenant": tenant},
        "text": "please add 3 seats to Northwind",
        "textFormat": "plain",
        "entities": [{"locale": "en-GB", "country": "GB", "type": "clientInfo"}],
    }


# --- the servers ----------------------------------------------------------------------------


async def serve(kind: str, metadata_url: str) -> None:
    """Serves one of KINDS until standard input ends. Prints its address, then for each line of
    input the seconds of CPU that it has used."""
    app = web.Application()
    closing = await _add(app, kind, metadata_url)
    async with serving(app) as base:
        print(base, flush=True)
        while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            print(time.process_time(), flush=True)
    await closing()


async def _add(app: web.Application, kind: str, metadata_url: str) -> Any:
    if kind == "ours":
        from bots.teams.adapter import TeamsChannel

        channel = TeamsChannel(
            app_id=sample.TEAMS_APP_ID,
            app_password=sample.TEAMS_APP_PASSWORD,
            tenant_id=sample.TEAMS_TENANT_ID,
            receiver=SilentReceiver(),
            openid_metadata_url=metadata_url,
        )
        app.add_routes(channel.routes())
        return channel.close
    app.router.add_post("/api/messages", _stock(metadata_url) if kind == "stock" else _bare)
    return _nothing


async def _bare(request: web.Request) -> web.Response:
    await request.json()
    return web.Response(status=200)


async def _nothing() -> None:
    return None


def _stock(metadata_url: str) -> Any:
    from botbuilder.core import BotFrameworkAdapterSettings
    from botbuilder.integration.aiohttp import BotFrameworkHttpAdapter
    from botframework.connector.auth import ChannelValidation

    ChannelValidation.open_id_metadata_endpoint = metadata_url
    settings = BotFrameworkAdapterSettings(sample.TEAMS_APP_ID, sample.TEAMS_APP_PASSWORD)
    adapter = BotFrameworkHttpAdapter(settings)

    class SilentBot:
        async def on_turn(self, context: Any) -> None:
            return None

    bot = SilentBot()
    socket = web.WebSocketResponse()  # asked for, and unused in plain HTTP

    async def handle(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await adapter.process(request, socket, bot)
        return response

    return handle


# --- the measurement ------------------------------------------------------------------------


@asynccontextmanager
async def _issuer(tokens: ChannelTokens) -> AsyncIterator[str]:
    app = web.Application()

    async def metadata(request: web.Request) -> web.Response:
        keys = f"http://{request.host}/keys"
        return web.json_response({"issuer": CONNECTOR_ISSUER, "jwks_uri": keys})

    async def keys(_: web.Request) -> web.Response:
        return web.json_response(tokens.jwks())

    app.router.add_get("/openid", metadata)
    app.router.add_get("/keys", keys)
    async with serving(app) as base:
        yield f"{base}/openid"


class Served:
    """A server process that tells the CPU time it has used."""

    def __init__(self, process: asyncio.subprocess.Process, base: str) -> None:
        self.base = base
        self._process = process

    async def cpu_seconds(self) -> float:
        """Since it was started."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the server's pipes are missing")
        self._process.stdin.write(b"\n")
        return float(await self._process.stdout.readline())


@asynccontextmanager
async def _server(kind: str, metadata_url: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.benchmarks.teams_inbound",
        kind,
        metadata_url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the server's pipes are missing")
    try:
        yield Served(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.stdin.close()
        await process.wait()


async def _rate(server: Served, token: str, requests: int) -> float:
    """Requests per second of the server's CPU: other work on the machine does not change it."""
    body = json.dumps(activity()).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": token}
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def deliver(count: int) -> None:
            for _ in range(count):
                url = f"{server.base}/api/messages"
                async with http.post(url, data=body, headers=headers) as got:
                    if got.status not in (200, 201, 202):
                        raise RuntimeError(f"{got.status} {await got.text()}")

        await deliver(50)
        each = requests // CONNECTIONS
        began = await server.cpu_seconds()
        await asyncio.gather(*(deliver(each) for _ in range(CONNECTIONS)))
        return each * CONNECTIONS / (await server.cpu_seconds() - began)


async def _measure(requests: int, rounds: int) -> dict[str, float]:
    tokens = ChannelTokens(app_id=sample.TEAMS_APP_ID)
    token = tokens.header(SERVICE_URL) or ""
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    async with _issuer(tokens) as metadata_url:
        for _ in range(rounds):
            for kind in KINDS:  # taken in turns, so that a busy moment hits all of them
                async with _server(kind, metadata_url) as server:
                    rates[kind].append(await _rate(server, token, requests))
    return {kind: median(found) for kind, found in rates.items()}


def measure(requests: int = 1_600, rounds: int = 3) -> dict[str, Any]:
    """{name, unit, ours, peers, ratio}. `ratio`: ours to the stock adapter's; above 1 is faster."""
    rates = asyncio.run(_measure(requests, rounds))
    return {
        "name": "inbound Teams deliveries, verified, nothing stored",
        "unit": "requests per CPU second of the server",
        "ours": round(rates["ours"]),
        "peers": {
            "botbuilder BotFrameworkHttpAdapter": round(rates["stock"]),
            "bare aiohttp handler, no verification": round(rates["bare"]),
        },
        "ratio": round(rates["ours"] / rates["stock"], 2),
    }


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(serve(sys.argv[1], sys.argv[2]))
    else:
        print(json.dumps(measure(), indent=2))
