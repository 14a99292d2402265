"""What an uninstalled workspace left behind is erased in time, and not before, and not too much."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from agent_core.conversation import Audience, RoomBinding, RoomMode
from agent_core.departures import Departures
from agent_core.errors import PlatformUnavailable
from agent_core.forget import Forgetting
from agent_core.messages import Platform, RoomChange, RoomChanged, RoomRef
from agent_core.people import AccountId
from agent_core.ports import UnitOfWork
from agent_core.room_intake import RoomIntake
from agent_core.store.memory_store import MemoryStore
from tests.builders import NOON, a_conversation, an_entry, an_escalation, an_identity
from tests.fakes.platform import MemoryPlatform
from tests.store.population import ANNA, Shape, dump, populate

SLACK = RoomRef(platform=Platform.SLACK, tenant_id="T1", room_id="*")
LEFT = NOON + timedelta(days=1)


@dataclass
class Place:
    """A store with two people in the workspace T1, from which the app was taken out."""

    store: MemoryStore = field(default_factory=MemoryStore)
    platform: MemoryPlatform = field(
        default_factory=lambda: MemoryPlatform(platform=Platform.SLACK)
    )
    at: datetime = LEFT
    back: bool = False
    away: bool = False
    own: frozenset[str] = frozenset({"T_VENDOR"})

    def now(self) -> datetime:
        return self.at

    async def installed(self, place: RoomRef) -> bool:
        if self.away:
            raise PlatformUnavailable("away")
        return self.back

    async def change(self, change: RoomChange, room: RoomRef = SLACK) -> None:
        event = RoomChanged(event_id="Ev1", room=room, change=change)
        await self.store.run(lambda tx: RoomIntake().apply(tx, event, self.at))

    async def sweep(self, days_later: int) -> bool:
        """Whether anything of it is left."""
        self.at = LEFT + timedelta(days=days_later)
        job = Departures(
            self.store,
            forgetting=Forgetting(self.store, removers={Platform.SLACK: self.platform}, clock=self),
            clock=self,
            days=30,
            own=self.own,
            installed=self.installed,
        )
        await job.sweep()
        return any(ANNA.word in row for row in dump(self.store))


@pytest.fixture
async def place() -> Place:
    made = Place()
    await populate(made.store, made.platform, Shape())
    await made.change(RoomChange.UNINSTALLED)
    return made


async def kinds(place: Place) -> list[str]:
    def look(tx: UnitOfWork) -> list[str]:
        return [entry.kind for entry in tx.audit.entries("-")]

    return await place.store.run(look)


async def test_it_is_kept_for_the_time_and_then_erased(place: Place) -> None:
    assert "uninstalled" in await kinds(place)
    assert await place.sweep(29)
    assert not await place.sweep(30)
    assert place.platform.posts == []
    assert (await kinds(place))[-1] == "forgotten"
    before = dump(place.store)
    await place.sweep(31)  # once is enough
    assert dump(place.store) == before


async def test_installed_again_within_it_keeps_everything(place: Place) -> None:
    await place.change(RoomChange.AGENT_ADDED, replace(SLACK, room_id="C1"))
    assert "installed_again" in await kinds(place)
    assert await place.sweep(31)


async def test_an_installation_that_was_not_told_keeps_it_too(place: Place) -> None:
    place.back = True
    assert await place.sweep(31)
    place.back = False
    assert await place.sweep(32), "it is over once it was found installed"


async def test_while_nobody_can_tell_nothing_is_erased(place: Place) -> None:
    place.away = True
    assert await place.sweep(31)
    place.away = False
    assert not await place.sweep(32)


async def test_whoever_writes_there_since_keeps_it(place: Place) -> None:
    con = f"con_{ANNA.account}_0"
    later = an_entry(con, "still here", identity=an_identity("U9"), at=LEFT + timedelta(days=3))
    await place.store.run(lambda tx: tx.transcript.append(later))
    assert await place.sweep(31)


async def test_our_own_workspace_is_never_erased_as_a_whole(place: Place) -> None:
    place.own = frozenset({"T1"})
    assert await place.sweep(400)


async def test_an_open_case_is_not_lost(place: Place) -> None:
    con = f"con_{ANNA.account}_0"

    def open_case(tx: UnitOfWork) -> None:
        tx.escalations.add(an_escalation("open", 99, conversation_id=a_conversation(con).id))

    await place.store.run(open_case)
    assert await place.sweep(31)
    assert await place.store.run(lambda tx: tx.escalations.open_in(a_conversation(con).id))


async def test_a_room_of_teams_goes_alone_and_the_support_room_never() -> None:
    made = Place()
    await populate(made.store, made.platform, Shape())
    room = RoomRef(platform=Platform.TEAMS, tenant_id="t1", room_id="19:x@thread.tacv2")
    support = replace(room, room_id="19:support@thread.tacv2")

    def bind(tx: UnitOfWork) -> None:
        for one, is_support in ((room, False), (support, True)):
            binding = RoomBinding(
                room=one,
                audience=Audience.INTERNAL,
                account_id=None if is_support else AccountId("acc_one"),
                mode=RoomMode.MENTION,
                is_support=is_support,
            )
            tx.rooms.put(binding)

    await made.store.run(bind)
    await made.change(RoomChange.AGENT_REMOVED, room)
    await made.change(RoomChange.AGENT_REMOVED, support)
    assert await made.sweep(31), "what is in other rooms stays"
    left = await made.store.run(lambda tx: [str(one.room) for one in tx.rooms.all()])
    assert left == [str(support)]


async def test_a_slack_channel_that_is_left_is_not_erased() -> None:
    made = Place()
    await populate(made.store, made.platform, Shape())
    await made.change(RoomChange.AGENT_REMOVED, replace(SLACK, room_id="C_SHARED"))
    assert await made.store.run(lambda tx: list(tx.rooms.departed())) == []
