"""The process dies at each point of an action's way: one effect, one receipt, and no silence."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent_core.brakes import Brake, BrakeScope
from agent_core.conversation import ConversationId, ConversationStatus
from agent_core.errors import ActionFailed, ActionRefused, ToolError
from agent_core.escalations import EscalationReason
from agent_core.limits import Limits
from agent_core.models.scripted_model import call
from agent_core.ports import ModelReply, ModelRequest, Store, UnitOfWork
from agent_core.proposals import Outcome, ProposalStatus
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from agent_core.tooling import Tool, ToolName
from tests.core.desk import Catalog, Killed, World, ada
from tests.core.test_turns_and_people import lena, raises


class Steady:
    """Adds seats once asked, and thanks once done: the same answer to the same request."""

    label = "steady"
    is_language_model = False

    def __init__(self, seats: int = 5) -> None:
        self.seats = seats

    async def reply(self, request: ModelRequest) -> ModelReply:
        last = request.messages[-1]
        if last.role == "tool":
            return ModelReply(text="Please confirm above.")
        if "<event>" in last.content:
            return ModelReply(text="Enjoy.")
        return ModelReply(text="", tool_calls=(call("add_seats", seats=self.seats),))

    async def close(self) -> None:
        return None


async def run_through_death(world: World) -> None:
    """The engine runs a dead worker's entry again."""
    for _ in range(4):
        try:
            await world.run()
        except Killed:
            world.store.die_before = world.store.die_after = None
            world.accounts.fault = None
            continue
        return


async def whole_way(kill: Callable[[World], None], store: Store | None = None) -> World:
    world = await World(Steady(), store=store).set_up(ada())
    kill(world)
    await world.write("add 5 seats")
    await run_through_death(world)
    proposals = await world.proposals()
    assert len(proposals) == 1
    await world.confirm(proposals[0])
    await run_through_death(world)
    return world


async def check(world: World) -> None:
    assert [(account, n) for _, account, n in world.accounts.effects] == [("acc_acme", 5)]
    texts = await world.texts()
    assert [t.split("\n")[0] for t in texts] == [
        "Add 5 seats?",
        "Please confirm above.",
        "Done: Added 5 seats",
        "Enjoy.",
    ]
    [proposal] = await world.proposals()
    assert proposal.status is ProposalStatus.CONSUMED
    entry = await world.tx(lambda tx: tx.ledger.get(proposal.id))
    assert entry.outcome is Outcome.SUCCEEDED
    assert not await world.unfinished()
    assert world.desk.cases == []


async def transactions_of_a_calm_run() -> int:
    world = await whole_way(lambda world: None)
    await check(world)
    return world.store.count


@pytest.mark.parametrize("point", range(1, 13))
@pytest.mark.parametrize("when", ["die_before", "die_after"])
async def test_death_around_each_transaction(point: int, when: str) -> None:
    total = await transactions_of_a_calm_run()
    assert total <= 12, "more transactions than this test kills"
    world = await whole_way(lambda world: setattr(world.store, when, point))
    await check(world)


@pytest.mark.parametrize("point", range(1, 13))
async def test_death_after_each_transaction_on_a_real_database(point: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    store = SqlStore(url)
    try:
        world = await whole_way(lambda world: setattr(world.store, "die_after", point), store)
        await check(world)
    finally:
        await store.close()


@pytest.mark.parametrize("where", ["before", "after"])
async def test_death_inside_the_account_system(where: str) -> None:
    def fault(place: str) -> None:
        if place == where:
            raise Killed

    world = await whole_way(lambda world: setattr(world.accounts, "fault", fault))
    await check(world)
    assert world.accounts.attempts == (2 if where == "before" else 1)


def paused(world: World, tx: UnitOfWork) -> None:
    tx.brakes.set(Brake(scope=BrakeScope.ALL, target="", set_by="Lea", set_at=world.clock.now()))


def without_a_role(world: World, tx: UnitOfWork) -> None:
    tx.people.put(replace(ada(), roles={}))


def with_a_person(world: World, tx: UnitOfWork) -> None:
    talk = tx.conversations.get(ConversationId("con_1"))
    assert talk is not None
    taken = replace(talk, status=ConversationStatus.WITH_SUPPORT, epoch=talk.epoch + 1)
    tx.conversations.save(taken, expected_epoch=talk.epoch)


def stopped(world: World, tx: UnitOfWork) -> None:
    talk = tx.conversations.get(ConversationId("con_1"))
    assert talk is not None
    moved = replace(talk, epoch=talk.epoch + 1)
    tx.conversations.save(moved, expected_epoch=talk.epoch)
    world.decisions.stop(tx, moved, lena(), world.clock.now())


def with_a_case(world: World, tx: UnitOfWork) -> None:
    talk = tx.conversations.get(ConversationId("con_1"))
    assert talk is not None
    waits = talk.moved(ConversationStatus.WAITING_FOR_SUPPORT)
    tx.conversations.save(waits, expected_epoch=talk.epoch)


def days_later(world: World, tx: UnitOfWork) -> None:
    world.later(days=3)


@pytest.mark.parametrize("minutes", [0, 3])
@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (paused, "paused"),
        (without_a_role, "no role"),
        (with_a_person, "taken over"),
        (stopped, "stopped the agent"),
        (days_later, "too old"),
    ],
)
async def test_what_never_arrived_is_not_begun_once_it_may_not_be(
    meanwhile: Callable[[World, UnitOfWork], None], why: str, minutes: int
) -> None:
    """The process died between the intent and the call, and comes back to another world."""
    world = await World(Steady()).set_up(ada())
    await world.say("add 5 seats")
    [proposal] = await world.proposals()
    await world.confirm(proposal)

    def die(where: str) -> None:
        raise Killed

    world.accounts.fault = die
    with pytest.raises(Killed):
        await world.run()
    world.accounts.fault = None
    await world.tx(lambda tx: meanwhile(world, tx))
    world.later(minutes=minutes)  # at once, the dead process's request may still arrive
    await world.run()
    entry = await world.tx(lambda tx: tx.ledger.get(proposal.id))
    receipt = next(text for text in await world.texts() if text.startswith("Not "))
    assert (world.accounts.effects, world.accounts.attempts) == ([], 1)
    if minutes or meanwhile is days_later:
        assert entry.outcome is Outcome.FAILED
        assert receipt.startswith("Not done: Add 5 seats") and why in receipt
    else:
        assert entry.outcome is Outcome.UNKNOWN
        assert receipt.startswith("Not certain: Add 5 seats")
        assert [case["reason"] for case in world.desk.cases] == [EscalationReason.UNKNOWN_OUTCOME]


async def test_a_case_that_waits_bars_no_more_than_it_does_at_first() -> None:
    """Nobody has stopped the agent, nor taken over: what never arrived is begun now."""
    world = await World(Steady()).set_up(ada())
    await world.say("add 5 seats")
    [proposal] = await world.proposals()
    await world.confirm(proposal)
    world.accounts.fault = raises(Killed(), "before")
    with pytest.raises(Killed):
        await world.run()
    world.accounts.fault = None
    await world.tx(lambda tx: with_a_case(world, tx))
    world.later(minutes=3)
    await world.run()
    assert [n for _, _, n in world.accounts.effects] == [5]
    assert any(text.startswith("Done: Added 5 seats") for text in await world.texts())


@pytest.mark.parametrize("error", [ActionFailed("It is busy."), ActionRefused("No.")])
@pytest.mark.parametrize(("minutes", "outcome"), [(0, "unknown"), (3, None)])
async def test_a_no_after_a_death_says_nothing_of_what_the_dead_may_have_sent(
    error: ToolError, minutes: int, outcome: str | None
) -> None:
    world = await World(Steady()).set_up(ada())
    await world.say("add 5 seats")
    [proposal] = await world.proposals()
    await world.confirm(proposal)
    world.accounts.fault = raises(Killed(), "before")
    with pytest.raises(Killed):
        await world.run()
    world.accounts.fault = raises(error, "before")
    world.later(minutes=minutes)
    await world.run()
    entry = await world.tx(lambda tx: tx.ledger.get(proposal.id))
    said = "refused" if isinstance(error, ActionRefused) else "failed"
    assert entry.outcome == (outcome or said)
    assert bool(world.desk.cases) == bool(outcome)


async def test_a_stopped_worker_that_wakes_up_writes_nothing() -> None:
    """Two workers hold the same turn: only the later one's writes count."""
    model = Steady()
    world = await World(model).set_up(ada())
    await world.write("add 5 seats")
    model_reply: list[bool] = []
    reply = model.reply

    async def slow(request: ModelRequest) -> ModelReply:
        if not model_reply:
            model_reply.append(True)
            await world.run()  # another worker takes the turn over and finishes it
        return await reply(request)

    model.reply = slow  # type: ignore[method-assign]
    await world.run()
    assert len(await world.texts()) == 2
    assert len(await world.proposals()) == 1


async def test_a_rolling_restart_uses_up_no_attempts_and_leaves_no_sign_behind() -> None:
    """Each worker that the turn is handed to is itself asked to stop before the model answers."""

    class Slow(Steady):
        answers = asyncio.Event()

        async def reply(self, request: ModelRequest) -> ModelReply:
            await self.answers.wait()
            return ModelReply(text="Here I am.")

    model = Slow()
    world = await World(model, Limits(progress_seconds=0.01)).set_up(ada())
    await world.write("hello?")
    for _ in range(5):
        running = asyncio.create_task(world.run())
        await asyncio.wait([running], timeout=0.1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    model.answers.set()
    await world.run()
    assert world.desk.cases == [] and not await world.unfinished()
    assert "Here I am." in await world.texts()
    assert any(row_id.endswith(":over") for row_id in world.outbox.ids)


@pytest.mark.parametrize("what", [ZeroDivisionError, asyncio.CancelledError])
async def test_after_three_attempts_a_person_takes_over(what: type[BaseException]) -> None:
    """Also where what breaks is cancelled inside, as by a client's own time limit: nobody stops."""

    class Broken(Steady):
        async def reply(self, request: ModelRequest) -> ModelReply:
            raise what

    world = await World(Broken()).set_up(ada())
    await world.say("hello?")
    assert [case["asked"] for case in world.desk.cases] == ["hello?"]
    assert (await world.texts())[0].startswith("Sorry")
    assert not await world.unfinished()


@pytest.mark.parametrize("status", [*ConversationStatus])
async def test_what_has_its_yes_and_cannot_be_run_is_told_whoever_has_the_conversation(
    status: ConversationStatus,
) -> None:
    class BrokenCatalog(Catalog):
        def get(self, name: ToolName) -> Tool | None:
            raise ZeroDivisionError

    world = await World(Steady(seats=12)).set_up(ada())
    await world.say("add 12 seats")
    [proposal] = await world.proposals()
    await world.confirm(proposal)
    await world.approve(proposal, lena())

    def move(tx: UnitOfWork) -> None:
        talk = tx.conversations.get(ConversationId("con_1"))
        assert talk is not None
        tx.conversations.save(replace(talk, status=status), expected_epoch=talk.epoch)

    await world.tx(move)
    world.catalog = BrokenCatalog(world.accounts)
    await world.run()
    [proposal] = await world.proposals()
    assert (proposal.status, world.accounts.effects) == (ProposalStatus.EXPIRED, [])
    assert "Not done, and nothing was changed by it: “Add 12 seats”" in (await world.texts())[-1]
    assert "Add 12 seats" in world.desk.cases[-1]["suggestion"]
    assert world.desk.changed[-1].status is ProposalStatus.EXPIRED
    own = [row for row in await world.posted() if row.updates == proposal.card]
    assert "expired" in own[-1].message.fallback
