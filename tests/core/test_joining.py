"""Joining two identities of one person by a one-time code."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_core import presses
from agent_core.audit import NO_ACCOUNT, AuditKind
from agent_core.different import Houses
from agent_core.joining import TRIES, give_code, is_joining, join_command
from agent_core.messages import (
    CommandUsed,
    Participant,
    Platform,
    PlatformIdentity,
    ReplyAddress,
    RoomRef,
)
from agent_core.people import Capability, Person, PersonId, Requester, Role
from agent_core.store import migrations
from agent_core.store.memory_store import MemoryStore
from agent_core.store.sql_store import SqlStore
from tests.builders import ACME, NOON, an_identity
from tests.core.desk import OTHER
from tests.fakes.house import CUSTOMER_ROOM, MEMBER, House

SLACK, TEAMS = an_identity("U1"), an_identity("u-1", Platform.TEAMS)
HOUSES = Houses(tenants={Platform.SLACK: frozenset({"T1"}), Platform.TEAMS: frozenset({"T1"})})
LENA = Person(
    id=PersonId("per_lena"),
    name="Lena",
    capabilities=frozenset({Capability.APPROVER}),
    identities=(SLACK,),
)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    made: Any = MemoryStore()
    if request.param != "memory":
        url = f"sqlite:///{tmp_path / 'core.db'}"
        if request.param == "postgres":
            url = request.getfixturevalue("fresh_database")()
        migrations.migrate(url)
        made = SqlStore(url)
    await made.run(lambda tx: tx.people.put(LENA))
    yield made
    await made.close()


class Someone:
    """One identity that types commands; who they are is looked up each time."""

    def __init__(self, store: Any, identity: PlatformIdentity, at: Callable[[], Any]) -> None:
        self._store = store
        self._identity = identity
        self._at = at

    async def who(self) -> Requester:
        person = await self._store.run(lambda tx: tx.people.find(self._identity))
        name = person.name if person else self._identity.user_id
        return Requester(identity=self._identity, name=name, person=person)

    async def types(self, text: str) -> str:
        who, at = await self.who(), self._at()
        said: str = await self._store.run(lambda tx: join_command(tx, HOUSES, text, who, at))
        return said


def code_in(text: str) -> str:
    found = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", text)
    assert found is not None, text
    return found.group()


async def test_a_code_joins_the_one_who_enters_it_and_is_sure(store: Any) -> None:
    there, here = (Someone(store, each, lambda: NOON) for each in (SLACK, TEAMS))
    code = code_in(await there.types("join"))
    kept = await store.run(lambda tx: tx.people.join_code(code[:4]))
    assert code[5:].replace("-", "") not in repr(kept)  # hashed at rest
    shown = await here.types(f"join {code.lower()}")
    assert "Lena" in shown and str(SLACK) in shown
    assert (await here.who()).person is None  # being shown it changes nothing
    assert "Done" in await here.types(f"join {code} yes")
    lena = (await here.who()).person
    assert lena is not None and lena.id == "per_lena"
    assert set(lena.identities) == {SLACK, TEAMS}
    assert "do not know this code" in await here.types(f"join {code} yes")  # used once
    notes = await store.run(lambda tx: tx.audit.entries(NO_ACCOUNT))
    assert AuditKind.PEOPLE_JOINED in [one.kind for one in notes]


async def test_nobody_is_joined_unasked_late_or_by_guessing(store: Any) -> None:
    now = [NOON]
    there, here = (Someone(store, each, lambda: now[0]) for each in (SLACK, TEAMS))
    code = code_in(await there.types("join"))
    asked = Someone(store, an_identity("u-9", Platform.TEAMS), lambda: now[0])
    await here.types(f"join {code}")
    assert "would make you one person" in await asked.types(f"join {code} yes")  # not shown yet
    colleague = Someone(store, an_identity("U2"), lambda: now[0])
    assert "other platform" in await colleague.types(f"join {code} yes")
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    for _ in range(TRIES):
        assert "do not know this code" in await here.types(f"join {wrong}")
    assert "does not count any more" in await here.types(f"join {code} yes")
    late = code_in(await there.types("join"))
    await here.types(f"join {late}")
    now[0] += timedelta(minutes=10)
    assert "does not count any more" in await here.types(f"join {late} yes")
    assert (await here.who()).person is None
    newer = code_in(await there.types("join"))
    newest = code_in(await there.types("join"))
    assert "do not know" in await here.types(f"join {newer}") and newer != newest


async def test_two_known_people_become_one_unless_their_roles_differ(store: Any) -> None:
    def other(roles: dict[Any, Role]) -> Person:
        return Person(id=PersonId("per_2"), name="Lena B", roles=roles, identities=(TEAMS,))

    there, here = (Someone(store, each, lambda: NOON) for each in (SLACK, TEAMS))
    await store.run(lambda tx: tx.people.put(other({ACME: Role.OWNER})))
    code = code_in(await there.types("join"))
    await here.types(f"join {code}")
    assert "Done" in await here.types(f"join {code} yes")
    lena = (await there.who()).person
    assert lena is not None and lena.roles == {ACME: Role.OWNER}
    assert lena.capabilities == LENA.capabilities and OTHER not in lena.roles
    again = code_in(await there.types("join"))
    await here.types(f"join {again}")
    assert "one person already" in await here.types(f"join {again} yes")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("join", True),
        (" Join ", True),
        ("join ABCD-EFGH-JKMN", True),
        ("join abcdefghjkmn yes", True),
        ("join us for lunch", False),
        ("please join", False),
        ("join ABCD", False),
    ],
)
def test_which_words_are_meant(text: str, fits: bool) -> None:
    assert is_joining(text) is fits


async def test_the_word_in_a_direct_chat_and_the_command() -> None:
    house = await House().open()
    room = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id="D0MIA")
    await house.says(MEMBER, "join", room=room, direct=True)
    (posted,) = house.slack.posts
    assert "Show my code" in posted.message.fallback
    assert not re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}", posted.message.fallback)
    answer = await house.presses(MEMBER, presses.JOIN_CODE, "join", room=room)
    code = code_in(answer.notice or "")
    teams = Participant(
        identity=PlatformIdentity(platform=Platform.TEAMS, tenant_id="t", user_id="ada"),
        name="Ada",
    )
    command = CommandUsed(
        command_id="1",
        by=teams,
        room=CUSTOMER_ROOM,
        text=f"join {code}",
        used_at=house.clock.now(),
        reply_to=ReplyAddress(room=CUSTOMER_ROOM, thread_id=None),
    )
    told = await house.intake.receive(command)
    assert "would make you one person" in (told.notice or "")
    await house.close()


async def test_a_code_is_never_given_twice_at_once() -> None:
    store = MemoryStore()
    who = Requester(identity=SLACK, name="Lena", person=LENA)
    first = await store.run(lambda tx: give_code(tx, HOUSES, who, NOON))
    second = await store.run(lambda tx: give_code(tx, HOUSES, who, NOON))
    assert await store.run(lambda tx: tx.people.join_code(code_in(first)[:4])) is None
    assert await store.run(lambda tx: tx.people.join_code(code_in(second)[:4])) is not None


async def test_rights_for_the_vendor_pass_by_code_between_its_own_tenants_alone(store: Any) -> None:
    foreign = PlatformIdentity(platform=Platform.TEAMS, tenant_id="evil", user_id="u-1")
    there, throwaway = (Someone(store, each, lambda: NOON) for each in (SLACK, foreign))
    code = code_in(await there.types("join"))
    for _ in range(2):
        told = await throwaway.types(f"join {code} yes")
        assert "handrail people join" in told and str(foreign) in told
    given = code_in(await throwaway.types("join"))  # and not the other way round either
    assert "handrail people join" in await there.types(f"join {given} yes")
    assert (await throwaway.who()).person is None


async def test_a_guest_neither_takes_nor_enters_a_code(store: Any) -> None:
    there = Someone(store, SLACK, lambda: NOON)
    guest = Requester(identity=TEAMS, name="Gus", person=None, is_guest=True)
    code = code_in(await there.types("join"))
    for text in ("join", f"join {code}", f"join {code} yes"):
        told = await store.run(lambda tx, said=text: join_command(tx, HOUSES, said, guest, NOON))
        assert "You are a guest here" in told and "handrail people join" in told
