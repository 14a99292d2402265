"""Whoever is forgotten is in no case and no post of the support room, and others' cases stay."""

from agent_core import presses
from agent_core.forget import Forgetting, person_to_forget
from agent_core.forgetting import Receipt
from agent_core.limits import Limits
from agent_core.messages import Participant, Platform
from tests.fakes.house import ADA, MEMBER, OWNER, House
from tests.store.population import dump


async def forget(house: House, one: Participant) -> Receipt:
    them = await house.store.run(lambda tx: person_to_forget(tx, one.identity))
    assert them is not None
    job = Forgetting(house.store, removers={Platform.SLACK: house.slack}, clock=house.clock)
    return await job.forget(them)


async def test_the_post_that_tells_of_many_cases_at_once_goes_with_theirs() -> None:
    house = await House(limits=Limits(waiting_of_account=1)).open()
    await house.says(OWNER, "add seats", mention=True)
    for number in range(12):
        await house.says(MEMBER, f"ZQ-WORD {number}", mention=True)
    await house.briefing.tell_of_crowd()
    await house.settle()
    assert any("more cases wait" in post.message.fallback for post in house.slack.posts)
    for case in await house.store.run(lambda tx: list(tx.escalations.waiting())):
        await house.presses(ADA, presses.RESOLVE, case.id)
    receipt = await forget(house, MEMBER)
    assert receipt.left == []
    assert [row for row in dump(house.store) if "ZQ-WORD" in row] == []
    assert [post for post in house.slack.posts if "ZQ-WORD" in post.message.fallback] == []
    await house.close()
