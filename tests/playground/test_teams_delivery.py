"""How the Teams stand-in delivers: again when unanswered, wrongly on demand, with a log."""

import asyncio
import json

import pytest
from aiohttp import ClientSession, web
from botbuilder.schema import Activity
from botframework.connector.auth import (
    ChannelValidation,
    JwtTokenValidation,
    SimpleCredentialProvider,
)

from playground import people as sample
from playground.teams_api import (
    CARD_TYPE,
    DeliveryOptions,
    TeamsWorld,
    TokenKind,
)
from tests.playground.recording_bot import Json, RecordingBot, bot_posts, card

CHANNEL = sample.TEAMS_SUPPORT_CHANNEL.conversation_id
GROUP = sample.TEAMS_GROUP.conversation_id
PERSONAL = sample.TEAMS_PERSONAL.conversation_id
TENANT = sample.TEAMS_TENANT_ID
SAM = sample.TEAMS_COLLEAGUE
BOT = {"id": sample.TEAMS_BOT_ID, "name": sample.TEAMS_BOT_NAME}


async def test_unacknowledged_deliveries_come_again(world: TeamsWorld, bot: RecordingBot) -> None:
    world.courier.patience_seconds = 0.5
    bot.gate = never = asyncio.Event()
    bot.answers = [lambda _: web.Response(), lambda _: web.Response(status=503)]
    world.post("sam", PERSONAL, "are you there?")
    await world.settled()
    never.set()
    assert len({activity["id"] for activity in bot.heard}) == 1
    attempts = [(d.attempt, d.status, bool(d.error)) for d in world.courier.log]
    assert attempts == [(1, None, True), (2, 503, False), (3, 200, False)]
    message = bot_posts(world, PERSONAL, card({"type": "Action.Execute", "verb": "go"}))
    bot.answers = [lambda _: web.Response(status=500)]
    await world.click("sam", message, "go")
    first, second = bot.of_type("invoke")
    assert first["id"] != second["id"]
    assert first["value"] == second["value"]


async def test_ten_deliveries_of_one_activity(world: TeamsWorld, bot: RecordingBot) -> None:
    message = world.post("sam", PERSONAL, "once", options=DeliveryOptions(times=10))
    await world.settled()
    assert [activity["id"] for activity in bot.heard] == [message.id] * 10


@pytest.mark.parametrize("kind", [kind for kind in TokenKind if kind is not TokenKind.VALID])
async def test_every_wrong_token_is_wrong(
    world: TeamsWorld, bot: RecordingBot, kind: TokenKind
) -> None:
    world.post("sam", PERSONAL, "let me in", options=DeliveryOptions(token=kind))
    await world.settled()
    assert (len(bot.refused), bot.heard) == (1, [])


async def test_another_tenant_is_signed_well_and_only_its_id_differs(
    world: TeamsWorld, bot: RecordingBot
) -> None:
    world.post("sam", PERSONAL, "hello", options=DeliveryOptions(tenant_id="another"))
    await world.settled()
    (heard,) = bot.heard
    assert heard["channelData"]["tenant"]["id"] == heard["conversation"]["tenantId"] == "another"


async def test_keys_roll_over(world: TeamsWorld, bot: RecordingBot) -> None:
    before = world.channel_tokens.kid
    assert world.channel_tokens.roll(keep_old=False) != before
    world.post("sam", PERSONAL, "signed anew")
    await world.settled()
    assert len(bot.heard) == 1
    published = {key["kid"] for key in world.channel_tokens.jwks()["keys"]}
    assert before not in published


async def test_the_library_accepts_our_tokens(
    world: TeamsWorld, bot: RecordingBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChannelValidation, "open_id_metadata_endpoint", bot.metadata_url)
    world.post("sam", PERSONAL, "hello")
    await world.settled()
    activity = Activity().deserialize(bot.heard[0])
    header = world.channel_tokens.header(world.service_url)
    credentials = SimpleCredentialProvider(sample.TEAMS_APP_ID, sample.TEAMS_APP_PASSWORD)

    def check() -> bool:
        identity = asyncio.run(
            JwtTokenValidation.authenticate_request(activity, header, credentials)
        )
        return bool(identity.is_authenticated)

    # The library fetches keys with blocking requests: its own thread, its own loop.
    assert await asyncio.to_thread(check)


async def test_the_page_routes_and_the_live_feed(world: TeamsWorld, bot: RecordingBot) -> None:
    control = f"{world.base_url}/playground/teams"
    async with ClientSession() as session:

        async def send(path: str, body: Json) -> tuple[int, Json]:
            async with session.post(f"{control}/{path}", json=body) as response:
                return response.status, await response.json()

        feed = await session.get(f"{control}/feed?after=0")

        async def event() -> Json:
            async for line in feed.content:
                if line.startswith(b"data: "):
                    return dict(json.loads(line[6:]))
            raise AssertionError("the feed has ended")

        status, posted = await send("posts", {"person": "sam", "room": PERSONAL, "text": "Hi"})
        assert (status, posted["message"]["author"]["name"]) == (200, SAM.name)
        first = await event()
        assert (first["type"], first["message"]) == ("message_posted", posted["message"])
        assert (await event())["delivery"]["status"] == 200
        status, sent = await send(
            "deliveries", {"message": posted["message"]["id"], "token": "expired"}
        )
        (delivery,) = sent["deliveries"]
        assert (status, delivery["status"], delivery["claims"]["aud"]) == (200, 401, BOT["id"][3:])
        assert delivery["headers"]["Authorization"].endswith("…")
        message = bot_posts(world, PERSONAL, card({"type": "Action.Execute", "verb": "go"}))
        bot.answer_json({"statusCode": 200, "type": CARD_TYPE, "value": card()})
        _, clicked = await send("clicks", {"person": "sam", "message": message, "action": "go"})
        assert clicked["outcome"]["kind"] == "card"
        async with session.get(f"{control}/state") as response:
            state = await response.json()
        assert state["messages"][-1]["views"] == {SAM.teams_id: card()}
        for path, body, expected in (
            ("posts", {"person": "sam", "room": PERSONAL}, 400),
            ("posts", {"person": "sam", "room": "nowhere", "text": "x"}, 404),
            ("edits", {"person": "rita", "message": posted["message"]["id"], "text": "x"}, 403),
            ("clicks", {"person": "sam", "message": message, "action": "nothing"}, 404),
        ):
            status, problem = await send(path, body)
            assert (status, bool(problem["error"])) == (expected, True)
        feed.close()
        foreign = {"Origin": "https://elsewhere.example"}
        async with session.post(f"{control}/chats", json={}, headers=foreign) as response:
            assert response.status == 403
        status, chat = await send("chats", {"person": "lena"})
        assert (status, chat["room"]["kind"]) == (200, "personal")
