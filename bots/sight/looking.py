"""Joins a service to what looks at it: the checks of readyz, the loop's watch, the states."""

from collections.abc import Callable, Sequence
from pathlib import Path

from agent_core.breaker import BreakerView
from bots.service import Service
from bots.settings import Settings
from bots.sight.checks import (
    database_check,
    disk_checks,
    jobs_check,
    model_check,
    others_check,
    place_check,
    policy_check,
    socket_check,
    tables_check,
    work_check,
)
from bots.sight.hearing import Hearing
from bots.sight.loop_watch import LoopWatch
from bots.sight.platforms import platform_checks
from bots.sight.readiness import Check, Readiness
from bots.sight.states import Sources, States
from bots.slack.adapter import SlackChannel


def look_at(
    service: Service,
    settings: Settings,
    *,
    version_problem: Callable[[str], str | None],
    breakers: Callable[[], tuple[BreakerView, ...]],
    policy_mistakes: Callable[[], Sequence[str]],
) -> None:
    """Before the service starts. `version_problem` is asked with the database's URL."""
    url = settings.database_url.get_secret_value()
    checks = [
        database_check(service.store),
        tables_check(lambda: version_problem(url)),
        policy_check(policy_mistakes),
        *disk_checks(Path(url.partition(":///")[2]).parent if url.startswith("sqlite") else None),
        *platform_checks(settings.slack, settings.teams),
        *_work_checks(service, breakers),
    ]
    registry = service.observer.registry
    service.loop_watch = LoopWatch(registry)
    service.readiness = Readiness(checks)
    presence = service.presence
    sources = Sources(
        breakers=breakers,
        since_sweep=lambda: service.reconciler.seconds_since_sweep,
        worker=lambda: presence.name if presence is not None else "embedded",
        role=service.role.value,
        policy_is_current=lambda: not policy_mistakes(),
    )
    States(sources, registry)
    if (slack := _over_socket(service)) is not None:
        service.hearing = Hearing(slack.hears, registry)


def _over_socket(service: Service) -> SlackChannel | None:
    """Slack, where this process is to hear it by Socket Mode."""
    slack = service.slack if service.role.has_doors else None
    return slack if slack is not None and slack.uses_socket else None


def _work_checks(service: Service, breakers: Callable[[], tuple[BreakerView, ...]]) -> list[Check]:
    """A process of doors alone runs no engine and asks no model."""
    checks = [others_check(breakers)]
    if (slack := _over_socket(service)) is not None:
        checks.append(socket_check(slack.hears))
    if service.presence is not None:
        checks.append(place_check(service.presence.holds))
    if service.role.runs_turns:
        checks.append(work_check(lambda: service.is_working, service.reconciler))
        checks.append(jobs_check(lambda: service.failing))
        checks.append(model_check(breakers))
    return checks
