"""Whose yes is provably another person's: by directory and company, at the moment of the press."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from agent_core.approving import is_requester
from agent_core.different import Houses, why_not_different
from agent_core.messages import UNKNOWN_TENANT, Platform, PlatformIdentity
from agent_core.people import Capability, Person, PersonId, Requester, Role
from agent_core.policy import ApprovalNeed
from agent_core.proposals import Approval, AskedAs, Proposal, ProposalStatus
from agent_core.store.memory_store import MemoryStore
from tests.builders import ACME, NOON, a_proposal

OURS, THEIRS, EVIL = "T_OURS", "T_THEIRS", "T_EVIL"
HOUSES = Houses(tenants={Platform.SLACK: frozenset({OURS, "T_OURS2"})})
VENDOR = ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
CUSTOMER = ApprovalNeed(roles=frozenset({Role.OWNER}))


def slack(tenant: str, user: str) -> PlatformIdentity:
    return PlatformIdentity(platform=Platform.SLACK, tenant_id=tenant, user_id=user)


def teams(tenant: str, user: str) -> PlatformIdentity:
    return PlatformIdentity(platform=Platform.TEAMS, tenant_id=tenant, user_id=user)


def person(name: str, *known: PlatformIdentity, role: Role | None = None, can: Any = ()) -> Person:
    roles = {ACME: role} if role else {}
    return Person(
        id=PersonId(name), name=name, identities=known, roles=roles, capabilities=frozenset(can)
    )


OLGA = person("olga", slack(THEIRS, "olga"), role=Role.OWNER)
EVE = person("eve", slack(OURS, "eve"), can=[Capability.APPROVER])


def asked_by(who: Person | PlatformIdentity, need: ApprovalNeed = VENDOR, **more: Any) -> Proposal:
    known = (who,) if isinstance(who, PlatformIdentity) else who.identities
    return a_proposal(
        requester=known[0],
        requester_key=str(who if isinstance(who, PlatformIdentity) else who.id),
        status=ProposalStatus.AWAITING_APPROVAL,
        approval=need,
        confirmed_at=NOON,
        **{"asked_as": AskedAs(identities=known), **more},
    )


def _put(one: Person, tx: Any) -> None:
    tx.people.put(one)


async def told(
    proposal: Proposal, by: Person, *others: Person, at: int = 0, guest: bool = False
) -> str | None:
    store = MemoryStore()
    for one in (by, *others):
        await store.run(partial(_put, one))
    who = Requester(identity=by.identities[at], name=by.name, person=by, is_guest=guest)
    return await store.run(lambda tx: why_not_different(tx, HOUSES, proposal, who))


async def test_two_companies_or_one_directory_prove_two_people() -> None:
    assert await told(asked_by(OLGA), EVE, OLGA) is None
    carl = person("carl", slack(OURS, "carl"), can=[Capability.STAFF])
    assert await told(asked_by(carl), EVE, carl) is None
    mia = person("mia", slack(THEIRS, "mia"), role=Role.MEMBER)
    assert await told(asked_by(mia), EVE, mia, OLGA) is None  # of the owner's company
    assert await told(asked_by(mia, CUSTOMER), OLGA, mia) is None


@pytest.mark.parametrize(
    "requester",
    [
        person("sock", slack("T_OURS2", "eve"), can=[Capability.STAFF]),  # two of our workspaces
        person("sock", slack(EVIL, "eve"), role=Role.MEMBER),  # let in by a fooled owner
        person("sock", slack(EVIL, "eve"), role=Role.OWNER, can=[Capability.STAFF]),
        person("sock", slack(UNKNOWN_TENANT, "eve"), role=Role.OWNER),
        slack(EVIL, "eve"),  # a Slack Connect stranger
        slack(THEIRS, "nobody"),
    ],
)
async def test_a_second_account_of_the_approver_proves_nothing(requester: Any) -> None:
    others = (OLGA, requester) if isinstance(requester, Person) else (OLGA,)
    said = await told(asked_by(requester), EVE, *others)
    assert said is not None and "cannot tell" in said


async def test_a_throwaway_workspace_joined_earlier_proves_nothing() -> None:
    """It has two accounts in a workspace of its own: one asks, the other is the approver's."""
    eve = replace(EVE, identities=(teams("ten", "eve"), slack(EVIL, "eve")))
    sock = person("sock", slack(EVIL, "sock"), role=Role.OWNER)
    said = await told(asked_by(sock), eve, sock)
    assert said is not None and "cannot tell" in said
    said = await told(
        asked_by(OLGA), replace(EVE, identities=(*EVE.identities, slack(EVIL, "e"))), OLGA, at=1
    )
    assert said is not None and "does not belong to our own company" in said


async def test_guests_prove_nothing_unless_an_operator_named_them() -> None:
    guest = person("gus", slack(OURS, "gus"), role=Role.MEMBER)
    as_guest = AskedAs(identities=guest.identities, is_guest=True)
    said = await told(asked_by(guest, asked_as=as_guest), EVE, guest, OLGA)
    assert said is not None and "cannot tell" in said
    named = replace(guest, roles={ACME: Role.BILLING_ADMIN})
    assert await told(asked_by(named, asked_as=as_guest), EVE, named) is None
    said = await told(asked_by(OLGA), EVE, OLGA, guest=True)
    assert said is not None and "You are a guest here" in said


async def test_neither_a_moved_identity_nor_a_person_made_anew_is_somebody_else() -> None:
    both = replace(EVE, identities=(slack(OURS, "eve"), slack(THEIRS, "eve")))
    asked = asked_by(replace(both, identities=both.identities[::-1]))
    moved = replace(EVE, id=PersonId("eve_2"))  # her own account went to a new record
    left = replace(both, identities=(slack(THEIRS, "eve"),), roles={ACME: Role.OWNER})
    who = Requester(identity=EVE.identities[0], name="Eve", person=moved)
    assert is_requester(asked, who)
    assert await told(asked, moved, left) == "Nobody can approve their own request."
    # The asking account went to another record, or to none.
    asked = asked_by(OLGA)
    said = await told(asked, EVE, replace(OLGA, id=PersonId("olga_2")))
    assert said is not None and "asked for again" in said
    assert "asked for again" in str(await told(asked, EVE))


async def test_two_approvers_have_to_be_two_people_as_well() -> None:
    two = replace(VENDOR, people=2)
    other = person("eve2", slack("T_OURS2", "eve"), can=[Capability.APPROVER])
    lena = person("lena", slack(OURS, "lena"), can=[Capability.APPROVER])
    for first, fine in ((other, False), (lena, True)):
        yes = Approval(identity=first.identities[0], key=str(first.id), name=first.name, at=NOON)
        said = await told(asked_by(OLGA, two, approvals=(yes,)), EVE, first, OLGA)
        assert (said is None) is fine, said
