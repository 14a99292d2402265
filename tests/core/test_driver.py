"""The driver on the memory store: what a person sees, what happens, and what it costs."""

from agent_core.messages import Author
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.proposals import Outcome, ProposalStatus
from tests.core.desk import World, ada


async def test_an_answer_is_sent_once_with_the_disclosure_first() -> None:
    model = ScriptModel([says("Hello Ada."), says("Again hello.")])
    world = await World(model).set_up(ada())
    await world.say("hi")
    await world.say("hi again")
    first, second = await world.posted()
    assert (first.message.author, first.epoch) == (Author.AGENT, 1)
    assert (first.message.discloses_ai, second.message.discloses_ai) == (True, False)
    assert await world.texts() == ["Hello Ada.", "Again hello."]
    assert not await world.unfinished()
    model.done()


async def test_four_model_calls_and_three_reads_take_at_most_six_transactions() -> None:
    look = calls(call("look"))
    world = await World(ScriptModel([look, look, look, says("10 seats.")])).set_up(ada())
    await world.say("how many seats?")
    assert await world.texts() == ["10 seats."]
    assert world.store.count <= 6


async def test_an_action_is_shown_confirmed_and_done_once_with_a_receipt() -> None:
    model = ScriptModel([calls(call("add_seats", seats=5)), says(""), says("Enjoy your seats.")])
    world = await World(model).set_up(ada())
    await world.say("add 5 seats")
    [proposal] = await world.proposals()
    assert proposal.status is ProposalStatus.AWAITING_CONFIRMATION
    assert world.accounts.effects == []
    assert "Seats: 10 → 15" in (await world.texts())[0]

    await world.confirm(proposal)
    await world.run()
    assert [(a, n) for _, a, n in world.accounts.effects] == [("acc_acme", 5)]
    entry = await world.tx(lambda tx: tx.ledger.get(proposal.id))
    assert entry.outcome is Outcome.SUCCEEDED
    texts = await world.texts()
    assert texts[1].startswith("Done: Added 5 seats")
    assert texts[2] == "Enjoy your seats."
    model.done()
