"""The messaging endpoint over HTTP: who is let in, what is taken, and how invokes are answered."""

import asyncio
import json
import logging

import pytest

from agent_core.blocks import Choice
from agent_core.errors import ConfigurationError, NotPermitted, StoreError
from agent_core.messages import (
    Author,
    InboundMessage,
    OptionsAsked,
    OutboundMessage,
    OutgoingId,
    ReplyAddress,
    RoomRef,
    Unsupported,
)
from agent_core.ports import Answer
from playground import people as sample
from playground.teams_api import DeliveryOptions, TokenKind
from tests.teams.conftest import build_channel

CHANNEL = sample.TEAMS_SUPPORT_CHANNEL.conversation_id
PERSONAL = sample.TEAMS_PERSONAL.conversation_id
BAD_TOKENS = [kind for kind in TokenKind if kind is not TokenKind.VALID]


def activity(stage, **changes):
    body = {
        "type": "message",
        "id": "1700000000001",
        "timestamp": "2026-03-02T10:00:00.123Z",
        "channelId": "msteams",
        "serviceUrl": stage.world.service_url,
        "from": {
            "id": "29:1samokafor",
            "name": "Sam",
            "aadObjectId": sample.TEAMS_COLLEAGUE.object_id,
        },
        "conversation": {"id": PERSONAL, "conversationType": "personal"},
        "recipient": {"id": sample.TEAMS_BOT_ID, "name": "Acme Assistant"},
        "channelData": {"tenant": {"id": sample.TEAMS_TENANT_ID}},
        "text": "hello",
    }
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


async def send(stage, body, *, kind=TokenKind.VALID, service_url=None, **headers):
    url = service_url or stage.world.service_url
    token = stage.world.channel_tokens.header(url, kind)
    given = {"Content-Type": "application/json", **headers}
    if token is not None:
        given["Authorization"] = token
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with stage.http.post(stage.endpoint, data=raw, headers=given) as response:
        text = await response.text()
        return response.status, text


@pytest.fixture(autouse=True)
def no_exception_in_the_log(caplog):
    caplog.set_level(logging.INFO)
    yield
    records = caplog.get_records("call")  # `records` are those of this fixture's own end
    assert [r for r in records if r.exc_info and r.name != "aiohttp.server"] == []


async def test_a_flood_of_refusals_fills_no_log(stage, caplog):
    for _ in range(20):
        assert (await send(stage, activity(stage), kind=BAD_TOKENS[0]))[0] == 401
    assert (await send(stage, activity(stage, channelId="webchat")))[0] in (401, 403)
    told = [r for r in caplog.records if r.getMessage() == "teams delivery refused"]
    assert told[0].levelno == logging.INFO
    assert len([r for r in told if r.levelno >= logging.INFO]) <= 2


async def test_a_true_delivery_is_taken(stage):
    status, text = await send(stage, activity(stage))
    assert (status, text) == (200, "")
    assert isinstance(stage.receiver.events[0], InboundMessage)


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_every_bad_token_is_unauthorised(stage, kind, caplog):
    status, _ = await send(stage, activity(stage), kind=kind)
    assert status == 401
    assert stage.receiver.events == []
    assert [r for r in caplog.records if r.exc_info] == []


@pytest.mark.parametrize(
    "header", ["Basic abc", "Bearer", "Bearer ", "Bearer a.b.c", "Bearer " + "x" * 5000, "x"]
)
async def test_a_header_that_is_no_bearer_token_is_unauthorised(stage, header):
    status, _ = await send(stage, activity(stage), kind=TokenKind.UNSIGNED, Authorization=header)
    assert status == 401


async def test_a_key_may_speak_only_for_its_channels(stage):
    status, _ = await send(stage, activity(stage, channelId="directline"))
    assert status == 401


async def test_another_channel_with_its_own_key_is_not_served(stage):
    status, _ = await send(stage, activity(stage, channelId="webchat"))
    assert status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 20_000,
    ],
)
async def test_a_body_that_is_no_object_is_bad(stage, body, caplog):
    status, _ = await send(stage, body)
    assert status == 400
    assert [r for r in caplog.records if r.exc_info] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"type": ...},
        {"type": 7},
        {"id": ...},
        {"conversation": ...},
        {"conversation": {}},
        {"conversation": {"id": ["a"]}},
        {"from": ...},
        {"from": None},
        {"recipient": ...},
        {"serviceUrl": ...},
        {"serviceUrl": ""},
        {"channelId": ...},
        {"timestamp": ...},
        {"timestamp": "yesterday"},
        {"timestamp": "2026-03-02T10:00:00"},
        {"channelData": ...},
        {"channelData": "x"},
        {"entities": "x"},
        {"text": 12},
    ],
    ids=str,
)
async def test_a_missing_or_wrong_field_is_bad(stage, changes, caplog):
    status, text = await send(stage, activity(stage, **changes))
    assert status == 400
    assert "hello" not in text
    assert stage.receiver.events == []
    assert [r for r in caplog.records if r.exc_info] == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_content_type_is_bad(stage, content_type):
    status, _ = await send(stage, activity(stage), **{"Content-Type": content_type})
    assert status == 400


async def test_a_body_that_is_too_large_is_refused_unread(stage):
    status, _ = await send(stage, activity(stage, text="x" * 300_000))
    assert status == 413

    async def drip():
        for _ in range(300):
            yield b" " * 1024

    token = stage.world.channel_tokens.header(stage.world.service_url)
    headers = {"Content-Type": "application/json", "Authorization": token}
    async with stage.http.post(stage.endpoint, data=drip(), headers=headers) as response:
        assert response.status == 413


async def test_without_a_token_no_body_is_read(stage):
    status, _ = await send(stage, b"{" * 300_000, kind=TokenKind.UNSIGNED)
    assert status == 401


async def test_a_foreign_tenant_is_forbidden(stage):
    stage.world.post("sam", PERSONAL, "hello", options=DeliveryOptions(tenant_id="f" * 8))
    await stage.world.settled()
    assert stage.world.courier.log[-1].status == 403
    assert stage.receiver.events == []


@pytest.mark.parametrize(
    "url",
    [
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net.example.invalid/",
        "https://example.invalid/",
        "https://smba.trafficmanager.net@example.invalid/",
        "file:///etc/passwd",
        "https://[broken/",
    ],
)
async def test_a_service_that_is_not_known_is_forbidden(stage, url):
    status, _ = await send(stage, activity(stage, serviceUrl=url), service_url=url)
    assert status == 403
    assert stage.receiver.events == []


async def test_loopback_services_are_for_development_only(stage):
    strict = build_channel(
        stage.world.base_url,
        stage.receiver,
        development=False,
        default_service_url=("https://smba.trafficmanager.net/teams/"),
    )
    room = RoomRef.parse(f"teams:{sample.TEAMS_TENANT_ID}/{PERSONAL}")
    local = ReplyAddress(room=room, thread_id="", delivery={"service_url": stage.world.service_url})
    words = OutboundMessage(blocks=(), fallback="hello", author=Author.CODE)
    with pytest.raises(NotPermitted, match="allowed hosts"):
        await strict.sender.post(local, words, OutgoingId("o1"))
    await strict.close()
    with pytest.raises(ConfigurationError, match="allowed host"):
        build_channel(
            stage.world.base_url,
            stage.receiver,
            development=False,
            default_service_url=stage.world.service_url,
        )


async def test_a_key_roll_over_is_followed(stage):
    assert (await send(stage, activity(stage)))[0] == 200
    stage.world.channel_tokens.roll(keep_old=False)
    assert (await send(stage, activity(stage)))[0] == 200
    assert len(stage.receiver.events) == 2


async def test_unknown_keys_do_not_hammer_the_issuer(stage):
    calls = []
    jwks = stage.world.channel_tokens.jwks

    def counted():
        calls.append(1)
        return jwks()

    stage.world.channel_tokens.jwks = counted
    await send(stage, activity(stage))
    kinds = [TokenKind.UNKNOWN_KEY] * 20
    answers = await asyncio.gather(*(send(stage, activity(stage), kind=k) for k in kinds))
    assert {status for status, _ in answers} == {401}
    assert len(calls) == 2


async def test_without_keys_the_channel_is_asked_to_come_again(stage):
    from playground.faults import Fault, FaultKind

    stage.world.faults.add(Fault(server="teams", kind=FaultKind.SERVER_ERROR, method="openid"))
    assert (await send(stage, activity(stage)))[0] == 503
    async with asyncio.timeout(10):
        while (await send(stage, activity(stage)))[0] != 200:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)


async def test_a_failed_commit_is_delivered_again(stage):
    stage.receiver.problem = StoreError("the database is away")
    assert (await send(stage, activity(stage)))[0] == 500
    stage.receiver.problem = None
    assert (await send(stage, activity(stage)))[0] == 200
    assert len(stage.receiver.events) == 1


async def test_what_is_not_understood_arrives_as_such(stage):
    assert (await send(stage, activity(stage, type="typing")))[0] == 200
    assert (await send(stage, activity(stage, type="handoff")))[0] == 200
    assert [type(event) for event in stage.receiver.events] == [Unsupported, Unsupported]


def invoke(stage, name, value):
    return activity(
        stage, type="invoke", name=name, value=value, replyToId="1700000000000", text=...
    )


async def test_an_invoke_is_answered_in_plain_json(stage):
    stage.receiver.answer = Answer(notice="Done.")
    data = {"handrail": {"action": "case.claim", "value": "E1"}}
    value = {"action": {"type": "Action.Execute", "verb": "case.claim", "data": data}}
    status, text = await send(stage, invoke(stage, "adaptiveCard/action", value))
    assert status == 200
    assert json.loads(text) == {
        "statusCode": 200,
        "type": "application/vnd.microsoft.activity.message",
        "value": "Done.",
    }


@pytest.mark.parametrize("value", [None, {}, {"action": None}, {"action": {"verb": 3}}, "x", []])
async def test_a_press_that_is_not_ours_is_an_error_of_the_card(stage, value):
    status, text = await send(stage, invoke(stage, "adaptiveCard/action", value))
    answer = json.loads(text)
    assert (status, answer["statusCode"]) == (200, 400)
    assert answer["type"] == "application/vnd.microsoft.error"


async def test_a_search_lists_what_matches(stage):
    stage.receiver.answer = Answer(options=(Choice(value="northwind", label="Northwind"),))
    value = {
        "kind": "search",
        "queryText": "north",
        "queryOptions": {"skip": 0, "top": 15},
        "dataset": "account.form#account",
    }
    _, text = await send(stage, invoke(stage, "application/search", value))
    assert json.loads(text)["value"] == {"results": [{"title": "Northwind", "value": "northwind"}]}
    event = stage.receiver.events[0]
    assert isinstance(event, OptionsAsked)
    assert (event.form, event.field, event.query) == ("account.form", "account", "north")


async def test_without_verification_unsigned_deliveries_are_taken(stage):
    from aiohttp import web

    from playground.loopback import serving

    channel = build_channel(stage.world.base_url, stage.receiver, auth_off=True)
    app = web.Application()
    app.add_routes(channel.routes())
    async with serving(app) as base:
        body = activity(stage, channelId="emulator")
        async with stage.http.post(f"{base}/api/messages", json=body) as response:
            assert response.status == 200
    await channel.close()
    assert isinstance(stage.receiver.events[0], InboundMessage)


async def test_configuration_mistakes_are_listed_at_once(stage):
    with pytest.raises(ConfigurationError) as wrong:
        build_channel(stage.world.base_url, stage.receiver, app_id="", app_password="")
    assert len(wrong.value.mistakes) == 2
    with pytest.raises(ConfigurationError, match="not supported yet"):
        build_channel(stage.world.base_url, stage.receiver, app_type="UserAssignedMSI")
    with pytest.raises(ConfigurationError, match="unknown"):
        build_channel(stage.world.base_url, stage.receiver, app_type="Certificate")
