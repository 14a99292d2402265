"""What people and operators did in a game, written down by the test and not by the core."""

from dataclasses import dataclass, field
from datetime import datetime

from agent_core.messages import RoomRef
from agent_core.people import AccountId, Role
from tests.enemy import cast

ELSE = "else:"  # keys of changes that somebody else made


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person did."""

    at: datetime
    who: str
    room: RoomRef
    thread: str
    action: str  # of a press; "" for words
    value: str
    text: str


@dataclass
class Record:
    """All that happened outside the core."""

    deeds: list[Deed] = field(default_factory=list)
    roles: list[tuple[datetime, str, AccountId, Role | None]] = field(default_factory=list)
    shared_at: datetime | None = None
    attempts: int = 0

    def role(self, who: str, account: AccountId, at: datetime) -> Role | None:
        """What the operator, or an owner, had made of this person by then."""
        role = cast.ROLES[who].get(account)
        for when, name, where, given in self.roles:
            if when <= at and (name, where) == (who, account):
                role = given
        return role

    def ever_in(self, who: str) -> set[AccountId]:
        """Every account in which this person has had a role."""
        given = {account for _, name, account, role in self.roles if name == who and role}
        return set(cast.ROLES[who]) | given
