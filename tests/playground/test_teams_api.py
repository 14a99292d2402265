"""The Bot Connector stand-in as a bot meets it: tokens, posts, threads, refusals, faults."""

from typing import Any

import jwt
import pytest
from aiohttp import ClientSession, ServerDisconnectedError
from botbuilder.schema import (
    Activity,
    Attachment,
    ChannelAccount,
    ConversationParameters,
    ErrorResponseException,
)
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import AppCredentials

from playground import people as sample
from playground.faults import Fault, FaultKind
from playground.teams_api import CARD_TYPE, CONNECTOR_SCOPE, Refusal, TeamsWorld
from tests.playground.recording_bot import Json, RecordingBot, access_token

CHANNEL = sample.TEAMS_SUPPORT_CHANNEL.conversation_id
PERSONAL = sample.TEAMS_PERSONAL.conversation_id
TENANT = sample.TEAMS_TENANT_ID
SECRET = sample.TEAMS_APP_PASSWORD


class FixedToken(AppCredentials):
    """Credentials of the botbuilder library that present one token."""

    def __init__(self, token: str) -> None:
        super().__init__(app_id=sample.TEAMS_APP_ID)
        self._token = token

    def get_access_token(self, force_refresh: bool = False) -> str:
        """The token."""
        return self._token


@pytest.fixture
async def token(world: TeamsWorld) -> str:
    """A token of the directory."""
    granted = await access_token(world, secret=SECRET, scope=CONNECTOR_SCOPE, tenant=TENANT)
    return str(granted["access_token"])


@pytest.fixture
def connector(world: TeamsWorld, token: str) -> ConnectorClient:
    """The botbuilder library's own client."""
    return ConnectorClient(FixedToken(token), base_url=world.service_url)


def card(text: str = "Case 12", **more: Any) -> Json:
    """A small sound card."""
    body = [{"type": "TextBlock", "text": text}]
    return {"type": "AdaptiveCard", "version": "1.5", "body": body, **more}


async def call(world: TeamsWorld, token: str, verb: str, path: str, body: Any = None) -> Any:
    """(status, decoded body, headers) of a Connector call."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        ClientSession() as session,
        session.request(verb, f"{world.service_url}{path}", json=body, headers=headers) as response,
    ):
        decoded = await response.json() if response.content_length else None
        return response.status, decoded, response.headers


async def test_the_token_endpoint_checks_everything_and_counts(world: TeamsWorld) -> None:
    wrong = {
        "invalid_client": {"secret": "guess", "scope": CONNECTOR_SCOPE, "tenant": TENANT},
        "invalid_scope": {"secret": SECRET, "scope": "https://graph/.default", "tenant": TENANT},
        "unauthorized_client": {"secret": SECRET, "scope": CONNECTOR_SCOPE, "tenant": "elsewhere"},
    }
    for error, form in wrong.items():
        answer = await access_token(world, **form)
        assert answer["status"] in (400, 401)
        assert answer["error"] == error
    good = await access_token(world, secret=SECRET, scope=CONNECTOR_SCOPE, tenant=TENANT)
    assert good["status"] == 200
    assert (world.directory.issued, world.directory.refused) == (1, 3)
    async with (
        ClientSession() as session,
        session.get(f"{world.base_url}/{TENANT}/discovery/v2.0/keys") as response,
    ):
        jwk = (await response.json())["keys"][0]
    claims = jwt.decode(
        good["access_token"],
        jwt.PyJWK(jwk, algorithm="RS256").key,
        algorithms=["RS256"],
        audience="https://api.botframework.com",
    )
    assert claims["appid"] == sample.TEAMS_APP_ID
    assert claims["tid"] == TENANT


async def test_no_connector_call_without_a_valid_token(world: TeamsWorld, token: str) -> None:
    path = f"v3/conversations/{PERSONAL}/activities"
    body = {"type": "message", "text": "Hello"}
    of_the_channel = str(world.channel_tokens.header(world.service_url)).removeprefix("Bearer ")
    for bad in ("", "nonsense", token[:-4] + "AAAA", of_the_channel):
        assert (await call(world, bad, "POST", path, body))[0] == 401
    assert (await call(world, token, "POST", path, body))[0] == 201
    world.directory.revoke_all()
    assert (await call(world, token, "POST", path, body))[0] == 401
    assert len(world.state.messages) == 1


async def test_a_new_channel_thread_and_replies_with_the_library(
    world: TeamsWorld, connector: ConnectorClient
) -> None:
    first = Activity(
        type="message", attachments=[Attachment(content_type=CARD_TYPE, content=card())]
    )
    opened = await connector.conversations.create_conversation(
        ConversationParameters(
            is_group=True,
            channel_data={"channel": {"id": CHANNEL}, "tenant": {"id": TENANT}},
            activity=first,
            bot=ChannelAccount(id=world.state.bot_id),
        )
    )
    assert opened.id == f"{CHANNEL};messageid={opened.activity_id}"
    reply = await connector.conversations.send_to_conversation(
        opened.id, Activity(type="message", text="in the thread")
    )
    also = await connector.conversations.reply_to_activity(
        opened.id, opened.activity_id, Activity(type="message", text="in the thread too")
    )
    loose = await connector.conversations.reply_to_activity(
        CHANNEL, opened.activity_id, Activity(type="message", text="a new post")
    )
    thread = [message.id for message in world.state.thread(CHANNEL, opened.activity_id)]
    assert thread == [opened.activity_id, reply.id, also.id]
    assert world.state.message(loose.id).thread_id == loose.id
    assert world.state.message(opened.activity_id).card() == card()


async def test_update_delete_and_members_with_the_library(
    world: TeamsWorld, connector: ConnectorClient
) -> None:
    sent = await connector.conversations.send_to_conversation(
        PERSONAL, Activity(type="message", text="One moment")
    )
    await connector.conversations.update_activity(
        PERSONAL, sent.id, Activity(type="message", text="Done")
    )
    assert world.state.message(sent.id).activity["text"] == "Done"
    await connector.conversations.delete_activity(PERSONAL, sent.id)
    assert world.state.message(sent.id).deleted_at is not None
    with pytest.raises(ErrorResponseException) as refused:
        await connector.conversations.update_activity(
            PERSONAL, sent.id, Activity(type="message", text="Again")
        )
    assert refused.value.error.error.code == "ActivityNotFoundInConversation"
    sam = sample.TEAMS_COLLEAGUE
    member = await connector.conversations.get_conversation_member(CHANNEL, sam.object_id)
    assert (member.id, member.name, member.aad_object_id) == (sam.teams_id, sam.name, sam.object_id)
    page = await connector.conversations.get_conversation_paged_members(CHANNEL, page_size=2)
    rest = await connector.conversations.get_conversation_paged_members(
        CHANNEL, page_size=2, continuation_token=page.continuation_token
    )
    assert [len(page.members), len(rest.members)] == [2, 1]


async def test_a_direct_chat_is_opened_once_per_person(world: TeamsWorld, token: str) -> None:
    body = {
        "members": [{"id": sample.TEAMS_LEAD.teams_id}],
        "channelData": {"tenant": {"id": TENANT}},
        "activity": {"type": "message", "text": "A case waits"},
    }
    status, first, _ = await call(world, token, "POST", "v3/conversations", body)
    _, second, _ = await call(world, token, "POST", "v3/conversations", body)
    assert (status, first["id"]) == (201, second["id"])
    assert ";" not in first["id"]
    assert len(list(world.state.thread(first["id"], None))) == 2
    foreign = {**body, "channelData": {"tenant": {"id": "another"}}}
    assert (await call(world, token, "POST", "v3/conversations", foreign))[0] == 403


async def test_what_the_bot_sends_is_kept_whole(world: TeamsWorld, token: str) -> None:
    label = {
        "type": "https://schema.org/Message",
        "@type": "Message",
        "additionalType": ["AIGeneratedContent"],
        "citation": [{"@type": "Claim", "position": 1, "appearance": {"name": "Prices"}}],
    }
    sent = {
        "type": "message",
        "text": "It costs 10 [1]",
        "entities": [label],
        "channelData": {"feedbackLoop": {"type": "default"}},
    }
    path = f"v3/conversations/{PERSONAL}/activities"
    _, answer, _ = await call(world, token, "POST", path, sent)
    shown = world.state.message_json(world.state.message(answer["id"]))
    assert shown["entities"] == [label]
    assert shown["aiGenerated"] and shown["feedbackLoop"] and shown["author"]["isAgent"]


@pytest.mark.parametrize(
    ("activity", "status", "words"),
    [
        ({"type": "message"}, 400, "text or an attachment"),
        ({"type": "trace", "text": "x"}, 400, "Unknown activity type"),
        ({"type": "message", "text": "x" * 200_000}, 413, "too large"),
        ({"type": "message", "text": "x", "entities": {}}, 400, "must be a list"),
        ({"card": card(version="1.6")}, 400, "newer than Teams' 1.5"),
        ({"card": {"body": []}}, 400, "must be AdaptiveCard"),
        ({"card": card(body=[{"type": "Textblock", "text": "x"}])}, 400, "no part of Adaptive"),
        ({"card": card(body=[{"type": "Input.Text"}])}, 400, "needs an id"),
        ({"card": card(refresh={"action": {"type": "Action.Submit"}})}, 400, "Action.Execute"),
    ],
)
async def test_a_broken_activity_is_refused_in_words(
    world: TeamsWorld, token: str, activity: Json, status: int, words: str
) -> None:
    if "card" in activity:
        attachment = {"contentType": CARD_TYPE, "content": activity["card"]}
        activity = {"type": "message", "attachments": [attachment]}
    got, body, _ = await call(
        world, token, "POST", f"v3/conversations/{PERSONAL}/activities", activity
    )
    assert (got, words in body["error"]["message"]) == (status, True)
    assert not world.state.messages


async def test_rooms_without_the_bot_and_messages_of_others(
    world: TeamsWorld, token: str, bot: RecordingBot
) -> None:
    body = {"type": "message", "text": "Hello"}
    theirs = world.post("sam", PERSONAL, "mine")
    await world.settled()
    path = f"v3/conversations/{PERSONAL}/activities/{theirs.id}"
    assert (await call(world, token, "PUT", path, body))[0] == 403
    assert (await call(world, token, "DELETE", path))[0] == 403
    unknown = f"v3/conversations/{CHANNEL};messageid=17/activities"
    assert (await call(world, token, "POST", unknown, body))[0] == 404
    world.set_installed("sam", CHANNEL, added=False)
    status, refused, _ = await call(
        world, token, "POST", f"v3/conversations/{CHANNEL}/activities", body
    )
    assert (status, refused["error"]["code"]) == (403, "BotNotInConversationRoster")
    await world.settled()
    assert [a["action"] for a in bot.of_type("installationUpdate")] == ["remove"]


async def test_faults_with_and_without_effect(world: TeamsWorld, token: str) -> None:
    path = f"v3/conversations/{PERSONAL}/activities"
    body = {"type": "message", "text": "Hello"}
    world.faults.add(
        Fault(server="teams", kind=FaultKind.RATE_LIMITED, retry_after_seconds=7),
    )
    status, _, headers = await call(world, token, "POST", path, body)
    assert (status, headers["Retry-After"]) == (429, "7")
    world.faults.add(Fault(server="teams", kind=FaultKind.SERVER_ERROR, status=502))
    assert (await call(world, token, "POST", path, body))[0] == 502
    world.refusals.add(Refusal(status=412, method="sendToConversation"))
    assert (await call(world, token, "POST", path, body))[0] == 412
    assert not world.state.messages
    world.faults.add(Fault(server="teams", kind=FaultKind.DROP_ANSWER))
    with pytest.raises(ServerDisconnectedError):
        await call(world, token, "POST", path, body)
    assert len(world.state.messages) == 1
    assert (await call(world, token, "POST", path, body))[0] == 201


async def test_a_streamed_answer_is_one_message_and_ends(world: TeamsWorld, token: str) -> None:
    path = f"v3/conversations/{PERSONAL}/activities"

    def step(kind: str, text: str, **info: Any) -> Json:
        return {"type": kind, "text": text, "entities": [{"type": "streaminfo", **info}]}

    first = step("typing", "Look", streamType="streaming", streamSequence=1)
    _, begun, _ = await call(world, token, "POST", path, first)
    more = step("typing", "Looking", streamType="streaming", streamId=begun["id"])
    assert (await call(world, token, "POST", path, more))[1] == begun
    assert world.state.message(begun["id"]).streaming
    last = step("message", "Found it", streamType="final", streamId=begun["id"])
    assert (await call(world, token, "POST", path, last))[1] == begun
    message = world.state.message(begun["id"])
    assert (message.streaming, message.activity["text"]) == (False, "Found it")
    assert (await call(world, token, "POST", path, more))[0] == 403
    in_channel = f"v3/conversations/{CHANNEL}/activities"
    assert (await call(world, token, "POST", in_channel, first))[0] == 403
