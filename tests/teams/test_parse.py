"""Every shape that Teams sends, and the event that it becomes."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.messages import (
    ButtonPressed,
    FileRef,
    FormSubmitted,
    InboundMessage,
    MessageDeleted,
    MessageEdited,
    OptionsAsked,
    PlatformIdentity,
    RoomChange,
    RoomChanged,
    Unsupported,
)
from bots.teams import parse as parsing
from bots.teams.errors import MalformedActivity
from bots.teams.manifest import manifest

FOLDER = Path(__file__).parents[1] / "payloads/teams"
TENANT = "0acec10d-0000-4000-8000-000000000001"
CHANNEL = "19:0acec10d0000400080000000000000c2@thread.tacv2"
SAM = PlatformIdentity.parse(f"teams:{TENANT}/0acec10d-0000-4000-8000-0000000000a1")


def parse(body: Any) -> Any:
    """The event, of any kind: the tests say which."""
    return parsing.parse(body)


def payload(name, **changes):
    body = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return {**body, **changes}


EXPECTED = {
    "message_personal": InboundMessage,
    "message_group": InboundMessage,
    "message_channel_mention": InboundMessage,
    "message_channel_reply": InboundMessage,
    "message_file": InboundMessage,
    "message_submit": ButtonPressed,
    "invoke_execute": ButtonPressed,
    "invoke_task_fetch": ButtonPressed,
    "invoke_task_submit": FormSubmitted,
    "invoke_search": OptionsAsked,
    "invoke_feedback": Unsupported,
    "message_update": MessageEdited,
    "message_delete": MessageDeleted,
    "message_reaction": Unsupported,
    "conversation_update_added": RoomChanged,
    "conversation_update_member": Unsupported,
    "conversation_update_archived": RoomChanged,
    "installation_remove": RoomChanged,
    "typing": Unsupported,
}


@pytest.mark.parametrize(("name", "kind"), EXPECTED.items())
def test_each_recorded_shape_becomes_its_event(name, kind):
    assert type(parse(payload(name))) is kind


def test_every_recorded_shape_is_covered():
    assert {path.stem for path in FOLDER.glob("*.json")} - {"adaptive-card-1.5.schema"} == set(
        EXPECTED
    )


def test_a_channel_mention_names_its_thread_and_drops_only_the_agents_own_mention():
    event = parse(payload("message_channel_mention"))
    assert event.text == "ask @Rita Vance about Acme Assistant please"
    assert event.mentions_agent and not event.direct
    assert (event.thread.room.room_id, event.thread.thread_id) == (CHANNEL, "1772445600100")
    assert event.message.message_id == "1772445600123"
    assert event.author.identity == SAM and event.author.name == "Sam Okafor"
    assert event.sent_at == datetime(2026, 3, 2, 10, 0, 0, 123000, tzinfo=UTC)
    assert event.reply_to.thread_id == "1772445600100"
    assert event.reply_to.delivery["service_url"] == "https://smba.trafficmanager.net/emea/"
    assert "smba" not in str(event.thread)


def test_a_reply_that_mentions_nobody_is_no_mention():
    event = parse(payload("message_channel_reply"))
    assert not event.mentions_agent
    assert event.thread.thread_id == "1772445600100"


def test_the_service_url_is_no_part_of_who_or_where():
    one = parse(payload("message_personal"))
    other = parse(payload("message_personal", serviceUrl="https://smba.trafficmanager.net/amer/"))
    assert (one.message, one.thread, one.author) == (other.message, other.thread, other.author)
    assert one.reply_to != other.reply_to


def test_a_personal_chat_is_direct():
    event = parse(payload("message_personal"))
    assert event.direct and event.mentions_agent and event.thread.thread_id == ""


def test_a_file_is_named_and_not_opened():
    event = parse(payload("message_file"))
    assert event.files == (FileRef(file_id="0ACE-FILE-1", name="invoice.pdf", media_type="pdf"),)


def test_a_press_carries_what_the_button_was_given():
    event = parse(payload("invoke_execute"))
    assert (event.action, event.value) == ("case.claim", "E1")
    assert event.card.message_id == "1772445600100"
    assert event.inputs == {"note": "hello"}
    assert event.by.identity == SAM
    assert event.trigger is None


def test_a_press_is_known_again_when_it_is_delivered_twice():
    one, again = parse(payload("invoke_execute")), parse(payload("invoke_execute"))
    sent_again = parse(payload("invoke_execute", id="f:other"))
    other = copy.deepcopy(payload("invoke_execute"))
    other["value"]["action"]["verb"] = "case.resolve"
    assert one.press_id == again.press_id
    assert len({one.press_id, sent_again.press_id, parse(other).press_id}) == 3
    assert (one.card, one.action, one.value) == (sent_again.card, sent_again.action, one.value)


def test_a_dialog_button_has_a_trigger_and_a_form_has_its_inputs():
    assert parse(payload("invoke_task_fetch")).trigger
    event = parse(payload("invoke_task_submit"))
    assert (event.form, event.value) == ("case.reply_form", "E1")
    assert event.inputs == {"text": "We refunded it."}


def test_room_changes():
    assert parse(payload("conversation_update_added")).change is RoomChange.AGENT_ADDED
    assert parse(payload("conversation_update_archived")).change is RoomChange.ARCHIVED
    assert parse(payload("installation_remove")).change is RoomChange.AGENT_REMOVED
    added = parse(payload("installation_remove", action="add-upgrade"))
    assert added.change is RoomChange.AGENT_ADDED


@pytest.mark.parametrize(
    "sender",
    [
        {"id": "28:0acec10d-0000-4000-8000-0000000000b0", "name": "Acme Assistant"},
        {"id": "28:another-bot", "name": "Other"},
        {"id": "29:1x", "name": "Other", "role": "bot"},
    ],
)
def test_messages_of_bots_are_passed_over(sender):
    event = parse({**payload("message_personal"), "from": sender})
    assert event == Unsupported(platform=event.platform, what="message of a bot")


def test_an_edit_that_names_the_agent_may_be_a_request():
    body = payload("message_update")
    body["conversation"]["conversationType"] = "channel"
    edited = parse(body)
    assert edited.request is not None and edited.request.mentions_agent
    assert edited.request.message == edited.message
    assert parse({**body, "entities": []}).request is None


def test_somebody_without_a_directory_id_is_a_stranger():
    body = {**payload("message_personal"), "from": {"id": "29:1guest", "name": "Guest"}}
    assert parse(body).author.identity.user_id == "29:1guest"


def test_a_person_of_another_tenant_keeps_their_home():
    body = payload("message_channel_mention")
    body["from"]["tenantId"] = "0BEEF"
    event = parse(body)
    assert event.author.identity.tenant_id == "0beef"
    assert event.thread.room.tenant_id == TENANT


@pytest.mark.parametrize(
    "said",
    [
        {"userRole": "guest"},
        {"role": "Guest"},
        {"userPrincipalName": "gus_other.example#EXT#@ours.example"},
        {"tenantId": "0BEEF"},
        {"aadObjectId": None},
    ],
)
def test_a_guest_is_known_for_one_wherever_teams_says_so(said):
    body = payload("message_channel_mention")
    assert not parse(body).author.is_guest
    body["from"].update(said)
    assert parse(body).author.is_guest


@pytest.mark.parametrize(
    "value", [{}, {"x": 1}, {"handrail": "x"}, {"handrail": {"action": 1}}, "text", ["a"]]
)
def test_a_submission_of_other_peoples_cards_is_not_ours(value):
    assert isinstance(parse(payload("message_submit", value=value)), Unsupported)


def test_the_kind_that_is_not_understood_is_named_without_content():
    event = parse({**payload("invoke_feedback"), "name": "some/<script>thing " + "x" * 200})
    assert event.what.startswith("invoke some/ script thing") and len(event.what) <= 60


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(EXPECTED)), st.data())
def test_no_body_makes_anything_but_an_event_or_a_clear_refusal(name, data):
    body = payload(name)
    field = data.draw(st.sampled_from(sorted(body)))
    body[field] = data.draw(junk)
    try:
        parse(body)
    except MalformedActivity as problem:
        assert field in str(problem) or "channelData" in str(problem)


def test_the_manifest_asks_for_what_threads_need():
    made = manifest(app_id="0acec10d-0000-4000-8000-0000000000b0", domain="agent.example")
    names = {p["name"] for p in made["authorization"]["permissions"]["resourceSpecific"]}
    assert "ChannelMessage.Read.Group" in names
    assert made["bots"][0]["scopes"] == ["personal", "team", "groupChat"]
    assert "authorization" not in manifest(app_id="x", domain="y.example", reads_all=False)
