"""Whoever is forgotten is in no case and no post of the support room, and others' cases stay."""

import json
from dataclasses import replace
from typing import Any

import pytest

from agent_core import presses
from agent_core.brakes import BrakeScope
from agent_core.escalations import Escalation, EscalationId
from agent_core.forget import Forgetting, person_to_forget
from agent_core.forgetting import Receipt
from agent_core.limits import Limits
from agent_core.messages import Participant, Platform
from agent_core.outgoing import OutgoingStatus
from agent_core.pausing import pause
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, ProposalStatus
from tests.builders import NOON, a_ledger_entry, a_proposal, an_outbound_message, an_outgoing_row
from tests.fakes.house import ADA, CUSTOMER_ROOM, GLOBEX, MEMBER, OWNER, SUPPORT_ROOM, House
from tests.store.population import dump


async def forget(house: House, one: Participant) -> Receipt:
    them = await house.store.run(lambda tx: person_to_forget(tx, one.identity))
    assert them is not None
    job = Forgetting(house.store, removers={Platform.SLACK: house.slack}, clock=house.clock)
    return await job.forget(them)


async def resolve_all(house: House, **changes: Any) -> None:
    """No case is open, and nothing waits for the agent, whose part nobody plays here."""

    def change(tx: UnitOfWork) -> list[Escalation]:
        cases = [case for case in map(tx.escalations.get, case_ids(house)) if case is not None]
        for case in cases:
            tx.escalations.save(replace(case, **changes), expected=case)
            tx.inbox.finish([row.seq for row in tx.inbox.new_rows(case.conversation_id)])
        return cases

    for case in await house.store.run(change):
        await house.presses(ADA, presses.RESOLVE, case.id)


def case_ids(house: House) -> list[EscalationId]:
    rows = [row.split(" ", 1) for row in dump(house.store)]
    return [EscalationId(json.loads(body)["id"]) for table, body in rows if "escalat" in table]


def rename(tx: UnitOfWork, one: Participant, name: str) -> None:
    person = tx.people.find(one.identity)
    assert person is not None
    tx.people.put(replace(person, name=name))


async def test_the_post_that_tells_of_many_cases_at_once_goes_with_theirs() -> None:
    house = await House(limits=Limits(waiting_of_account=1)).open()
    await house.says(OWNER, "add seats", mention=True)
    for number in range(12):
        await house.says(MEMBER, f"ZQ-WORD {number}", mention=True)
    await house.briefing.tell_of_crowd()
    await house.settle()
    assert any("more cases wait" in post.message.fallback for post in house.slack.posts)
    await resolve_all(house)
    receipt = await forget(house, MEMBER)
    assert receipt.left == []
    assert [row for row in dump(house.store) if "ZQ-WORD" in row] == []
    assert [post for post in house.slack.posts if "ZQ-WORD" in post.message.fallback] == []
    await house.close()


async def test_the_case_of_a_namesake_in_the_same_thread_stays() -> None:
    house = await House().open()
    namesake = replace(OWNER, name=MEMBER.name)
    await house.store.run(lambda tx: rename(tx, OWNER, MEMBER.name))
    thread = await house.says(MEMBER, "hello", mention=True)
    talk = await house.conversation(thread)
    await house.says(namesake, "my invoices are wrong", thread=thread)
    await house.presses(namesake, presses.ASK_SUPPORT, talk.id, CUSTOMER_ROOM, thread)
    await resolve_all(house)
    receipt = await forget(house, MEMBER)
    assert receipt.left == []
    cases = [row for row in dump(house.store) if row.startswith("hr_escalations")]
    assert len(cases) == 1 and "my invoices are wrong" in cases[0] and MEMBER.name in cases[0]
    assert any("invoices are wrong" in post.message.fallback for post in house.slack.posts)
    await house.close()


async def test_the_case_of_somebody_who_only_pressed_is_found() -> None:
    house = await House().open()
    thread = await house.says(OWNER, "hello", mention=True)
    talk = await house.conversation(thread)
    await house.presses(MEMBER, presses.ASK_SUPPORT, talk.id, CUSTOMER_ROOM, thread)
    await resolve_all(house)
    receipt = await forget(house, MEMBER)
    assert receipt.left == []
    assert [row for row in dump(house.store) if MEMBER.name in row] == []
    await house.close()


async def test_a_case_that_an_older_version_opened_is_found_by_the_name() -> None:
    house = await House().open()
    thread = await house.says(MEMBER, "my invoices are wrong", mention=True)
    talk = await house.conversation(thread)
    await house.says(OWNER, "and mine", thread=thread)
    await house.presses(MEMBER, presses.ASK_SUPPORT, talk.id, CUSTOMER_ROOM, thread)
    await resolve_all(house, asker=None)
    await forget(house, MEMBER)
    cases = [row for row in dump(house.store) if row.startswith("hr_escalations")]
    assert len(cases) == 1 and MEMBER.name not in cases[0]
    await house.close()


@pytest.mark.parametrize("older", [{}, {"asker": None}])  # as an older version stored it
async def test_a_colleague_who_took_over_is_nowhere_in_the_case_and_the_customer_is(
    older: dict[str, None],
) -> None:
    house = await House().open()
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    await house.says(ADA, "I see to it", thread=thread)
    await resolve_all(house, **older)
    receipt = await forget(house, ADA)
    assert receipt.left == []
    cases = [row for row in dump(house.store) if row.startswith("hr_escalations")]
    assert len(cases) == 1 and ADA.name not in cases[0] and str(ADA.identity) not in cases[0]
    words = [row for row in dump(house.store) if row.startswith("hr_transcript")]
    assert any("my invoices are wrong" in row for row in words)
    assert any("I see to it" in row for row in words)  # the customer's too
    await house.close()


async def test_the_pause_of_a_namesake_stays() -> None:
    house = await House().open()

    def pauses(tx: UnitOfWork) -> None:
        for who, scope, target in (
            (OWNER, BrakeScope.ALL, ""),
            (MEMBER, BrakeScope.TOOL, "add_seats"),
        ):
            key = f"person-{who.identity.user_id}"
            pause(tx, scope, target, MEMBER.name, key, NOON, f"a reason of {key}")

    await house.store.run(pauses)
    await forget(house, MEMBER)
    by = {brake.scope: brake for brake in await house.store.run(lambda tx: tx.brakes.all())}
    assert by[BrakeScope.ALL].set_by == MEMBER.name and "olga" in by[BrakeScope.ALL].reason
    assert by[BrakeScope.TOOL].set_by != MEMBER.name and by[BrakeScope.TOOL].reason == ""
    await house.close()


async def test_what_was_done_for_them_leaves_the_case_of_somebody_else() -> None:
    house = await House().open()
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    await house.says(MEMBER, "mine too", thread=thread)
    talk = await house.conversation(thread)

    def act(tx: UnitOfWork) -> None:
        for name, who in (("pro_of_member", MEMBER), ("pro_of_owner", OWNER)):
            done = a_proposal(
                name, conversation_id=talk.id, account_id=GLOBEX, requester=who.identity,
                arguments={"seats": len(name)},
                requester_key=f"person-{who.identity.user_id}", requester_name=who.name,
                status=ProposalStatus.CONSUMED,
            )  # fmt: skip
            tx.proposals.add(done)
            begun = a_ledger_entry(
                done.id, conversation_id=talk.id, account_id=GLOBEX, requester=who.identity
            )
            tx.ledger.intend(begun)
            over = replace(
                begun, outcome=Outcome.SUCCEEDED, settled_at=NOON, title=f"ZQ of {who.name}"
            )
            tx.ledger.settle(over)

    await house.store.run(act)
    await house.presses(OWNER, presses.ASK_SUPPORT, talk.id, CUSTOMER_ROOM, thread)
    assert any("ZQ of Mia" in post.message.fallback for post in house.slack.posts)
    await resolve_all(house)
    receipt = await forget(house, MEMBER)
    assert receipt.left == []
    assert [row for row in dump(house.store) if "ZQ of Mia" in row] == []
    assert [post for post in house.slack.posts if "ZQ of Mia" in post.message.fallback] == []
    assert any("my invoices are wrong" in post.message.fallback for post in house.slack.posts)
    await house.close()


async def test_what_only_they_were_shown_of_the_cases_and_actions_of_others_is_erased() -> None:
    """A support person's own remark inside, and what an approver alone may read of a wish."""
    house = await House().open()
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    talk = await house.conversation(thread)
    await house.presses(OWNER, presses.ASK_SUPPORT, talk.id, CUSTOMER_ROOM, thread)
    [case] = await house.store.run(lambda tx: list(tx.escalations.waiting()))
    inside = await house.store.run(lambda tx: tx.outgoing.destination(case.destination))
    assert inside is not None and inside.address.thread_id is not None
    there = inside.address.thread_id
    await house.says(ADA, "ZQ-REMARK", thread=there, room=SUPPORT_ROOM)

    def to_approve(tx: UnitOfWork) -> None:
        message = an_outbound_message("To approve: ZQ-WISH", private_to=ADA.identity)
        row = an_outgoing_row(
            f"approver:pro_1:{ADA.identity}", destination=talk.destination, message=message,
            conversation_id=talk.id, status=OutgoingStatus.SENT,
        )  # fmt: skip
        tx.outgoing.add(row)

    await house.store.run(to_approve)
    assert any("ZQ-REMARK" in row for row in dump(house.store))
    await resolve_all(house)
    receipt = await forget(house, ADA)
    assert receipt.left == []
    assert [row for row in dump(house.store) if "ZQ-" in row or f":{ADA.identity}" in row] == []
    assert any("my invoices are wrong" in post.message.fallback for post in house.slack.posts)
    await house.close()
