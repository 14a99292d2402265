"""Each shape that Slack sends, and what it means to the core."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from slack_events.validation import validate_payload

from agent_core.messages import (
    ButtonPressed,
    CommandUsed,
    FileRef,
    FormSubmitted,
    InboundEvent,
    InboundMessage,
    MessageDeleted,
    MessageEdited,
    OptionsAsked,
    RoomChange,
    RoomChanged,
    Unsupported,
)
from bots.slack.entities import to_plain
from bots.slack.identity import Known, KnownPerson, Workspace, known_person
from bots.slack.interactions import installation_teams
from bots.slack.parse import Lookups, lookups, parse

FOLDER = Path(__file__).parent.parent / "payloads" / "slack"
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
OURS = Workspace(team_id="T0ACME", bot_token="xoxb", bot_user_id="U0HANDRAIL", bot_id="B0HANDRAIL")
NAMES = {"U0RITA": KnownPerson(name="Rita Vance", home_team="T0ACME")}


def payload(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def read(name: str, known: Known | None = None) -> InboundEvent:
    return parse(payload(name), OURS, known or Known(people=NAMES), received_at=NOW)


def message(name: str, known: Known | None = None) -> InboundMessage:
    event = read(name, known)
    assert isinstance(event, InboundMessage), event
    return event


# The published models know no tombstone.
MODELLED = [path for path in sorted(FOLDER.glob("*.json")) if "tombstone" not in path.stem]


@pytest.mark.parametrize("path", MODELLED, ids=lambda path: path.stem)
def test_the_payloads_are_of_slacks_shapes(path: Path) -> None:
    body = json.loads(path.read_text())
    if body.get("type") == "event_callback":
        validate_payload(body["event"]["type"], body["event"].get("subtype"), body["event"])
    else:
        validate_payload(body.get("type", "slash_command"), None, body)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_payload_is_of_our_installation(path: Path) -> None:
    assert "T0ACME" in installation_teams(json.loads(path.read_text()))


# Complaint: first-wins deduplication loses half of the mentions (getsentry/junior #33).
def test_the_twins_of_a_mention_are_one_and_the_same() -> None:
    mention, post = message("app_mention_connect"), message("message_connect_mention")
    assert mention == post
    assert mention.mentions_agent
    assert mention.text == "two more seats please"
    assert str(mention.message) == "slack:T0ACME/C0NORTH!1700000000.000100"
    assert mention.sent_at == datetime.fromtimestamp(1700000000, tz=UTC).replace(microsecond=100)


# Complaint: `is_external` alone is wrong (tiger-agents-for-work #171); an enterprise id stored as a
# team id; a wrong workspace answered (opengeni #1816).
@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("app_mention_connect", "T0NORTH"),
        ("message_connect_mention", "T0NORTH"),
        ("message_connect_grid_named", "T0GRID1"),
        ("message_internal", "T0ACME"),
        ("message_without_team", "T0ACME"),
        ("app_mention_connect_grid", "unknown"),
        ("message_connect_without_team", "unknown"),
    ],
)
def test_the_authors_home_is_theirs_and_the_room_is_ours(name: str, home: str) -> None:
    said = message(name)
    assert said.author.identity.tenant_id == home
    assert said.message.room.tenant_id == "T0ACME"


@pytest.mark.parametrize("name", ["app_mention_connect_grid", "message_connect_without_team"])
def test_a_home_that_is_not_told_is_asked_for(name: str) -> None:
    user = message(name).author.identity.user_id
    assert lookups(payload(name), OURS).homeless == (user,)
    known = Known(people={user: KnownPerson(name="Gus", home_team="T0FOUND")})
    said = message(name, known)
    assert (said.author.identity.tenant_id, said.author.name) == ("T0FOUND", "Gus")


def test_an_organisations_id_is_no_home() -> None:
    assert known_person({"team_id": "E0GRID", "real_name": "Gus"}).home_team == ""


def test_direct_chats_and_group_chats() -> None:
    assert message("message_direct").direct
    assert not message("message_group_direct").direct
    assert not message("message_internal").mentions_agent


def test_threads() -> None:
    reply = message("message_in_thread")
    assert reply.thread.thread_id == reply.reply_to.thread_id == "1700000000.000100"
    first = message("message_internal")
    assert first.thread.thread_id == first.message.message_id


# Complaint: a reply that is also sent to the channel is answered twice (CopilotKit #6717).
def test_a_broadcast_reply_is_one_message_of_its_thread() -> None:
    reply = message("thread_broadcast")
    assert reply.message.message_id == "1700000000.000200"
    assert reply.thread.thread_id == "1700000000.000100"


def test_slacks_notation_becomes_words() -> None:
    assert message("message_entities").text == (
        "ask @Rita Vance & @zoe in #general <b> the page (https://e.com/?a=1&b=2) https://e.com "
        "a@e.com @here @ops noon"
    )
    assert message("message_entities").mentions_agent


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("<@U0HANDRAIL>", ""),
        ("hi <@U0HANDRAIL>", "hi"),
        ("<@U0HANDRAIL>, please", ", please"),
        ("a\n    code <@U0HANDRAIL> b", "a\n    code b"),
        ("&amp;lt;", "&lt;"),
        ("<@U0OTHER>", "@U0OTHER"),
        ("a < b > c", "a < b > c"),
    ],
)
def test_the_agents_own_mention_is_taken_out(said: str, words: str) -> None:
    assert to_plain(said, {}, agent_id="U0HANDRAIL") == words


# Complaint: screenshots and files are ignored.
def test_files_come_along_also_from_other_workspaces() -> None:
    assert message("file_share").files == (
        FileRef(file_id="F0PIC", name="screen.png", media_type="image/png", size=2048),
    )
    assert lookups(payload("file_share_connect"), OURS).files == ("F0PIC",)
    full = {"id": "F0PIC", "name": "a.png", "mimetype": "image/png", "size": 7}
    assert message("file_share_connect", Known(files={"F0PIC": full})).files == (
        FileRef(file_id="F0PIC", name="a.png", media_type="image/png", size=7),
    )
    assert message("file_share_connect").files[0].name == "file"


def test_an_edit_that_adds_the_agents_name_is_a_request_as_well() -> None:
    body: Any = payload("message_changed_edit")
    body["event"]["message"]["text"] = f"<@{OURS.bot_user_id}> three more seats"
    edited = parse(body, OURS, Known(people=NAMES), received_at=NOW)
    assert isinstance(edited, MessageEdited) and edited.request is not None
    assert edited.request.message == edited.message and edited.request.mentions_agent
    assert edited.request.author.identity.tenant_id == "T0NORTH" and not edited.request.direct
    body["event"]["previous_message"]["text"] = f"<@{OURS.bot_user_id}> two more seats"
    again = parse(body, OURS, Known(people=NAMES), received_at=NOW)
    assert isinstance(again, MessageEdited) and again.request is None  # it was one before


def test_an_edit_is_an_edit() -> None:
    edited = read("message_changed_edit")
    assert isinstance(edited, MessageEdited)
    assert edited.message.message_id == "1700000000.000100"
    assert edited.text == "three more seats"
    assert edited.author.identity.tenant_id == "T0NORTH"
    assert edited.edited_at == datetime.fromtimestamp(1700000005, tz=UTC)


@pytest.mark.parametrize("name", ["message_deleted", "message_changed_tombstone"])
def test_a_deletion_names_the_message(name: str) -> None:
    deleted = read(name)
    assert isinstance(deleted, MessageDeleted)
    assert deleted.thread.thread_id == "1700000000.000100"


def test_a_person_who_deletes_our_post_is_noticed() -> None:
    deleted = read("message_deleted_ours")
    assert isinstance(deleted, MessageDeleted)
    assert deleted.message.message_id == "1700000000.000300"


# Complaint: one mention gives about 50 replies, through `message_changed` (CopilotKit #6717).
@pytest.mark.parametrize(
    "name",
    [
        "message_changed_unfurl",
        "message_changed_reply_count",
        "message_changed_reedited_unfurl",
        "message_changed_ours",
        "message_deleted_other_bot",
        "bot_message_other",
        "bot_message_modern",
        "app_mention_by_bot",
        "message_own",
        "channel_join",
        "member_joined_person",
        "tokens_revoked_of_people",
        "app_rate_limited",
        "reaction_added",
        "view_closed",
        "shortcut",
    ],
)
def test_nothing_to_do_is_a_value_with_a_name_and_no_content(name: str) -> None:
    event = read(name)
    assert isinstance(event, Unsupported)
    assert event.what
    assert "seats" not in event.what
    assert lookups(payload(name), OURS) == Lookups()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("member_joined_agent", RoomChange.AGENT_ADDED),
        ("channel_left", RoomChange.AGENT_REMOVED),
        ("channel_shared", RoomChange.SHARED),
        ("channel_unshared", RoomChange.UNSHARED),
        ("channel_archive", RoomChange.ARCHIVED),
        ("app_uninstalled", RoomChange.UNINSTALLED),
        ("tokens_revoked", RoomChange.UNINSTALLED),
    ],
)
def test_rooms_change(name: str, change: RoomChange) -> None:
    changed = read(name)
    assert isinstance(changed, RoomChanged)
    assert changed.change is change
    everywhere = change is RoomChange.UNINSTALLED
    assert str(changed.room) == f"slack:T0ACME/{'*' if everywhere else 'C0NORTH'}"
    assert changed.event_id == "Ev07ABCDEF12"


def test_a_message_says_whether_another_company_reads_along() -> None:
    assert message("message_connect_mention").shared and message("app_mention_connect").shared
    assert not message("message_internal").shared


# Complaint: a live thread changed tenant when its channel was re-pointed (opengeni #1816).
def test_a_channel_that_gets_a_new_id_says_from_where_to_where() -> None:
    moved = read("channel_id_changed")
    assert isinstance(moved, RoomChanged)
    assert moved.change is RoomChange.MOVED
    assert (str(moved.room), str(moved.moved_to)) == ("slack:T0ACME/G0OLD", "slack:T0ACME/C0NEW")


# Complaint: approval buttons are dead in Slack Connect (hermes-agent #100112).
def test_a_press_is_keyed_on_our_team_and_by_its_presser() -> None:
    pressed = read("block_actions_connect")
    assert isinstance(pressed, ButtonPressed)
    assert str(pressed.card) == "slack:T0ACME/C0NORTH!1700000000.000300"
    assert str(pressed.by.identity) == "slack:T0NORTH/U0OLIVE"
    assert (pressed.action, pressed.value) == ("proposal.confirm", "prop_1")
    assert pressed.thread.thread_id == "1700000000.000100"
    assert pressed.press_id == "1700000007.123456:U0OLIVE:proposal.confirm:1700000000.000300"


def test_a_press_on_a_private_card() -> None:
    pressed = read("block_actions_ephemeral")
    assert isinstance(pressed, ButtonPressed)
    assert (pressed.action, pressed.value) == ("case.send", "esc_1|note_1")


def test_a_press_of_an_organisations_member_asks_for_their_home() -> None:
    assert lookups(payload("block_actions_grid"), OURS).homeless == ("U0OLIVE",)
    pressed = read("block_actions_grid")
    assert isinstance(pressed, ButtonPressed)
    assert pressed.by.identity.tenant_id == "unknown"


def test_a_form() -> None:
    form = read("view_submission")
    assert isinstance(form, FormSubmitted)
    assert (form.form, form.value) == ("case.reply_form", "esc_1")
    assert form.inputs == {"text": "On it.", "account": "northwind", "note": ""}
    assert form.submitted_at == NOW
    assert form == read("view_submission")


def test_a_picker() -> None:
    asked = read("block_suggestion")
    assert isinstance(asked, OptionsAsked)
    assert (asked.form, asked.field, asked.query) == ("case.reply_form", "account", "nor")


def test_a_command() -> None:
    command = read("slash_command")
    assert isinstance(command, CommandUsed)
    assert (command.text, command.command_id) == ("status", "123.456.ghi")
    assert str(command.by.identity) == "slack:T0ACME/U0SAM"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_any_missing_field_is_a_value_and_not_an_exception(name: str) -> None:
    whole = payload(name)
    inner = "event" if "event" in whole else "view" if "view" in whole else None
    for key in whole:
        parse({k: v for k, v in whole.items() if k != key}, OURS, Known(), received_at=NOW)
    if inner and isinstance(part := whole[inner], dict):
        for key in part:
            less = {k: v for k, v in part.items() if k != key}
            odd = part | {key: ["odd"]}
            parse(whole | {inner: less}, OURS, Known(), received_at=NOW)
            parse(whole | {inner: odd}, OURS, Known(), received_at=NOW)


def test_text_is_fit_for_every_database() -> None:
    body = payload("message_internal")
    event = body["event"]
    assert isinstance(event, dict)
    event["text"] = "a\x00b\ud800c"
    said = parse(body, OURS, Known(), received_at=NOW)
    assert isinstance(said, InboundMessage)
    assert said.text == "ab?c"


@pytest.mark.parametrize("mark", ["is_restricted", "is_ultra_restricted"])
def test_a_guest_is_known_as_one(mark: str) -> None:
    assert known_person({"team_id": "T0ACME", "name": "gus", mark: True}).is_guest
    assert not known_person({"team_id": "T0ACME", "name": "carl", mark: False}).is_guest


# Slack limits or refuses `users.info`: nobody becomes a colleague by that.
@pytest.mark.parametrize(
    ("said_of_them", "guest"),
    [
        ({}, True),
        ({"is_restricted": True, "is_ultra_restricted": False}, True),
        ({"is_restricted": False, "is_ultra_restricted": True}, True),
        ({"is_restricted": False, "is_ultra_restricted": False}, False),
    ],
)
def test_whom_slack_does_not_describe_is_no_full_member_of_ours(
    said_of_them: dict[str, bool], guest: bool
) -> None:
    body = payload("message_internal")
    event = body["event"]
    assert isinstance(event, dict)
    event["user_profile"] = {"real_name": "Gus", **said_of_them}
    said = parse(body, OURS, Known(), received_at=NOW)
    assert isinstance(said, InboundMessage)
    assert (said.author.identity.tenant_id, said.author.is_guest) == ("T0ACME", guest)
    known = Known(people={said.author.identity.user_id: KnownPerson(name="C", home_team="T0ACME")})
    described = parse(body, OURS, known, received_at=NOW)
    assert isinstance(described, InboundMessage) and not described.author.is_guest
