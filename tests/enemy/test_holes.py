"""What the enemy once got away with, each by itself."""

from dataclasses import replace
from typing import Any

import pytest

from agent_core.messages import RoomChange, RoomChanged
from agent_core.people import Role
from agent_core.ports import ModelRequest
from agent_core.store.memory_store import MemoryStore
from tests.enemy import cast
from tests.enemy.moves import Choose, Decide, Meddle, Reply, Say, SetRole, Share, Wait
from tests.enemy.test_enemy import played
from tests.races.scene import scene_on
from tools.accounts.seed import GLOBEX, NORTHWIND

CONTACT = ("change_billing_contact", '{"name": "Eve Evil", "email": "eve@evil.example"}')
LOOK = ("look_up_account", "{}")
INITECH_IS_MEANT = Reply(wishes=(("choose_account", '{"query": "initech"}'),))


def inside(*wishes: tuple[str, str], **more: Any) -> Say:
    """Staff asks in the internal room, about Initech."""
    return Say("stef", 3, 0, "please do it", (INITECH_IS_MEANT, Reply(wishes=wishes, **more)))


def test_a_yes_in_a_room_that_is_shared_by_now_runs_nothing() -> None:
    judge = played([inside(CONTACT), Share(), Decide()])
    assert judge.faults == []
    assert judge.seen["effects"] == 0


def test_what_was_read_inside_is_not_told_once_the_room_is_shared() -> None:
    """The sharing comes while the model thinks, and again before the thread goes on."""
    judge = played([inside(LOOK), Share(), Say("stef", 3, 1, "and now?"), Say("sam", 3, 1, "hi")])
    assert judge.faults == []
    assert judge.seen["read"] == 1


def test_nobody_means_an_account_in_a_shared_room_that_is_not_linked() -> None:
    asks = Say("greta", 2, 0, "please do it", (Reply(wishes=(LOOK,)),))
    again = Say("greta", 2, 1, "please do it", (Reply(wishes=(LOOK, CONTACT)),))
    judge = played([asks, Choose("greta", 2, GLOBEX), again, Decide()])
    assert judge.faults == []
    assert (judge.seen["read"], judge.seen["effects"]) == (0, 0)


def test_a_yes_that_comes_after_its_time_counts_for_nothing() -> None:
    """In words, and before the timer has fired."""
    ask = Say("olive", 1, 0, "please do it", (Reply(wishes=(("add_seats", '{"seats": 1}'),)),))
    judge = played([ask, Wait(61, late=True), Say("olive", 1, 1, "yes")])
    assert judge.faults == []
    assert judge.seen["effects"] == 0


def test_somebody_else_has_changed_what_the_card_shows() -> None:
    ask = Say("olive", 1, 0, "please do it", (Reply(wishes=(("add_seats", '{"seats": 1}'),)),))
    judge = played([ask, Meddle(NORTHWIND, 0), Decide()])
    assert judge.faults == []
    assert judge.seen["effects"] == 0


def test_no_account_is_looked_at_for_somebody_whose_role_is_gone() -> None:
    ask = Say("olive", 1, 0, "please do it", (Reply(wishes=(("add_seats", '{"seats": 1}'),)),))
    looks = played([ask]).seen["preview"]
    judge = played([ask, SetRole("olive", NORTHWIND, None), Decide()])
    assert judge.faults == []
    assert (judge.seen["preview"], judge.seen["effects"]) == (looks, 0)


async def test_an_approval_ends_with_the_right_to_approve() -> None:
    """Sue approves, and is no approver any more when the worker comes to it."""
    async with scene_on(MemoryStore()) as scene:
        scene.at_step[1] = scene.take_the_capability
        await scene.approve()
        assert not await scene.check()
        said = [post.message.fallback for post in scene.town.slack.seen]
        assert any("may not approve this any more" in text for text in said)


@pytest.mark.parametrize("role", [None, Role.MEMBER])
def test_what_is_read_while_a_role_is_taken_away_is_withheld(role: Role | None) -> None:
    """It happens while the tool looks: its result reaches no model."""
    told: list[str] = []

    def listen(play: Any) -> None:
        saw = play.judge.prompt

        async def prompt(turn: str, request: ModelRequest) -> None:
            told.extend(one.content for one in request.messages if one.role == "tool")
            await saw(turn, request)

        play.model._saw = prompt

    read = Reply(wishes=(("list_invoices", '{"limit": null}'),))
    taken = replace(read, within=SetRole("felix", GLOBEX, role))
    ask = Say("felix", 0, 0, "our invoices please", (taken,))
    played([ask], prepare=listen)
    assert [text for text in told if "INV-1041" in text] == []
    assert any("has changed meanwhile" in text for text in told)
    told.clear()
    played([replace(ask, replies=(read,))], prepare=listen)
    assert any("INV-1041" in text for text in told)


def test_the_room_is_shared_while_the_model_thinks() -> None:
    """What it read for insiders it does not say; it says that it stops."""
    posts: list[str] = []

    def share_midway(play: Any) -> None:
        reply = play.model._reply

        async def shared(request: ModelRequest) -> Any:
            if "Bill Lumberg" in str(request.messages):
                await play.town.intake.receive(
                    RoomChanged(event_id="r1", room=cast.INSIDE_ROOM, change=RoomChange.SHARED)
                )
                play.record.shared_at = play.town.clock.now()
            return await reply(request)

        play.model._reply = shared
        posts_of = play.town.slack
        play.town.slack.seen = Recording(posts_of.seen, posts)

    judge = played([inside(LOOK)], prepare=share_midway)
    assert judge.faults == []
    assert any("so I stop here" in text for text in posts)


class Recording(list):
    """A list of posts that keeps their texts elsewhere too."""

    def __init__(self, posts: list[Any], texts: list[str]) -> None:
        super().__init__(posts)
        self._texts = texts

    def append(self, post: Any) -> None:
        self._texts.append(post.message.fallback)
        super().append(post)
