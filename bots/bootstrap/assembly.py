"""The whole service, put together from its parts."""

from collections.abc import Callable
from typing import Final

from agent_core.breaker import BreakerView, views
from agent_core.different import Houses
from agent_core.driver import Driver
from agent_core.errors import ConfigurationError
from agent_core.fair_turns import FairTurns
from agent_core.messages import Platform, RoomRef
from agent_core.models.fallback import FallbackModel
from agent_core.models.planner import PlannerModel
from agent_core.ports import ChatModel
from agent_core.reconciler import Reconciler
from agent_core.retention_sweep import RetentionSweep
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store import health
from agent_core.store.standing import StandingReader
from bots.bootstrap.catalogs import catalog_of
from bots.bootstrap.channels import slack_channel, teams_channel
from bots.bootstrap.intakes import intake_of
from bots.bootstrap.models import model_of
from bots.bootstrap.parts import Parts, observer_of, parts_of
from bots.bootstrap.upkeep import departures_of, timers_of
from bots.configuration import Configuration
from bots.instructions import instructions_of
from bots.policy_watch import PolicyWatch
from bots.roles import Role
from bots.service import Service
from bots.settings import Settings
from bots.sight.gauges import Gauges
from bots.sight.looking import look_at
from bots.sight.watched import WatchedModel
from bots.timers import OpenTimers
from tools.catalog import Catalog

_NEEDS_POSTGRES: Final = (
    "needs Postgres: one process alone works on a SQLite file. Set HANDRAIL_DATABASE_URL to "
    "postgresql://…, or leave --role out"
)


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
    parts = parts_of(settings, configuration, settings.support_room, observer, role)
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
    parts: Parts,
    model: ChatModel,
    role: Role,
) -> Service:
    catalog = catalog_of(parts.store, parts.guarded)
    policy = FilePolicySource(configuration.policy_path, catalog.tools)
    breakers = breakers_of(model, parts)
    driver = _driver(parts, configuration, model, catalog, policy)
    turns = FairTurns(driver.run, parts.shares, places=configuration.limits.turns)
    intake = intake_of(parts, configuration, catalog)
    slack = slack_channel(settings, intake)
    teams = teams_channel(settings, configuration, intake)
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
        timers=timers_of(parts, model, configuration.limits),
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
            also=departures_of(parts, configuration, support_room, slack, teams).sweep,
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


def breakers_of(model: ChatModel, parts: Parts) -> Callable[[], tuple[BreakerView, ...]]:
    """How everything stands that this process calls."""

    def now() -> tuple[BreakerView, ...]:
        models = model.breakers() if isinstance(model, FallbackModel) else ()
        return (*models, *views(parts.accounts.breakers), *parts.outages.views())

    return now


def _driver(
    parts: Parts,
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
