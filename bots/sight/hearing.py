"""Whether Slack is heard over Socket Mode, as a gauge: its HTTP door has the answers' figures."""

from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Hearing(Collector):
    """Draws what the last look found. `hears` asks nobody outside."""

    def __init__(self, hears: Callable[[], Awaitable[bool]], registry: CollectorRegistry) -> None:
        self._hears = hears
        self._heard = False
        registry.register(self)

    async def refresh(self) -> None:
        """Looks again."""
        self._heard = await self._hears()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "handrail_slack_socket_connected",
            "1 where this process hears Slack over Socket Mode.",
            float(self._heard),
        )
