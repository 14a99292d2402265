"""What an observer is told of one try to send a row: where to, how long, how it ended; no words."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from agent_core.delivery_outcomes import Job
from agent_core.telemetry import Metric, Span, Telemetry, within


class WatchedSend:
    """One try. Without a word on its end it was cut off, and is looked up later."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.outcome = "cut_off"

    def ended(self, outcome: str) -> None:
        self.outcome = outcome
        self._span.set("handrail.send.outcome", outcome)
        if outcome not in ("sent", "dropped", "rate_limited"):
            self._span.failed(outcome)


@contextmanager
def watched_send(telemetry: Telemetry, job: Job) -> Iterator[WatchedSend]:
    """Inside, the trace of what caused the row is in force."""
    row, platform, began = job.row, job.destination.address.room.platform.value, perf_counter()
    with (
        telemetry.span("send", parent=row.trace or "") as span,
        within(conversation=row.conversation_id or ""),
    ):
        span.set("messaging.system", platform)
        span.set("messaging.operation.type", "send")
        # Not the whole id: some hold the room's.
        span.set("handrail.send.kind", row.id.partition(":")[0])
        span.set("handrail.send.attempt", row.attempts)
        watched = WatchedSend(span)
        try:
            yield watched
        finally:
            telemetry.count(Metric.SENDS, platform, watched.outcome)
            telemetry.observe(Metric.SEND_SECONDS, perf_counter() - began, platform)
