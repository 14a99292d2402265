"""Stop: what the cards and the notice say afterwards is what is true."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent_core import presses
from agent_core.bare_words import BareWord
from agent_core.conversation import ConversationStatus
from agent_core.errors import ActionRefused
from agent_core.ports import UnitOfWork
from agent_core.proposals import ProposalId, ProposalStatus
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.yeses import Cancel, decided_in_words
from tests.builders import NOON, a_requester
from tests.core.faulty import CONVERSATION, Faulty, actions, faulty
from tests.core.test_plans import approver
from tests.core.test_sample_company import olive
from tests.core.test_undo import press, stopped_plan
from tools.accounts.commands import Command, Undo
from tools.accounts.seed import NORTHWIND


async def stop(made: Faulty) -> None:
    def stopped(tx: UnitOfWork) -> None:
        conversation = tx.conversations.get(CONVERSATION)
        assert conversation is not None
        moved = replace(conversation, epoch=conversation.epoch + 1)
        tx.conversations.save(moved, expected_epoch=conversation.epoch)
        made.decisions.stop(tx, moved, a_requester(olive()), made.clock.now())

    await made.tx(stopped)


def at_undo(made: Faulty, number: int, happens: Any) -> None:
    """Something happens while the account is looked at for the n-th time for an undo."""
    quote, looks = made.gateway.quote, iter(range(1, 100))

    async def looked(account: Any, wish: Command, *rest: Any, **more: Any) -> Any:
        if isinstance(wish, Undo) and next(looks) == number:
            await happens()
        return await quote(account, wish, *rest, **more)

    made.gateway.quote = looked  # type: ignore[method-assign, assignment]


def by_policy(made: Faulty, folder: Path, more: str = "") -> None:
    policy = folder / "policy.yaml"
    policy.write_text(f"tools:\n  change_billing_contact:\n    on_failure: undo\n{more}")
    made.policy_source = FilePolicySource(policy, made.catalog.tools)  # type: ignore[attr-defined]


@pytest.mark.parametrize("look", [1, 2])
async def test_an_undo_by_policy_that_was_stopped_is_offered_and_not_said_to_go_on(
    look: int, tmp_path: Path
) -> None:
    """1: it is not decided yet. 2: it is decided, and about to begin."""
    made = await faulty()
    by_policy(made, tmp_path)
    at_undo(made, look, lambda: stop(made))
    key, row = await stopped_plan(made)
    account = (await made.gateway.state(NORTHWIND, NOON)).account
    assert account.billing_name == "Dana Fox"
    undos = await made.tx(lambda tx: list(tx.proposals.undoing(ProposalId(key))))
    assert [one.status for one in undos] == [ProposalStatus.CANCELLED] * (look - 1)
    card = await made.card(row)
    assert "being undone now" not in card.fallback
    assert "stays, unless you undo it here" in card.fallback and presses.UNDO in actions(card)
    assert made.desk.cases == []
    await press(made, key)
    await made.one_yes()
    account = (await made.gateway.state(NORTHWIND, NOON)).account
    assert account.billing_name == "Ben Carter"


async def test_an_undo_by_policy_that_policy_refuses_is_not_said_to_go_on(tmp_path: Path) -> None:
    made = await faulty()
    refusal = "    refuse:\n    - when: true\n      reason: Not today.\n"
    by_policy(made, tmp_path, f"  undo_change_billing_contact:\n{refusal}")
    _, row = await stopped_plan(made)
    card = await made.card(row)
    assert "being undone now" not in card.fallback and presses.UNDO not in actions(card)
    assert "A person of the support team takes over" in card.fallback
    assert (await made.conversation()).status is ConversationStatus.WAITING_FOR_SUPPORT


async def test_an_undo_by_policy_that_is_refused_when_run_is_offered(tmp_path: Path) -> None:
    made = await faulty()
    by_policy(made, tmp_path)

    async def refused() -> None:
        raise ActionRefused("Somebody else changed it.")

    at_undo(made, 2, refused)
    _, row = await stopped_plan(made)
    card = await made.card(row)
    assert "being undone now" not in card.fallback and presses.UNDO in actions(card)


async def test_what_waits_for_approval_goes_on_and_the_notice_says_so() -> None:
    made = await faulty()
    await made.tx(lambda tx: tx.people.put(approver()))
    await made.say("please refund INV-1042 in full")
    await made.one_yes()
    await made.say("add 2 seats")
    await stop(made)
    (waiting,) = await made.open_proposals()
    assert waiting.status is ProposalStatus.AWAITING_APPROVAL
    notice = (await made.texts())[-1]
    assert "Not stopped: “Refund $240.00 of invoice INV-1042” waits for an approver" in notice
    assert "Olive Marsh can cancel it on its card" in notice and "Add 2 seats" not in notice
    assert presses.CANCEL in actions(await made.card(str(waiting.card)))
    found = decided_in_words(BareWord.NO, "cancel that", [waiting], a_requester(olive()), NOON)
    assert isinstance(found, Cancel)
    await made.approve(waiting, a_requester(approver()))
    await made.run()
    assert made.moved == 1


async def test_a_plan_that_waits_for_approval_goes_on_as_a_whole() -> None:
    made = await faulty()
    await made.tx(lambda tx: tx.people.put(approver()))
    await made.say("please refund INV-1042 in full and add 2 seats")
    await made.one_yes()
    await stop(made)
    assert len(await made.open_proposals()) == 2
    assert "Not stopped: “Refund" in (await made.texts())[-1]
    (waiting,) = (p for p in await made.open_proposals() if p.approval is not None)
    await made.approve(waiting, a_requester(approver()))
    await made.run()
    assert made.moved == 2


async def test_where_nothing_waits_the_notice_names_nothing() -> None:
    made = await faulty()
    await made.say("add 2 seats")
    await stop(made)
    assert await made.open_proposals() == []
    assert "Not stopped" not in (await made.texts())[-1]
