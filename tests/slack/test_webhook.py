"""The HTTP door: what is let in, what is not, and when it is acknowledged."""

import asyncio
import json
import logging
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_core.messages import (
    InboundMessage,
    MessageDeleted,
    MessageEdited,
    OutgoingId,
    RoomChange,
    RoomChanged,
    Unsupported,
)
from bots.slack.adapter import SlackChannel
from playground import people
from playground.faults import Fault, FaultKind
from playground.slack_api.workspace import MentionOrder
from playground.slack_api.world import SharedFile, SlackWorld
from tests.contracts.platform_adapter import a_note
from tests.slack.conftest import House
from tests.slack.recording_receiver import RecordingReceiver
from tests.slack.test_sender import ADDRESS

SHARED = next(room for room in people.SLACK_ROOMS if room.is_shared)
OLIVE = people.NORTHWIND_OWNER
TEAM = people.VENDOR_TEAM.team_id
FORM = "application/x-www-form-urlencoded"


def an_event(**changes: object) -> dict[str, object]:
    """A message of a person of the vendor's in the envelope of the Events API."""
    event = {
        "type": "message",
        "user": people.COLLEAGUE.user_id,
        "team": TEAM,
        "text": "hello",
        "ts": "1700000000.000100",
        "channel": SHARED.channel_id,
        "channel_type": "channel",
    }
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "api_app_id": people.SLACK_APP_ID,
        "event_id": "Ev1",
        "event_time": 1700000000,
        "authorizations": [{"team_id": TEAM, "is_bot": True}],
        "event": event,
    } | changes


BAD = {
    "no signature": ({"X-Slack-Signature": ""}, 401),
    "wrong signature": ({"X-Slack-Signature": "v0=" + "0" * 64}, 401),
    "odd signature": ({"X-Slack-Signature": "nonsense"}, 401),
    "no timestamp": ({"X-Slack-Request-Timestamp": ""}, 401),
    "timestamp in words": ({"timestamp": "yesterday"}, 401),
    "timestamp with a sign": ({"timestamp": "-5"}, 401),
    "timestamp without end": ({"timestamp": "9" * 400}, 401),
    "stale": ({"timestamp": "old"}, 401),
    "from tomorrow": ({"timestamp": "new"}, 401),
    "plain text": ({"Content-Type": "text/plain"}, 415),
    "multipart": ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_is_not_signed_now_by_slack_is_refused(
    house: House, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers, status = BAD[case]
    moved = {"old": -301, "new": 301}
    if (shift := moved.get(headers.get("timestamp", ""))) is not None:
        headers = {"timestamp": str(int(time.time()) + shift)}
    assert (await house.post(json.dumps(an_event()), **headers))[0] == status
    assert house.receiver.events == []
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


BODIES = {
    "no JSON": ("{", "application/json", 400),
    "a list": ("[]", "application/json", 400),
    "a number": ("7", "application/json", 400),
    "deep": ("[" * 100_000, "application/json", 400),
    "event is a word": (json.dumps(an_event(event="x")), "application/json", 400),
    "no team": (json.dumps({"type": "event_callback", "event": {"type": "x"}}), "", 403),
    "empty object": ("{}", "application/json", 403),
    "foreign team": (json.dumps(an_event(authorizations=[{"team_id": "T0EVIL"}])), "", 403),
    "foreign team, no authorization": (
        json.dumps(an_event(authorizations=None, team_id="T0EVIL")),
        "",
        403,
    ),
    "odd authorizations": (json.dumps(an_event(authorizations="x")), "application/json", 400),
    "an empty form": ("", FORM, 400),
    "a form of nothing": ("a=b", FORM, 400),
    "a payload that is no JSON": ("payload=%7B", FORM, 400),
    "a foreign command": (urlencode({"command": "/handrail", "team_id": "T0EVIL"}), FORM, 403),
    "too large": ("x" * (1024 * 1024 + 1), "application/json", 413),
}


@pytest.mark.parametrize("case", BODIES)
async def test_what_cannot_be_read_or_is_not_ours_is_refused(
    house: House, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    body, content_type, status = BODIES[case]
    assert (await house.post(body, content_type or "application/json"))[0] == status
    assert house.receiver.events == []
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_card_or_form_of_another_installation_is_refused(house: House) -> None:
    folder = Path(__file__).parent.parent / "payloads" / "slack"
    card = json.loads((folder / "block_actions_connect.json").read_text())
    card["actions"][0]["block_id"] = "handrail|T0EVIL|1"
    form = json.loads((folder / "view_submission.json").read_text())
    form["team"]["id"] = "T0EVIL"
    form["view"] |= {"team_id": "T0EVIL", "app_installed_team_id": "T0EVIL", "bot_id": "B0EVIL"}
    for payload in (card, form):
        body = urlencode({"payload": json.dumps(payload)})
        assert (await house.post(body, FORM))[0] == 403
    assert house.receiver.events == []


async def test_a_body_that_is_no_text_is_refused(house: House) -> None:
    headers = {"Content-Type": "application/json"}
    async with house.session.post(house.url, data=b"\xff\xfe", headers=headers) as answer:
        assert answer.status == 400


async def test_slack_can_check_the_address(house: House) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c4", "token": "t"})
    status, text = await house.post(body)
    assert (status, json.loads(text)) == (200, {"challenge": "c4"})
    status, _ = await house.post("ssl_check=1&token=t", FORM, **{"X-Slack-Signature": ""})
    assert status == 200
    assert house.receiver.events == []


# Complaint: slow acknowledgement, retries, double answers (bolt-python #1027, #868).
async def test_an_event_is_acknowledged_only_once_it_is_kept(house: House) -> None:
    kept, asked = asyncio.Event(), asyncio.Event()
    taken = house.receiver.receive

    async def slow(event):
        asked.set()
        await kept.wait()
        return await taken(event)

    house.receiver.receive = slow  # type: ignore[method-assign]
    posting = asyncio.ensure_future(house.post(json.dumps(an_event())))
    await asked.wait()
    assert not posting.done()
    kept.set()
    assert (await posting)[0] == 200


async def test_what_could_not_be_kept_is_delivered_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.receiver.failing = RuntimeError("INSERT failed, text='my card is 4242'")
    assert (await house.post(json.dumps(an_event())))[0] == 500
    assert "4242" not in caplog.text
    assert "RuntimeError" in caplog.text
    house.receiver.failing = None
    # The retry bears Slack's header: it must be taken like the first.
    headers = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_error"}
    assert (await house.post(json.dumps(an_event()), **headers))[0] == 200
    assert len(house.receiver.events) == 1


async def test_what_is_not_understood_is_taken_as_such(house: House) -> None:
    event = {"type": "dnd_updated_user", "user": "U1"}
    assert (await house.post(json.dumps(an_event(event=event))))[0] == 200
    assert house.receiver.events == [
        Unsupported(platform=house.channel.sender.platform, what="dnd_updated_user")
    ]


# Complaint: first-wins deduplication loses mentions (getsentry/junior #33).
@pytest.mark.parametrize("order", ["mention_first", "message_first", "together"])
async def test_both_twins_of_a_mention_are_one_message_that_mentions(
    house: House, order: MentionOrder
) -> None:
    said = house.world.say(
        OLIVE.user_id, SHARED.channel_id, "two more seats", mention=True, order=order
    )
    await house.world.settled()
    twins = house.receiver.of(InboundMessage)
    assert len(twins) == 2
    assert twins[0] == twins[1]
    assert twins[0].mentions_agent
    assert twins[0].text == "two more seats"
    assert twins[0].message.message_id == said["ts"]
    assert str(twins[0].message.room) == f"slack:{TEAM}/{SHARED.channel_id}"
    assert str(twins[0].author.identity) == f"slack:{OLIVE.team_id}/{OLIVE.user_id}"
    assert twins[0].author.name == OLIVE.name


async def test_our_own_posts_and_updates_come_back_as_nothing(house: House) -> None:
    posted = await house.channel.sender.post(ADDRESS, a_note("hi"), OutgoingId("out_1"))
    await house.channel.sender.update(posted.address, posted.message, a_note("ho"))
    await house.world.settled()
    assert len(house.receiver.events) == 2
    assert house.receiver.of(Unsupported) == house.receiver.events


async def test_an_author_whose_home_cannot_be_learned_now_is_delivered_again(house: House) -> None:
    folder = Path(__file__).parent.parent / "payloads" / "slack"
    body = json.loads((folder / "message_connect_without_team.json").read_text())
    house.world.faults.add(Fault(server="slack", method="users.info", kind=FaultKind.SERVER_ERROR))
    assert (await house.post(json.dumps(body)))[0] == 503
    assert house.receiver.events == []
    assert (await house.post(json.dumps(body)))[0] == 200
    (said,) = house.receiver.of(InboundMessage)
    assert said.author.identity.tenant_id == OLIVE.team_id


async def test_a_name_that_cannot_be_had_does_not_hold_a_message_up(house: House) -> None:
    house.world.faults.add(Fault(server="slack", method="users.info", kind=FaultKind.SERVER_ERROR))
    assert (await house.post(json.dumps(an_event())))[0] == 200
    (said,) = house.receiver.of(InboundMessage)
    assert said.author.name == people.COLLEAGUE.user_id


async def test_our_own_token_being_refused_is_told_to_the_operators(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.world.bot_tokens.clear()
    assert (await house.post(json.dumps(an_event())))[0] == 503
    assert "invalid_auth" in caplog.text
    assert house.receiver.events == []


# Complaint: screenshots and files are ignored.
async def test_a_file_from_another_workspace_is_looked_up(house: House) -> None:
    picture = SharedFile(name="screen.png", mimetype="image/png", content=b"123")
    house.world.say(OLIVE.user_id, SHARED.channel_id, "see", files=[picture])
    await house.world.settled()
    (said,) = house.receiver.of(InboundMessage)
    (file,) = said.files
    assert (file.name, file.media_type) == ("screen.png", "image/png")


# Complaint: one mention gives about 50 replies, through `message_changed` (CopilotKit #6717).
async def test_a_person_who_edits_and_deletes_is_heard_once_each(house: House) -> None:
    said = house.world.say(OLIVE.user_id, SHARED.channel_id, "two seats", mention=True)
    house.world.edit(OLIVE.user_id, SHARED.channel_id, said["ts"], "three seats")
    house.world.delete(OLIVE.user_id, SHARED.channel_id, said["ts"])
    await house.world.settled()
    (edited,) = house.receiver.of(MessageEdited)
    (deleted,) = house.receiver.of(MessageDeleted)
    assert edited.text == "three seats"
    assert edited.message == deleted.message
    assert edited.message.message_id == said["ts"]


async def test_a_direct_chat_is_direct(house: House) -> None:
    chat = house.world.open_direct(OLIVE.user_id)
    house.world.say(OLIVE.user_id, chat.channel_id, "hello")
    await house.world.settled()
    (said,) = house.receiver.of(InboundMessage)
    assert said.direct
    assert not said.mentions_agent


async def test_uninstalling_forgets_the_token(house: House) -> None:
    await house.post(json.dumps(an_event(event={"type": "app_uninstalled"})))
    (changed,) = house.receiver.of(RoomChanged)
    assert changed.change is RoomChange.UNINSTALLED
    assert changed.room.room_id == "*"
    house.world.bot_tokens.clear()
    status, _ = await house.post(json.dumps(an_event()))
    assert status >= 400
    assert len(house.receiver.events) == 1


async def test_bolt_takes_nothing_from_the_environment(
    world: tuple[SlackWorld, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-from-the-environment")
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "s")
    _, api_url = world
    channel = SlackChannel(
        receiver=RecordingReceiver(),
        signing_secret="s",
        bot_token=people.SLACK_BOT_TOKEN,
        api_url=api_url,
    )
    assert await channel.team_id() == TEAM
    assert caplog.records == []
    await channel.stop()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    "type event subtype channel user team ts text message previous_message thread_ts "
    "files actions container view state values user_team authorizations team_id "
    "deleted_ts item enterprise edited command payload response_url assistant_thread "
    "function_data"
)
NAMES = st.sampled_from(FIELDS.split())
ODD = st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=5), max_size=8)
TYPES = st.sampled_from(
    ["event_callback", "block_actions", "view_submission", "block_suggestion", "shortcut", 7, None]
)
KINDS = st.sampled_from(
    ["message", "app_mention", "channel_id_changed", "tokens_revoked", "member_joined_channel"]
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(odd=ODD, outer=TYPES, kind=KINDS, event=ODD)
async def test_no_payload_breaks_the_door(house: House, odd, outer, kind, event) -> None:
    body = an_event(event={"ts": "1.0", "channel": "C1", "user": "U1"} | event | {"type": kind})
    status, _ = await house.post(json.dumps(body | odd | {"type": outer}))
    assert status < 500


# Complaint: a wrong workspace is answered (opengeni #1816).
async def test_a_message_that_comes_once_per_workspace_is_one_message(house: House) -> None:
    house.world.workspace.once_per_workspace = True
    house.world.say(OLIVE.user_id, SHARED.channel_id, "two seats", mention=True)
    await house.world.settled()
    said = house.receiver.of(InboundMessage)
    assert len(said) == 4
    assert len({(str(one.message), str(one.author.identity)) for one in said}) == 1


async def test_without_a_signing_secret_there_is_no_door_that_anybody_could_sign_for(
    world: tuple[SlackWorld, str],
) -> None:
    """Socket Mode alone: an HMAC keyed with nothing is one that everybody can make."""
    channel = SlackChannel(
        receiver=RecordingReceiver(),
        signing_secret="",
        bot_token=people.SLACK_BOT_TOKEN,
        app_token=people.SLACK_APP_TOKEN,
        api_url=world[1],
    )
    assert channel.routes() == []
    await channel.stop()


async def test_ten_deliveries_at_once_are_one_message(house: House) -> None:
    house.world.say(OLIVE.user_id, SHARED.channel_id, "two seats", copies=10)
    await house.world.settled()
    said = house.receiver.of(InboundMessage)
    assert len(said) == 10
    assert all(one == said[0] for one in said)
