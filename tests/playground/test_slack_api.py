"""Slack's Web API in the stand-in, called with Slack's own client."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_events.validation import validate_payload

from playground import people
from tests.playground.slack_wire import NORTH, OLIVE, SAM, SUPPORT, Wire, button, refused, wired


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with wired() as built:
        yield built


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
