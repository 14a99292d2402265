"""Who is provably somebody else: what an approval needs, decided on people and not on accounts.

Two identities are two people only where somebody who can know it says so: one directory that holds
both as full members, or two companies that each vouch for one of them. docs/policy.md has the rule
in words. Everything is read in the transaction that decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent_core.approving import is_requester
from agent_core.messages import UNKNOWN_TENANT, Platform, PlatformIdentity
from agent_core.people import AccountId, Person, Requester, Role
from agent_core.ports import UnitOfWork
from agent_core.proposals import Proposal

# Membership may come from an owner's press on a card; every other role, from an operator alone.
_GIVEN_BY_OPERATORS = frozenset(Role) - {Role.MEMBER}

_CHANGED = (
    "Since this was asked for, who is behind the request has changed in our records. It has to be "
    "asked for again."
)
_GUEST = (
    "You are a guest here as far as the platform tells, so I cannot tell that you are somebody "
    "else than the one who asked. Somebody else has to decide, or an operator looks after your "
    "account: handrail people …"
)
_NOT_OURS = (
    "Your account here does not belong to our own company, so its yes is no approval. Approve from "
    "your own workspace or tenant."
)
_UNPROVEN = (
    "I cannot tell that you are somebody else than the one who asked: no directory has you both. "
    "Join your own account of the place where it was asked for (write “join” to the AI agent in a "
    "direct chat), let somebody else decide, or ask an operator: handrail people …"
)
_SAME_APPROVER = (
    "I cannot tell that you are somebody else than {name}, who has approved already. Somebody else "
    "has to say the second yes."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Houses:
    """The vendor's own tenants by platform; one that is absent is where the support room is."""

    tenants: Mapping[Platform, frozenset[str]] = field(default_factory=dict)

    def of(self, tx: UnitOfWork, platform: Platform) -> frozenset[str]:
        """The vendor's tenants on this platform; empty where nothing says which they are."""
        configured = self.tenants.get(platform)
        if configured:
            return configured
        rooms = (one.room for one in tx.rooms.all() if one.is_support)
        return frozenset(room.tenant_id for room in rooms if room.platform is platform)


def why_not_different(
    tx: UnitOfWork, houses: Houses, proposal: Proposal, who: Requester
) -> str | None:
    """Why this approver is not provably another person than those before, in a sentence for them.

    None where they are: than the requester, and than everybody whose yes is there already. `who`
    is somebody whom policy names; asked at the press, and again when the yes is used.
    """
    if who.person is None or is_requester(proposal, who):
        return "Nobody can approve their own request."
    if who.is_guest:
        return _GUEST
    if _has_changed(tx, proposal):
        return _CHANGED
    need = proposal.approval
    as_vendor = need is not None and who.role_in(proposal.account_id) not in need.roles
    own = houses.of(tx, who.identity.platform)
    if as_vendor and own and who.identity.tenant_id not in own:
        return _NOT_OURS
    there = houses.of(tx, proposal.requester.platform)
    if not _another_than_requester(tx, there, proposal, who.person, as_vendor=as_vendor):
        return _UNPROVEN
    for given in proposal.approvals:
        if given.key == who.key or given.identity in who.person.identities:
            continue  # their own earlier yes: counted once in any case
        other = tx.people.find(given.identity)
        if other is None or str(other.id) != given.key:
            return _CHANGED
        if not _two_people(tx, houses, proposal.account_id, who.person, other):
            return _SAME_APPROVER.format(name=given.name)
    return None


def _has_changed(tx: UnitOfWork, proposal: Proposal) -> bool:
    """Whether the requester's identity was another person's, or nobody's, when they asked.

    Somebody unknown who became known is no change; every other way is how a request is handed
    from one record to another so that its own author may approve it.
    """
    if proposal.requester_key == str(proposal.requester):
        return False
    person = tx.people.find(proposal.requester)
    return person is None or str(person.id) != proposal.requester_key


def _another_than_requester(
    tx: UnitOfWork,
    own: frozenset[str],
    proposal: Proposal,
    approver: Person,
    *,
    as_vendor: bool,
) -> bool:
    """`own`: the vendor's tenants on the requester's platform."""
    asked = proposal.requester
    is_guest = proposal.asked_as.is_guest if proposal.asked_as else False
    trusted = own if as_vendor and own else None
    if not is_guest and _in_one_directory(approver.identities, (asked,), trusted):
        return True
    requester = tx.people.find(asked)
    if requester is None or not as_vendor:
        return False
    foreign = is_guest or asked.tenant_id not in own
    vouched = _is_vouched_for(tx, own, proposal.account_id, requester, asked, is_guest=is_guest)
    return foreign and vouched and _is_of(approver, asked.platform, own)


def _two_people(
    tx: UnitOfWork, houses: Houses, account: AccountId, one: Person, other: Person
) -> bool:
    """Whether two approvers are two: of one directory, or one the vendor's and one the account's.

    For two of the vendor's the directory is the vendor's; elsewhere anybody can have two accounts.
    """
    vendors = bool(one.capabilities) and bool(other.capabilities)
    for platform in Platform:
        own = houses.of(tx, platform)
        trusted = own if vendors and own else None
        ours, theirs = _on(one, platform), _on(other, platform)
        if _in_one_directory(ours, theirs, trusted):
            return True
        for vendor, customer, identities in ((one, other, theirs), (other, one, ours)):
            if vendor.capabilities and _is_of(vendor, platform, own):
                for identity in identities:
                    foreign = identity.tenant_id not in own
                    if foreign and _is_vouched_for(tx, own, account, customer, identity):
                        return True
    return False


def _in_one_directory(
    ours: Iterable[PlatformIdentity],
    theirs: Iterable[PlatformIdentity],
    trusted: frozenset[str] | None,
) -> bool:
    """Whether one tenant has both as two accounts. `trusted`: only these tenants are believed."""
    mine = tuple(ours)
    believed = (
        other
        for other in theirs
        if other.tenant_id != UNKNOWN_TENANT and (trusted is None or other.tenant_id in trusted)
    )
    return any(
        one != other and (one.platform, one.tenant_id) == (other.platform, other.tenant_id)
        for other in believed
        for one in mine
    )


def _is_vouched_for(
    tx: UnitOfWork,
    own: frozenset[str],
    account: AccountId,
    person: Person,
    identity: PlatformIdentity,
    *,
    is_guest: bool = False,
) -> bool:
    """Whether the account's own company, or an operator, says that this is one of its people."""
    role = person.roles.get(account)
    if role is None or person.capabilities or identity.tenant_id == UNKNOWN_TENANT:
        return False
    if role in _GIVEN_BY_OPERATORS:
        return True
    named = tx.people.with_role(account, _GIVEN_BY_OPERATORS)
    tenants = {
        each.tenant_id
        for one in named
        if not one.capabilities
        for each in one.identities
        if each.platform is identity.platform
    }
    return not is_guest and identity.tenant_id in tenants - own


def _on(person: Person, platform: Platform) -> tuple[PlatformIdentity, ...]:
    return tuple(one for one in person.identities if one.platform is platform)


def _is_of(person: Person, platform: Platform, tenants: frozenset[str]) -> bool:
    return any(one.tenant_id in tenants for one in _on(person, platform))
