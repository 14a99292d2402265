"""Socket Mode, faults, control orders and the feed, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ServerDisconnectedError
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from playground import people
from playground.faults import Fault, FaultKind
from tests.playground.slack_wire import (
    NORTH,
    OLIVE,
    SAM,
    SUPPORT,
    Wire,
    button,
    wired,
)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with wired() as built:
        yield built


async def test_socket_mode_with_slacks_client(wire: Wire) -> None:
    taken: asyncio.Queue[SocketModeRequest] = asyncio.Queue()

    async def listen(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        await taken.put(request)

    client = SocketModeClient(app_token=people.SLACK_APP_TOKEN, web_client=wire.client)
    client.socket_mode_request_listeners.append(listen)
    await client.connect()
    try:
        async with asyncio.timeout(5):
            await wire.world.socket_mode.connected.wait()
            wire.world.say(OLIVE, NORTH, "over the socket")
            request = await taken.get()
            await wire.world.settled()
            # Slack asks clients to connect anew from time to time; they do, and miss nothing.
            await wire.world.socket_mode.disconnect()
            await wire.world.socket_mode.connected.wait()
            wire.world.say(OLIVE, NORTH, "over the next socket")
            assert (await taken.get()).payload["event"]["text"] == "over the next socket"
    finally:
        await client.close()
    assert request.type == "events_api"
    assert request.payload["event"]["text"] == "over the socket"
    attempt = wire.world.courier.log[0].attempts[0]
    assert attempt.over == "socket" and attempt.acknowledged
    assert wire.app.bodies == []


async def test_faults_of_the_web_api(wire: Wire) -> None:
    method = "chat.postMessage"
    wire.world.faults.add(
        Fault(server="slack", method=method, kind=FaultKind.RATE_LIMITED, retry_after_seconds=30)
    )
    with pytest.raises(SlackApiError) as limited:
        await wire.client.chat_postMessage(channel=NORTH, text="x")
    assert limited.value.response.headers["Retry-After"] == "30"
    wire.world.faults.add(Fault(server="slack", method=method, kind=FaultKind.DROP_ANSWER))
    with pytest.raises(ServerDisconnectedError):
        await wire.client.chat_postMessage(channel=NORTH, text="dropped")
    texts = [m["text"] for m in wire.world.state.channels[NORTH].messages.values()]
    assert texts == ["dropped"]
    calls = [(c["ok"], c["fault"]) for c in wire.world.workspace.calls]
    assert calls == [(False, "rate_limited"), (True, "drop_answer")]


async def test_control_orders_over_http(wire: Wire) -> None:
    status, said = await wire.order("say", user_id=OLIVE, channel_id=NORTH, text="hi", mention=True)
    assert status == 200
    await wire.world.settled()
    status, told = await wire.order("say", user_id=OLIVE, channel_id=SUPPORT, text="hi")
    assert (status, told["error"]) == (400, "not_in_channel")
    status, told = await wire.order("say", user_id=OLIVE, channel_id=NORTH, words="hi")
    assert status == 400 and "text" in told["messages"][0]
    posted = await wire.client.chat_postMessage(
        channel=NORTH, text="?", blocks=[button()], thread_ts=said["message"]["ts"]
    )
    status, clicked = await wire.order(
        "click", user_id=OLIVE, action_id="confirm", channel_id=NORTH, ts=posted["ts"]
    )
    assert (status, clicked["acknowledged"]) == (200, True)
    async with wire.session.get(f"{wire.address}/playground/slack/deliveries") as answer:
        log = (await answer.json())["deliveries"]
    headers = log[0]["attempts"][0]["headers"]
    assert headers["X-Slack-Signature"].startswith("v0=") and log[0]["body"]
    async with wire.session.get(f"{wire.address}/playground/slack/state") as answer:
        state = await answer.json()
    north = next(c for c in state["channels"] if c["id"] == NORTH)
    assert [m["ts"] for m in north["messages"]] == [said["message"]["ts"], posted["ts"]]


async def test_foreign_pages_may_not_give_orders(wire: Wire) -> None:
    url = f"{wire.address}/playground/slack/state"
    async with wire.session.get(url, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403
    async with wire.session.get(url, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    async with wire.session.get(url, headers={"Origin": "http://127.0.0.1:9"}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:9"


async def test_the_feed_tells_every_change_and_what_was_missed(wire: Wire) -> None:
    wire.world.say(OLIVE, NORTH, "before")
    url = f"{wire.address}/playground/slack/feed?after=0"
    seen: list[dict[str, Any]] = []
    async with asyncio.timeout(5), wire.session.get(url) as answer:
        wire.world.say(SAM, NORTH, "after")
        while len([s for s in seen if s["type"] == "message_posted"]) < 2:
            line = (await answer.content.readline()).decode()
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
        texts = [s["message"]["text"] for s in seen if s["type"] == "message_posted"]
        assert texts == ["before", "after"]
    async with (
        asyncio.timeout(5),
        wire.session.get(url, headers={"Last-Event-ID": "9999"}) as answer,
    ):
        assert (await answer.content.readuntil(b"}\n")).endswith(b'"type": "reload"}\n')
    assert [s["seq"] for s in seen] == list(range(1, len(seen) + 1))
