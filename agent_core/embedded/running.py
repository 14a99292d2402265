"""Joins the core's parts around one store and one engine, starts them and stops them."""

import asyncio
from dataclasses import dataclass
from typing import Final

from agent_core.access import Access
from agent_core.chasing import Chasing
from agent_core.compacting import Compacting
from agent_core.conversation import Audience
from agent_core.deadlines import Deadlines
from agent_core.decisions import Decisions
from agent_core.delivery import Delivery
from agent_core.delivery_pace import Pace
from agent_core.driver import Driver
from agent_core.embedded.callbacks import OnApproval, OnHandOver, Timers, undecided, untold
from agent_core.embedded.desk import EmbeddedCommands, EmbeddedDesk
from agent_core.embedded.room import EmbeddedRoom, Pulses
from agent_core.embedded.talk import Talk
from agent_core.intake import Intake, UnboundRooms
from agent_core.limits import Limits
from agent_core.message_intake import MessageIntake
from agent_core.messages import Platform
from agent_core.outgoing import OutgoingRow
from agent_core.pausing import pausable
from agent_core.ports import (
    AccountDirectory,
    ChatModel,
    Clock,
    Engine,
    EngineKind,
    Ids,
    PolicySource,
    Store,
    ToolCatalog,
    UnitOfWork,
)
from agent_core.press_intake import PressIntake
from agent_core.reconciler import Reconciler
from agent_core.room_intake import RoomIntake

DRAIN_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What an embedded agent stands on. `holder` names this process to delivery's leases."""

    store: Store
    engine: Engine
    holder: str
    model: ChatModel
    catalog: ToolCatalog
    policy_source: PolicySource
    directory: AccountDirectory
    clock: Clock
    ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What the product says and hears."""

    instructions: str
    limits: Limits | None
    on_hand_over: OnHandOver
    on_approval: OnApproval | None


class Running:
    """One agent at work. `talk` is its door."""

    def __init__(self, ports: Ports, product: Product) -> None:
        self._ports = ports
        limits = product.limits or Limits()
        self._pulses = Pulses()
        self._delivery = self._make_delivery()
        self._desk = EmbeddedDesk(
            outbox=self._delivery, engine=ports.engine, ids=ports.ids, clock=ports.clock
        )
        self._decisions = Decisions(
            outbox=self._delivery, engine=ports.engine, desk=self._desk, limits=limits
        )
        self._driver = self._make_driver(product)
        self._timers = Timers(
            store=ports.store,
            directory=ports.directory,
            deadlines=Deadlines(store=ports.store, decisions=self._decisions, clock=ports.clock),
            chasing=Chasing(
                store=ports.store,
                outbox=self._delivery,
                desk=self._desk,
                decisions=self._decisions,
                clock=ports.clock,
                limits=limits,
            ),
            compacting=Compacting(
                store=ports.store, model=ports.model, clock=ports.clock, limits=limits
            ),
            on_hand_over=product.on_hand_over,
            on_approval=product.on_approval,
        )
        self._reconciler = Reconciler(
            ports.store,
            ports.engine,
            clock=ports.clock,
            ids=ports.ids,
            timers=(untold(ports.clock), undecided(ports.clock, limits)),
        )
        self._sweeping: asyncio.Task[None] | None = None
        self.talk = Talk(
            store=ports.store,
            intake=self._make_intake(),
            desk=self._desk,
            decisions=self._decisions,
            pulses=self._pulses,
            clock=ports.clock,
            ids=ports.ids,
        )

    async def start(self) -> None:
        """Takes work from here on, and what an earlier process left."""
        await self._ports.engine.start(
            {
                EngineKind.TURN: self._turn,
                EngineKind.DELIVER: self._delivery.handle,
                EngineKind.TIMER: self._timers.fire,
            }
        )
        self._sweeping = asyncio.create_task(self._reconciler.run_forever())

    async def stop(self) -> None:
        """Takes nothing new, and lets turns and deliveries end for a while."""
        self._reconciler.stop()
        await self._ports.engine.drain(DRAIN_SECONDS)
        await self._delivery.stop(DRAIN_SECONDS)
        if self._sweeping is not None:
            await asyncio.wait([self._sweeping], timeout=DRAIN_SECONDS)

    async def _turn(self, key: str, ref: str) -> None:
        try:
            await self._driver.run(key, ref)
        finally:
            self._pulses.beat(key)

    # --- parts ------------------------------------------------------------------------------

    def _make_delivery(self) -> Delivery:
        ports = self._ports

        def undeliverable(tx: UnitOfWork, row: OutgoingRow, reason: str) -> None:
            self._desk.undeliverable(tx, row, reason)

        return Delivery(
            store=ports.store,
            engine=ports.engine,
            adapters={Platform.EMBEDDED: EmbeddedRoom(ports.store, self._pulses)},
            clock=ports.clock,
            holder=ports.holder,
            pace=Pace({}),
            undeliverable=undeliverable,
        )

    def _make_driver(self, product: Product) -> Driver:
        ports = self._ports
        return Driver(
            store=ports.store,
            engine=ports.engine,
            outbox=self._delivery,
            model=ports.model,
            catalog=ports.catalog,
            policy_source=ports.policy_source,
            desk=self._desk,
            directory=ports.directory,
            clock=ports.clock,
            ids=ports.ids,
            instructions=product.instructions,
            limits=product.limits,
        )

    def _make_intake(self) -> Intake:
        ports = self._ports
        commands = EmbeddedCommands(self._desk, self._decisions)
        return Intake(
            store=ports.store,
            commands=commands,
            accounts=ports.directory,
            words=MessageIntake(
                outbox=self._delivery,
                engine=ports.engine,
                desk=self._desk,
                commands=commands,
                decisions=self._decisions,
                ids=ports.ids,
            ),
            presses=PressIntake(
                engine=ports.engine,
                desk=self._desk,
                commands=commands,
                decisions=self._decisions,
                access=Access(outbox=self._delivery, desk=self._desk, ids=ports.ids),
            ),
            room_changes=RoomIntake(),
            unbound=UnboundRooms(audiences={Platform.EMBEDDED: Audience.SHARED}),
            actions=pausable(ports.catalog.for_audience(Audience.PRIVATE)),
            clock=ports.clock,
        )
