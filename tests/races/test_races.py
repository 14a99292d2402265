"""Many decide at once: one decision counts, and money moves once or not at all."""

import asyncio
import os

import pytest

from agent_core import presses
from agent_core.journal import InboxKind
from agent_core.messages import Participant
from agent_core.ports import Answer, UnitOfWork
from agent_core.proposals import ProposalStatus
from tests.enemy import cast
from tests.races.conftest import Open
from tests.races.scene import Scene, both, scene_on

ROUNDS = int(os.environ.get("HANDRAIL_CHAOS_ROUNDS", "1"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
RIVALS = (
    "cancel", "decline", "expire", "change_the_account", "claim", "take_the_role",
    "take_the_capability",
)  # fmt: skip
EVERY_STEP, A_FEW_STEPS = range(1, 16), (5,)
# What ends the request before anybody has approved it.
ENDS_IT = {
    "cancel": ProposalStatus.CANCELLED,
    "decline": ProposalStatus.DECLINED,
    "expire": ProposalStatus.EXPIRED,
}


async def test_of_two_hundred_clicks_by_different_people_one_decides(open_store: Open) -> None:
    async with scene_on(open_store()) as scene:
        people = await scene.invite(200)

        async def click(number: int, who: Participant) -> Answer:
            action = presses.DECLINE if number % 8 == 3 else presses.APPROVE
            return await scene.press(who, action, room=cast.SUPPORT_ROOM)

        answers = await asyncio.gather(*(click(n, who) for n, who in enumerate(people)))
        decided = [n for n, answer in enumerate(answers) if answer.card is not None]
        told = [answer for answer in answers if answer.card is None and answer.notice]
        assert len(decided) == 1 and len(told) == 199
        assert decided[0] % 2 == 1, "somebody without the right to has decided"
        proposal = await scene.proposal()
        assert proposal.approver_name == people[decided[0]].name
        declined = proposal.status is ProposalStatus.DECLINED
        assert await scene.check() is not declined
        assert await scene.town.look(lambda tx: _decisions(tx, proposal.conversation_id)) <= 1


def _decisions(tx: UnitOfWork, conversation_id: object) -> int:
    rows = tx.inbox.new_rows(conversation_id)  # type: ignore[arg-type]
    return sum(row.kind is InboxKind.DECISION for row in rows)


@pytest.mark.parametrize("rival", RIVALS)
async def test_a_rival_first(open_store: Open, rival: str) -> None:
    async with scene_on(open_store()) as scene:
        await getattr(scene, rival)()
        await scene.approve()
        done = await scene.check()
        assert done is (rival == "claim")  # an approval outlives a claim, and is used
        if rival in ENDS_IT:
            assert (await scene.proposal()).status is ENDS_IT[rival]


@pytest.mark.parametrize("rival", RIVALS)
async def test_approval_first(open_store: Open, rival: str) -> None:
    async with scene_on(open_store()) as scene:
        await scene.approve()
        await scene.town.settle()
        assert scene.moved() == 1
        await getattr(scene, rival)()
        assert await scene.check()


@pytest.mark.parametrize("rival", RIVALS)
async def test_both_in_the_same_moment(open_store: Open, rival: str) -> None:
    for number in range(1, 1 + 2 * ROUNDS if open_store.is_cheap else 1 + ROUNDS):
        async with scene_on(open_store()) as scene:
            one, other = scene.approve(), getattr(scene, rival)()
            await (both(one, other) if number % 2 else both(other, one))
            await scene.check()


@pytest.mark.parametrize("rival", RIVALS)
async def test_a_rival_between_any_two_steps_of_the_worker(open_store: Open, rival: str) -> None:
    """After the approval, and before each transaction and each call of the tool."""
    for step in EVERY_STEP if open_store.is_cheap or ROUNDS > 1 else A_FEW_STEPS:
        async with scene_on(open_store()) as scene:
            _watch_transactions(scene)
            scene.at_step[step] = getattr(scene, rival)
            await scene.approve()
            done = await scene.check()
            # Between the intent and the call the account system itself refuses what has changed.
            assert done or rival == "change_the_account" or (await scene.entry()) is None


def _watch_transactions(scene: Scene) -> None:
    """Each transaction of the worker's is a step as well."""
    run = scene.town.store.run
    busy: list[bool] = []

    async def stepped(fn):
        if not busy:  # the rival's own transactions are no steps
            busy.append(True)
            try:
                await scene.step()
            finally:
                busy.clear()
        return await run(fn)

    scene.town.store.run = stepped  # type: ignore[method-assign]
