"""The same wish again, mostly in another thread: what gives way, and what is told where."""

from dataclasses import replace

from agent_core import presses
from agent_core.errors import ActionOutcomeUnknown
from agent_core.people import Requester
from agent_core.ports import UnitOfWork
from agent_core.proposals import PlanId, Proposal, ProposalStatus
from tests.builders import a_conversation, a_destination, a_thread, an_identity
from tests.core.desk import put_message
from tests.core.faulty import Faulty, actions, faulty
from tests.core.test_plans import BOTH, approver
from tools.accounts.memory_gateway import MemoryPayments
from tools.accounts.seed import NORTHWIND


async def with_another_thread() -> Faulty:
    made = await faulty()

    def put(tx: UnitOfWork) -> None:
        talk = a_conversation("con_2", account_id=NORTHWIND)
        tx.conversations.add(talk, a_thread("1700000000.000200"))
        tx.outgoing.put_destination(a_destination("des_con_2"))

    await made.tx(put)
    return made


async def say_there(made: Faulty, text: str) -> None:
    await made.tx(lambda tx: put_message(tx, text, conversation="con_2"))
    await made.driver.run("con_2", "ref")


async def test_a_plan_shows_that_its_step_was_asked_for_elsewhere() -> None:
    made = await with_another_thread()
    await made.say(BOTH)
    plan = (await made.steps())[0].plan_id
    assert plan is not None
    await say_there(made, "add 2 seats")
    steps: list[Proposal] = await made.tx(lambda tx: list(tx.proposals.of_plan(PlanId(plan))))
    assert [one.status for one in steps] == [
        ProposalStatus.CANCELLED,
        ProposalStatus.AWAITING_CONFIRMATION,
    ]
    (redrawn,) = [row for row in await made.posted() if row.updates == f"plan:{plan}"]
    assert (redrawn.destination, redrawn.conversation_id) == ("des_con_1", "con_1")
    card = redrawn.message
    assert "Make this change?" in card.fallback and "Add 2 seats" in card.fallback
    assert "not begun" in card.fallback and presses.CONFIRM in actions(card)
    await made.one_yes()  # to what is left of the plan
    assert await made.seats() == 12 and made.moved == 0
    account = (await made.gateway.state(NORTHWIND, made.clock.now())).account
    assert account.billing_name == "Dana Fox"


async def test_a_card_of_its_own_says_that_it_was_replaced_elsewhere() -> None:
    made = await with_another_thread()
    await made.say("add 2 seats")
    (older,) = await made.open_proposals()
    await say_there(made, "add 2 seats")
    card = await made.card(str(older.card))
    assert "Replaced by a newer request" in card.fallback and actions(card) == []
    (row,) = [row for row in await made.posted() if row.updates == older.card]
    assert row.destination == "des_con_1"


async def test_what_has_its_yes_runs_in_its_own_thread() -> None:
    """Whoever said yes waits there for the receipt."""
    made = await with_another_thread()
    await made.say("add 2 seats")
    await made.confirm(*await made.open_proposals())
    await say_there(made, "add 2 seats")  # before the first thread's turn begins
    assert made.moved == 0
    (there,) = [row for row in await made.posted() if row.destination == "des_con_2"]
    assert "asked for in another thread already" in there.message.fallback
    await made.run()
    (receipt,) = [row for row in await made.posted() if row.id.startswith("receipt:")]
    assert (receipt.destination, made.moved) == ("des_con_1", 1)
    assert (await made.card(str(receipt.id).replace("receipt", "card"))).fallback.startswith(
        "Add 2 seats: done"
    )
    assert await made.seats() == 14


async def test_what_is_in_doubt_is_asked_after_in_its_own_thread() -> None:
    made = await with_another_thread()
    await made.say("add 2 seats")
    made.bank.faults = {1: ActionOutcomeUnknown("no answer"), 2: ActionOutcomeUnknown("no answer")}
    made.bank.dark = True
    await made.yes()
    assert "Not certain" in (await made.texts())[-1]
    made.bank.dark = False
    await MemoryPayments.charge(made.bank, made.bank.asked[-1])  # it had arrived
    await say_there(made, "add 2 seats")
    (there,) = [row for row in await made.posted() if row.destination == "des_con_2"]
    assert "not certain yet" in there.message.fallback and made.moved == 1
    await made.run()
    receipts = [row for row in await made.posted() if row.id.startswith("receipt:")]
    assert {row.destination for row in receipts} == {"des_con_1"}
    assert receipts[-1].message.fallback.startswith("Done: Added 2 seats")
    assert (await made.seats(), made.moved) == (14, 1)


async def test_what_waits_for_an_approval_is_answered_in_its_own_thread() -> None:
    """A second waiting card would stand there as waiting for ever: nothing redraws it."""
    made = await with_another_thread()
    lena = approver()
    await made.tx(lambda tx: tx.people.put(lena))
    await made.say("please refund INV-1042 in full")
    await made.one_yes()
    (waiting,) = await made.open_proposals()
    assert waiting.status is ProposalStatus.AWAITING_APPROVAL
    await say_there(made, "please refund INV-1042 in full")
    (there,) = [row for row in await made.posted() if row.destination == "des_con_2"]
    said = there.message.fallback
    assert "asked for in another thread already, and waits for an approval there" in said
    assert "The answer is posted there." in said and actions(there.message) == []
    who = Requester(identity=an_identity("U9"), name="Lena", person=lena)
    await made.approve(waiting, who)
    await made.run()
    (receipt,) = [row for row in await made.posted() if row.id.startswith("receipt:")]
    assert (receipt.destination, made.moved) == ("des_con_1", 1)


async def test_what_is_told_elsewhere_has_the_title_as_it_is_there() -> None:
    """The other one was covered for the readers of its own room, and for who asked there."""
    made = await with_another_thread()
    await made.tx(lambda tx: tx.people.put(approver()))
    await made.say("please refund INV-1042 in full")
    await made.one_yes()
    (waiting,) = await made.open_proposals()
    private = replace(waiting, title="Refund to rosa@globex.example")
    await made.tx(lambda tx: tx.proposals.save(private, expected=waiting.status))
    await say_there(made, "please refund INV-1042 in full")
    (there,) = [row for row in await made.posted() if row.destination == "des_con_2"]
    assert "rosa@" not in there.message.fallback
    assert f"“{waiting.title}” was asked for" in there.message.fallback


async def test_what_runs_elsewhere_is_told_with_the_title_as_it_is_here() -> None:
    made = await with_another_thread()
    await made.say("add 2 seats")
    (waiting,) = await made.open_proposals()
    private = replace(waiting, title="Seats for rosa@globex.example")
    await made.tx(lambda tx: tx.proposals.save(private, expected=waiting.status))
    await made.confirm(waiting)
    await say_there(made, "add 2 seats")
    (there,) = [row for row in await made.posted() if row.destination == "des_con_2"]
    assert f"“{waiting.title}” was asked for" in there.message.fallback


async def test_asked_for_again_in_its_own_thread_the_waiting_card_comes_to_the_end() -> None:
    made = await with_another_thread()
    lena = approver()
    await made.tx(lambda tx: tx.people.put(lena))
    await made.say("please refund INV-1042 in full")
    await made.one_yes()
    (first,) = await made.open_proposals()
    await made.say("please refund INV-1042 in full")
    assert "see the newer card below" in (await made.card(str(first.card))).fallback
    (waiting,) = await made.open_proposals()
    assert "waiting for approval" in (await made.card(str(waiting.card))).fallback
    who = Requester(identity=an_identity("U9"), name="Lena", person=lena)
    await made.approve(waiting, who)
    await made.run()
    shown = [row for row in await made.posted() if row.updates is None]
    looks = [(await made.card(str(row.id))).fallback for row in shown]
    assert made.moved == 1 and not any("waiting for approval" in look for look in looks)
