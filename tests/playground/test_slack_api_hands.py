"""Buttons, forms, options and commands, and the answers to them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_events.validation import validate_payload

from playground.slack_api.state import SlackRefusal, SlackState
from tests.playground.slack_wire import (
    NORTH,
    OLIVE,
    RITA,
    SAM,
    SUPPORT,
    MovedClock,
    Wire,
    button,
    form,
    refused,
    wired,
)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with wired() as built:
        yield built


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
