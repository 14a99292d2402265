"""The same wish by Undo and in words, where the compensation is a tool like any other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_core.embed import Agent, Compensation, ToolName, action
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.ports import ModelReply
from agent_core.proposals import ProposalStatus
from tests.core.test_embed import ANA, Parcels, ask, button

GIVE = calls(call("give", points_=5))
TAKE = calls(call("take", points_=5))


class Points:
    """Points that are given and taken; once `silent`, no answer comes."""

    def __init__(self) -> None:
        self.moves: list[int] = []
        self.silent = False

    @asynccontextmanager
    async def agent(self, *steps: ModelReply) -> AsyncIterator[Agent]:
        back = Compensation(tool=ToolName("take"), arguments=lambda done: dict(done.arguments))

        @action(roles=["owner"], confirm=False, undo=back)
        async def give(points_: int) -> None:
            """Give points."""
            self.moves.append(points_)

        @action(roles=["owner"])
        async def take(points_: int) -> None:
            """Take points."""
            self.moves.append(-points_)
            if self.silent:
                raise ConnectionResetError

        parcels, model = Parcels(), ScriptModel(steps)
        async with parcels.agent(model=model, tools=[give, take]) as agent:
            yield agent


async def undo_pressed(agent: Agent) -> None:
    given = await ask(agent, "give 5 points")
    [shown] = (await agent.press(button(given, "Undo"), by=ANA, conversation="c1")).proposals
    await agent.confirm(shown.id, by=ANA)


async def in_words(agent: Agent) -> None:
    [shown] = (await ask(agent, "take 5 points")).proposals
    await agent.confirm(shown.id, by=ANA)


async def test_words_do_not_repeat_an_undo_that_nobody_knows_the_end_of() -> None:
    points = Points()
    async with points.agent(GIVE, says("Given."), TAKE, says("See.")) as agent:
        points.silent = True
        await undo_pressed(agent)
        await agent.hand_back("c1")
        reply = await ask(agent, "take 5 points back")
        assert "not certain yet" in str(reply.messages) and reply.proposals == ()
        assert points.moves == [5, -5]


async def test_an_undo_does_not_repeat_words_that_nobody_knows_the_end_of() -> None:
    points = Points()
    steps = [GIVE, says("Given."), TAKE, says("See.")]
    async with points.agent(*steps) as agent:
        points.silent = True
        undo = button(await ask(agent, "give 5 points"), "Undo")
        await in_words(agent)
        await agent.hand_back("c1")
        reply = await agent.press(undo, by=ANA, conversation="c1")
        assert "not certain yet" in str(reply.messages)
        assert points.moves == [5, -5]


async def test_words_after_an_undo_are_asked_whether_to_do_it_again() -> None:
    points = Points()
    async with points.agent(GIVE, says("Given."), says("Taken."), TAKE, says("See.")) as agent:
        await undo_pressed(agent)
        [shown] = (await ask(agent, "take 5 points back")).proposals
        assert shown.status is ProposalStatus.AWAITING_CONFIRMATION
        assert "done already" in str(shown.notes) and points.moves == [5, -5]
