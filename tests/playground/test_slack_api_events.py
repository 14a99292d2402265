"""What the stand-in delivers: signatures, shapes, repetitions, order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_events.validation import validate_payload

from playground import people
from playground.slack_api.delivery import Delivery
from playground.slack_api.state import SlackRefusal
from playground.slack_api.world import SharedFile
from tests.playground.slack_wire import (
    NORTH,
    OLIVE,
    SAM,
    SUPPORT,
    Wire,
    refused,
    wired,
)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with wired() as built:
        yield built


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


async def test_a_direct_chat_has_no_mentions(wire: Wire) -> None:
    channel_id = (await wire.client.conversations_open(users=OLIVE))["channel"]["id"]
    wire.world.say(OLIVE, channel_id, "hello", mention=True)
    posted = await wire.client.chat_postMessage(channel=OLIVE, text="Hello Olive")
    await wire.world.settled()
    assert posted["channel"] == channel_id
    assert wire.app.events("app_mention") == []
    assert {body["event"]["channel_type"] for body in wire.app.events()} == {"im"}


async def test_a_broadcast_reply_is_an_event_of_its_own(wire: Wire) -> None:
    said = wire.world.say(OLIVE, NORTH, "hello")
    wire.world.say(OLIVE, NORTH, "everybody?", thread_ts=said["ts"], broadcast=True)
    await wire.world.settled()
    event = wire.app.events()[1]["event"]
    validate_payload("message", "thread_broadcast", event)
    assert event["root"]["ts"] == event["thread_ts"] == said["ts"]
    shown = (await wire.client.conversations_history(channel=NORTH))["messages"]
    assert [message["text"] for message in shown] == ["everybody?", "hello"]


async def test_other_bots_are_heard_too(wire: Wire) -> None:
    await wire.order("bot-say", channel_id=NORTH, text="<@U0HANDRAIL> deploy finished")
    await wire.world.settled()
    event = wire.app.events()[0]["event"]
    validate_payload("message", "bot_message", event)
    assert event["bot_id"] != people.SLACK_BOT_ID
    assert wire.app.events("app_mention") == []


async def test_status_reaction_and_link(wire: Wire) -> None:
    said = wire.world.say(OLIVE, NORTH, "hello")
    ts = said["ts"]
    await wire.client.assistant_threads_setStatus(
        channel_id=NORTH, thread_ts=ts, status="is thinking…"
    )
    assert wire.world.state.channels[NORTH].statuses == {ts: "is thinking…"}
    await wire.client.reactions_add(channel=NORTH, timestamp=ts, name="eyes")
    again = wire.client.reactions_add(channel=NORTH, timestamp=ts, name="eyes")
    assert await refused(again) == "already_reacted"
    link = await wire.client.chat_getPermalink(channel=NORTH, message_ts=ts)
    assert link["permalink"].endswith(ts.replace(".", ""))
    await wire.client.chat_postMessage(channel=NORTH, thread_ts=ts, text="Here you are")
    assert wire.world.state.channels[NORTH].statuses == {}


async def test_long_lists_come_in_pages(wire: Wire) -> None:
    said = wire.world.say(OLIVE, NORTH, "root")
    for number in range(5):
        wire.world.say(OLIVE, NORTH, str(number), thread_ts=said["ts"])
    first = await wire.client.conversations_replies(channel=NORTH, ts=said["ts"], limit=4)
    assert first["has_more"] and len(first["messages"]) == 4
    cursor = first["response_metadata"]["next_cursor"]
    rest = await wire.client.conversations_replies(channel=NORTH, ts=said["ts"], cursor=cursor)
    assert [message["text"] for message in rest["messages"]] == ["3", "4"]
    assert not rest["has_more"]


async def test_an_app_that_is_down_gets_the_event_when_it_is_back(wire: Wire) -> None:
    courier = wire.world.courier
    back = courier.request_url
    courier.request_url = "http://127.0.0.1:1/slack/events"

    def comes_back(_: Delivery) -> None:
        courier.request_url = back

    courier.changed = comes_back
    wire.world.say(OLIVE, NORTH, "hello")
    await wire.world.settled()
    assert [a.problem for a in wire.world.courier.log[0].attempts] == ["connection_failed", None]
    assert wire.app.headers[0]["X-Slack-Retry-Reason"] == "connection_failed"


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


async def test_the_app_is_removed_and_a_workspace_cut_off(wire: Wire) -> None:
    order = {"user_id": people.SLACK_BOT_USER_ID, "channel_id": SUPPORT}
    assert (await wire.order("leave", **order))[0] == 200
    assert await refused(wire.client.chat_postMessage(channel=SUPPORT, text="x")) == (
        "not_in_channel"
    )
    assert (await wire.order("unshare", channel_id=NORTH, team_id="T0NORTH"))[0] == 200
    members = wire.world.state.channels[NORTH].member_ids
    assert OLIVE not in members and SAM in members
    assert (await wire.order("archive", channel_id=NORTH, user_id=SAM))[0] == 200
    assert await refused(wire.client.chat_postMessage(channel=NORTH, text="x")) == "is_archived"
    await wire.world.settled()
    for kind in ("channel_left", "channel_unshared", "channel_archive"):
        (body,) = wire.app.events(kind)
        validate_payload(kind, None, body["event"])


async def test_a_request_url_is_verified(wire: Wire) -> None:
    status, told = await wire.order("verify-url")
    assert (status, told["error"]) == (400, "url_not_verified")
    wire.app.echo_challenge = True
    assert (await wire.order("verify-url"))[1]["acknowledged"] is True
