"""The Slack adapter's way out, against the playground's Web API."""

import pytest

from agent_core.messages import OutgoingId, ReplyAddress
from bots.slack.identity import room_ref
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
        self.address = ADDRESS
        self.gone = ReplyAddress(room=room_ref(TEAM, "C0NOWHERE"), thread_id=None)

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
        fault = Fault(server="slack", method="chat.postMessage", kind=kind, **more)  # type: ignore[arg-type]
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
    from dataclasses import replace

    from bots.slack.identity import person_ref

    message = replace(a_note("for you"), private_to=person_ref(olive.team_id, olive.user_id))
    await house.channel.sender.post(ADDRESS, message, OutgoingId("out_1"))
    (private,) = house.world.state.ephemerals
    assert private.user_id == olive.user_id
    assert "for you" in _words(private.message["blocks"])
    assert our_posts(house.world.state.channels[CHANNEL]) == []
