"""Changes to people as pure functions: give, take, join."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent_core.audit_notes import note_joined, note_person
from agent_core.joining import merged, why_not_joined
from agent_core.messages import PlatformIdentity
from agent_core.people import AccountId, Capability, Person, PersonId, Role
from agent_core.ports import Ids, UnitOfWork
from bots.commands.running import Refused
from bots.configuration import person_address


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """What is to be so for one person; what is not named stays. A role of None is taken away."""

    identity: PlatformIdentity
    name: str = ""
    roles: Mapping[AccountId, Role | None] = field(default_factory=dict)
    give: frozenset[Capability] = frozenset()
    take: frozenset[Capability] = frozenset()


def changed(person: Person, change: PersonChange) -> Person:
    """The person after the change."""
    roles = {**person.roles, **change.roles}
    return replace(
        person,
        name=change.name or person.name,
        roles={account: role for account, role in roles.items() if role is not None},
        capabilities=(person.capabilities | change.give) - change.take,
    )


def new_person(identity: PlatformIdentity, person_id: str) -> Person:
    """Somebody of whom nothing is known but this identity."""
    return Person(id=PersonId(person_id), name=identity.user_id, identities=(identity,))


def apply(
    tx: UnitOfWork, change: PersonChange, ids: Ids, at: datetime
) -> tuple[Person | None, Person]:
    """The person before (None: new) and after, in the caller's transaction."""
    known = tx.people.find(change.identity)
    person = known or new_person(change.identity, ids.new("person"))
    after = changed(person, change)
    if after != known:
        tx.people.put(after)
        note_person(tx, known, after, at)
    return known, after


def find(tx: UnitOfWork, address: str) -> Person:
    """By address or by id. Raises Refused."""
    try:
        identity = person_address(address)
    except ValueError as problem:
        person = tx.people.get(PersonId(address))
        if person is None:
            raise Refused(f"{problem}, and nobody has that id.") from None
        return person
    person = tx.people.find(identity)
    if person is None:
        raise Refused(f"Nobody is known as {identity}. See: handrail people list")
    return person


def join(tx: UnitOfWork, keep: str, other: str, at: datetime) -> Person:
    """Gives all that `other` has to `keep`: identities, roles and capabilities.

    Raises Refused where they are one already, or have different roles in an account.
    """
    first, second = find(tx, keep), find(tx, other)
    problem = why_not_joined(first, second)
    if problem is not None:
        same = first.id == second.id
        raise Refused(problem if same else f"{problem} Set one first with: handrail people set")
    joined = merged(first, second)
    # What was recorded under the second id stays; the record itself is left with nothing.
    tx.people.put(replace(second, identities=(), roles={}, capabilities=frozenset()))
    tx.people.put(joined)
    note_joined(tx, first, second, at)
    note_person(tx, first, joined, at)
    return joined


def as_json(person: Person) -> dict[str, object]:
    """The stable form for scripts."""
    return {
        "id": person.id,
        "name": person.name,
        "identities": [str(each) for each in person.identities],
        "roles": {str(account): role.value for account, role in sorted(person.roles.items())},
        "capabilities": sorted(each.value for each in person.capabilities),
    }


def sentence(person: Person) -> str:
    """Who they are and what they may do, in one line."""
    roles = [f"{role} of {account}" for account, role in sorted(person.roles.items())]
    can = sorted(each.value for each in person.capabilities)
    known = ", ".join(str(each) for each in person.identities) or "no identity"
    return f"{person.name} ({known}): {', '.join(roles + can) or 'nothing'}"
