"""Undo on the sample company: inside its window, after it, twice, by others, and by policy."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent_core import presses
from agent_core.conversation import Audience, ConversationStatus
from agent_core.errors import ActionRefused
from agent_core.messages import ButtonPressed, OutgoingId, Participant
from agent_core.people import Person, Role
from agent_core.ports import Answer, UnitOfWork
from agent_core.proposals import Outcome, ProposalId, ProposalStatus
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.undo_intake import undo_pressed
from tests.builders import NOON, a_message_ref, a_person, a_requester, a_thread, an_identity
from tests.core.desk import Killed
from tests.core.faulty import CONVERSATION, Faulty, actions, faulty
from tests.core.test_sample_company import olive
from tools.accounts.gateway import Payment, PaymentRequest
from tools.accounts.seed import NORTHWIND

presses_made = iter(range(10_000))


async def added(made: Faulty, count: int = 2) -> str:
    """Seats were added; the ledger key."""
    await made.say(f"add {count} seats")
    await made.one_yes()
    entries = await made.tx(lambda tx: list(tx.ledger.of_account(NORTHWIND)))
    return str(entries[-1].key)


async def press(made: Faulty, key: str, who: Person | None = None, *, runs: bool = True) -> Answer:
    """A press on Undo, and the turn that follows."""
    person = who or olive()
    requester = a_requester(person)
    event = ButtonPressed(
        press_id=f"press_{next(presses_made)}",
        card=a_message_ref(),
        thread=a_thread(),
        by=Participant(identity=requester.identity, name=requester.name),
        action=presses.UNDO,
        value=key,
        pressed_at=made.clock.now(),
        reply_to=None,  # type: ignore[arg-type]
    )
    now = made.clock.now()
    answer: Answer = await made.tx(lambda tx: undo_pressed(tx, made.engine, event, requester, now))
    if runs:
        await made.run()
    return answer


async def test_a_receipt_carries_undo_and_a_refund_undoes_exactly_that() -> None:
    made = await faulty()
    key = await added(made)
    receipt = await made.card(f"receipt:{key}")
    assert actions(receipt) == [presses.UNDO] and "undone until 12:30" in receipt.fallback
    assert await press(made, key) == Answer()
    card = (await made.texts())[-1]
    assert "Undo the added seats?" in card and "14 → 12" in card and "is refunded" in card
    assert await made.seats() == 14
    await made.one_yes()
    assert (await made.seats(), made.moved) == (12, 2)
    undo = (await made.tx(lambda tx: list(tx.proposals.undoing(ProposalId(key)))))[0]
    entry = await made.tx(lambda tx: tx.ledger.get(undo.id))
    assert entry.outcome is Outcome.SUCCEEDED and entry.arguments == {"key": key}
    receipt = await made.card(f"receipt:{key}")
    assert actions(receipt) == [] and "Undone for Olive Marsh" in receipt.fallback
    own = await made.card(f"receipt:{undo.id}")
    assert actions(own) == []  # what was undone is not undone again


async def test_a_second_press_says_that_it_was_undone() -> None:
    made = await faulty()
    key = await added(made)
    await press(made, key)
    await made.one_yes()
    assert "undone already, for Olive Marsh" in (await press(made, key)).notice
    assert made.moved == 2


async def test_two_presses_before_the_yes_show_one_card_again() -> None:
    made = await faulty()
    key = await added(made)
    await press(made, key)
    await press(made, key)
    assert len(await made.open_proposals()) == 1


async def test_after_the_window_a_private_sentence_says_why_not() -> None:
    made = await faulty()
    key = await added(made)
    made.clock.advance(timedelta(minutes=31))
    assert "could be undone until 12:30" in (await press(made, key)).notice
    assert await made.open_proposals() == []


async def test_policy_sets_the_window_and_can_take_undo_away(tmp_path: Path) -> None:
    for minutes, has in ((2, True), (0, False)):
        made = await faulty()
        policy = tmp_path / f"{minutes}.yaml"
        policy.write_text(f"tools:\n  add_seats:\n    undo_minutes: {minutes}\n")
        tools = made.catalog.for_audience(Audience.PRIVATE)
        made.policy_source = FilePolicySource(policy, tools)
        key = await added(made)
        receipt = await made.card(f"receipt:{key}")
        assert (actions(receipt) == [presses.UNDO]) is has
        if has:
            made.clock.advance(timedelta(minutes=3))
        assert (await press(made, key)).notice


async def test_what_changed_again_is_refused_in_words() -> None:
    made = await faulty()
    key = await added(made)
    await made.say("add 3 seats")
    await made.one_yes()
    assert await press(made, key) == Answer()
    assert "number of seats changed again since" in (await made.texts())[-1]
    assert await made.seats() == 17


async def test_what_changes_between_the_press_and_the_yes_is_not_undone() -> None:
    made = await faulty()
    key = await added(made)
    await press(made, key)
    (undo,) = await made.open_proposals()
    await made.say("add 3 seats")
    add = next(one for one in await made.open_proposals() if one.id != undo.id)
    await made.confirm(add)
    await made.run()
    await made.confirm(undo)
    await made.run()
    assert await made.seats() == 17
    assert any("changed again since" in text for text in await made.texts())


async def test_strangers_and_members_undo_nothing() -> None:
    made = await faulty()
    key = await added(made)
    stranger = a_person("x", "X", roles={}, identities=(an_identity("U8"),))
    assert "Only people of the account" in (await press(made, key, stranger)).notice
    member = a_person("m", "M", roles={NORTHWIND: Role.MEMBER}, identities=(an_identity("U9"),))
    await made.tx(lambda tx: tx.people.put(member))
    await press(made, key, member)
    assert "Not done" in (await made.texts())[-1]
    assert await made.seats() == 14


async def test_another_with_the_right_may_undo_with_their_own_yes() -> None:
    made = await faulty()
    key = await added(made)
    other = a_person("o", "Omar", roles={NORTHWIND: Role.OWNER}, identities=(an_identity("U9"),))
    await made.tx(lambda tx: tx.people.put(other))
    await press(made, key, other)
    (undo,) = await made.open_proposals()
    assert undo.requester_name == "Omar"
    await made.confirm(undo)
    await made.run()
    assert await made.seats() == 12


async def test_while_support_has_it_the_press_says_so() -> None:
    made = await faulty()
    key = await added(made)

    def claim(tx: UnitOfWork) -> None:
        conversation = tx.conversations.get(CONVERSATION)
        assert conversation is not None
        moved = conversation.moved(ConversationStatus.WITH_SUPPORT, to=olive().id)
        tx.conversations.save(moved, expected_epoch=conversation.epoch)

    await made.tx(claim)
    assert "support team has this" in (await press(made, key)).notice


async def test_a_refund_has_no_undo() -> None:
    made = await faulty()
    await made.say("give us $20 back on invoice INV-1042")
    await made.one_yes()
    [entry] = await made.tx(lambda tx: list(tx.ledger.of_account(NORTHWIND)))
    assert actions(await made.card(f"receipt:{entry.key}")) == []
    assert (await press(made, str(entry.key))).notice


@pytest.mark.parametrize(
    ("wish", "back"),
    [
        ("remove 2 seats", "12"),
        ("upgrade us to Business", "Team"),
        ("change the billing contact to Dana Fox, dana@northwind.example", "Ben Carter"),
        ("pause our subscription", "active"),
        ("cancel our subscription", "active"),
    ],
)
async def test_each_undoable_action_gives_the_account_back(wish: str, back: str) -> None:
    made = await faulty()
    before = (await made.gateway.state(NORTHWIND, NOON)).account
    await made.say(wish)
    await made.one_yes()
    [entry] = await made.tx(lambda tx: list(tx.ledger.of_account(NORTHWIND)))
    await press(made, str(entry.key))
    assert back in (await made.texts())[-1]
    await made.one_yes()
    after = (await made.gateway.state(NORTHWIND, NOON)).account
    assert (after.seats, after.plan, after.status, after.billing_name, after.credit_minor) == (
        before.seats,
        before.plan,
        before.status,
        before.billing_name,
        before.credit_minor,
    )


async def test_an_undo_that_is_shown_anew_is_still_that_undo(tmp_path: Path) -> None:
    """Policy asks for more between the card and the yes: the fresh card is known as the undo of the
    same effect, so that nothing offers or begins it again beside it."""
    made = await faulty()
    key = await added(made)
    await press(made, key)
    (first,) = await made.open_proposals()
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "tools:\n  undo_add_seats:\n    approve:\n    - when: true\n      by: [admin]\n"
    )
    made.policy_source = FilePolicySource(policy, made.catalog.tools)  # type: ignore[attr-defined]
    await made.confirm(first)
    await made.run()
    (anew,) = await made.open_proposals()
    assert anew.id != first.id and anew.undoes == ProposalId(key)
    await made.confirm(anew)
    assert "asked for already" in (await press(made, key)).notice


# --- in a plan that stopped -----------------------------------------------------------------------


async def stopped_plan(made: Faulty) -> tuple[str, str]:
    """The contact is changed, the seats are not; the first step's key and the card's row."""
    await made.say("change the billing contact to Dana Fox, dana@northwind.example and add 2 seats")
    made.bank.faults = {1: ActionRefused("The card was declined.")}
    await made.one_yes()
    first = (await made.steps())[0]
    return str(first.id), f"stopped:{first.plan_id}"


async def test_the_offer_of_a_stopped_plan_undoes_its_step_and_is_gone_then() -> None:
    made = await faulty()
    key, row = await stopped_plan(made)
    await press(made, key)
    await made.one_yes()
    account = (await made.gateway.state(NORTHWIND, NOON)).account
    assert account.billing_name == "Ben Carter"
    for one in (row, f"receipt:{key}"):
        card = await made.card(one)
        assert presses.UNDO not in actions(card) and "ndone" in card.fallback


async def test_policy_undoes_by_itself_where_it_says_so(tmp_path: Path) -> None:
    made = await faulty()
    policy = tmp_path / "policy.yaml"
    policy.write_text("tools:\n  change_billing_contact:\n    on_failure: undo\n")
    tools = made.catalog.for_audience(Audience.PRIVATE)
    made.policy_source = FilePolicySource(policy, tools)
    key, row = await stopped_plan(made)
    account = (await made.gateway.state(NORTHWIND, NOON)).account
    assert account.billing_name == "Ben Carter"
    [undo] = await made.tx(lambda tx: list(tx.proposals.undoing(ProposalId(key))))
    assert undo.status is ProposalStatus.CONSUMED
    assert "Done: Undid the change of the billing contact" in "\n".join(await made.texts())
    assert presses.UNDO not in actions(await made.card(row))
    assert made.desk.cases == []


async def test_an_undo_by_policy_that_is_not_possible_goes_to_a_person(tmp_path: Path) -> None:
    made = await faulty()
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "tools:\n  change_billing_contact:\n    on_failure: undo\n"
        "  undo_change_billing_contact:\n    refuse:\n    - when: true\n      reason: Not today.\n"
    )
    made.policy_source = FilePolicySource(policy, made.catalog.tools)  # type: ignore[attr-defined]
    await stopped_plan(made)
    [case] = made.desk.cases
    assert "Not today." in case["suggestion"] and "It stands." in case["suggestion"]


async def test_who_stopped_the_agent_is_offered_the_undo_that_policy_would_do(
    tmp_path: Path,
) -> None:
    """Stop says that nothing more is started: what failed meanwhile starts no undo by itself."""
    made = await faulty()
    policy = tmp_path / "policy.yaml"
    policy.write_text("tools:\n  change_billing_contact:\n    on_failure: undo\n")
    tools = made.catalog.for_audience(Audience.PRIVATE)
    made.policy_source = FilePolicySource(policy, tools)

    def stop(tx: UnitOfWork) -> None:
        conversation = tx.conversations.get(CONVERSATION)
        assert conversation is not None
        stopped = replace(conversation, epoch=conversation.epoch + 1)
        tx.conversations.save(stopped, expected_epoch=conversation.epoch)

    async def stopped_meanwhile(request: PaymentRequest) -> Payment:
        await made.tx(stop)
        raise ActionRefused("The card was declined.")

    made.bank.charge = stopped_meanwhile  # type: ignore[method-assign]
    await made.say("change the billing contact to Dana Fox, dana@northwind.example and add 2 seats")
    await made.one_yes()
    first = (await made.steps())[0]
    assert await made.tx(lambda tx: list(tx.proposals.undoing(first.id))) == []
    card = await made.card(f"stopped:{first.plan_id}")
    assert presses.UNDO in actions(card) and "being undone now" not in card.fallback


async def test_a_press_that_had_to_wait_past_the_window_undoes_nothing() -> None:
    """Pressed in time, and the conversation was with people until much later."""
    made = await faulty()
    key = await added(made)
    await press(made, key, runs=False)
    made.clock.advance(timedelta(hours=5))
    await made.run()
    assert await made.open_proposals() == []
    assert "could be undone until 12:30" in (await made.texts())[-1]


async def test_nothing_is_undone_before_other_companies_eyes() -> None:
    made = await faulty()
    key = await added(made)
    await press(made, key, runs=False)

    def share(tx: UnitOfWork) -> None:
        conversation = tx.conversations.get(CONVERSATION)
        assert conversation is not None
        shared = replace(conversation, audience=Audience.SHARED, account_id=None, subject=None)
        tx.conversations.save(shared, expected_epoch=conversation.epoch)

    before = await made.texts()
    await made.tx(share)
    await made.run()
    assert await made.open_proposals() == []
    assert "14 → 12" not in "\n".join((await made.texts())[len(before) :])


@pytest.mark.parametrize("point", range(1, 16))
async def test_death_at_any_point_of_an_undo_refunds_once(point: int) -> None:
    made = await faulty()
    key = await added(made)
    made.store.count = 0
    made.store.die_after = point

    async def through(work: object) -> None:
        for _ in range(4):
            try:
                await work()  # type: ignore[operator]
            except Killed:
                made.store.die_after = None
                work = made.run
                continue
            return

    await through(lambda: press(made, key))
    (undo,) = await made.open_proposals()
    await made.confirm(undo)
    await through(made.run)
    assert (await made.seats(), made.moved) == (12, 2)
    assert await made.tx(lambda tx: tx.outgoing.get(OutgoingId(f"receipt:{undo.id}")))
    assert not await made.unfinished()
