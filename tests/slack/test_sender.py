"""The Slack adapter's way out, against the playground's Web API."""

from dataclasses import replace

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from agent_core.blocks import Button, Buttons
from agent_core.errors import (
    DestinationGone,
    LimitedMidway,
    NotPermitted,
    PlatformUnavailable,
    RateLimited,
)
from agent_core.messages import OutgoingId, ReplyAddress
from bots.slack.identity import Directory, Workspace, person_ref, room_ref
from bots.slack.sender import SlackSender
from playground import people
from playground.faults import Fault, FaultKind
from playground.slack_api.state import Json
from tests.contracts.platform_adapter import PlatformAdapterContract, a_note
from tests.slack.conftest import House

TEAM = people.VENDOR_TEAM.team_id
CHANNEL = next(room.channel_id for room in people.SLACK_ROOMS if room.is_shared)
ADDRESS = ReplyAddress(room=room_ref(TEAM, CHANNEL), thread_id=None)


class SlackSubject:
    """The Slack adapter before a channel of the stand-in."""

    def __init__(self, house: House) -> None:
        self._world = house.world
        self.adapter: SlackSender = house.channel.sender
        self.remover = self.adapter
        self.address = ADDRESS
        self.gone = ReplyAddress(room=room_ref(TEAM, "C0NOWHERE"), thread_id=None)
        self.somebody = person_ref(people.NORTHWIND_OWNER.team_id, people.NORTHWIND_OWNER.user_id)

    def shown(self) -> list[str]:
        words = [_words(message) for message in our_posts(self._world.state.channels[CHANNEL])]
        for person in people.SLACK_PEOPLE:
            words = [text.replace(f"<@{person.user_id}>", f"@{person.name}") for text in words]
        return words

    def limit_next(self, seconds: int) -> None:
        self._fault(FaultKind.RATE_LIMITED, retry_after_seconds=seconds)

    def break_next(self) -> None:
        self._fault(FaultKind.SERVER_ERROR)

    def lose_next_answer(self) -> None:
        self._fault(FaultKind.DROP_ANSWER)

    def _fault(self, kind: FaultKind, **more: int) -> None:
        fault = Fault(server="slack", method="chat.postMessage", kind=kind, **more)
        self._world.faults.add(fault)


def our_posts(channel) -> list[Json]:
    return [
        m for _, m in sorted(channel.messages.items()) if m.get("bot_id") == people.SLACK_BOT_ID
    ]


def _words(value: object) -> str:
    """Every text of the blocks, which is what people see."""
    if isinstance(value, dict):
        inside = value.get("blocks", None) if "ts" in value else list(value.values())
        own = value.get("text")
        return (own + "\n" if isinstance(own, str) and "ts" not in value else "") + _words(inside)
    return "\n".join(_words(item) for item in value) if isinstance(value, list) else ""


@pytest.fixture
def subject(house: House) -> SlackSubject:
    return SlackSubject(house)


class TestSlackAdapter(PlatformAdapterContract):
    """The contract, over HTTP."""


async def test_a_private_message_is_seen_by_one_person(house: House) -> None:
    olive = people.NORTHWIND_OWNER
    message = replace(a_note("for you"), private_to=person_ref(olive.team_id, olive.user_id))
    posted = await house.channel.sender.post(ADDRESS, message, OutgoingId("out_1"))
    assert posted.address == ADDRESS  # an ephemeral post opens no thread
    (private,) = house.world.state.ephemerals
    assert private.user_id == olive.user_id
    assert "for you" in _words(private.message["blocks"])
    assert our_posts(house.world.state.channels[CHANNEL]) == []


LONG = "\n\n".join(f"paragraph {number} " + "word " * 100 for number in range(60))


def parts_of(house: House) -> list[int]:
    found = our_posts(house.world.state.channels[CHANNEL])
    return [m["metadata"]["event_payload"].get("part", 0) for m in found]


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.DROP_ANSWER])
async def test_a_long_message_that_breaks_off_is_completed_and_not_repeated(
    house: House, kind: FaultKind
) -> None:
    for fault in (FaultKind.SLOW, kind):
        house.world.faults.add(
            Fault(server="slack", method="chat.postMessage", kind=fault, delay_seconds=0.0)
        )
    sender = house.channel.sender
    with pytest.raises(PlatformUnavailable) as caught:
        await sender.post(ADDRESS, a_note(LONG), OutgoingId("out_1"))
    assert caught.value.maybe_accepted
    assert isinstance(caught.value, LimitedMidway) == (kind is FaultKind.RATE_LIMITED)
    assert await sender.find(ADDRESS, OutgoingId("out_1")) is None
    posted = await sender.post(ADDRESS, a_note(LONG), OutgoingId("out_1"))
    assert parts_of(house) == list(range(1, len(parts_of(house)) + 1))
    assert await sender.find(ADDRESS, OutgoingId("out_1")) == posted
    assert await sender.find(posted.address, OutgoingId("out_1")) == posted


async def test_an_update_that_grows_beyond_one_post_continues_in_the_thread(house: House) -> None:
    sender = house.channel.sender
    posted = await sender.post(ADDRESS, a_note("short"), OutgoingId("out_1"))
    await sender.update(posted.address, posted.message, a_note(LONG))
    grown = len(our_posts(house.world.state.channels[CHANNEL]))
    assert grown > 1
    await sender.update(posted.address, posted.message, a_note(LONG.replace("word", "term")))
    after = our_posts(house.world.state.channels[CHANNEL])
    assert len(after) == grown
    assert "word" not in str([m["blocks"] for m in after])


async def test_another_apps_metadata_is_not_taken_for_ours(house: House) -> None:
    sender = house.channel.sender
    posted = await sender.post(ADDRESS, a_note("hi"), OutgoingId("out_1"))
    house.world.state.channels[CHANNEL].messages[posted.message.message_id]["bot_id"] = "B0OTHER"
    assert await sender.find(ADDRESS, OutgoingId("out_1")) is None


async def test_what_slack_cannot_show_is_told_to_the_operators(house: House) -> None:
    button = Button(action="a.b", label="Go", value="v" * 2_001)
    message = replace(a_note("hi"), blocks=(Buttons(buttons=(button,)),))
    with pytest.raises(NotPermitted, match="cannot show"):
        await house.channel.sender.post(ADDRESS, message, OutgoingId("out_1"))


async def test_errors_are_told_apart(house: House) -> None:
    sender, faults = house.channel.sender, house.world.faults
    message = a_note("hi")
    house.world.bot_tokens.clear()
    with pytest.raises(NotPermitted, match="invalid_auth"):
        await sender.post(ADDRESS, message, OutgoingId("out_1"))
    house.world.bot_tokens.add(people.SLACK_BOT_TOKEN)
    elsewhere = ReplyAddress(room=room_ref("T0ELSE", CHANNEL), thread_id=None)
    with pytest.raises(NotPermitted, match="not installed"):
        await sender.post(elsewhere, message, OutgoingId("out_1"))
    nowhere = replace(ADDRESS, thread_id="1600000000.000100")
    with pytest.raises(DestinationGone, match="thread_not_found"):
        await sender.post(nowhere, message, OutgoingId("out_1"))
    faults.add(Fault(server="slack", method="chat.update", kind=FaultKind.RATE_LIMITED))
    posted = await sender.post(ADDRESS, message, OutgoingId("out_2"))
    with pytest.raises(RateLimited):
        await sender.update(posted.address, posted.message, message)


async def test_a_server_that_is_away_has_surely_not_accepted(house: House) -> None:
    from bots.slack.api import SlackApi
    from bots.slack.install import SingleWorkspace

    api = SlackApi(url="http://127.0.0.1:1/api/")
    sender = SlackSender(api, SingleWorkspace(api, "xoxb"))
    with pytest.raises(PlatformUnavailable) as caught:
        await sender.post(ADDRESS, a_note("hi"), OutgoingId("out_1"))
    assert not caught.value.maybe_accepted
    await sender.close()


async def test_a_room_is_described_for_linking(house: House) -> None:
    details = await house.channel.describe(ADDRESS.room)
    room = next(r for r in people.SLACK_ROOMS if r.channel_id == CHANNEL)
    assert set(room.connected_team_ids) <= set(details.connected_teams)
    assert (details.name, details.is_direct, details.is_externally_shared) == (
        room.name,
        False,
        True,
    )


async def test_a_person_is_asked_for_once_and_the_oldest_is_forgotten(
    world: tuple[object, str],
) -> None:
    slack, api_url = world
    calls = slack.workspace.calls  # type: ignore[attr-defined]
    now = [0.0]
    directory = Directory(cached_people=2, now=lambda: now[0])
    client = AsyncWebClient(token=people.SLACK_BOT_TOKEN, base_url=api_url, retry_handlers=[])
    ours = Workspace(team_id=TEAM, bot_token="", bot_user_id="")

    async def ask(*users: str) -> int:
        before = len(calls)
        for user in users:
            known = await directory.look_up(client, ours, named=[user], homeless=(), files=())
            assert (user in known.people) == (user != "U0NOBODY")
        return len(calls) - before

    assert await ask("U0SAM", "U0SAM", "U0OLIVE", "U0SAM") == 2
    assert await ask("U0NOBODY", "U0NOBODY") == 1
    assert await ask("U0OLIVE") == 1
    now[0] = 4_000.0
    assert await ask("U0OLIVE") == 1
