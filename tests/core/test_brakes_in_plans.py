"""A pause stops a plan that has its yes before the next step, and people get what is done."""

from pathlib import Path

import pytest

from agent_core.audit import OPERATOR
from agent_core.brakes import BrakeScope
from agent_core.conversation import Audience, ConversationStatus
from agent_core.pausing import pause
from agent_core.proposals import Outcome, ProposalId, ProposalStatus
from agent_core.rules.yaml_policy import FilePolicySource
from tests.builders import NOON, a_conversation
from tests.core.faulty import Faulty, actions, faulty
from tools.accounts.gateway import Payment, PaymentRequest
from tools.accounts.seed import NORTHWIND

ROOM = str(a_conversation().room)
THREE = (
    "add 2 seats; change the billing contact to Dana Fox, dana@northwind.example; "
    "pause our subscription"
)


async def paused_in_step_one(made: Faulty, scope: BrakeScope, target: str) -> None:
    """The brake is set while the first step's charge is under way."""
    charge = made.bank.charge

    async def meanwhile(request: PaymentRequest) -> Payment:
        await made.tx(lambda tx: pause(tx, scope, target, "Lena", OPERATOR, NOON))
        return await charge(request)

    made.bank.charge = meanwhile  # type: ignore[method-assign]
    await made.say(THREE)
    await made.one_yes()


@pytest.mark.parametrize(
    ("scope", "target"),
    [(BrakeScope.ROOM, ROOM), (BrakeScope.ACCOUNT, str(NORTHWIND)), (BrakeScope.ALL, "")],
)
@pytest.mark.parametrize("by_itself", [False, True])
async def test_a_plan_stops_before_its_next_step(
    scope: BrakeScope, target: str, by_itself: bool, tmp_path: Path
) -> None:
    made = await faulty()
    if by_itself:  # policy would take back what was done; while paused, nothing is begun by itself
        policy = tmp_path / "policy.yaml"
        policy.write_text("tools:\n  add_seats:\n    on_failure: undo\n")
        tools = made.catalog.for_audience(Audience.PRIVATE)
        made.policy_source = FilePolicySource(policy, tools)
    await paused_in_step_one(made, scope, target)
    first, second, third = await made.steps()
    entry = await made.tx(lambda tx: tx.ledger.get(first.id))
    assert entry.outcome is Outcome.SUCCEEDED and await made.seats() == 14
    assert (second.status, third.status) == (ProposalStatus.EXPIRED, ProposalStatus.CANCELLED)
    account = (await made.gateway.state(NORTHWIND, NOON)).account
    assert account.billing_name == "Ben Carter" and account.status.value == "active"
    assert await made.tx(lambda tx: list(tx.proposals.undoing(ProposalId(first.id)))) == []
    card = await made.card(f"stopped:{first.plan_id}")
    for part in ("Add 2 seats: done", "paused at the moment", "Pause the subscription: not begun"):
        assert part in card.fallback, part
    assert "A person of the support team takes over" in card.fallback and actions(card) == []
    told = " ".join(case["suggestion"] for case in made.desk.cases)
    for part in ("Lena has paused", "Add 2 seats: done", "subscription: not begun"):
        assert part in told, part
    assert (await made.conversation()).status is ConversationStatus.WAITING_FOR_SUPPORT


async def test_a_pause_of_another_room_stops_nothing_here() -> None:
    made = await faulty()
    await paused_in_step_one(made, BrakeScope.ROOM, "slack:T1/C_OTHER")
    assert len(await made.steps()) == 3 and made.desk.cases == []
    assert all(step.status is ProposalStatus.CONSUMED for step in await made.steps())


async def test_what_was_approved_does_not_begin_in_a_paused_room() -> None:
    made = await faulty()
    await made.say("add 2 seats")
    (proposal,) = await made.open_proposals()
    await made.tx(lambda tx: pause(tx, BrakeScope.ROOM, ROOM, "Lena", OPERATOR, NOON))
    await made.confirm(proposal)
    await made.run()
    assert made.moved == 0
    texts = "\n".join(await made.texts())
    assert "paused at the moment" in texts and "Nothing was changed" in texts
