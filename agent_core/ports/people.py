"""Rooms and people, as a unit of work holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent_core.conversation import RoomBinding
from agent_core.messages import PlatformIdentity, RoomRef
from agent_core.people import AccountId, Capability, JoinCode, Person, PersonId, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A room, or a whole workspace (`room_id` is `*`), that uninstalled the app."""

    place: RoomRef
    left_at: datetime


class Rooms(Protocol):
    """What each room is to us."""

    def get(self, room: RoomRef) -> RoomBinding | None: ...
    def put(self, binding: RoomBinding) -> None: ...
    def remove(self, room: RoomRef) -> None: ...
    def all(self) -> Sequence[RoomBinding]: ...
    def departed(self) -> Sequence[Departure]:
        """Places that uninstalled the app, the first first."""
        ...

    def note_departed(self, place: RoomRef, at: datetime) -> None:
        """`place`: a room, or a workspace, whose `room_id` is `*`. Replaces an earlier time."""
        ...

    def note_returned(self, place: RoomRef) -> bool:
        """Nothing more is to be erased of it. False where it had not departed."""
        ...


class People(Protocol):
    """Who is who. A `put` replaces the whole person, with roles and identities."""

    def get(self, person_id: PersonId) -> Person | None: ...
    def find(self, identity: PlatformIdentity) -> Person | None: ...
    def put(self, person: Person) -> None:
        """Raises ConversationChanged if an identity belongs to somebody else already."""
        ...

    def remove(self, person_id: PersonId) -> None:
        """The whole person, with roles, capabilities and identities."""
        ...

    def all(self) -> Sequence[Person]: ...
    def with_role(self, account_id: AccountId, roles: frozenset[Role]) -> Sequence[Person]: ...
    def with_capability(self, capability: Capability) -> Sequence[Person]: ...
    def was_told(self, identity: PlatformIdentity) -> bool:
        """Whether this person was told that this is an AI."""
        ...

    def note_told(self, identity: PlatformIdentity, at: datetime) -> None: ...
    def put_join_code(self, code: JoinCode) -> None:
        """Replaces the one with its selector."""
        ...

    def join_code(self, selector: str) -> JoinCode | None:
        """Held against other writers until the transaction ends."""
        ...

    def remove_join_codes(self, identity: PlatformIdentity) -> None:
        """All that this identity asked for."""
        ...
