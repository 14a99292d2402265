"""Approvals: by whom, by how many, on both platforms, and what happens when nobody gives one."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_core.approving import could_approve, join_first, still_count, with_approval
from agent_core.chasing import Chasing
from agent_core.conversation import ConversationStatus
from agent_core.deadlines import Deadlines
from agent_core.errors import ConversationChanged
from agent_core.escalations import EscalationReason
from agent_core.limits import Limits
from agent_core.messages import Platform
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.people import Capability, Person, PersonId, Requester, Role
from agent_core.policy import ApprovalNeed, Decision, Question, Ruling
from agent_core.proposals import Proposal, ProposalStatus
from agent_core.store import migrations
from agent_core.store.memory_store import MemoryStore
from agent_core.store.sql_store import SqlStore
from agent_core.yeses import Approve, Tell, route_approval
from bots.timers import OpenTimers
from tests.builders import NOON, a_proposal, an_identity
from tests.core.desk import Policy, World, ada

TWO = ApprovalNeed(capabilities=frozenset({Capability.APPROVER, Capability.LEAD}), people=2)


def vendor(name: str, *can: Capability, platforms: tuple[Platform, ...] = (Platform.SLACK,)) -> Any:
    identities = tuple(an_identity(f"V_{name}", platform) for platform in platforms)
    person = Person(
        id=PersonId(f"per_{name}"),
        name=name.title(),
        capabilities=frozenset(can),
        identities=identities,
    )
    return Requester(identity=identities[0], name=person.name, person=person)


LENA = vendor("lena", Capability.APPROVER, platforms=(Platform.SLACK, Platform.TEAMS))
OMAR = vendor("omar", Capability.LEAD)
TEA = vendor("tea", Capability.APPROVER, platforms=(Platform.TEAMS,))


def waiting(need: ApprovalNeed = TWO, **changes: Any) -> Proposal:
    return a_proposal(
        "pro_1",
        **{
            "status": ProposalStatus.AWAITING_APPROVAL,
            "approval": need,
            "confirmed_at": NOON,
            "expires_at": NOON + timedelta(days=1),
            **changes,
        },
    )


async def open_world(proposal: Proposal, store: Any = None) -> World:
    people = [ada(), *(one.person for one in (LENA, OMAR, TEA))]
    world = await World(ScriptModel([]), store=store).set_up(*people)
    await world.tx(lambda tx: tx.proposals.add(proposal))
    return world


async def now_is(world: World) -> Proposal:
    found: Proposal = await world.tx(lambda tx: tx.proposals.get(waiting().id))
    return found


async def test_two_different_people_have_to_approve() -> None:
    world = await open_world(waiting())
    await world.approve(waiting(), LENA)
    first = await now_is(world)
    assert first.status is ProposalStatus.AWAITING_APPROVAL
    assert [one.name for one in first.approvals] == ["Lena"]
    lena_on_teams = replace(LENA, identity=LENA.person.identities[1])
    assert isinstance(route_approval(first, lena_on_teams, yes=True, now=NOON), Tell)
    await world.approve(first, lena_on_teams)  # and if it came this far, she is one person
    assert len((await now_is(world)).approvals) == 1
    told = [text for text in await world.texts() if "one more person" in text]
    assert len(told) == 1 and "Lena approved" in told[0]
    await world.approve(first, OMAR)
    decided = await now_is(world)
    assert (decided.status, decided.approver_name) == (ProposalStatus.DECIDED, "Omar")
    assert [one.name for one in decided.approvals] == ["Lena", "Omar"]
    assert world.desk.changed[-1] == decided


async def test_the_requester_approves_on_neither_platform() -> None:
    asked = waiting(requester=LENA.identity, requester_key="slack:T1/V_lena")  # unknown back then
    on_teams = replace(LENA, identity=LENA.person.identities[1])
    for who in (LENA, on_teams):
        answer = route_approval(asked, who, yes=True, now=NOON)
        assert isinstance(answer, Tell) and "their own" in answer.sentence


async def test_who_is_not_joined_with_the_requesters_platform_approves_nothing() -> None:
    answer = route_approval(waiting(), TEA, yes=True, now=NOON)
    assert isinstance(answer, Tell) and "Join your accounts" in answer.sentence
    stranger = Requester(identity=an_identity("V_lena"), name="Lena", person=None)
    assert not could_approve(waiting(), stranger) and join_first(waiting(), stranger) is None
    assert isinstance(route_approval(waiting(), LENA, yes=True, now=NOON), Approve)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    if request.param == "memory":
        return MemoryStore
    url = f"sqlite:///{tmp_path / 'core.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("fresh_database")()
    migrations.migrate(url)
    return lambda: SqlStore(url)


async def test_two_approvers_at_once_are_two(make_store: Callable[[], Any]) -> None:
    world = await open_world(waiting(), make_store())

    # Both clicked the very same card, and read the proposal before the other had decided.
    async def click(who: Requester) -> Any:
        return await world.tx(lambda tx: world.decisions.approve(tx, waiting(), who, NOON))

    results = await asyncio.gather(
        *(click(who) for who in (LENA, OMAR, LENA, OMAR)),
        return_exceptions=True,
    )
    assert all(isinstance(one, Proposal | ConversationChanged) for one in results)
    decided = await now_is(world)
    assert decided.status is ProposalStatus.DECIDED
    assert sorted(one.name for one in decided.approvals) == ["Lena", "Omar"]
    rows = await world.tx(lambda tx: tx.inbox.new_rows(decided.conversation_id))
    assert len(rows) == 1  # decided once
    await world.store.close()


@pytest.mark.parametrize("rival", ["expire", "cancel", "decline"])
async def test_of_an_approval_and_its_rival_one_counts(
    make_store: Callable[[], Any], rival: str
) -> None:
    need = replace(TWO, people=1)
    world = await open_world(waiting(need, expires_at=NOON), make_store())
    deadlines = Deadlines(store=world.store, decisions=world.decisions, clock=world.clock)

    async def other() -> None:
        if rival == "expire":
            await deadlines.expire("pro_1")
        elif rival == "cancel":
            await world.tx(lambda tx: world.decisions.cancel(tx, waiting(need), NOON))
        else:
            await world.tx(lambda tx: world.decisions.decline(tx, waiting(need), OMAR, NOON))

    results = await asyncio.gather(
        world.tx(lambda tx: world.decisions.approve(tx, waiting(need), LENA, NOON)),
        other(),
        return_exceptions=True,
    )
    decided = await now_is(world)
    rows = await world.tx(lambda tx: tx.inbox.new_rows(decided.conversation_id))
    assert (decided.status is ProposalStatus.DECIDED) == (len(rows) == 1)
    assert decided.status is not ProposalStatus.AWAITING_APPROVAL
    lost = [one for one in results if isinstance(one, Exception)]
    assert all(isinstance(one, ConversationChanged) for one in lost)
    await world.store.close()


async def test_an_approval_is_reminded_passed_on_and_expires_into_a_case() -> None:
    need = ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
    world = await open_world(waiting(need))
    limits = Limits()
    chasing = Chasing(
        store=world.store,
        outbox=world.outbox,
        desk=world.desk,
        decisions=world.decisions,
        clock=world.clock,
        limits=limits,
    )
    world.later(seconds=limits.approval_remind_seconds - 1)
    await chasing.chase("pro_1")
    assert world.desk.chased == []
    world.later(seconds=1)
    await chasing.chase("pro_1")
    await chasing.chase("pro_1")  # fired twice: done once
    assert world.desk.chased == [("remind", frozenset({Capability.APPROVER}))]
    assert not could_approve(await now_is(world), OMAR)
    world.later(seconds=limits.approval_pass_on_seconds)
    await chasing.chase("pro_1")
    assert world.desk.chased[1:] == [("pass_on", frozenset({Capability.LEAD}))]
    assert could_approve(await now_is(world), OMAR)
    world.later(days=1)
    await chasing.chase("pro_1")
    deadlines = Deadlines(store=world.store, decisions=world.decisions, clock=world.clock)
    await deadlines.expire("pro_1")
    assert (await now_is(world)).status is ProposalStatus.EXPIRED
    assert [case["reason"] for case in world.desk.cases] == [EscalationReason.UNANSWERED_APPROVAL]
    texts = await world.texts()
    for part in ("have been reminded", "passed on to the support leads", "Nobody decided"):
        assert sum(part in text for text in texts) == 1, part


async def test_the_customers_own_people_are_called_in_their_thread() -> None:
    asked = waiting(ApprovalNeed(roles=frozenset({Role.OWNER})), requester=an_identity("U2"))
    world = await open_world(asked)
    chasing = Chasing(
        store=world.store,
        outbox=world.outbox,
        desk=world.desk,
        decisions=world.decisions,
        clock=world.clock,
        limits=Limits(),
    )
    world.later(hours=13)
    await chasing.chase("pro_1")
    called = [text for text in await world.texts() if "please decide" in text]
    assert len(called) == 2 and all("Ada" in text for text in called)
    # The vendor's leads are told to reach them, and cannot approve in their place.
    assert world.desk.chased == [("pass_on", frozenset({Capability.LEAD}))]
    assert not could_approve(await now_is(world), OMAR)


async def test_a_right_that_is_gone_takes_its_approval_with_it() -> None:
    given = with_approval(with_approval(waiting(), LENA, NOON), OMAR, NOON)
    assert still_count(TWO, given, [LENA, OMAR])
    former = replace(OMAR, person=replace(OMAR.person, capabilities=frozenset()))
    assert not still_count(TWO, given, [LENA, former])
    assert not still_count(TWO, given, [LENA, LENA])
    assert still_count(replace(TWO, people=1), given, [LENA, former])
    one = replace(given, approval=replace(TWO, passed_on=True))
    only_approvers = ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
    assert still_count(only_approvers, one, [OMAR])  # a lead, once it was passed on
    assert not still_count(only_approvers, given, [OMAR])


async def asked_and_confirmed(seats: int = 20) -> tuple[World, Proposal]:
    """Ada asked for more than the limit, and confirmed it: an approver is asked."""
    steps = [calls(call("add_seats", seats=seats)), says("See."), says("See."), says("See.")]
    world = await World(ScriptModel(steps)).set_up(ada(), LENA.person, OMAR.person)
    await world.say("add seats")
    [proposal] = await world.proposals()
    await world.confirm(proposal)
    return world, proposal


async def test_an_approval_is_of_the_state_that_was_shown() -> None:
    world, proposal = await asked_and_confirmed()
    await world.approve(proposal, LENA)
    world.accounts.change(1)  # between the yes and the run
    await world.run()
    assert world.accounts.effects == []
    old, fresh = sorted(await world.proposals(), key=lambda one: one.occurrence)
    assert old.status is ProposalStatus.EXPIRED
    assert fresh.status is ProposalStatus.AWAITING_CONFIRMATION and fresh.approvals == ()
    assert any("Changed in between" in text for text in await world.texts())


async def test_an_approver_who_lost_the_right_before_the_run_approved_nothing() -> None:
    world, proposal = await asked_and_confirmed()
    await world.approve(proposal, LENA)
    former = replace(LENA.person, capabilities=frozenset())
    await world.tx(lambda tx: tx.people.put(former))
    await world.run()
    assert world.accounts.effects == []
    assert any("may not approve this any more" in text for text in await world.texts())


async def test_an_approval_is_used_once() -> None:
    world, proposal = await asked_and_confirmed()
    await world.approve(proposal, LENA)
    await world.run()
    assert len(world.accounts.effects) == 1
    with pytest.raises(ConversationChanged):
        await world.tx(lambda tx: world.decisions.approve(tx, proposal, OMAR, NOON))
    await world.run()
    assert len(world.accounts.effects) == 1


async def test_what_is_due_is_found_again_although_the_engine_lost_it() -> None:
    need = ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
    world = await open_world(waiting(need))
    timers = OpenTimers(world.clock, limits=world.limits)

    async def found() -> list[str]:
        refs = await world.tx(lambda tx: [one.ref for one in timers.unapproved(tx)])
        return [ref.split("~")[0] for ref in refs]

    assert await found() == []
    world.later(seconds=world.limits.approval_remind_seconds)
    assert await found() == ["chase:pro_1:remind"]
    chasing = Chasing(
        store=world.store,
        outbox=world.outbox,
        desk=world.desk,
        decisions=world.decisions,
        clock=world.clock,
        limits=world.limits,
    )
    await chasing.chase("pro_1")
    assert await found() == []
    await world.approve(await now_is(world), LENA)
    world.later(seconds=world.limits.approval_pass_on_seconds)
    assert await found() == []  # decided: nobody is chased any more


# --- where nobody can approve -------------------------------------------------------------------


class Unconfirmed(Policy):
    """What is asked for goes to these approvers at once."""

    def __init__(self, need: ApprovalNeed) -> None:
        super().__init__()
        self.need = need

    def current(self) -> "Unconfirmed":
        return self

    def decide(self, question: Question) -> Ruling:
        return Ruling(
            decision=Decision.APPROVE, rule="test", reason="", confirm=False, approval=self.need
        )


@pytest.mark.parametrize(
    ("need", "people", "cases"),
    [
        (TWO, [LENA], 1),
        (TWO, [LENA, TEA], 1),  # known on Teams alone: her yes would not count on Slack
        (TWO, [LENA, OMAR], 0),
        (ApprovalNeed(roles=frozenset({Role.OWNER})), [LENA], 1),  # Ada is the only owner
    ],
)
@pytest.mark.parametrize("confirms", [False, True])
async def test_where_nobody_can_approve_a_person_hears_it_at_once(
    need: ApprovalNeed, people: list[Any], cases: int, confirms: bool
) -> None:
    steps = [calls(call("add_seats", seats=20)), says("See."), says("See.")]
    world = await World(ScriptModel(steps)).set_up(ada(), *(one.person for one in people))
    if confirms:
        await world.tx(lambda tx: tx.proposals.add(waiting(need, status=AWAITS_YES)))
        await world.confirm(await now_is(world))
    else:
        world.policy_source = Unconfirmed(need)
        await world.say("add 20 seats")
        [proposal] = await world.proposals()
        assert proposal.status is ProposalStatus.AWAITING_APPROVAL  # may still be given
    assert [case["reason"] for case in world.desk.cases] == [EscalationReason.ACCESS] * cases
    if cases:
        assert "nobody named so far can give" in world.desk.cases[0]["suggestion"]
        assert (await world.conversation()).status is ConversationStatus.WAITING_FOR_SUPPORT
    assert not await world.unfinished()


AWAITS_YES = ProposalStatus.AWAITING_CONFIRMATION
