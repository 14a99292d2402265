"""The whole core on memory adapters, or on others; it can die at any step and be started again."""

import asyncio
import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from agent_core.access import Access
from agent_core.clock import ManualClock
from agent_core.compacting import Compacting
from agent_core.conversation import Audience
from agent_core.deadlines import Deadlines
from agent_core.decisions import Decisions
from agent_core.delivery import Delivery
from agent_core.delivery_pace import Pace
from agent_core.driver import Driver
from agent_core.engine.memory_engine import MemoryEngine
from agent_core.ids import SequenceIds
from agent_core.intake import Intake, UnboundRooms
from agent_core.limits import Limits
from agent_core.message_intake import MessageIntake
from agent_core.messages import InboundEvent, Platform
from agent_core.people import AccountId
from agent_core.policy import Aftermath, Decision, Question, Ruling
from agent_core.ports import Answer, ChatModel, EngineKind, PolicySource, Store, UnitOfWork
from agent_core.press_intake import PressIntake
from agent_core.proposals import LedgerEntry
from agent_core.reconciler import Reconciler
from agent_core.room_intake import RoomIntake
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store.memory_store import MemoryStore
from agent_core.tooling import Tool
from bots.timers import OpenTimers, Timers
from escalation.brief import Briefing, Reminders
from escalation.commands import Commands
from escalation.desk import Desk, SupportRoom
from tests.builders import NOON
from tests.enemy import cast
from tests.enemy.spies import (
    TURN,
    CountingPayments,
    Killed,
    Life,
    Look,
    MortalStore,
    SpiedCatalog,
    SpiedPlatform,
)
from tools.accounts.effects import Storage
from tools.accounts.memory_gateway import MemoryPayments, MemoryStorage
from tools.accounts.seed import sample_accounts, seed
from tools.accounts.stored_gateway import StoredAccounts
from tools.accounts.types import Account
from tools.catalog import Catalog, GatewayDirectory

POLICY = Path(__file__).parents[2] / "examples" / "acme" / "policy.yaml"
LIMITS = Limits(model_calls=8, look_up_pause_seconds=0.0)


async def _no_sleep(_: float) -> None:
    return None


async def _no_ledger(_: AccountId) -> Sequence[LedgerEntry]:
    return ()


@cache
def catalog_of_samples() -> tuple[Tool, ...]:
    """Every tool that there is, over accounts that do not exist."""
    accounts = StoredAccounts(MemoryStorage(), MemoryPayments(), lambda: NOON)
    return Catalog(accounts, _no_ledger).tools


@cache
def sample_policy() -> FilePolicySource:
    """The sample company's own file, read once."""
    return FilePolicySource(POLICY, catalog_of_samples())


@cache
def _seeded() -> MemoryStorage:
    storage, payments = MemoryStorage(), MemoryPayments()
    work = seed(StoredAccounts(storage, payments, lambda: NOON), payments, NOON)
    try:
        work.send(None)  # memory waits for nothing, so one step is all of it
    except StopIteration:
        return storage
    raise AssertionError("the memory account system has waited for something")


def sample_storage() -> MemoryStorage:
    """The three accounts, fresh."""
    return copy.deepcopy(_seeded())


class AllowAll:
    """The guard switched off: a policy that says yes to everything."""

    version = "none"

    def current(self) -> "AllowAll":
        return self

    def after(self, tool: Tool) -> Aftermath:
        return Aftermath(undo_minutes=tool.compensation.minutes if tool.compensation else 0)

    def decide(self, question: Question) -> Ruling:
        return Ruling(decision=Decision.ALLOW, rule="none", reason="")


class Town:
    """One process over storage that outlives it. `restart` begins the next one."""

    def __init__(
        self,
        model: ChatModel,
        look: Look,
        *,
        life: Life | None = None,
        store: Store | None = None,
        storage: Storage | None = None,
        policy: PolicySource | None = None,
        obedient: bool = False,
        lying: bool = False,
    ) -> None:
        self.life = life or Life()
        self.clock = ManualClock(NOON)
        self.inner_store = store or MemoryStore()
        self.store = MortalStore(self.inner_store, self.life, self.clock.now)
        self.storage = storage or sample_storage()
        self.payments = CountingPayments(self.life)
        self.slack = SpiedPlatform(Platform.SLACK, life=self.life, now=self.clock.now)
        self.engine = MemoryEngine(self.clock, poll_seconds=3600.0)
        self.ids = SequenceIds()
        self.model = model
        self._look = look
        self._policy = policy or sample_policy()
        self._unguarded = {"obedient": obedient, "lying": lying}
        self._interrupted: list[tuple[EngineKind, str, str]] = []
        self.build()

    def build(self) -> None:
        """Every object of a process that has just been started."""
        clock, ids, engine, store = self.clock, self.ids, self.engine, self.store
        self.accounts = StoredAccounts(self.storage, self.payments, clock.now)
        directory = GatewayDirectory(self.accounts, clock)
        self.delivery = Delivery(
            store=store.of_delivery(),
            engine=engine,
            adapters={Platform.SLACK: self.slack},
            clock=clock,
            holder="embedded",
            pace=Pace({}),
            undeliverable=lambda tx, row, reason: None,
        )
        room = SupportRoom(room=cast.SUPPORT_ROOM, delivery={})
        desk = Desk(outbox=self.delivery, engine=engine, room=room, ids=ids, clock=clock)
        self.decisions = Decisions(outbox=self.delivery, engine=engine, desk=desk)
        commands = Commands(desk=desk, outbox=self.delivery, decisions=self.decisions, clock=clock)
        self.timers = Timers(
            briefing=Briefing(store=store, desk=desk, accounts=directory, clock=clock),
            reminders=Reminders(store=store, desk=desk, clock=clock),
            deadlines=Deadlines(store=store, decisions=self.decisions, clock=clock),
            compacting=Compacting(store=store, model=self.model, clock=clock, limits=LIMITS),
        )
        due = OpenTimers(clock)
        self.reconciler = Reconciler(
            store,
            engine,
            clock=clock,
            ids=ids,
            timers=(due.unbriefed, due.unclaimed, due.undecided),
        )
        self.driver = Driver(
            store=store,
            engine=engine,
            outbox=self.delivery,
            model=self.model,
            catalog=SpiedCatalog(
                Catalog(self.accounts, self._ledger), self._look, **self._unguarded
            ),
            policy_source=self._policy,
            desk=desk,
            directory=directory,
            clock=clock,
            ids=ids,
            instructions="You are the agent of a test.",
            limits=LIMITS,
            sleep=_no_sleep,
        )
        self.intake = Intake(
            store=store,
            commands=commands,
            accounts=directory,
            words=MessageIntake(
                outbox=self.delivery,
                engine=engine,
                desk=desk,
                commands=commands,
                decisions=self.decisions,
                ids=ids,
            ),
            presses=PressIntake(
                engine=engine,
                desk=desk,
                commands=commands,
                decisions=self.decisions,
                access=Access(outbox=self.delivery, desk=desk, ids=ids),
            ),
            room_changes=RoomIntake(),
            unbound=UnboundRooms(audiences={Platform.SLACK: Audience.SHARED}),
            clock=clock,
        )

    async def _ledger(self, account_id: AccountId) -> Sequence[LedgerEntry]:
        return await self.store.run(lambda tx: tx.ledger.of_account(account_id))

    async def open(self) -> "Town":
        """Links the rooms, names the people, starts the engine."""
        asyncio.get_running_loop().set_exception_handler(_only_deaths)
        await self.inner_store.run(_furnish)
        await self.engine.start(
            {
                EngineKind.TURN: self._turn,
                EngineKind.DELIVER: lambda key, ref: self.delivery.handle(key, ref),
                EngineKind.TIMER: self._timer,
            }
        )
        return self

    async def close(self) -> None:
        await self.engine.drain(0)
        await self.delivery.stop(0)

    # --- what the queue hands out; what death interrupts is handed out again ------------------

    async def _turn(self, key: str, ref: str) -> None:
        mark = TURN.set(key)
        try:
            await self.driver.run(key, ref)
        except Killed:
            self._interrupted.append((EngineKind.TURN, key, ref))
        finally:
            TURN.reset(mark)

    async def _timer(self, key: str, ref: str) -> None:
        try:
            await self.timers.fire(key, ref)
        except Killed:
            self._interrupted.append((EngineKind.TIMER, key, ref))

    async def receive(self, event: InboundEvent) -> Answer:
        """As a webhook gets it: where the process dies, the platform delivers again."""
        try:
            return await self.intake.receive(event)
        except Killed:
            await self.settle()
            return await self.intake.receive(event)

    async def settle(self) -> None:
        """Until nothing runs or is due; whoever died is replaced."""
        for _ in range(12):
            await self.engine.idle()
            await self.delivery.idle()
            if self.life.dead:
                await self.restart()
            elif not self.engine._tasks and not self._interrupted:
                return

    async def restart(self) -> None:
        """The next process: new objects, the same rows, and what the queue still holds."""
        self.life.dead = False
        self.build()
        interrupted, self._interrupted = self._interrupted, []

        def again(tx: UnitOfWork) -> None:
            for kind, key, ref in interrupted:
                self.engine._seen.discard((kind, ref))  # it was not done
                self.engine.submit(tx, kind=kind, key=key, ref=ref)

        await self.inner_store.run(again)
        await self.reconciler.sweep(at_boot=True)

    async def look(self, fn: Any) -> Any:
        """A transaction of the test's own."""
        return await self.inner_store.run(fn)


def _only_deaths(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Work that died with its process is not told of; everything else is."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


def _furnish(tx: UnitOfWork) -> None:
    for binding in cast.bindings():
        tx.rooms.put(binding)
    for name in cast.NAMES:
        if cast.ROLES[name] or name in cast.CAN:
            tx.people.put(cast.person(name))


def opening_balance() -> dict[AccountId, Account]:
    """Each account before anybody did anything."""
    return {state.account.id: state.account for state in sample_accounts(NOON)}
