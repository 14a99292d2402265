"""Rooms and people in SQL."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent_core.conversation import RoomBinding
from agent_core.errors import ConversationChanged
from agent_core.messages import PlatformIdentity, RoomRef
from agent_core.people import AccountId, Capability, JoinCode, Person, PersonId, Role
from agent_core.ports import Departure
from agent_core.store import tables
from agent_core.store.rows import JOIN_CODES, ROOMS
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


_DEPARTURES = tables.table(tables.DepartureTable)
_DEPARTED = sa.select(_DEPARTURES.c.place, _DEPARTURES.c.left_at).order_by(
    _DEPARTURES.c.left_at, _DEPARTURES.c.place
)
_RETURNED = sa.delete(_DEPARTURES).where(_DEPARTURES.c.place == given("place"))


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

    def departed(self) -> Sequence[Departure]:
        rows = self._sql.all(_DEPARTED)
        return [Departure(place=RoomRef.parse(place), left_at=at) for place, at in rows]

    def note_departed(self, place: RoomRef, at: datetime) -> None:
        self._sql.put(_DEPARTURES, {"place": str(place), "left_at": at}, ("left_at",))

    def note_returned(self, place: RoomRef) -> bool:
        return self._sql.change(_RETURNED, {"b_place": str(place)}) > 0


OfPerson = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]


def _facts(of: OfPerson | None, *, names: bool = False) -> sa.CompoundSelect[Any]:
    """All that people have, with or without their names, as (person, what, value, more, place)."""
    nothing: sa.ColumnElement[Any] = sa.literal_column("''")
    first: sa.ColumnElement[Any] = sa.literal_column("0")
    sources: list[tuple[str, Any, Any, Any, Any]] = [
        ("identity", _IDENTITIES.c.person_id, _IDENTITIES.c.identity, nothing,
         _IDENTITIES.c.position),
        ("role", _ROLES.c.person_id, _ROLES.c.account_id, _ROLES.c.role, first),
        ("capability", _CAPABILITIES.c.person_id, _CAPABILITIES.c.capability, nothing, first),
    ]  # fmt: skip
    if names:
        sources.append(("name", _PEOPLE.c.id, _PEOPLE.c.name, nothing, first))
    parts = []
    for what, person, value, more, place in sources:
        part = sa.select(person, sa.literal_column(f"'{what}'"), value, more, place.label("place"))
        parts.append(part if of is None else part.where(of(person)))
    return sa.union_all(*parts).order_by("place")


_NAMES = sa.select(_PEOPLE.c.id, _PEOPLE.c.name).order_by(_PEOPLE.c.name, _PEOPLE.c.id)
_BY_ID = _NAMES.where(_PEOPLE.c.id == given("id"))
_WHOSE = _IDENTITIES.alias("whose")
_PERSON = (
    sa.select(_WHOSE.c.person_id).where(_WHOSE.c.identity == given("identity")).scalar_subquery()
)
_WITH_CAPABILITY = _NAMES.join(_CAPABILITIES, _CAPABILITIES.c.person_id == _PEOPLE.c.id).where(
    _CAPABILITIES.c.capability == given("capability")
)
_WITH_ROLE = _NAMES.join(_ROLES, _ROLES.c.person_id == _PEOPLE.c.id).where(
    _ROLES.c.account_id == given("account"), _ROLES.c.role.in_(given_many("roles"))
)
_ALL_FACTS = _facts(None)
_FACTS_OF = _facts(lambda person: person.in_(given_many("ids")))
_ALL_OF_IDENTITY = _facts(lambda person: person == _PERSON, names=True)
_TAKEN = sa.select(_IDENTITIES.c.identity).where(
    _IDENTITIES.c.identity.in_(given_many("identities")), _IDENTITIES.c.person_id != given("id")
)
_FORGET = [
    sa.delete(table).where(table.c.person_id == given("id"))
    for table in (_IDENTITIES, _ROLES, _CAPABILITIES)
]
_REMOVE = sa.delete(_PEOPLE).where(_PEOPLE.c.id == given("id"))
_WAS_TOLD = sa.select(_TOLD.c.identity).where(_TOLD.c.identity == given("identity"))
_CODES = JOIN_CODES.table
_CODE = JOIN_CODES.select().where(_CODES.c.selector == given("selector")).with_for_update()
_DROP_CODES = sa.delete(_CODES).where(_CODES.c.identity == given("identity"))


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
        facts = self._sql.all(_ALL_OF_IDENTITY, b_identity=str(identity))
        name = next((fact for fact in facts if fact[1] == "name"), None)
        return _person(name[0], name[2], facts) if name else None

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

    def remove(self, person_id: PersonId) -> None:
        for forget in _FORGET:
            self._sql.change(forget, {"b_id": person_id})
        self._sql.change(_REMOVE, {"b_id": person_id})

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

    def put_join_code(self, code: JoinCode) -> None:
        self._sql.put(_CODES, JOIN_CODES.to_row(code), JOIN_CODES.names[1:])

    def join_code(self, selector: str) -> JoinCode | None:
        row = self._sql.one(_CODE, b_selector=selector)
        return JOIN_CODES.from_row(row) if row else None

    def remove_join_codes(self, identity: PlatformIdentity) -> None:
        self._sql.change(_DROP_CODES, {"b_identity": str(identity)})

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
