"""Rooms and people in SQL."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent_core.conversation import RoomBinding
from agent_core.errors import ConversationChanged
from agent_core.messages import PlatformIdentity, RoomRef
from agent_core.people import AccountId, Capability, Person, PersonId, Role
from agent_core.store import tables
from agent_core.store.rows import ROOMS
from agent_core.store.sql import Sql, given, given_many

_ROOMS = ROOMS.table
_GET_ROOM = ROOMS.select().where(_ROOMS.c.room == given("room"))
_ALL_ROOMS = ROOMS.select().order_by(_ROOMS.c.room)
_REMOVE_ROOM = sa.delete(_ROOMS).where(_ROOMS.c.room == given("room"))

_PEOPLE = tables.table(tables.PersonTable)
_IDENTITIES = tables.table(tables.IdentityTable)
_ROLES = tables.table(tables.RoleTable)
_CAPABILITIES = tables.table(tables.CapabilityTable)
_TOLD = tables.table(tables.ToldTable)


class SqlRooms:
    """`ports.Rooms`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, room: RoomRef) -> RoomBinding | None:
        row = self._sql.one(_GET_ROOM, b_room=str(room))
        return ROOMS.from_row(row) if row else None

    def put(self, binding: RoomBinding) -> None:
        self._sql.put(_ROOMS, ROOMS.to_row(binding), ROOMS.names[1:])

    def remove(self, room: RoomRef) -> None:
        self._sql.change(_REMOVE_ROOM, {"b_room": str(room)})

    def all(self) -> Sequence[RoomBinding]:
        return [ROOMS.from_row(row) for row in self._sql.all(_ALL_ROOMS)]


def _facts(person: sa.ColumnElement[bool] | None) -> sa.CompoundSelect[Any]:
    """All that people have beside their names, as (person, what, value, more, order)."""
    tables_of_facts: tuple[tuple[sa.Table, str, Any, Any, Any], ...] = (
        (_IDENTITIES, "identity", _IDENTITIES.c.identity, sa.literal_column("''"),
         _IDENTITIES.c.position),
        (_ROLES, "role", _ROLES.c.account_id, _ROLES.c.role, sa.literal_column("0")),
        (_CAPABILITIES, "capability", _CAPABILITIES.c.capability, sa.literal_column("''"),
         sa.literal_column("0")),
    )  # fmt: skip
    parts = []
    for table, what, value, more, order in tables_of_facts:
        part = sa.select(
            table.c.person_id, sa.literal_column(f"'{what}'"), value, more, order.label("place")
        )
        if person is not None:
            part = part.where(table.c.person_id.in_(given_many("ids")))
        parts.append(part)
    return sa.union_all(*parts).order_by("place")


_NAMES = sa.select(_PEOPLE.c.id, _PEOPLE.c.name).order_by(_PEOPLE.c.name, _PEOPLE.c.id)
_BY_ID = _NAMES.where(_PEOPLE.c.id == given("id"))
_BY_IDENTITY = _NAMES.join(_IDENTITIES, _IDENTITIES.c.person_id == _PEOPLE.c.id).where(
    _IDENTITIES.c.identity == given("identity")
)
_WITH_CAPABILITY = _NAMES.join(_CAPABILITIES, _CAPABILITIES.c.person_id == _PEOPLE.c.id).where(
    _CAPABILITIES.c.capability == given("capability")
)
_WITH_ROLE = _NAMES.join(_ROLES, _ROLES.c.person_id == _PEOPLE.c.id).where(
    _ROLES.c.account_id == given("account"), _ROLES.c.role.in_(given_many("roles"))
)
_ALL_FACTS = _facts(None)
_FACTS_OF = _facts(sa.true())
_TAKEN = sa.select(_IDENTITIES.c.identity).where(
    _IDENTITIES.c.identity.in_(given_many("identities")), _IDENTITIES.c.person_id != given("id")
)
_FORGET = [
    sa.delete(table).where(table.c.person_id == given("id"))
    for table in (_IDENTITIES, _ROLES, _CAPABILITIES)
]
_WAS_TOLD = sa.select(_TOLD.c.identity).where(_TOLD.c.identity == given("identity"))


def _belongs_to_another(identities: Iterable[object]) -> ConversationChanged:
    named = ", ".join(sorted(map(str, identities)))
    return ConversationChanged(f"{named} belongs to another person already: unlink it there first")


class SqlPeople:
    """`ports.People`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, person_id: PersonId) -> Person | None:
        return self._first(self._sql.all(_BY_ID, b_id=person_id))

    def find(self, identity: PlatformIdentity) -> Person | None:
        return self._first(self._sql.all(_BY_IDENTITY, b_identity=str(identity)))

    def put(self, person: Person) -> None:
        identities = [str(identity) for identity in person.identities]
        taken = self._sql.all(_TAKEN, b_identities=identities, b_id=person.id)
        if taken:
            raise _belongs_to_another(row[0] for row in taken)
        self._sql.put(_PEOPLE, {"id": person.id, "name": person.name}, ("name",))
        for forget in _FORGET:
            self._sql.change(forget, {"b_id": person.id})
        for position, identity in enumerate(identities):
            row = {"identity": identity, "person_id": person.id, "position": position}
            if not self._sql.add(_IDENTITIES, row):
                raise _belongs_to_another([identity])
        for account, role in person.roles.items():
            row = {"person_id": person.id, "account_id": account, "role": role.value}
            self._sql.add(_ROLES, row)
        for capability in person.capabilities:
            row = {"person_id": person.id, "capability": capability.value}
            self._sql.add(_CAPABILITIES, row)

    def all(self) -> Sequence[Person]:
        return self._build(self._sql.all(_NAMES), self._sql.all(_ALL_FACTS))

    def with_role(self, account_id: AccountId, roles: frozenset[Role]) -> Sequence[Person]:
        names = [role.value for role in roles]
        return self._load(self._sql.all(_WITH_ROLE, b_account=account_id, b_roles=names))

    def with_capability(self, capability: Capability) -> Sequence[Person]:
        return self._load(self._sql.all(_WITH_CAPABILITY, b_capability=capability.value))

    def was_told(self, identity: PlatformIdentity) -> bool:
        return self._sql.one(_WAS_TOLD, b_identity=str(identity)) is not None

    def note_told(self, identity: PlatformIdentity, at: datetime) -> None:
        self._sql.add(_TOLD, {"identity": str(identity), "at": at})

    def _first(self, names: Sequence[Sequence[Any]]) -> Person | None:
        people = self._load(names)
        return people[0] if people else None

    def _load(self, names: Sequence[Sequence[Any]]) -> Sequence[Person]:
        if not names:
            return []
        return self._build(names, self._sql.all(_FACTS_OF, b_ids=[row[0] for row in names]))

    def _build(
        self, names: Sequence[Sequence[Any]], facts: Sequence[Sequence[Any]]
    ) -> Sequence[Person]:
        by_person = defaultdict[str, list[Sequence[Any]]](list)
        for fact in facts:
            by_person[fact[0]].append(fact)
        return [_person(person_id, name, by_person[person_id]) for person_id, name in names]


def _person(person_id: str, name: str, facts: Sequence[Sequence[Any]]) -> Person:
    return Person(
        id=PersonId(person_id),
        name=name,
        capabilities=frozenset(Capability(row[2]) for row in facts if row[1] == "capability"),
        roles={AccountId(row[2]): Role(row[3]) for row in facts if row[1] == "role"},
        identities=tuple(PlatformIdentity.parse(row[2]) for row in facts if row[1] == "identity"),
    )
