"""What most objects of the service are built on: store, engine, delivery, desk and the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from agent_core.clock import SystemClock
from agent_core.decisions import Decisions
from agent_core.delivery import Delivery
from agent_core.delivery_outages import Outages, TellOfOutage
from agent_core.delivery_pace import Pace, PostPace, Rate
from agent_core.different import Houses
from agent_core.engine.dbos_engine import DbosEngine, plain_url
from agent_core.engine.presence import Presence
from agent_core.fair_turns import FairStore, Shares
from agent_core.ids import SystemIds
from agent_core.messages import Platform, RoomRef
from agent_core.outgoing import OutgoingRow
from agent_core.ports import PlatformAdapter, Store, UnitOfWork
from agent_core.store.sql_pace import SharedPace
from bots.bootstrap.accounts import PaidAccounts, open_accounts
from bots.bootstrap.databases import open_store
from bots.configuration import Configuration
from bots.roles import Role
from bots.settings import Settings
from bots.sight.observer import Observer
from bots.sight.watched import WatchedStore
from escalation.desk import Desk, SupportRoom
from escalation.outage import outage_teller, refusal_teller
from escalation.undeliverable import teller
from tools.accounts.guarded import GuardedAccounts
from tools.catalog import GatewayDirectory

# A small burst is fine on both platforms; after it, Slack's one a second for each channel.
RATES: Final = {
    Platform.SLACK: Rate(burst=8, per_second=1.0),
    Platform.TEAMS: Rate(burst=10, per_second=2.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
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


def observer_of(settings: Settings) -> Observer:
    """Metrics always; spans where an address for them is set."""
    tracer = None
    if settings.traces is not None:
        from bots.sight.tracing import exporting  # brings a client of its own: only where needed

        tracer = exporting(settings.traces)
    return Observer(CollectorRegistry(), tracer)


def parts_of(
    settings: Settings,
    configuration: Configuration,
    support: RoomRef,
    observer: Observer,
    role: Role = Role.ALL,
) -> Parts:
    """Builds them, inside a running loop. Raises ConfigurationError."""
    clock, ids = SystemClock(), SystemIds()
    url = settings.database_url.get_secret_value()
    sql, limits = open_store(settings), configuration.limits
    store = WatchedStore(sql, observer)
    presence = None if sql.is_sqlite else Presence(plain_url(url), runs_turns=role.runs_turns)
    # Alone on SQLite, the process holds all that may wait, so that its own line alone decides who
    # is next. On Postgres others take what one does not.
    most = max(limits.turns, limits.waiting) if sql.is_sqlite else limits.turns
    engine = DbosEngine(url, clock=clock, worker_concurrency=most, presence=presence)
    accounts = open_accounts(settings)
    patience = limits.read_seconds * 0.9  # shorter than the tool runner's: so that it is counted
    guarded = GuardedAccounts(accounts, accounts.breakers[0], seconds=patience)
    outages = Outages(
        lambda tx, room, minutes: told[0](tx, room, minutes),
        tell_of_refusals=lambda tx, room, minutes: told[1](tx, room, minutes),
    )
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
    told += [outage_teller(desk, clock), refusal_teller(desk, clock)]
    return Parts(
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
