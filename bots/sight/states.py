"""States of this process as gauges: its place, its breakers, its last sweep, the audit log."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from agent_core.breaker import BreakerState, BreakerView


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the states are asked for, at each scrape. Cheap, and from memory alone."""

    breakers: Callable[[], tuple[BreakerView, ...]]
    since_sweep: Callable[[], float | None]
    worker: Callable[[], str]  # the slot, or "embedded"
    role: str
    policy_is_current: Callable[[], bool]


class States(Collector):
    """Draws what the process knows of itself."""

    def __init__(self, sources: Sources, registry: CollectorRegistry) -> None:
        self._sources = sources
        registry.register(self)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        sources = self._sources
        worker = GaugeMetricFamily(
            "handrail_worker", "This process: always 1.", labels=["slot", "role", "version"]
        )
        worker.add_metric([sources.worker(), sources.role, version("handrail")], 1.0)
        yield worker
        since = sources.since_sweep()
        if since is not None:
            yield GaugeMetricFamily(
                "handrail_sweep_age_seconds",
                "Since unfinished work was last looked for, or first tried.",
                since,
            )
        yield GaugeMetricFamily(
            "handrail_policy_current",
            "1 where policy.yaml, as it is now, is in force.",
            float(sources.policy_is_current()),
        )
        yield from _breakers(sources.breakers())


def _breakers(found: tuple[BreakerView, ...]) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    state = GaugeMetricFamily(
        "handrail_breaker_open", "1 where nobody asks it now.", labels=["breaker"]
    )
    opened = CounterMetricFamily(
        "handrail_breaker_opened", "How often it opened.", labels=["breaker"]
    )
    turned_away = CounterMetricFamily(
        "handrail_breaker_turned_away", "Calls that were not made.", labels=["breaker"]
    )
    for one in found:
        state.add_metric([one.name], float(one.state is not BreakerState.CLOSED))
        opened.add_metric([one.name], one.opened)
        turned_away.add_metric([one.name], one.turned_away)
    yield state
    yield opened
    yield turned_away
