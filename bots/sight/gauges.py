"""What waits and since when, as gauges: read from rows at a scrape, at most every ten seconds."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from time import monotonic
from typing import Final, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agent_core.errors import HandrailError

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 5.0


class Counts(Protocol):
    """What the store counts; see agent_core/store/standing.py."""

    @property
    def at(self) -> datetime: ...
    @property
    def inbox(self) -> int: ...
    @property
    def inbox_since(self) -> datetime | None: ...
    @property
    def turns(self) -> int: ...
    @property
    def outgoing(self) -> int: ...
    @property
    def outgoing_since(self) -> datetime | None: ...
    @property
    def cases(self) -> int: ...
    @property
    def cases_since(self) -> datetime | None: ...
    @property
    def confirmations(self) -> int: ...
    @property
    def approvals(self) -> int: ...
    @property
    def unsettled(self) -> int: ...
    @property
    def unknown(self) -> int: ...
    @property
    def doubtful(self) -> int: ...


class Gauges(Collector):
    """Draws the last counts. A database that does not answer leaves them out, and says so.

    Several workers on one database show the same rows: dashboards take the greatest, not the sum.
    """

    def __init__(self, read: Callable[[], Counts], registry: CollectorRegistry) -> None:
        self._read = read
        self._counts: Counts | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[Counts] | None = None
        registry.register(self)

    async def refresh(self) -> None:
        """Reads again where the counts are old. Never two reads at once, however many ask."""
        if monotonic() - self._read_at < FRESH_SECONDS:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                self._counts = await asyncio.shield(self._reading)
        except (HandrailError, OSError, TimeoutError) as problem:
            log.warning("gauges not read", extra={"problem": type(problem).__name__})
            self._counts = None
        self._read_at = monotonic()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counts = self._counts
        yield _gauge(
            "rows_readable", "1 where the database could be read.", float(counts is not None)
        )
        if counts is None:
            return
        yield _gauge("inbox_waiting", "Requests that no turn has begun.", counts.inbox)
        yield _age("inbox_oldest_seconds", "Age of the oldest of them.", counts, counts.inbox_since)
        yield _gauge("turns_running", "Turns that have begun and not ended.", counts.turns)
        yield _gauge("outgoing_waiting", "Messages that are not sent yet.", counts.outgoing)
        yield _age(
            "outgoing_oldest_seconds", "Age of the oldest of them.", counts, counts.outgoing_since
        )
        yield _gauge("cases_waiting", "Cases that nobody has claimed.", counts.cases)
        yield _age("cases_oldest_seconds", "Age of the oldest of them.", counts, counts.cases_since)
        proposals = GaugeMetricFamily(
            "handrail_proposals_open", "Actions that wait for somebody's yes.", labels=["waits_for"]
        )
        proposals.add_metric(["confirmation"], counts.confirmations)
        proposals.add_metric(["approval"], counts.approvals)
        yield proposals
        yield _gauge("ledger_unsettled", "Effects begun, without an outcome yet.", counts.unsettled)
        yield _gauge(
            "ledger_unknown", "Effects of which nobody knows whether they happened.", counts.unknown
        )
        yield _gauge(
            "ledger_doubtful", "Those of them whose case no person has closed.", counts.doubtful
        )


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"handrail_{name}", text, value=value)


def _age(name: str, text: str, counts: Counts, since: datetime | None) -> GaugeMetricFamily:
    age = (counts.at - since).total_seconds() if since is not None else 0.0
    return _gauge(name, text, max(age, 0.0))
