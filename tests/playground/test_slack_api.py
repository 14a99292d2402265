"""The Slack stand-in against Slack's own client and signature check, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import ClientSession, ServerDisconnectedError, web
from slack_events.validation import validate_payload
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from playground import people
from playground.faults import Fault, FaultKind
from playground.loopback import serving
from playground.slack_api.app import running
from playground.slack_api.state import SlackRefusal, SlackState
from playground.slack_api.world import SharedFile, SlackWorld

OLIVE, SAM, RITA = "U0OLIVE", "U0SAM", "U0RITA"
NORTH, SUPPORT = "C0NORTH", "C0SUPPORT"


class App:
    """An app's request URL: checks signatures as Slack's SDK does and keeps what arrived."""

    def __init__(self) -> None:
        self.verifier = SignatureVerifier(people.SLACK_SIGNING_SECRET)
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, Any] = {}
        self.statuses: list[int] = []
        self.held: asyncio.Event | None = None

    async def receive(self, request: web.Request) -> web.Response:
        text = await request.text()
        if not self.verifier.is_valid_request(text, dict(request.headers)):
            return web.Response(status=401)
        if request.content_type == "application/json":
            body = json.loads(text)
        else:
            fields = {name: values[0] for name, values in parse_qs(text).items()}
            body = json.loads(fields["payload"]) if "payload" in fields else fields
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if self.held is not None:
            await self.held.wait()
        if self.statuses:
            return web.Response(status=self.statuses.pop(0))
        answer = self.answers.get(body.get("type", "command"))
        return web.json_response(answer) if answer is not None else web.Response()

    def events(self, kind: str = "message") -> list[dict[str, Any]]:
        """The events of one type that arrived, in their envelopes."""
        return [b for b in self.bodies if b.get("event", {}).get("type") == kind]


class Wire:
    """A world, its address, the app it delivers to, and a client of its Web API."""

    def __init__(self, world: SlackWorld, app: App, address: str, session: ClientSession) -> None:
        self.world = world
        self.app = app
        self.address = address
        self.session = session
        self.client = self.client_with(people.SLACK_BOT_TOKEN)

    def client_with(self, token: str, *retries: AsyncRetryHandler) -> AsyncWebClient:
        """Slack's own client pointed here; the given retry handlers and no others."""
        return AsyncWebClient(
            token=token,
            base_url=f"{self.address}/api/",
            session=self.session,
            retry_handlers=list(retries),
        )

    async def order(self, name: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """One control order over HTTP."""
        url = f"{self.address}/playground/slack/{name}"
        async with self.session.post(url, json=body) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def wired(state: SlackState | None = None) -> AsyncIterator[Wire]:
    app = App()
    receiver = web.Application()
    receiver.router.add_post("/slack/events", app.receive)
    world = SlackWorld(retry_delays=(0.0, 0.0), state=state)
    async with (
        serving(receiver) as receiver_address,
        running(world) as address,
        ClientSession() as session,
    ):
        world.courier.request_url = f"{receiver_address}/slack/events"
        yield Wire(world, app, address, session)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with wired() as built:
        yield built


class MovedClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def button(action_id: str = "confirm", value: str = "p1") -> dict[str, Any]:
    return {
        "type": "actions",
        "block_id": "yes-no",
        "elements": [
            {
                "type": "button",
                "action_id": action_id,
                "value": value,
                "text": {"type": "plain_text", "text": "Confirm"},
            }
        ],
    }


def form(**more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "reply",
        "private_metadata": "case-7",
        "title": {"type": "plain_text", "text": "Reply"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "answer",
                "label": {"type": "plain_text", "text": "Answer"},
                "element": {"type": "plain_text_input", "action_id": "text"},
            }
        ],
        **more,
    }


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


# --- the Web API -------------------------------------------------------------------------------
async def test_tokens_are_checked(wire: Wire) -> None:
    assert (await wire.client.auth_test())["team_id"] == "T0ACME"
    assert await refused(wire.client_with("xoxb-wrong").auth_test()) == "invalid_auth"
    assert await refused(wire.client_with("").auth_test()) == "not_authed"
    app_token = wire.client_with(people.SLACK_APP_TOKEN)
    assert await refused(app_token.auth_test()) == "not_allowed_token_type"


async def test_a_post_is_stored_found_again_by_metadata_and_announced(wire: Wire) -> None:
    root = await wire.client.chat_postMessage(channel=NORTH, text="Hello")
    metadata = {"event_type": "handrail", "event_payload": {"outbox_id": "o-1"}}
    reply = await wire.client.chat_postMessage(
        channel=NORTH,
        text="Done",
        thread_ts=root["ts"],
        metadata=metadata,
        blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "Done"}}],
    )
    plain = await wire.client.conversations_replies(channel=NORTH, ts=root["ts"])
    assert [m["ts"] for m in plain["messages"]] == [root["ts"], reply["ts"]]
    assert all("metadata" not in m for m in plain["messages"])
    full = await wire.client.conversations_replies(
        channel=NORTH, ts=root["ts"], include_all_metadata=True
    )
    assert full["messages"][1]["metadata"] == metadata
    await wire.world.settled()
    event = wire.app.events()[1]["event"]
    assert (event["bot_id"], event["app_id"]) == (people.SLACK_BOT_ID, people.SLACK_APP_ID)
    assert event["metadata"] == metadata
    assert reply["ts"] > root["ts"]


async def test_a_name_of_its_own_makes_a_bot_message(wire: Wire) -> None:
    posted = await wire.client.chat_postMessage(
        channel=NORTH, text="I look into it", username="Rita Vance, support team"
    )
    await wire.world.settled()
    event = wire.app.events()[0]["event"]
    assert event["subtype"] == "bot_message" and "user" not in event
    validate_payload("message", "bot_message", event)
    await wire.client.chat_update(channel=NORTH, ts=posted["ts"], text="I looked into it")
    await wire.world.settled()
    change = wire.app.events()[1]["event"]
    validate_payload("message", "message_changed", change)
    assert change["previous_message"]["text"] == "I look into it"
    assert change["ts"] != posted["ts"] == change["message"]["ts"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": NORTH, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": NORTH, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": NORTH, "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"channel": NORTH, "text": "x", "blocks": [{"type": "divan"}]}, "invalid_blocks"),
        ({"channel": NORTH, "text": 5}, "no_text"),
        ({"channel": NORTH, "text": "x", "blocks": "divider"}, "invalid_blocks"),
        (
            {"channel": NORTH, "text": "x", "blocks": [{"type": "actions", "elements": 5}]},
            "invalid_blocks",
        ),
        (
            {
                "channel": NORTH,
                "text": "x",
                "blocks": [
                    {
                        "type": "actions",
                        "elements": [{"type": "static_select", "action_id": "a", "options": [5]}],
                    }
                ],
            },
            "invalid_blocks",
        ),
        ({"channel": NORTH, "blocks": [{"type": "divider"}]}, "no_text"),
        (
            {
                "channel": NORTH,
                "text": "x",
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}],
            },
            "invalid_blocks",
        ),
        (
            {
                "channel": NORTH,
                "text": "x",
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_500}}]
                * 5,
            },
            "msg_blocks_too_long",
        ),
        (
            {
                "channel": NORTH,
                "text": "x",
                "blocks": [
                    {"type": "actions", "elements": button()["elements"] + button()["elements"]}
                ],
            },
            "invalid_blocks",
        ),
        (
            {"channel": NORTH, "text": "x", "metadata": {"event_type": "t"}},
            "invalid_metadata_format",
        ),
    ],
)
async def test_what_slack_refuses_is_refused(
    wire: Wire, arguments: dict[str, Any], code: str
) -> None:
    call = wire.client.api_call("chat.postMessage", json=arguments)
    assert await refused(call) == code
    assert wire.world.state.channels[NORTH].messages == {}


async def test_a_form_body_is_read_like_json(wire: Wire) -> None:
    headers = {"Authorization": f"Bearer {people.SLACK_BOT_TOKEN}"}
    fields = {"channel": NORTH, "text": "x", "blocks": json.dumps([button()])}
    url = f"{wire.address}/api/chat.postMessage"
    async with wire.session.post(url, data=fields, headers=headers) as answer:
        body = await answer.json()
    assert body["ok"] and body["message"]["blocks"][0]["block_id"] == "yes-no"


async def test_only_members_and_own_messages(wire: Wire) -> None:
    wire.world.state.channels[SUPPORT].member_ids.remove(people.SLACK_BOT_USER_ID)
    call = wire.client.chat_postMessage(channel=SUPPORT, text="x")
    assert await refused(call) == "not_in_channel"
    said = wire.world.say(OLIVE, NORTH, "mine")
    update = wire.client.chat_update(channel=NORTH, ts=said["ts"], text="yours")
    assert await refused(update) == "cant_update_message"
    assert await refused(wire.client.chat_delete(channel=NORTH, ts=said["ts"])) == (
        "cant_delete_message"
    )
    outsider = wire.client.chat_postEphemeral(channel=NORTH, user="U0GRETA", text="x")
    assert await refused(outsider) == "user_not_in_channel"


async def test_external_people_and_channels_look_external(wire: Wire) -> None:
    olive = (await wire.client.users_info(user=OLIVE))["user"]
    assert olive["team_id"] == "T0NORTH" and "email" not in olive["profile"]
    assert olive["is_stranger"] is False
    sam = (await wire.client.users_info(user=SAM))["user"]
    assert sam["profile"]["email"] == "sam@acme-cloud.example"
    channel = (await wire.client.conversations_info(channel=NORTH))["channel"]
    assert channel["is_ext_shared"] is True
    assert channel["connected_team_ids"] == ["T0NORTH", "T0AGENCY"]
    direct = await wire.client.conversations_open(users=OLIVE)
    assert direct["channel"]["id"].startswith("D")
    assert OLIVE in (await wire.client.conversations_members(channel=NORTH))["members"]


async def test_installing_gives_a_token_that_works_once(wire: Wire) -> None:
    query = {"client_id": people.SLACK_CLIENT_ID, "redirect_uri": "http://x/back", "state": "s"}
    url = f"{wire.address}/oauth/v2/authorize"
    async with wire.session.get(url, params=query, allow_redirects=False) as answer:
        location = answer.headers["Location"]
    code = parse_qs(location.split("?")[1])["code"][0]
    secrets = {
        "client_id": people.SLACK_CLIENT_ID,
        "client_secret": people.SLACK_CLIENT_SECRET,
        "code": code,
    }
    installed = await wire.client_with("").oauth_v2_access(**secrets)
    assert (await wire.client_with(installed["access_token"]).auth_test())["ok"]
    assert await refused(wire.client_with("").oauth_v2_access(**secrets)) == "invalid_code"


# --- events ------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", ["message_first", "mention_first"])
async def test_a_mention_is_two_signed_events_in_either_order(wire: Wire, order: Any) -> None:
    wire.world.say(OLIVE, NORTH, "add 3 seats & go", mention=True, order=order)
    await wire.world.settled()
    kinds = [body["event"]["type"] for body in wire.app.bodies]
    assert kinds == (
        ["message", "app_mention"] if order == "message_first" else ["app_mention", "message"]
    )
    assert len({body["event_id"] for body in wire.app.bodies}) == 2
    message, mention = wire.app.events()[0], wire.app.events("app_mention")[0]
    assert message["event"]["ts"] == mention["event"]["ts"]
    assert message["event"]["text"] == "<@U0HANDRAIL> add 3 seats &amp; go"
    validate_payload("message", None, message["event"])
    validate_payload("app_mention", None, mention["event"])


async def test_shared_channels_show_the_authors_workspace_where_slack_does(wire: Wire) -> None:
    wire.world.say(OLIVE, NORTH, "hello", mention=True)
    wire.world.say(SAM, SUPPORT, "hello")
    await wire.world.settled()
    mention = wire.app.events("app_mention")[0]
    external, internal = (wire.app.events()[0], wire.app.events()[1])
    assert mention["team_id"] == external["team_id"] == "T0NORTH"
    assert mention["authorizations"][0]["team_id"] == "T0ACME"
    assert "context_team_id" not in mention and external["context_team_id"] == "T0ACME"
    assert mention["event"]["user_team"] == mention["event"]["source_team"] == "T0NORTH"
    assert external["event"]["team"] == "T0NORTH" and external["is_ext_shared_channel"]
    assert internal["team_id"] == "T0ACME" and not internal["is_ext_shared_channel"]


async def test_an_unacknowledged_event_is_repeated_with_its_id(wire: Wire) -> None:
    wire.app.statuses = [500, 404]
    wire.world.say(OLIVE, NORTH, "hello")
    await wire.world.settled()
    assert len({body["event_id"] for body in wire.app.bodies}) == 1
    retries = [headers.get("X-Slack-Retry-Num") for headers in wire.app.headers]
    assert retries == [None, "1", "2"]
    assert wire.app.headers[1]["X-Slack-Retry-Reason"] == "http_error"
    attempts = wire.world.courier.log[0].attempts
    assert [attempt.status for attempt in attempts] == [500, 404, 200]


async def test_a_slow_acknowledgement_is_repeated(wire: Wire) -> None:
    wire.app.held = asyncio.Event()
    wire.world.courier.ack_seconds = 0.05
    wire.world.say(OLIVE, NORTH, "hello")
    await wire.world.settled()
    wire.app.held.set()
    attempts = wire.world.courier.log[0].attempts
    assert [attempt.problem for attempt in attempts] == ["http_timeout"] * 3


async def test_ten_copies_a_redelivery_and_a_lost_acknowledgement(wire: Wire) -> None:
    wire.world.say(OLIVE, NORTH, "hello", copies=10)
    await wire.world.settled()
    assert len(wire.app.bodies) == 10
    event_id = wire.app.bodies[0]["event_id"]
    assert {body["event_id"] for body in wire.app.bodies} == {event_id}
    wire.world.redeliver(event_id=event_id, copies=5)
    await wire.world.settled()
    assert len(wire.app.bodies) == 15
    wire.world.lose_acks(1)
    wire.world.say(OLIVE, NORTH, "again")
    await wire.world.settled()
    assert len(wire.app.bodies) == 17


async def test_edits_deletions_and_reactions(wire: Wire) -> None:
    said = wire.world.say(OLIVE, NORTH, "frist")
    reply = wire.world.say(SAM, NORTH, "a reply", thread_ts=said["ts"])
    wire.world.edit(OLIVE, NORTH, said["ts"], "first")
    wire.world.react(SAM, NORTH, said["ts"], "thumbsup")
    with pytest.raises(SlackRefusal):
        wire.world.edit(SAM, NORTH, said["ts"], "not mine")
    wire.world.delete(OLIVE, NORTH, said["ts"])
    assert wire.world.state.channels[NORTH].messages[said["ts"]]["subtype"] == "tombstone"
    wire.world.delete(SAM, NORTH, reply["ts"])
    await wire.world.settled()
    for kind in ("message", "reaction_added"):
        for body in wire.app.events(kind):
            # The models know no tombstones; Slack sends them inside `message_changed`.
            if body["event"].get("message", {}).get("subtype") == "tombstone":
                del body["event"]["message"]["subtype"]
            validate_payload(kind, body["event"].get("subtype"), body["event"])
    assert [b["event"].get("subtype") for b in wire.app.events()].count("message_deleted") == 1
    assert wire.app.events("reaction_added")[0]["event"]["item"]["ts"] == said["ts"]


async def test_a_file_from_outside_is_named_only_and_read_with_the_token(wire: Wire) -> None:
    file = SharedFile(name="shot.png", mimetype="image/png", content=b"\x89PNG")
    wire.world.say(OLIVE, NORTH, "see", files=[file])
    await wire.world.settled()
    shown = wire.app.events()[0]["event"]["files"][0]
    assert shown["file_access"] == "check_file_info" and "url_private" not in shown
    full = (await wire.client.files_info(file=shown["id"]))["file"]
    async with wire.session.get(full["url_private"]) as answer:
        assert answer.status == 403
    headers = {"Authorization": f"Bearer {people.SLACK_BOT_TOKEN}"}
    async with wire.session.get(full["url_private"], headers=headers) as answer:
        assert await answer.read() == b"\x89PNG"


async def test_a_shared_message_can_arrive_once_per_workspace(wire: Wire) -> None:
    await wire.order("settings", once_per_workspace=True, reply_count_events=True)
    said = wire.world.say(OLIVE, NORTH, "hello")
    wire.world.say(SAM, NORTH, "a reply", thread_ts=said["ts"])
    await wire.world.settled()
    copies = [body for body in wire.app.events() if body["event"].get("ts") == said["ts"]]
    assert {body["team_id"] for body in copies} == {"T0NORTH", "T0ACME"}
    assert len({body["event_id"] for body in copies}) == 2
    counted = [b for b in wire.app.events() if b["event"].get("subtype") == "message_changed"]
    assert [body["event"]["message"]["ts"] for body in counted] == [said["ts"]]


async def test_coming_and_going(wire: Wire) -> None:
    assert (await wire.order("join", user_id="U0VIC", channel_id="C0GLOBEX"))[0] == 200
    channel = (await wire.client.conversations_info(channel="C0GLOBEX"))["channel"]
    assert "T0AGENCY" in channel["connected_team_ids"]
    assert (await wire.order("leave", user_id="U0VIC", channel_id="C0GLOBEX"))[0] == 200
    await wire.world.settled()
    joined = wire.app.events("member_joined_channel")[0]["event"]
    validate_payload("member_joined_channel", None, joined)
    assert (joined["user"], joined["team"]) == ("U0VIC", "T0AGENCY")
    assert len(wire.app.events("member_left_channel")) == 1
    with pytest.raises(SlackRefusal):
        wire.world.say("U0VIC", "C0GLOBEX", "still here?")


# --- pressing, forms, commands -----------------------------------------------------------------
async def test_a_click_has_the_clickers_workspace_and_a_response_url(wire: Wire) -> None:
    posted = await wire.client.chat_postMessage(channel=NORTH, text="Sure?", blocks=[button()])
    attempt = await wire.world.click(OLIVE, "confirm", channel_id=NORTH, ts=posted["ts"])
    assert attempt.status == 200
    click = wire.app.bodies[-1]
    validate_payload("block_actions", None, click)
    assert click["team"]["id"] == click["user"]["team_id"] == "T0NORTH"
    assert click["message"]["team"] == "T0ACME"
    assert click["actions"][0]["value"] == "p1"
    assert click["container"]["message_ts"] == posted["ts"]
    async with wire.session.post(
        click["response_url"], json={"text": "Done", "replace_original": True}
    ) as answer:
        assert answer.status == 200
    message = wire.world.state.message(NORTH, posted["ts"])
    assert message["text"] == "Done" and "blocks" not in message
    with pytest.raises(SlackRefusal):
        await wire.world.click(OLIVE, "confirm", channel_id=NORTH, ts=posted["ts"])
    with pytest.raises(SlackRefusal):
        await wire.world.click("U0GRETA", "confirm", channel_id=NORTH, ts=posted["ts"])


async def test_a_response_url_answers_privately_five_times(wire: Wire) -> None:
    posted = await wire.client.chat_postMessage(channel=NORTH, text="Sure?", blocks=[button()])
    await wire.world.click(OLIVE, "confirm", channel_id=NORTH, ts=posted["ts"])
    url = wire.app.bodies[-1]["response_url"]
    statuses = []
    for _ in range(6):
        async with wire.session.post(url, json={"text": "Only you"}) as answer:
            statuses.append(answer.status)
    assert statuses == [200] * 5 + [404]
    assert {e.user_id for e in wire.world.state.ephemerals} == {OLIVE}
    assert list(wire.world.state.channels[NORTH].messages) == [posted["ts"]]


async def test_private_buttons_belong_to_one_person(wire: Wire) -> None:
    shown = await wire.client.chat_postEphemeral(
        channel=SUPPORT, user=RITA, text="Only inside", blocks=[button("send")]
    )
    with pytest.raises(SlackRefusal):
        await wire.world.click(SAM, "send", channel_id=SUPPORT, ts=shown["message_ts"])
    await wire.world.click(RITA, "send", channel_id=SUPPORT, ts=shown["message_ts"])
    click = wire.app.bodies[-1]
    assert click["container"]["is_ephemeral"] is True and "message" not in click
    async with wire.session.post(click["response_url"], json={"delete_original": True}) as answer:
        assert answer.status == 200
    assert wire.world.state.ephemerals == []


async def test_a_form_opens_within_three_seconds_and_once() -> None:
    clock = MovedClock()
    async with wired(SlackState(clock=clock)) as wire:
        posted = await wire.client.chat_postMessage(channel=SUPPORT, text="x", blocks=[button()])

        async def pressed() -> str:
            await wire.world.click(RITA, "confirm", channel_id=SUPPORT, ts=posted["ts"])
            return str(wire.app.bodies[-1]["trigger_id"])

        late = await pressed()
        clock.now += 3.1
        assert await refused(wire.client.views_open(trigger_id=late, view=form())) == (
            "expired_trigger_id"
        )
        used = await pressed()
        assert (await wire.client.views_open(trigger_id=used, view=form()))["view"]["id"]
        assert await refused(wire.client.views_open(trigger_id=used, view=form())) == (
            "exchanged_trigger_id"
        )
        bad = form(title={"type": "plain_text", "text": "t" * 25})
        assert await refused(wire.client.views_open(trigger_id=await pressed(), view=bad)) == (
            "invalid_arguments"
        )


async def open_form(wire: Wire, user_id: str = RITA, **more: Any) -> str:
    posted = await wire.client.chat_postMessage(channel=SUPPORT, text="x", blocks=[button()])
    await wire.world.click(user_id, "confirm", channel_id=SUPPORT, ts=posted["ts"])
    opened = await wire.client.views_open(
        trigger_id=wire.app.bodies[-1]["trigger_id"], view=form(**more)
    )
    return str(opened["view"]["id"])


async def test_a_form_is_checked_sent_corrected_and_closed(wire: Wire) -> None:
    view_id = await open_form(wire)
    assert (await wire.world.submit(RITA, view_id, {})).action == "missing"
    wire.app.answers["view_submission"] = {
        "response_action": "errors",
        "errors": {"answer": "Too short"},
    }
    ended = await wire.world.submit(RITA, view_id, {"answer": {"text": "ok"}})
    assert (ended.action, ended.errors) == ("errors", {"answer": "Too short"})
    body = wire.app.bodies[-1]
    validate_payload("view_submission", None, body)
    assert body["view"]["state"]["values"]["answer"]["text"]["value"] == "ok"
    assert body["view"]["app_installed_team_id"] == "T0ACME"
    wire.app.answers["view_submission"] = {
        "response_action": "update",
        "view": form(callback_id="second"),
    }
    assert (await wire.world.submit(RITA, view_id, {"answer": {"text": "x"}})).action == "update"
    assert wire.world.state.views[view_id].view["callback_id"] == "second"
    del wire.app.answers["view_submission"]
    assert (await wire.world.submit(RITA, view_id, {"answer": {"text": "x"}})).action == "closed"
    assert wire.world.state.views == {}


async def test_views_update_guards_with_a_hash(wire: Wire) -> None:
    view_id = await open_form(wire, external_id="case-7")
    stale = wire.client.views_update(view=form(), view_id=view_id, hash="old")
    assert await refused(stale) == "hash_conflict"
    done = await wire.client.views_update(view=form(callback_id="new"), external_id="case-7")
    assert done["view"]["id"] == view_id and done["view"]["callback_id"] == "new"


async def test_options_are_searched_in_the_request(wire: Wire) -> None:
    picker = {"type": "external_select", "action_id": "account"}
    view_id = await open_form(
        wire,
        blocks=[
            {
                "type": "input",
                "block_id": "answer",
                "label": {"type": "plain_text", "text": "Account"},
                "element": picker,
            }
        ],
    )
    option = {"text": {"type": "plain_text", "text": "Northwind"}, "value": "northwind"}
    wire.app.answers["block_suggestion"] = {"options": [option]}
    assert await wire.world.search_options(RITA, "account", "nor", view_id=view_id) == [option]
    assert wire.app.bodies[-1]["value"] == "nor"
    await wire.world.submit(RITA, view_id, {"answer": {"account": option}})
    answers = wire.app.bodies[-1]["view"]["state"]["values"]
    assert answers["answer"]["account"]["selected_option"]["value"] == "northwind"


async def test_a_command_and_its_answer(wire: Wire) -> None:
    wire.app.answers["command"] = {"text": "Here is help"}
    await wire.world.command(OLIVE, NORTH, "/handrail", "help")
    body = wire.app.bodies[-1]
    validate_payload("slash_command", None, body)
    assert (body["team_id"], body["text"]) == ("T0NORTH", "help")
    assert wire.world.state.ephemerals[0].message["text"] == "Here is help"


# --- Socket Mode, faults, control, feed --------------------------------------------------------
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
    assert [s["seq"] for s in seen] == list(range(1, len(seen) + 1))
