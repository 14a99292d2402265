"""The running service: what starts in which order, whether it is ready, how it stops."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_person, note_room
from agent_core.breaker import BreakerView
from agent_core.conversation import Audience, RoomBinding, RoomMode
from agent_core.delivery import Delivery
from agent_core.driver import Driver
from agent_core.errors import ConfigurationError
from agent_core.fair_turns import FairTurns
from agent_core.messages import RoomRef
from agent_core.ports import ChatModel, Engine, EngineKind, Presence, Store, UnitOfWork
from agent_core.reconciler import Reconciler
from agent_core.retention_sweep import RetentionSweep
from agent_core.rounds import Rounds
from bots.configuration import Configuration
from bots.configured_people import people_from
from bots.policy_watch import PolicyWatch
from bots.roles import Role
from bots.sight.gauges import Gauges
from bots.sight.hearing import Hearing
from bots.sight.loop_watch import LoopWatch
from bots.sight.observer import Observer
from bots.sight.readiness import Readiness, Report
from bots.slack.adapter import SlackChannel
from bots.teams.adapter import TeamsChannel
from bots.timers import Timers
from tools.accounts.gateway import AccountsAway
from tools.accounts.stored_gateway import StoredAccounts

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 15.0
ANSWER_SECONDS: Final = 5.0
ATTEND_EVERY: Final = timedelta(seconds=5)
PREPARE_SECONDS = 15.0


@dataclass(slots=True, kw_only=True)
class Service:
    """Everything that runs in one process."""

    store: Store
    engine: Engine
    delivery: Delivery
    driver: Driver
    turns: FairTurns
    breakers: Callable[[], tuple[BreakerView, ...]] = tuple  # how what is called stands
    timers: Timers
    reconciler: Reconciler
    accounts: StoredAccounts
    model: ChatModel
    support_room: RoomRef
    slack: SlackChannel | None
    teams: TeamsChannel | None
    observer: Observer
    policy: PolicyWatch | None = None
    retention: RetentionSweep | None = None
    role: Role = Role.ALL
    presence: Presence | None = None  # on Postgres: this process among the others
    gauges: Gauges | None = None
    hearing: Hearing | None = None  # in Socket Mode
    loop_watch: LoopWatch | None = None
    readiness: Readiness | None = None
    _attend: Rounds = field(
        default_factory=lambda: Rounds("the look for what the dead left", every=ATTEND_EVERY)
    )
    _is_working: bool = False
    _preparing: asyncio.Task[None] | None = field(default=None)
    _sweeping: asyncio.Task[None] | None = field(default=None)
    _watching: asyncio.Task[None] | None = field(default=None)
    _expiring: asyncio.Task[None] | None = field(default=None)
    _attending: asyncio.Task[None] | None = field(default=None)

    def routes(self) -> list[web.RouteDef]:
        """Every door of every platform that is set up; none where this role has no doors."""
        routes: list[web.RouteDef] = []
        if not self.role.has_doors:
            return routes
        if self.slack is not None:
            routes += self.slack.routes()
        if self.teams is not None:
            routes += self.teams.routes()
        return routes

    async def start(self, configuration: Configuration) -> None:
        """Takes work from here on. The configured people are known before the first event."""
        if self.loop_watch is not None:
            self.loop_watch.start()
        try:
            await self.accounts.prepare()
        except AccountsAway as away:
            # Platforms deliver again for minutes only: better hand every request to people.
            log.error("started without the account system: %s", away)
            self._preparing = _job("accounts", self._prepare_later())
        await self.store.run(lambda tx: _furnish(tx, configuration, self.support_room))
        if self.presence is not None:
            await self.presence.enter()
            self.delivery.act_as(self.presence.name, self.presence.holds)
            # Who had this place before is gone, and to the others it does not look so any more.
            await self.delivery.free(self.presence.name)
        if self.role.runs_turns:
            await self._start_work()
        if self.role.has_doors and self.slack is not None and await self.slack.start_socket():
            log.info("slack socket connected")

    async def _start_work(self) -> None:
        await self.engine.start(
            {
                EngineKind.TURN: self.turns.run,
                EngineKind.DELIVER: self.delivery.handle,
                EngineKind.TIMER: self._fire,
            }
        )
        self._sweeping = _job("reconciler", self.reconciler.run_forever())
        if self.policy is not None:
            self._watching = _job("policy", self.policy.run_forever())
        if self.retention is not None:
            self._expiring = _job("retention", self.retention.run_forever())
        self._attending = _job("unsent of the dead", self._attend.run(self._send_what_is_left))
        self._is_working = True

    async def _prepare_later(self) -> None:
        while True:
            await asyncio.sleep(PREPARE_SECONDS)
            try:
                await self.accounts.prepare()
            except ConfigurationError as error:
                log.warning("still without the account system: %s", error)
            else:
                log.info("the account system answers")
                return

    async def _send_what_is_left(self) -> None:
        """What a process that died had committed, or had begun to send."""
        await self.delivery.attend(self._free_of_the_dead)

    async def _free_of_the_dead(self, holders: Sequence[str]) -> None:
        if self.presence is None:
            return
        for holder in holders:
            slot = await self.presence.dead(holder)
            if slot is None:
                continue
            try:
                log.warning("sending what %s left", holder)
                await self.delivery.free(holder)
            finally:
                await asyncio.to_thread(slot.release)

    async def _fire(self, key: str, ref: str) -> None:
        """A timer is a request of its own: nobody's, and what it does bears one trace."""
        with self.observer.span("timer", parent="") as span:
            span.set("handrail.timer", ref.partition(":")[0])
            await self.timers.fire(key, ref)

    async def refresh_gauges(self) -> None:
        """Brings those up to date that are not drawn from memory alone."""
        if self.hearing is not None:
            await self.hearing.refresh()
        if self.gauges is not None:
            await self.gauges.refresh()

    @property
    def is_working(self) -> bool:
        """The engine takes work, and the reconciler looks for what was left."""
        running = self._sweeping is not None and not self._sweeping.done()
        return self._is_working and running

    @property
    def failing(self) -> tuple[str, ...]:
        """The jobs whose last round failed; the reconciler tells it by the age of its sweep."""
        retention = self.retention is not None and self.retention.is_failing
        policy = self.policy is not None and self.policy.is_failing
        jobs = {
            "retention": retention,
            "changes of the policy": policy,
            "messages of dead workers": self._attend.is_failing,
            "the account system": self._preparing is not None and not self._preparing.done(),
        }
        return tuple(name for name, fails in jobs.items() if fails)

    async def ready(self) -> Report:
        """What is wrong now, in words."""
        return await self.readiness.report() if self.readiness is not None else Report()

    def is_alive(self) -> bool:
        """Whether the event loop still wakes what sleeps."""
        return self.loop_watch is None or self.loop_watch.is_alive

    async def stop(self) -> None:
        """Takes nothing new, lets turns and sends end, then closes everything.

        One part that cannot be closed keeps no other from it; its error is raised at the end.
        """
        self._is_working = False
        self.reconciler.stop()
        self.turns.send_away()
        if self.policy is not None:
            self.policy.stop()
        if self.retention is not None:
            self.retention.stop()
        async with AsyncExitStack() as parts:  # the last to enter is the first to end
            if self.loop_watch is not None:
                parts.push_async_callback(self.loop_watch.stop)
            if self.readiness is not None:
                parts.push_async_callback(self.readiness.close)
            parts.push_async_callback(asyncio.to_thread, self.observer.close)
            parts.push_async_callback(self.store.close)
            if self.presence is not None:
                parts.push_async_callback(self.presence.leave)  # nothing is sent any more
            parts.push_async_callback(self.accounts.close)
            parts.push_async_callback(self.model.close)
            if self.teams is not None:
                parts.push_async_callback(self.teams.close)
            if self.slack is not None:
                parts.push_async_callback(self.slack.stop)
            for job in (self._attending, self._preparing):
                if job is not None:
                    job.cancel()
            tasks = (self._sweeping, self._watching, self._expiring)
            running = [task for task in tasks if task is not None]
            if running:
                parts.push_async_callback(asyncio.wait, running, timeout=DRAIN_SECONDS)
            parts.push_async_callback(self.delivery.stop, DRAIN_SECONDS)
            if self.role.runs_turns:
                parts.push_async_callback(self.engine.drain, DRAIN_SECONDS)


def _job(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Runs beside the requests. An end by a defect is told when it comes: nobody waits for it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_of_defect)
    return task


def _tell_of_defect(job: asyncio.Task[None]) -> None:
    if not job.cancelled() and (error := job.exception()) is not None:
        log.error(
            "a job of the service ended by a defect: restart this process, and report it",
            exc_info=error,
            extra={"job": job.get_name()},
        )


def _furnish(tx: UnitOfWork, configuration: Configuration, support_room: RoomRef) -> None:
    """The people whom the configuration names, and the room where support works."""
    tx.audit.check()  # a service that could not write into the log does not start
    now = datetime.now(UTC)
    before = {person.id: person for person in tx.people.all()}
    for person in people_from(configuration, tuple(before.values())):
        tx.people.put(person)
        note_person(tx, before.get(person.id), person, now)
    known = tx.rooms.get(support_room)
    if known is None or not known.is_support:
        binding = RoomBinding(
            room=support_room,
            audience=Audience.INTERNAL,
            account_id=None,
            mode=RoomMode.MENTION,
            is_support=True,
            name=known.name if known else "support",
        )
        tx.rooms.put(binding)
        note_room(tx, binding, AuditKind.ROOM_LINKED, now)
