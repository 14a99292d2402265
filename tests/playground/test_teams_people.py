"""What people do in the Teams stand-in, as the bot hears it, and what a click then shows them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

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
    OutcomeKind,
    TeamsServer,
    TeamsWorld,
    TokenKind,
)
from tests.playground.recording_bot import Json, RecordingBot

CHANNEL = sample.TEAMS_SUPPORT_CHANNEL.conversation_id
GROUP = sample.TEAMS_GROUP.conversation_id
PERSONAL = sample.TEAMS_PERSONAL.conversation_id
TENANT = sample.TEAMS_TENANT_ID
SAM = sample.TEAMS_COLLEAGUE
BOT = {"id": sample.TEAMS_BOT_ID, "name": sample.TEAMS_BOT_NAME}


@pytest.fixture
async def bot() -> AsyncIterator[RecordingBot]:
    """A bot that listens."""
    listening = RecordingBot(sample.TEAMS_APP_ID)
    await listening.start()
    yield listening
    await listening.stop()


@pytest.fixture
async def world(bot: RecordingBot) -> AsyncIterator[TeamsWorld]:
    """The sample world behind a real server, delivering to the bot."""
    made = TeamsWorld(messaging_endpoint=bot.endpoint)
    async with TeamsServer(made) as server:
        bot.metadata_url = f"{server.base_url}/.well-known/openidconfiguration"
        yield made


def card(*actions: Json, body: list[Json] | None = None, **more: Any) -> Json:
    """A card with these buttons."""
    content = body or [{"type": "TextBlock", "text": "Add 3 seats?"}]
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": content,
        "actions": list(actions),
        **more,
    }


def bot_posts(world: TeamsWorld, room: str, content: Json) -> str:
    """The bot posts a card; the message id."""
    attachment = {"contentType": CARD_TYPE, "content": content}
    return str(world.posts.send(room, {"type": "message", "attachments": [attachment]})["id"])


async def test_a_personal_message(world: TeamsWorld, bot: RecordingBot) -> None:
    message = world.post("sam", PERSONAL, "How many seats do we have?")
    await world.settled()
    (heard,) = bot.heard
    assert heard["conversation"] == {
        "conversationType": "personal",
        "tenantId": TENANT,
        "id": PERSONAL,
    }
    assert heard["from"] == {"id": SAM.teams_id, "name": SAM.name, "aadObjectId": SAM.object_id}
    assert (heard["recipient"], heard["channelData"]) == (BOT, {"tenant": {"id": TENANT}})
    assert (heard["id"], heard["text"]) == (message.id, "How many seats do we have?")
    assert heard["serviceUrl"] == world.service_url


async def test_a_channel_needs_a_mention_and_names_its_thread(
    world: TeamsWorld, bot: RecordingBot
) -> None:
    world.post("sam", CHANNEL, "just among us")
    root = world.post("sam", CHANNEL, "@Acme Assistant please ask @Rita Vance & co")
    reply = world.post("rita", CHANNEL, "and today", thread=root.id, mention=True)
    await world.settled()
    first, second = sorted(bot.heard, key=lambda activity: activity["id"])
    assert first["conversation"]["id"] == f"{CHANNEL};messageid={root.id}"
    assert second["conversation"]["id"] == first["conversation"]["id"]
    assert (second["id"], second["conversation"]["isGroup"]) == (reply.id, True)
    assert first["text"] == "<at>Acme Assistant</at> please ask <at>Rita Vance</at> & co"
    mentioned = [e["mentioned"]["id"] for e in first["entities"] if e["type"] == "mention"]
    assert mentioned == [BOT["id"], sample.TEAMS_SUPPORT.teams_id]
    assert first["channelData"]["channel"] == {"id": CHANNEL}
    assert first["channelData"]["team"]["id"] == sample.TEAMS_SUPPORT_CHANNEL.team_id
    assert "&amp; co" in first["attachments"][0]["content"]
    world.set_reads_all(CHANNEL, True)
    world.post("sam", CHANNEL, "now it reads this", thread=root.id)
    await world.settled()
    assert bot.heard[-1]["text"] == "now it reads this"


async def test_edit_delete_react_and_members(world: TeamsWorld, bot: RecordingBot) -> None:
    mine = world.post("sam", GROUP, "add 3", mention=True)
    await world.settled()
    world.edit("sam", mine.id, "@Acme Assistant add 2")
    await world.settled()
    world.delete("sam", mine.id)
    answer = bot_posts(world, GROUP, card())
    world.react("rita", answer, "like")
    world.react("rita", mine.id, "like")
    world.set_member("lena", GROUP, added=False, by="sam")
    await world.settled()
    (update,), (gone,) = bot.of_type("messageUpdate"), bot.of_type("messageDelete")
    assert (update["id"], update["channelData"]["eventType"]) == (mine.id, "editMessage")
    assert update["text"] == "<at>Acme Assistant</at> add 2"
    assert (gone["id"], gone["channelData"]["eventType"]) == (mine.id, "softDeleteMessage")
    (reaction,) = bot.of_type("messageReaction")
    assert (reaction["replyToId"], reaction["reactionsAdded"]) == (answer, [{"type": "like"}])
    (change,) = bot.of_type("conversationUpdate")
    assert change["membersRemoved"] == [{"id": sample.TEAMS_LEAD.teams_id}]
    with pytest.raises(PermissionError):
        world.post("lena", GROUP, "I left")
    with pytest.raises(PermissionError):
        world.edit("rita", mine.id, "not mine")


async def test_execute_changes_the_card_for_the_clicker_only(
    world: TeamsWorld, bot: RecordingBot
) -> None:
    seats = {"type": "Input.Number", "id": "seats", "value": 3, "max": 9}
    confirm = {"type": "Action.Execute", "verb": "confirm", "title": "Yes", "data": {"case": "7"}}
    root = world.posts.send(CHANNEL, {"type": "message", "text": "Case 7"})["id"]
    message = bot_posts(world, f"{CHANNEL};messageid={root}", card(confirm, body=[seats]))
    done = card(body=[{"type": "TextBlock", "text": "Done"}])
    bot.answer_json({"statusCode": 200, "type": CARD_TYPE, "value": done})
    with pytest.raises(ValueError, match="seats"):
        await world.click("sam", message, "confirm", {"seats": 99})
    outcome = await world.click("sam", message, "confirm", {"seats": 4})
    assert (outcome.kind, outcome.card) == (OutcomeKind.CARD, done)
    (invoke,) = bot.of_type("invoke")
    assert invoke["value"] == {
        "action": {
            "type": "Action.Execute",
            "title": "Yes",
            "verb": "confirm",
            "data": {"case": "7", "seats": 4},
        },
        "trigger": "manual",
    }
    assert (invoke["name"], invoke["replyToId"]) == ("adaptiveCard/action", message)
    assert invoke["conversation"]["id"] == f"{CHANNEL};messageid={root}"
    shown = world.state.message(message)
    assert shown.card(SAM.teams_id) == done
    assert shown.card(sample.TEAMS_SUPPORT.teams_id) == card(confirm, body=[seats])
    attachment = {"contentType": CARD_TYPE, "content": done}
    world.posts.update(CHANNEL, message, {"type": "message", "attachments": [attachment]})
    assert not shown.views


@pytest.mark.parametrize(
    ("status", "answer", "kind", "text"),
    [
        (
            200,
            {
                "statusCode": 200,
                "type": "application/vnd.microsoft.activity.message",
                "value": "No",
            },
            OutcomeKind.MESSAGE,
            "No",
        ),
        (
            200,
            {
                "statusCode": 403,
                "type": "application/vnd.microsoft.error",
                "value": {"code": "403", "message": "Ask an owner"},
            },
            OutcomeKind.ERROR,
            "Ask an owner",
        ),
        (200, {"type": CARD_TYPE}, OutcomeKind.ERROR, "the invoke response has no statusCode"),
        (400, {}, OutcomeKind.ERROR, "Something went wrong. Please try again."),
    ],
)
async def test_other_answers_to_a_click(
    world: TeamsWorld, bot: RecordingBot, status: int, answer: Json, kind: OutcomeKind, text: str
) -> None:
    message = bot_posts(world, PERSONAL, card({"type": "Action.Execute", "verb": "go"}))
    bot.answer_json(answer, status=status)
    outcome = await world.click("sam", message, "go")
    assert (outcome.kind, outcome.text) == (kind, text)
    assert not world.state.message(message).views


async def test_submit_feedback_and_refresh(world: TeamsWorld, bot: RecordingBot) -> None:
    refresh = {"action": {"type": "Action.Execute", "verb": "look"}, "userIds": [SAM.teams_id]}
    reply = {"type": "Action.Submit", "title": "Reply", "data": {"kind": "reply"}}
    text = {"type": "Input.Text", "id": "text", "isRequired": True, "errorMessage": "Write it"}
    message = bot_posts(world, GROUP, card(reply, body=[text], refresh=refresh))
    with pytest.raises(ValueError, match="Write it"):
        await world.click("sam", message, "Reply")
    assert (await world.click("sam", message, "Reply", {"text": "Hi"})).kind is OutcomeKind.SENT
    await world.settled()
    (sent,) = bot.of_type("message")
    assert (sent["text"], sent["value"]) == (None, {"kind": "reply", "text": "Hi"})
    assert sent["replyToId"] == message
    await world.give_feedback("sam", message, "dislike", 'too "slow"')
    assert bot.heard[-1]["name"] == "message/submitAction"
    assert bot.heard[-1]["value"]["actionValue"] == {
        "reaction": "dislike",
        "feedback": '{"feedbackText": "too \\"slow\\""}',
    }
    mine = card(body=[{"type": "TextBlock", "text": "Only for Sam"}])
    bot.answer_json({"statusCode": 200, "type": CARD_TYPE, "value": mine})
    assert (await world.refresh("sam", message)).kind is OutcomeKind.CARD
    assert (await world.refresh("rita", message)).kind is OutcomeKind.LOCAL
    assert bot.heard[-1]["value"]["trigger"] == "automatic"
    assert list(world.state.message(message).views) == [SAM.teams_id]


async def test_a_dialog_opens_goes_on_and_closes(world: TeamsWorld, bot: RecordingBot) -> None:
    opener = {
        "type": "Action.Submit",
        "title": "Reply to customer",
        "data": {"msteams": {"type": "task/fetch"}, "case": "7"},
    }
    message = bot_posts(world, GROUP, card(opener))
    send = {"type": "Action.Submit", "title": "Send", "data": {"case": "7"}}
    form = card(send, body=[{"type": "Input.Text", "id": "text"}])
    shown = {"title": "Reply", "card": {"contentType": CARD_TYPE, "content": form}}
    bot.answer_json({"task": {"type": "continue", "value": shown}})
    opened = await world.click("rita", message, "Reply to customer")
    assert opened.kind is OutcomeKind.DIALOG and opened.dialog_id
    with pytest.raises(PermissionError):
        await world.submit_dialog("sam", opened.dialog_id, "Send")
    bot.answer_json({"task": {"type": "continue", "value": shown}})
    again = await world.submit_dialog("rita", opened.dialog_id, "Send", {"text": ""})
    assert again.dialog_id and list(world.state.dialogs) == [again.dialog_id]
    bot.answer_json({"task": {"type": "message", "value": "Sent"}})
    last = await world.submit_dialog("rita", again.dialog_id, "Send", {"text": "On it"})
    assert (last.kind, last.text, world.state.dialogs) == (OutcomeKind.MESSAGE, "Sent", {})
    fetch, *_, submit = bot.of_type("invoke")
    assert (fetch["name"], fetch["value"]["data"]["case"]) == ("task/fetch", "7")
    assert (submit["name"], submit["value"]["data"]) == (
        "task/submit",
        {"case": "7", "text": "On it"},
    )


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

        socket = await session.ws_connect(f"{control}/feed?since=0")
        status, posted = await send("posts", {"person": "sam", "room": PERSONAL, "text": "Hi"})
        assert (status, posted["message"]["author"]["name"]) == (200, SAM.name)
        event = await socket.receive_json(timeout=5)
        assert (event["kind"], event["message"]) == ("message_posted", posted["message"])
        assert (await socket.receive_json(timeout=5))["delivery"]["status"] == 200
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
        await socket.close()
