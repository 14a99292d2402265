"""Plans on the sample company: one card, one yes, in order, and what happens where a step fails."""

from pathlib import Path
from typing import Any

import pytest

from agent_core import presses
from agent_core.bare_words import BareWord
from agent_core.conversation import Audience, ConversationStatus
from agent_core.errors import ActionOutcomeUnknown, ActionRefused
from agent_core.escalations import EscalationReason
from agent_core.people import Capability, Person, Requester, Role
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, ProposalStatus
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.tooling import Tool, ToolName
from agent_core.yeses import Confirm, decided_in_words
from tests.builders import NOON, a_person, a_requester, an_identity
from tests.core.desk import Killed
from tests.core.faulty import CONVERSATION, actions, faulty
from tests.core.test_sample_company import olive
from tools.accounts.commands import AddSeats, Command
from tools.accounts.gateway import Payment, PaymentRequest
from tools.accounts.seed import NORTHWIND

BOTH = "add 2 seats and change the billing contact to Dana Fox, dana@northwind.example"


def approver() -> Person:
    return a_person(
        "lena",
        "Lena",
        roles={},
        capabilities=frozenset({Capability.APPROVER}),
        identities=(an_identity("U9"),),
    )


async def test_several_actions_are_one_card_with_each_effect_and_the_total() -> None:
    made = await faulty()
    await made.say(BOTH)
    texts = await made.texts()
    assert len(texts) == 1
    for part in (
        "Make these 2 changes?",
        "Step 1: Add 2 seats (",
        "Seats: 12 → 14",
        "Step 2: Change the billing contact",
        "→ Dana Fox",
        "Total: ",
        "Only Olive Marsh can confirm this",
        "Confirm all",
    ):
        assert part in texts[0], part
    assert made.moved == 0 and await made.seats() == 12


async def test_one_yes_runs_all_steps_in_order_with_a_receipt_each() -> None:
    made = await faulty()
    await made.say(BOTH)
    await made.one_yes()
    texts = await made.texts()
    assert [text.split("\n")[0] for text in texts[1:3]] == [
        "Done: Added 2 seats",
        "Done: Changed the billing contact",
    ]
    account = (await made.gateway.state(NORTHWIND, NOON)).account
    assert (account.seats, account.billing_name, made.moved) == (14, "Dana Fox", 1)
    steps = await made.steps()
    assert [step.status for step in steps] == [ProposalStatus.CONSUMED] * 2
    assert len({step.fingerprint for step in steps}) == 2
    card = await made.card(str(steps[0].card))
    assert card.fallback.startswith("2 changes: done") and actions(card) == []
    updates = [row.message for row in await made.posted() if row.updates == steps[0].card]
    assert not any(actions(update) for update in updates)
    assert made.desk.cases == []


async def test_a_later_step_shows_what_it_does_after_the_earlier() -> None:
    made = await faulty()
    await made.say("upgrade us to Business and remove 2 seats")
    [text] = await made.texts()
    assert "Team → Business" in text and "Seats: 12 → 10" in text
    first, second = await made.steps()
    assert first.changes[-1].after == second.changes[1].before  # the monthly price goes on
    await made.one_yes()
    assert [s.status for s in await made.steps()] == [ProposalStatus.CONSUMED] * 2
    assert await made.seats() == 10


async def test_the_same_action_twice_is_one_step() -> None:
    made = await faulty()
    await made.say("add 2 seats, and pause our subscription, and add 2 seats")
    assert [step.title for step in await made.steps()] == [
        "Add 2 seats",
        "Pause the subscription",
    ]


async def test_a_refused_step_is_shown_and_the_rest_can_be_confirmed() -> None:
    admin = a_person(
        "olive", "Olive Marsh", roles={NORTHWIND: Role.ADMIN}, identities=(an_identity(),)
    )
    made = await faulty(admin)
    await made.say("cancel our subscription and add 2 seats and remove 1 seat")
    [text] = await made.texts()
    assert "Make these 2 changes?" in text and "not possible" in text and "Only an owner" in text
    await made.one_yes()
    steps = await made.steps()
    assert [step.status for step in steps].count(ProposalStatus.REFUSED) == 1
    assert await made.seats() == 13


async def test_no_ends_the_whole_plan() -> None:
    made = await faulty()
    await made.say(BOTH)
    first, _ = await made.open_proposals()
    await made.tx(lambda tx: made.decisions.cancel(tx, first, NOON))
    await made.run()
    steps = await made.steps()
    assert [step.status for step in steps] == [ProposalStatus.CANCELLED] * 2
    card = await made.card(str(steps[0].card))
    assert "cancelled" in card.fallback and actions(card) == []
    assert made.moved == 0


async def test_a_plan_expires_as_a_whole_and_says_so_once() -> None:
    made = await faulty()
    await made.say(BOTH)
    first, second = await made.open_proposals()
    assert first.expires_at == second.expires_at
    await made.tx(lambda tx: made.decisions.expire(tx, first, first.expires_at))
    assert await made.open_proposals() == []
    told = [text for text in await made.texts() if "has expired" in text]
    assert len(told) == 1 and "Change the billing contact" in told[0]


async def test_a_failed_step_stops_the_plan_and_offers_to_undo_what_was_done() -> None:
    made = await faulty()
    await made.say("change the billing contact to Dana Fox, dana@northwind.example; add 2 seats")
    made.bank.faults = {1: ActionRefused("The card was declined.")}
    await made.one_yes()
    steps = await made.steps()
    plan = steps[0].plan_id
    card = await made.card(f"stopped:{plan}")
    assert "Change the billing contact: done" in card.fallback
    assert "Add 2 seats: not done. The card was declined." in card.fallback
    assert actions(card) == [presses.UNDO, presses.ASK_SUPPORT]
    assert made.desk.cases == [] and await made.seats() == 12
    assert "Total: no money moves" in (await made.card(str(steps[0].card))).fallback
    said = " ".join(await made.texts())
    assert "Nothing was changed" not in said and "That is done" not in said


async def test_the_steps_after_a_failed_one_are_not_begun() -> None:
    made = await faulty()
    made.bank.faults = {1: ActionRefused("The card was declined.")}
    await made.say("add 2 seats and pause our subscription")
    await made.one_yes()
    first, second = await made.steps()
    assert (first.status, second.status) == (ProposalStatus.CONSUMED, ProposalStatus.CANCELLED)
    card = await made.card(f"stopped:{first.plan_id}")
    assert "Pause the subscription: not begun" in card.fallback
    assert "nothing has changed" in card.fallback and actions(card) == [presses.ASK_SUPPORT]
    shown = (await made.card(str(first.card))).fallback
    assert "Add 2 seats" in shown and "Pause the subscription" in shown
    for promise in ("is charged today", "→", "stop working today"):
        assert promise not in shown
    assert not await made.unfinished()


async def test_an_unknown_step_goes_to_a_person_with_all_three() -> None:
    made = await faulty()
    await made.say(
        "change the billing contact to Dana Fox, dana@northwind.example; "
        "add 2 seats; pause our subscription"
    )
    lost = ActionOutcomeUnknown("lost")
    made.bank.faults = dict.fromkeys(range(1, 20), lost)
    made.bank.dark = True
    await made.one_yes()
    [case] = made.desk.cases
    for part in (
        "billing contact: done",
        "Add 2 seats: not certain",
        "Pause the subscription: not",
    ):
        assert part in case["suggestion"], part
    assert "Look for reference" in case["suggestion"] and made.desk.again == []  # and told once
    assert (await made.conversation()).status is ConversationStatus.WAITING_FOR_SUPPORT
    plan = (await made.steps())[0].plan_id
    assert actions(await made.card(f"stopped:{plan}")) == []


async def test_what_cannot_be_undone_goes_to_a_person() -> None:
    made = await faulty()
    await made.say("refund $20 of invoice INV-1042 and add 2 seats")
    made.bank.faults = {2: ActionRefused("The card was declined.")}
    await made.one_yes()
    [case] = made.desk.cases
    assert "Refund" in case["suggestion"] and "Add 2 seats: not done" in case["suggestion"]


async def test_somebody_elses_yes_is_not_the_requesters(tmp_path: Path) -> None:
    """No confirmation was wanted when it was asked for; when it is to run, policy wants one."""
    made = await faulty()
    policy = tmp_path / "policy.yaml"
    tools = made.catalog.for_audience(Audience.PRIVATE)
    policy.write_text(
        "tools:\n  refund_invoice:\n    confirm: false\n"
        "    approve:\n    - when: true\n      by: [approver]\n"
    )
    made.policy_source = FilePolicySource(policy, tools)
    await made.say("give us $20 back on invoice INV-1042")
    (waiting,) = await made.open_proposals()
    assert waiting.status is ProposalStatus.AWAITING_APPROVAL
    lena = approver()
    await made.tx(lambda tx: tx.people.put(lena))
    await made.approve(waiting, a_requester(lena))
    policy.write_text(
        "tools:\n  refund_invoice:\n    confirm: true\n    approve_above: 100000.00 USD\n"
    )
    made.policy_source = FilePolicySource(policy, tools)
    await made.run()
    assert made.moved == 0
    (anew,) = await made.open_proposals()
    assert anew.status is ProposalStatus.AWAITING_CONFIRMATION
    await made.one_yes()
    assert made.moved == 1


async def test_an_approval_holds_the_whole_plan_back() -> None:
    made = await faulty()
    await made.say("please refund INV-1042 in full and add 2 seats")
    [text] = await made.texts()
    assert "After your yes step 1 needs an approver" in text
    await made.one_yes()
    assert made.moved == 0
    [waiting] = [p for p in await made.open_proposals() if p.status.value == "awaiting_approval"]
    card = await made.card(str(waiting.card))
    assert "waiting for approval" in card.fallback
    lena = approver()
    await made.tx(lambda tx: tx.people.put(lena))
    who = Requester(identity=an_identity("U9"), name="Lena", person=lena)
    await made.approve(waiting, who)
    await made.run()
    assert made.moved == 2 and await made.seats() == 14


async def test_asking_again_does_not_run_a_step_before_its_plan() -> None:
    made = await faulty()
    await made.tx(lambda tx: tx.people.put(approver()))
    await made.say("add 2 seats and please refund INV-1042 in full")
    await made.one_yes()
    await made.say("add 2 seats")
    assert made.moved == 0 and await made.seats() == 12
    said = (await made.texts())[-1]
    # A second card would say so for ever: only the plan's own is redrawn.
    assert "waiting for approval. Its card shows how it ends" in said and "Step 1" not in said
    assert not await made.unfinished()


async def test_a_declined_approval_ends_the_plan() -> None:
    made = await faulty()
    await made.say("please refund INV-1042 in full and add 2 seats")
    await made.one_yes()
    [waiting] = [p for p in await made.open_proposals() if p.status.value == "awaiting_approval"]
    who = Requester(identity=an_identity("U9"), name="Lena", person=None)
    await made.tx(lambda tx: made.decisions.decline(tx, waiting, who, NOON))
    await made.run()
    assert await made.open_proposals() == [] and made.moved == 0
    assert any("Add 2 seats” stood in the same plan" in text for text in await made.texts())


async def test_what_changed_meanwhile_is_asked_anew_for_the_rest() -> None:
    made = await faulty()
    await made.say(BOTH.replace(" and ", "; "))
    await made.gateway.apply(
        NORTHWIND, AddSeats(count=1), key="other", expected_version=1, now=NOON
    )
    await made.one_yes()
    assert (await made.seats(), made.moved) == (13, 1)  # the other's alone
    texts = await made.texts()
    assert "Changed in between" in texts[-1] and "Seats: 13 → 15" in texts[-1]
    await made.one_yes()
    assert (await made.seats(), made.moved) == (15, 2)


async def test_a_step_that_policy_gives_to_a_person_when_shown_anew_reaches_one(
    tmp_path: Path,
) -> None:
    made = await faulty()
    await made.say(BOTH.replace(" and ", "; "))
    await made.gateway.apply(
        NORTHWIND, AddSeats(count=1), key="other", expected_version=1, now=NOON
    )
    policy = tmp_path / "policy.yaml"
    handed = "{escalate: [{when: 'true', reason: Ask us.}]}"
    policy.write_text(f"tools: {{change_billing_contact: {handed}}}", encoding="utf-8")
    made.policy_source = FilePolicySource(policy, made.catalog.for_audience(Audience.PRIVATE))
    await made.one_yes()
    assert "Changed in between" in (await made.texts())[-1]
    [case] = made.desk.cases
    assert case["reason"] is EscalationReason.POLICY
    assert "Change the billing contact" in case["suggestion"]
    assert [one.title for one in await made.open_proposals()] == ["Add 2 seats"]


async def test_where_no_step_is_left_what_policy_gives_to_a_person_reaches_one(
    tmp_path: Path,
) -> None:
    made = await faulty()
    await made.say(BOTH.replace(" and ", "; "))
    await made.gateway.apply(
        NORTHWIND, AddSeats(count=1), key="other", expected_version=1, now=NOON
    )
    policy = tmp_path / "policy.yaml"
    handed = "{escalate: [{when: 'true', reason: Ask us.}]}"
    policy.write_text(f"tools: {{change_billing_contact: {handed}}}", encoding="utf-8")
    made.policy_source = FilePolicySource(policy, made.catalog.for_audience(Audience.PRIVATE))
    quote, looks = made.gateway.quote, iter(range(1, 100))

    async def looked(account: Any, wish: Command, *rest: Any, **more: Any) -> Any:
        if isinstance(wish, AddSeats) and next(looks) > 1:  # the first shows that it has changed
            raise ActionRefused("Not now.")
        return await quote(account, wish, *rest, **more)

    made.gateway.quote = looked  # type: ignore[method-assign, assignment]
    await made.one_yes()
    [case] = made.desk.cases
    assert case["reason"] is EscalationReason.POLICY
    assert "Change the billing contact" in case["suggestion"]
    assert await made.open_proposals() == [] and made.moved == 1  # the other's alone
    assert any("Not now." in text for text in await made.texts())


async def test_yes_in_words_counts_for_a_plan() -> None:
    made = await faulty()
    await made.say(BOTH)
    proposals = await made.open_proposals()
    who = Requester(identity=an_identity(), name="Olive Marsh", person=olive())
    decided = decided_in_words(BareWord.YES, "yes", proposals, who, NOON)
    assert isinstance(decided, Confirm) and decided.proposal.plan_id is not None


async def test_a_person_who_takes_over_ends_an_unconfirmed_plan() -> None:
    made = await faulty()
    await made.say(BOTH)

    def claim(tx: UnitOfWork) -> None:
        conversation = tx.conversations.get(CONVERSATION)
        assert conversation is not None
        made.decisions.close_unconfirmed(tx, conversation, NOON)

    await made.tx(claim)
    assert await made.open_proposals() == []


@pytest.mark.parametrize("point", range(1, 22))
@pytest.mark.parametrize("when", ["die_before", "die_after"])
async def test_death_at_any_point_does_no_step_twice_and_goes_on(point: int, when: str) -> None:
    made = await faulty()
    await made.write(BOTH)
    setattr(made.store, when, point)

    async def live_on() -> None:
        for _ in range(4):
            try:
                await made.run()
            except Killed:
                made.store.die_before = made.store.die_after = None
                continue
            return

    await live_on()
    await made.confirm((await made.open_proposals())[0])
    await live_on()
    account = (await made.gateway.state(NORTHWIND, NOON)).account
    assert (account.seats, account.billing_name, made.moved) == (14, "Dana Fox", 1)
    titles = [text.split("\n")[0] for text in await made.texts()]
    assert [title for title in titles if title.startswith("Done")] == [
        "Done: Added 2 seats",
        "Done: Changed the billing contact",
    ]
    entries = await made.tx(lambda tx: list(tx.ledger.of_account(NORTHWIND)))
    assert [entry.outcome for entry in entries] == [Outcome.SUCCEEDED] * 2
    assert not await made.unfinished()


async def test_the_test_above_kills_at_every_transaction() -> None:
    made = await faulty()
    await made.say(BOTH)
    await made.one_yes()
    assert made.store.count <= 21


async def test_a_turn_that_is_given_up_tells_the_person_every_step() -> None:
    made = await faulty()
    await made.say(BOTH)
    first, second = await made.open_proposals()
    await made.confirm(first)
    whole = made.catalog

    class LosesTheSecond:
        for_audience = staticmethod(whole.for_audience)

        def get(self, name: ToolName) -> Tool | None:
            if name == second.tool:
                raise ZeroDivisionError
            return whole.get(name)

    made.catalog = LosesTheSecond()
    await made.run()
    [case] = made.desk.cases
    assert "Step 1, Add 2 seats: done." in case["suggestion"]
    assert "Step 2, Change the billing contact: not done." in case["suggestion"]
    assert (await made.seats(), made.moved) == (14, 1)
    assert "stopped" in (await made.card(str(first.card))).fallback
    assert not await made.unfinished()


async def test_what_was_decided_beside_an_action_that_ends_in_doubt_is_not_lost() -> None:
    """Two cards, two yeses, one turn: the first ends with a person, the second is done or told."""
    made = await faulty()
    await made.say("add 2 seats")
    await made.say("change the billing contact to Dana Fox, dana@northwind.example")
    seats, contact = await made.open_proposals()
    made.bank.dark = True
    lost = ActionOutcomeUnknown("lost")
    made.bank.faults = {1: lost, 2: lost, 3: lost}
    await made.confirm(seats)
    await made.confirm(contact)
    await made.run()
    after = await made.tx(lambda tx: tx.proposals.get(contact.id))
    assert after.status is not ProposalStatus.DECIDED
    assert not await made.unfinished()


async def test_a_plan_that_support_takes_over_midway_leaves_the_rest_to_them() -> None:
    made = await faulty()
    await made.say(BOTH)
    first, _ = await made.open_proposals()
    await made.confirm(first)
    charge = made.bank.charge

    def claim(tx: UnitOfWork) -> None:
        conversation = tx.conversations.get(CONVERSATION)
        assert conversation is not None
        moved = conversation.moved(ConversationStatus.WITH_SUPPORT, to=olive().id)
        tx.conversations.save(moved, expected_epoch=conversation.epoch)

    async def and_then_claimed(request: PaymentRequest) -> Payment:
        await made.tx(claim)
        return await charge(request)

    made.bank.charge = and_then_claimed  # type: ignore[method-assign]
    await made.run()
    card = await made.card(f"stopped:{first.plan_id}")
    assert "Add 2 seats: done" in card.fallback and "team has taken over" in card.fallback
    assert actions(card) == [] and await made.seats() == 14
    assert not await made.unfinished()
