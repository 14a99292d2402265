"""The composition root of the service: builds every object and joins ports to adapters."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from agent_core.access import Access
from agent_core.audit import parse_key
from agent_core.breaker import Breaker, BreakerView, log_change, views
from agent_core.chasing import Chasing
from agent_core.clock import SystemClock
from agent_core.compacting import Compacting
from agent_core.conversation import Audience
from agent_core.deadlines import Deadlines
from agent_core.decisions import Decisions
from agent_core.delivery import Delivery
from agent_core.delivery_outages import Outages, TellOfOutage
from agent_core.delivery_pace import Pace, PostPace, Rate
from agent_core.departures import Departures
from agent_core.different import Houses
from agent_core.driver import Driver
from agent_core.engine.dbos_engine import DbosEngine, plain_url
from agent_core.engine.presence import Presence
from agent_core.errors import ConfigurationError, StoreError
from agent_core.fair_turns import FairStore, FairTurns, Shares
from agent_core.forget import Forgetting
from agent_core.ids import SystemIds
from agent_core.intake import Intake, UnboundRooms
from agent_core.limits import Limits
from agent_core.message_intake import MessageIntake
from agent_core.messages import InboundEvent, Platform, RoomRef
from agent_core.models.fallback import FallbackModel
from agent_core.models.listing import first_model
from agent_core.models.openai_model import Endpoint, OpenAIModel
from agent_core.models.planner import PlannerModel
from agent_core.outgoing import OutgoingRow
from agent_core.overload import Overload
from agent_core.pausing import pausable
from agent_core.people import AccountId
from agent_core.policy import Policy
from agent_core.ports import (
    Answer,
    ChatModel,
    PlatformAdapter,
    PostRemover,
    Receiver,
    Store,
    UnitOfWork,
)
from agent_core.press_intake import PressIntake
from agent_core.proposals import LedgerEntry
from agent_core.reconciler import Reconciler
from agent_core.retention_sweep import RetentionSweep
from agent_core.room_intake import RoomIntake
from agent_core.rules.gaps import gaps
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store import health, migrations
from agent_core.store.audit_seal import KEY_FILE, AesSeal, key_of_file
from agent_core.store.backup import copy_file, file_of
from agent_core.store.locks import lock_folder_of
from agent_core.store.sql_pace import SharedPace
from agent_core.store.sql_store import SqlStore
from agent_core.store.standing import StandingReader
from agent_core.store.traced import Traced
from agent_core.store.traced import traced as rows_of_trace
from agent_core.telemetry import Telemetry
from bots import server
from bots.configuration import Configuration
from bots.instructions import instructions_of
from bots.policy_watch import PolicyWatch
from bots.roles import Role
from bots.service import Service
from bots.settings import ModelSettings, Settings, is_loopback
from bots.sight.doors import MetricsDoor, observing
from bots.sight.gauges import Gauges
from bots.sight.looking import look_at
from bots.sight.observer import Observer
from bots.sight.watched import WatchedModel, WatchedStore
from bots.slack.adapter import SlackChannel
from bots.teams.adapter import TeamsChannel
from bots.timers import OpenTimers, Timers
from escalation.brief import Briefing, Reminders
from escalation.commands import Commands
from escalation.crowd import Crowd
from escalation.desk import Desk, SupportRoom
from escalation.outage import outage_teller
from escalation.undeliverable import teller
from tools.accounts.gateway import AccountsGateway
from tools.accounts.guarded import GuardedAccounts, GuardedPayments
from tools.accounts.no_payments import NoPayments
from tools.accounts.payments import Payments
from tools.accounts.sql_gateway import SqlAccounts
from tools.accounts.types import PLANS
from tools.catalog import Catalog, GatewayDirectory

log = logging.getLogger(__name__)

_NEEDS_POSTGRES: Final = (
    "needs Postgres: one process alone works on a SQLite file. Set HANDRAIL_DATABASE_URL to "
    "postgresql://…, or leave --role out"
)
# A small burst is fine on both platforms; after it, Slack's one a second for each channel.
RATES: Final = {
    Platform.SLACK: Rate(burst=8, per_second=1.0),
    Platform.TEAMS: Rate(burst=10, per_second=2.0),
}
# A Slack channel that nobody linked may be shared with anybody; Teams lies in our own tenant.
UNBOUND: Final = {Platform.SLACK: Audience.SHARED, Platform.TEAMS: Audience.INTERNAL}


def migrate(settings: Settings) -> None:
    """Brings our tables and the engine's to this version. Raises ConfigurationError."""
    url = settings.database_url.get_secret_value()
    make_folder(url)
    migrations.migrate(url)
    DbosEngine(url, clock=SystemClock()).prepare()


def database_problem(settings: Settings) -> str | None:
    """Why the database cannot be used as it is, and what to do; None where it can."""
    return health.database_problem(settings.database_url.get_secret_value())


def tools_by_name() -> Catalog:
    """Every tool, over no accounts: to name them, not to call them. Opens nothing."""

    async def nothing(_: AccountId) -> Sequence[LedgerEntry]:
        return ()

    return Catalog(SqlAccounts("", NoPayments()), nothing)


def policy_mistakes(path: Path) -> tuple[str, ...]:
    """What is wrong with a policy.yaml, one sentence each. Opens nothing else."""
    try:
        FilePolicySource(path, tools_by_name().tools)
    except ConfigurationError as error:
        return error.mistakes
    return ()


def policy_gaps(path: Path) -> tuple[str, ...]:
    """What a sound policy.yaml leaves open, one sentence each. Raises ConfigurationError."""
    sold = {currency for plan in PLANS.values() for currency, _ in plan.prices}
    return gaps(path, tools_by_name().tools, sold)


def make_folder(url: str) -> None:
    """The folder of a SQLite file, so that the file can be made."""
    if url.startswith("sqlite"):
        Path(url.partition(":///")[2]).parent.mkdir(parents=True, exist_ok=True)


def open_store(settings: Settings) -> SqlStore:
    """The store alone, for commands. The caller awaits `close()`."""
    return SqlStore(settings.database_url.get_secret_value(), seal=_seal(settings))


def traced(settings: Settings, trace_id: str) -> Sequence[Traced]:
    """What our rows hold of one trace. Raises StoreError."""
    return rows_of_trace(settings.database_url.get_secret_value(), trace_id)


def backup(settings: Settings, target: Path) -> list[Path]:
    """Copies our SQLite files into the new folder `target`. Raises StoreError, OSError."""
    urls = (settings.database_url.get_secret_value(), settings.accounts_url.get_secret_value())
    files = [file_of(url) for url in urls]
    if files[0] is None:
        raise StoreError("the database is Postgres: use pg_dump (docs/operations.md)")
    found = [file for file in files if file is not None and file.is_file()]
    target.mkdir(mode=0o700, parents=True)
    for file in found:
        copy_file(file, target / file.name)
    return [target / file.name for file in found]


def _seal(settings: Settings) -> AesSeal:
    """What protects the personal part of the audit log. Raises ConfigurationError."""
    if settings.audit_key is not None:
        return AesSeal(parse_key(settings.audit_key.get_secret_value()))
    return AesSeal(key_of_file(settings.data_folder / KEY_FILE))


class PaidAccounts(SqlAccounts):
    """The embedded account system together with the connection that it pays over."""

    def __init__(self, url: str, payments_url: str | None, payments_key: str) -> None:
        self._session = aiohttp.ClientSession()
        self.payments: GuardedPayments | NoPayments = NoPayments()
        self.breakers = [Breaker("accounts", on_change=log_change)]
        if payments_url is not None:
            breaker = Breaker("payments", on_change=log_change)
            payments = Payments(payments_url, payments_key, self._session)
            self.payments = GuardedPayments(payments, breaker)
            self.breakers.append(breaker)
        super().__init__(url, self.payments)

    async def close(self) -> None:
        await super().close()
        await self._session.close()


def open_accounts(settings: Settings) -> PaidAccounts:
    """The account system, inside a running loop. The caller awaits `prepare()` and `close()`."""
    url = settings.accounts_url.get_secret_value()
    make_folder(url)
    key = settings.payments_key.get_secret_value() if settings.payments_key else ""
    return PaidAccounts(url, settings.payments_url, key)


async def model_of(settings: Settings, telemetry: Telemetry) -> ChatModel:
    """The configured model and its fallback, each observed; without one, the scripted model, which
    is rules and says so."""
    if settings.model is None:
        return WatchedModel(PlannerModel(), telemetry)
    chosen = [settings.model]
    if settings.fallback_model is not None:
        chosen.append(settings.fallback_model)
    return FallbackModel([WatchedModel(await _endpoint(each), telemetry) for each in chosen])


async def _endpoint(chosen: ModelSettings) -> OpenAIModel:
    key = chosen.api_key.get_secret_value() if chosen.api_key else None
    name = chosen.name or await first_model(chosen.base_url or "", key)
    return OpenAIModel(Endpoint(model=name, base_url=chosen.base_url, api_key=key))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What most others are built on."""

    clock: SystemClock
    ids: SystemIds
    observer: Observer
    store: Store
    engine: DbosEngine
    accounts: PaidAccounts
    guarded: GuardedAccounts
    directory: GatewayDirectory
    adapters: dict[Platform, PlatformAdapter]
    delivery: Delivery
    outages: Outages
    desk: Desk
    decisions: Decisions
    presence: Presence | None
    shares: Shares
    turn_store: FairStore

    async def close(self) -> None:
        """For a service that was never put together."""
        await self.accounts.close()
        await self.store.close()


async def build(
    settings: Settings,
    configuration: Configuration,
    *,
    model: ChatModel | None = None,
    role: Role = Role.ALL,
) -> Service:
    """Joins everything, inside a running loop. Raises ConfigurationError with every mistake.

    `model` stands in for the one that the settings name.
    """
    url = settings.database_url.get_secret_value()
    if role is not Role.ALL and url.startswith("sqlite"):
        raise ConfigurationError([f"--role {role} {_NEEDS_POSTGRES}"])
    if settings.support_room is None:
        raise ConfigurationError(
            ["HANDRAIL_SUPPORT_ROOM is missing: name the room where people take cases."]
        )
    observer = observer_of(settings)
    if model is None:  # a process without turns asks none, and need not reach it
        model = await model_of(settings, observer) if role.runs_turns else PlannerModel()
    else:
        model = WatchedModel(model, observer)
    parts = _parts(settings, configuration, settings.support_room, observer)
    try:
        return _joined(settings, configuration, settings.support_room, parts, model, role)
    except ConfigurationError:
        await parts.close()
        await model.close()
        raise


def _joined(
    settings: Settings,
    configuration: Configuration,
    support_room: RoomRef,
    parts: _Parts,
    model: ChatModel,
    role: Role,
) -> Service:
    catalog = catalog_of(parts.store, parts.guarded)
    policy = FilePolicySource(configuration.policy_path, catalog.tools)
    breakers = _breakers(model, parts)
    driver = _driver(parts, configuration, model, catalog, policy)
    turns = FairTurns(driver.run, parts.shares, places=configuration.limits.turns)
    intake = _intake(parts, configuration, catalog)
    slack = _slack(settings, intake)
    teams = _teams(settings, configuration, intake)
    if slack is not None:
        parts.adapters[Platform.SLACK] = slack.sender
    if teams is not None:
        parts.adapters[Platform.TEAMS] = teams.sender
    due = OpenTimers(parts.clock, limits=configuration.limits)
    service = Service(
        store=parts.store,
        engine=parts.engine,
        delivery=parts.delivery,
        driver=driver,
        turns=turns,
        breakers=breakers,
        policy=PolicyWatch(policy, parts.store, clock=parts.clock),
        timers=_timers(parts, model, configuration.limits),
        reconciler=Reconciler(
            parts.store,
            parts.engine,
            clock=parts.clock,
            ids=parts.ids,
            timers=(due.unbriefed, due.unclaimed, due.undecided, due.unapproved),
        ),
        retention=RetentionSweep(
            parts.store,
            clock=parts.clock,
            retention=configuration.retention,
            also=_departures(parts, configuration, support_room, slack, teams).sweep,
        ),
        accounts=parts.accounts,
        model=model,
        support_room=support_room,
        observer=parts.observer,
        gauges=Gauges(
            StandingReader(settings.database_url.get_secret_value()).read, parts.observer.registry
        ),
        slack=slack,
        teams=teams,
        role=role,
        presence=parts.presence,
    )
    look_at(
        service,
        settings,
        version_problem=health.version_problem,
        breakers=breakers,
        policy_mistakes=lambda: policy.mistakes,
    )
    return service


def _breakers(model: ChatModel, parts: _Parts) -> Callable[[], tuple[BreakerView, ...]]:
    """How everything stands that this process calls."""

    def now() -> tuple[BreakerView, ...]:
        models = model.breakers() if isinstance(model, FallbackModel) else ()
        return (*models, *views(parts.accounts.breakers), *parts.outages.views())

    return now


def observer_of(settings: Settings) -> Observer:
    """Metrics always; spans where an address for them is set."""
    tracer = None
    if settings.traces is not None:
        from bots.sight.tracing import exporting  # brings a client of its own: only where needed

        tracer = exporting(settings.traces)
    return Observer(CollectorRegistry(), tracer)


def _departures(
    parts: _Parts,
    configuration: Configuration,
    support_room: RoomRef,
    slack: SlackChannel | None,
    teams: TeamsChannel | None,
) -> Departures:
    """What erases uninstalled workspaces, and takes our posts about them back in the others."""
    removers: dict[Platform, PostRemover] = {}
    if slack is not None:
        removers[Platform.SLACK] = slack.sender
    if teams is not None:
        removers[Platform.TEAMS] = teams.sender

    async def installed(place: RoomRef) -> bool:
        return slack is not None and await slack.installed(place.tenant_id)

    named = frozenset(one for ids in configuration.tenants.values() for one in ids)
    return Departures(
        parts.store,
        forgetting=Forgetting(parts.store, removers=removers, clock=parts.clock),
        clock=parts.clock,
        days=configuration.retention.workspaces,
        own=named | {support_room.tenant_id},
        installed=installed,
    )


def _parts(
    settings: Settings, configuration: Configuration, support: RoomRef, observer: Observer
) -> _Parts:
    clock, ids = SystemClock(), SystemIds()
    url = settings.database_url.get_secret_value()
    sql, limits = open_store(settings), configuration.limits
    store = WatchedStore(sql, observer)
    presence = None if sql.is_sqlite else Presence(plain_url(url))
    # Alone on SQLite, the process holds all that may wait, so that its own line alone decides who
    # is next. On Postgres others take what one does not.
    most = max(limits.turns, limits.waiting) if sql.is_sqlite else limits.turns
    engine = DbosEngine(url, clock=clock, worker_concurrency=most, presence=presence)
    accounts = open_accounts(settings)
    patience = limits.read_seconds * 0.9  # shorter than the tool runner's: so that it is counted
    guarded = GuardedAccounts(accounts, accounts.breakers[0], seconds=patience)
    outages = Outages(lambda tx, room, minutes: told[0](tx, room, minutes))
    adapters: dict[Platform, PlatformAdapter] = {}
    told: list[TellOfOutage] = []
    tell: list[Callable[[UnitOfWork, OutgoingRow, str], None]] = []  # the desk needs the delivery
    pace: PostPace = Pace(RATES) if sql.is_sqlite else SharedPace(RATES)
    delivery = Delivery(
        store=store,
        engine=engine,
        adapters=adapters,
        clock=clock,
        # One process on SQLite: after a restart it goes on with what it held. On Postgres it takes
        # the name of its slot before it sends anything.
        holder="embedded" if sql.is_sqlite else ids.new("worker"),
        pace=pace,
        undeliverable=lambda tx, row, reason: tell[0](tx, row, reason),
        outages=outages,
        telemetry=observer,
    )
    room = SupportRoom(room=support, delivery={}, hours=configuration.support_hours)
    desk = Desk(outbox=delivery, engine=engine, room=room, ids=ids, clock=clock)
    tell.append(teller(desk, clock))
    told.append(outage_teller(desk, clock))
    return _Parts(
        clock=clock,
        ids=ids,
        observer=observer,
        store=store,
        engine=engine,
        accounts=accounts,
        guarded=guarded,
        directory=GatewayDirectory(guarded, clock),
        adapters=adapters,
        delivery=delivery,
        outages=outages,
        desk=desk,
        decisions=Decisions(
            outbox=delivery,
            engine=engine,
            desk=desk,
            limits=limits,
            houses=Houses(tenants=configuration.tenants),
        ),
        shares=Shares(store),
        turn_store=FairStore(store, places=sql.transactions_at_once),
        presence=presence,
    )


class _Nobody:
    """The receiver of a channel that only goes out."""

    async def receive(self, event: InboundEvent) -> Answer:
        raise AssertionError("nothing comes in here")


@asynccontextmanager
async def opened_removers(
    settings: Settings, configuration: Configuration
) -> AsyncIterator[Mapping[Platform, PostRemover]]:
    """The way out to each platform that is set up, to take posts back."""
    removers: dict[Platform, PostRemover] = {}
    slack = _slack(settings, _Nobody())
    teams = _teams(settings, configuration, _Nobody())
    if slack is not None:
        removers[Platform.SLACK] = slack.sender
    if teams is not None:
        removers[Platform.TEAMS] = teams.sender
    try:
        yield removers
    finally:
        if slack is not None:
            await slack.stop()
        if teams is not None:
            await teams.close()


def catalog_of(store: Store, accounts: AccountsGateway) -> Catalog:
    """Every tool, over these accounts and the ledger of this store."""

    async def ledger(account_id: AccountId) -> Sequence[LedgerEntry]:
        return await store.run(lambda tx: tx.ledger.of_account(account_id))

    return Catalog(accounts, ledger)


def policy_in(path: Path | None, catalog: Catalog) -> Policy:
    """The policy of a file; None: the tools' own. Raises ConfigurationError with every mistake."""
    return FilePolicySource(path, catalog.tools).current()


def _driver(
    parts: _Parts,
    configuration: Configuration,
    model: ChatModel,
    catalog: Catalog,
    policy: FilePolicySource,
) -> Driver:
    return Driver(
        store=parts.turn_store,
        engine=parts.engine,
        outbox=parts.delivery,
        model=model,
        catalog=catalog,
        policy_source=policy,
        desk=parts.desk,
        directory=parts.directory,
        clock=parts.clock,
        ids=parts.ids,
        instructions=instructions_of(configuration),
        limits=configuration.limits,
        houses=Houses(tenants=configuration.tenants),
        telemetry=parts.observer,
    )


def _intake(parts: _Parts, configuration: Configuration, catalog: Catalog) -> Intake:
    commands = Commands(
        desk=parts.desk, outbox=parts.delivery, decisions=parts.decisions, clock=parts.clock
    )
    return Intake(
        store=parts.store,
        commands=commands,
        accounts=parts.directory,
        words=MessageIntake(
            outbox=parts.delivery,
            engine=parts.engine,
            desk=parts.desk,
            commands=commands,
            decisions=parts.decisions,
            ids=parts.ids,
            overload=Overload(configuration.limits),
            houses=Houses(tenants=configuration.tenants),
            shares=parts.shares,
        ),
        presses=PressIntake(
            engine=parts.engine,
            desk=parts.desk,
            commands=commands,
            decisions=parts.decisions,
            access=Access(outbox=parts.delivery, desk=parts.desk, ids=parts.ids),
            houses=Houses(tenants=configuration.tenants),
        ),
        room_changes=RoomIntake(),
        unbound=UnboundRooms(audiences=UNBOUND, modes=configuration.room_modes),
        homes=configuration.tenants,
        actions=pausable(catalog.tools),
        clock=parts.clock,
        telemetry=parts.observer,
    )


def _timers(parts: _Parts, model: ChatModel, limits: Limits) -> Timers:
    crowd = Crowd()
    return Timers(
        briefing=Briefing(
            store=parts.store,
            desk=parts.desk,
            accounts=parts.directory,
            clock=parts.clock,
            crowd=crowd,
        ),
        reminders=Reminders(store=parts.store, desk=parts.desk, clock=parts.clock, crowd=crowd),
        deadlines=Deadlines(store=parts.store, decisions=parts.decisions, clock=parts.clock),
        chasing=Chasing(
            store=parts.store,
            outbox=parts.delivery,
            desk=parts.desk,
            decisions=parts.decisions,
            clock=parts.clock,
            limits=limits,
        ),
        compacting=Compacting(store=parts.store, model=model, clock=parts.clock, limits=limits),
    )


def _slack(settings: Settings, intake: Receiver) -> SlackChannel | None:
    chosen = settings.slack
    if chosen is None:
        return None
    return SlackChannel(
        receiver=intake,
        signing_secret=_plain(chosen.signing_secret) or "",
        bot_token=_plain(chosen.bot_token),
        app_token=_plain(chosen.app_token),
        api_url=chosen.api_url,
        client_id=chosen.client_id,
        client_secret=_plain(chosen.client_secret),
        installation_database_url=settings.database_url.get_secret_value(),
    )


def _teams(
    settings: Settings, configuration: Configuration, intake: Receiver
) -> TeamsChannel | None:
    chosen = settings.teams
    if chosen is None:
        return None
    return TeamsChannel(
        receiver=intake,
        app_id=chosen.app_id,
        app_password=_plain(chosen.app_password) or "",
        tenant_id=chosen.tenant_id,
        app_type=chosen.app_type,
        openid_metadata_url=chosen.openid_metadata_url,
        token_url=chosen.token_url,
        allowed_tenants=configuration.tenants.get(Platform.TEAMS, frozenset()),
        # A local stand-in signs its own tokens and has a local service URL.
        development=is_loopback(urlsplit(chosen.openid_metadata_url).hostname or ""),
        auth_off=not chosen.verify,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


async def serve(
    settings: Settings,
    configuration: Configuration,
    host: str,
    port: int,
    role: Role = Role.ALL,
) -> None:
    """Runs the service until it is told to stop. Raises ConfigurationError, OSError."""
    lock = lock_folder_of(settings.database_url.get_secret_value())
    if lock is not None:
        lock.take()
    try:
        migrate(settings)
        service = await build(settings, configuration, role=role)
        try:
            await service.start(configuration)
            app = application(settings, service, host)
            await server.run(app, host, port, on_listening=_say_listening)
        finally:
            await service.stop()
    finally:
        if lock is not None:
            lock.release()


def application(settings: Settings, service: Service, host: str) -> web.Application:
    """Every door of the service, for a server that is bound to `host`."""
    metrics = MetricsDoor(
        service.observer.registry,
        token=_plain(settings.metrics_token),
        on_loopback=is_loopback(host),
        refresh=service.count_rows,
    )
    return server.application(
        [*service.routes(), *metrics.routes()],
        service.ready,
        middlewares=[observing(service.observer)],
        is_alive=service.is_alive,
    )


def _say_listening(address: str) -> None:
    log.info("listening", extra={"address": address})
    print(f"listening on {address}", flush=True)  # noqa: T201 - scripts wait for this line
