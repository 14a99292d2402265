"""What the support room and the customer see of an approval that nobody gives."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from agent_core.chasing import Chasing
from agent_core.limits import Limits
from agent_core.people import Capability
from agent_core.policy import ApprovalNeed
from agent_core.proposals import ProposalStatus
from tests.core.test_intake import propose
from tests.fakes.house import OWNER, House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()
    yield house
    await house.close()


async def test_approvers_and_leads_are_called_below_the_card_and_the_customer_is_told(
    house: House,
) -> None:
    limits = Limits()
    chasing = Chasing(
        store=house.store,
        outbox=house.delivery,
        desk=house.desk,
        decisions=house.decisions,
        clock=house.clock,
        limits=limits,
    )
    thread = await house.says(OWNER, "hello", mention=True)
    proposal = await propose(
        house,
        thread,
        approval=ApprovalNeed(capabilities=frozenset({Capability.APPROVER})),
        expires_at=house.clock.now() + timedelta(days=2),
    )
    await house.store.run(lambda tx: house.decisions.confirm(tx, proposal, house.clock.now()))
    await house.settle()
    before = len(house.slack.posts)
    await house.later(seconds=limits.approval_remind_seconds)
    await chasing.chase(proposal.id)
    await house.settle()
    reminded = [post.message.fallback for post in house.slack.posts[before:]]
    assert any("please decide, it still waits" in text for text in reminded)
    assert any("They have been reminded." in text for text in reminded)
    before = len(house.slack.posts)
    await house.later(seconds=limits.approval_pass_on_seconds)
    await chasing.chase(proposal.id)
    await house.settle()
    passed = [post.message.fallback for post in house.slack.posts[before:]]
    assert any("passed on to the support leads" in text for text in passed)
    stored = await house.store.run(lambda tx: tx.proposals.get(proposal.id))
    assert stored is not None and stored.status is ProposalStatus.AWAITING_APPROVAL
    assert stored.approval is not None and Capability.LEAD in stored.approval.capabilities
