"""Every metric of the service, by Prometheus' client: names, labels, and where they are counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from agent_core.telemetry import Metric

_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
# More than any real installation has: what goes beyond is counted together, under this word.
MOST_SERIES: Final = 200
_SIDES: Final = ("slack", "teams")  # platforms, and the doors of the same names
_UNSENT: Final = ("refused", "gone", "withheld")
OTHERS: Final = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # none: a counter


SHAPES: Final[Mapping[Metric, _Shape]] = {
    Metric.DELIVERIES: _Shape(
        help="What platforms delivered, and what was decided about it.",
        labels=("platform", "kind", "decision"),
    ),
    Metric.TURNS: _Shape(help="Turns and how they ended.", labels=("end",)),
    Metric.TURN_SECONDS: _Shape(
        help="From entering a turn to its end, or to the end of the attempt.", buckets=_SLOW
    ),
    Metric.WAITING_SECONDS: _Shape(
        help="From the arrival of a request to the start of its turn.", buckets=_SLOW
    ),
    Metric.MODEL_CALLS: _Shape(
        help="Calls of a model; outcome is ok or the kind of failure.", labels=("model", "outcome")
    ),
    Metric.MODEL_SECONDS: _Shape(help="How long a model took.", labels=("model",), buckets=_SLOW),
    Metric.MODEL_TOKENS: _Shape(
        help="Tokens as the endpoint counts them; cached ones are part of input.",
        labels=("model", "kind"),
    ),
    Metric.TOOL_RUNS: _Shape(
        help="Runs of tools and how they ended.", labels=("tool", "phase", "outcome")
    ),
    Metric.TOOL_SECONDS: _Shape(help="How long a tool took.", labels=("tool",), buckets=_SLOW),
    Metric.SENDS: _Shape(
        help="Tries to send a message, and what came of them.", labels=("platform", "outcome")
    ),
    Metric.SEND_SECONDS: _Shape(
        help="How long a try to send took.", labels=("platform",), buckets=_SLOW
    ),
    Metric.STORE_SECONDS: _Shape(
        help="A transaction of the store, with its wait for a thread and for the lock.",
        labels=("outcome",),
        buckets=_QUICK,
    ),
}


class Metrics:
    """Counters and histograms of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counters: dict[Metric, Counter] = {}
        self._histograms: dict[Metric, Histogram] = {}
        self._children: dict[tuple[Metric, tuple[str, ...]], Counter | Histogram] = {}
        self._count_of: dict[Metric, int] = {}
        for metric, shape in SHAPES.items():
            name = f"handrail_{metric.value}"
            if shape.buckets:
                self._histograms[metric] = Histogram(
                    name, shape.help, shape.labels, buckets=shape.buckets, registry=registry
                )
            else:
                self._counters[metric] = Counter(name, shape.help, shape.labels, registry=registry)
        self.ack = Histogram(
            "handrail_ack_seconds",
            "From a request's arrival to our answer, by door.",
            ("door", "status"),
            buckets=_QUICK,
            registry=registry,
        )
        self._begin()

    def _begin(self) -> None:
        """What alerts see grow is there before it grows: a first failure is no growth else."""
        for side in _SIDES:
            self.ack.labels(side, "5xx")
            for outcome in _UNSENT:
                self.count(Metric.SENDS, side, outcome, by=0)

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Adds `by`, which is not negative."""
        child = self._child(metric, labels)
        if isinstance(child, Counter):
            child.inc(by)

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        child = self._child(metric, labels)
        if isinstance(child, Histogram):
            child.observe(seconds)

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> Counter | Histogram:
        known = self._children.get((metric, labels))
        if known is not None:
            return known
        seen = self._count_of.get(metric, 0)
        if labels and seen >= MOST_SERIES:
            labels = (OTHERS,) * len(labels)
        self._count_of[metric] = seen + 1
        parent = self._counters.get(metric) or self._histograms[metric]
        child: Counter | Histogram = parent.labels(*labels) if labels else parent
        if seen <= MOST_SERIES:
            self._children[metric, labels] = child
        return child
