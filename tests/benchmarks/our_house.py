"""Our core as the service joins it, on a SQLite file, with an adapter and accounts in memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agent_core.access import Access
from agent_core.clock import SystemClock
from agent_core.conversation import Audience, RoomBinding, RoomMode
from agent_core.decisions import Decisions
from agent_core.delivery import Delivery
from agent_core.delivery_pace import Pace
from agent_core.driver import Driver
from agent_core.engine.dbos_engine import DbosEngine
from agent_core.engine.memory_engine import MemoryEngine
from agent_core.ids import SystemIds
from agent_core.intake import Intake, UnboundRooms
from agent_core.message_intake import MessageIntake
from agent_core.messages import (
    InboundMessage,
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Participant,
    Platform,
    PlatformIdentity,
    Posted,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.people import AccountId, Person, PersonId, Role
from agent_core.ports import (
    AccountDirectory,
    ChatModel,
    Engine,
    EngineKind,
    PolicySource,
    ToolCatalog,
    UnitOfWork,
)
from agent_core.press_intake import PressIntake
from agent_core.room_intake import RoomIntake
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from agent_core.tooling import Effect, PolicyDefaults, Tool, ToolContext, ToolName, ToolResult
from escalation.commands import Commands
from escalation.desk import Desk, SupportRoom
from tests.benchmarks.script import INSTRUCTIONS, QUESTION, TOOLS

ACCOUNT = AccountId("northwind")
ROOM = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id="C0NORTH")
SUPPORT = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id="C0SUPPORT")
OWNER = PlatformIdentity(platform=Platform.SLACK, tenant_id="T0NORTH", user_id="U0OLIVE")
ASKER = Participant(identity=OWNER, name="Olive Marsh")
MEMBER = Participant(
    identity=PlatformIdentity(platform=Platform.SLACK, tenant_id="T0NORTH", user_id="U0MILO"),
    name="Milo Novak",
)


class MemoryChannel:
    """A PlatformAdapter that takes every post; who asked can wait for a thread's first."""

    platform = Platform.SLACK
    can_look_up = True
    can_look_up_private = False

    def __init__(self) -> None:
        self._first: dict[str, asyncio.Future[str]] = {}

    def first_post(self, thread_id: str) -> asyncio.Future[str]:
        """The plain text of the first post into this thread, once it is there."""
        if thread_id not in self._first:
            self._first[thread_id] = asyncio.get_running_loop().create_future()
        return self._first[thread_id]

    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        thread_id = address.thread_id or ""
        found = self.first_post(thread_id)
        if not found.done():
            found.set_result(message.fallback)
        return Posted(
            message=MessageRef(room=address.room, message_id=f"posted-{thread_id}"),
            thread=ThreadRef(room=address.room, thread_id=thread_id),
            address=address,
        )

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None:
        """Nothing is updated in these turns."""

    async def find(self, address: ReplyAddress, outgoing_id: OutgoingId) -> Posted | None:
        return None

    async def close(self) -> None:
        """Nothing to close."""


class Period(BaseModel):
    """The one argument of every read."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(description=TOOLS[0][2])


class Reads:
    """A ToolCatalog of the script's three reads, for every role."""

    def __init__(self) -> None:
        everybody = PolicyDefaults(roles=frozenset(Role), staff=True, confirm=False)
        self._tools = tuple(
            Tool(
                name=ToolName(name),
                description=description,
                arguments=Period,
                effect=Effect.READ,
                handler=_reader(result),
                policy=everybody,
            )
            for name, description, _, result in TOOLS
        )

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]:
        return self._tools

    def get(self, name: ToolName) -> Tool | None:
        return next((tool for tool in self._tools if tool.name == name), None)


def _reader(result: dict[str, Any]) -> Any:
    async def read(context: ToolContext, arguments: Period) -> ToolResult:
        return ToolResult(content=result)

    return read


class OneAccount:
    """An AccountDirectory that knows one account."""

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        return (("Account", "Northwind Traders"),)

    async def search(self, query: str, limit: int = 20) -> Sequence[tuple[AccountId, str]]:
        return [(ACCOUNT, "Northwind Traders")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """What the agent works with: by default the script's three reads."""

    catalog: ToolCatalog = field(default_factory=Reads)
    directory: AccountDirectory = field(default_factory=OneAccount)
    policy_source: PolicySource = field(default_factory=lambda: FilePolicySource(None, ()))
    instructions: str = INSTRUCTIONS


@dataclass(slots=True, kw_only=True)
class OurHouse:
    """Everything from `receive` to the post."""

    store: SqlStore
    engine: DbosEngine | MemoryEngine
    delivery: Delivery
    driver: Driver
    intake: Intake
    channel: MemoryChannel
    messages: int = 0

    async def start(self) -> None:
        """Takes work off. Without it, messages are only taken in."""
        await self.engine.start(
            {
                EngineKind.TURN: self.driver.run,
                EngineKind.DELIVER: self.delivery.handle,
                EngineKind.TIMER: _no_timer,
            }
        )

    async def receive(
        self, text: str = QUESTION, thread_id: str | None = None, *, colleague: bool = False
    ) -> str:
        """Takes in the text: in this thread, or in one of its own. The thread's id is returned.

        `colleague`: somebody else of the same company writes.
        """
        self.messages += 1
        message_id = f"{self.messages:06d}"
        thread = ThreadRef(room=ROOM, thread_id=thread_id or message_id)
        await self.intake.receive(
            InboundMessage(
                message=MessageRef(room=ROOM, message_id=message_id),
                thread=thread,
                author=MEMBER if colleague else ASKER,
                text=text,
                mentions_agent=True,
                direct=False,
                sent_at=SystemClock().now(),
                reply_to=ReplyAddress(room=ROOM, thread_id=thread.thread_id),
            )
        )
        return thread.thread_id

    async def turn(self) -> str:
        """The whole way of a message: takes it in, waits for the answer, and returns that."""
        return await self.channel.first_post(await self.receive())

    async def close(self, *, started: bool) -> None:
        if started:
            await self.engine.drain(5)
        await self.delivery.stop(5)
        await self.store.close()


async def _no_timer(key: str, ref: str) -> None:
    raise AssertionError(f"no timer belongs to these turns: {ref}")


async def open_house(
    folder: Path, model: ChatModel, *, durable: bool, business: Business | None = None
) -> OurHouse:
    """`durable`: the engine is DBOS, in the same SQLite file; else it is in memory."""
    business = business or Business()
    url = f"sqlite:///{folder / 'handrail.db'}"
    await asyncio.to_thread(migrate, url)
    clock, ids = SystemClock(), SystemIds()
    store = SqlStore(url)
    engine: DbosEngine | MemoryEngine
    if durable:
        engine = DbosEngine(url, clock=clock)
        await asyncio.to_thread(engine.prepare)
    else:
        engine = MemoryEngine(clock)
    channel = MemoryChannel()
    delivery = Delivery(
        store=store,
        engine=engine,
        adapters={Platform.SLACK: channel},
        clock=clock,
        holder="bench",
        pace=Pace({}),  # the pace is Slack's: waiting for it costs time and no CPU
        undeliverable=_nothing_is_undeliverable,
    )
    room = SupportRoom(room=SUPPORT, delivery={})
    desk = Desk(outbox=delivery, engine=engine, room=room, ids=ids, clock=clock)
    driver = Driver(
        store=store,
        engine=engine,
        outbox=delivery,
        model=model,
        catalog=business.catalog,
        policy_source=business.policy_source,
        desk=desk,
        directory=business.directory,
        clock=clock,
        ids=ids,
        instructions=business.instructions,
    )
    await store.run(_furnish)
    return OurHouse(
        store=store,
        engine=engine,
        delivery=delivery,
        driver=driver,
        intake=_intake(store, engine, delivery, desk),
        channel=channel,
    )


def _intake(store: SqlStore, engine: Engine, delivery: Delivery, desk: Desk) -> Intake:
    clock, ids = SystemClock(), SystemIds()
    decisions = Decisions(outbox=delivery, engine=engine, desk=desk)
    commands = Commands(desk=desk, outbox=delivery, decisions=decisions, clock=clock)
    return Intake(
        store=store,
        commands=commands,
        accounts=OneAccount(),
        words=MessageIntake(
            outbox=delivery,
            engine=engine,
            desk=desk,
            commands=commands,
            decisions=decisions,
            ids=ids,
        ),
        presses=PressIntake(
            engine=engine,
            desk=desk,
            commands=commands,
            decisions=decisions,
            access=Access(outbox=delivery, desk=desk, ids=ids),
        ),
        room_changes=RoomIntake(),
        unbound=UnboundRooms(audiences={Platform.SLACK: Audience.SHARED}),
        clock=clock,
    )


def _nothing_is_undeliverable(_tx: UnitOfWork, row: Any, reason: str) -> None:
    raise AssertionError(f"{row.id} was not delivered: {reason}")


def _furnish(tx: UnitOfWork) -> None:
    for room, account in ((ROOM, ACCOUNT), (SUPPORT, None)):
        tx.rooms.put(
            RoomBinding(
                room=room,
                audience=Audience.SHARED if account else Audience.INTERNAL,
                account_id=account,
                mode=RoomMode.MENTION,
                is_support=account is None,
            )
        )
    for who, role in ((ASKER, Role.OWNER), (MEMBER, Role.MEMBER)):
        person = Person(
            id=PersonId(f"person-{who.identity.user_id}"),
            name=who.name,
            identities=(who.identity,),
            roles={ACCOUNT: role},
        )
        tx.people.put(person)
