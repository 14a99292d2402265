"""Who somebody is and what they are to an account. Nobody has a role until given one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from agent_core.messages import PlatformIdentity

PersonId = NewType("PersonId", str)
AccountId = NewType("AccountId", str)


class Role(StrEnum):
    """What a person is in one account. Unknown people have none."""

    OWNER = "owner"
    BILLING_ADMIN = "billing_admin"
    ADMIN = "admin"
    MEMBER = "member"


class Capability(StrEnum):
    """What a person may do for the vendor, in every account."""

    STAFF = "staff"  # asks on behalf of a named account
    SUPPORT = "support"  # claims, answers and resolves cases
    APPROVER = "approver"  # approves what policy sends to support
    LEAD = "lead"  # operates brakes, routing and policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person, joined from one or more platform identities by an admin or a one-time code."""

    id: PersonId
    name: str
    capabilities: frozenset[Capability] = frozenset()
    roles: Mapping[AccountId, Role] = field(default_factory=dict)
    identities: tuple[PlatformIdentity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinCode:
    """A one-time code that joins two identities of one person, as it is kept.

    `selector` finds it, `digest` is the salted hash of the rest: the code itself is nowhere.
    `asked_by` has entered it and was shown whom they would be joined with.
    """

    selector: str
    digest: str
    identity: PlatformIdentity
    name: str
    expires_at: datetime
    tries: int = 0
    asked_by: PlatformIdentity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """The one a turn acts for, as known at this moment. `person` None: unknown to us.

    `is_guest`: they write as a guest of their tenant, if the platform said so.
    """

    identity: PlatformIdentity
    name: str
    person: Person | None
    is_guest: bool = False

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self.person.capabilities if self.person else frozenset()

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def role_in(self, account_id: AccountId | None) -> Role | None:
        """Their role in this account; None for the unknown and for other accounts' people."""
        if self.person is None or account_id is None:
            return None
        return self.person.roles.get(account_id)

    @property
    def key(self) -> str:
        """The person where known, else the identity: what `one person` means for a turn."""
        return str(self.person.id) if self.person else str(self.identity)

    @property
    def addresses(self) -> frozenset[str]:
        """All identities that are theirs, written out, the one they act under among them."""
        known = self.person.identities if self.person else ()
        return frozenset(map(str, (self.identity, *known)))
