"""What an observer is told of one attempt of a turn: its span, how long it took, how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from agent_core.live_turn import LiveTurn
from agent_core.ports import Clock
from agent_core.telemetry import Metric, Span, Telemetry
from agent_core.turn_state import Kind

CUT_OFF: Final = "cut_off"  # the process stops; another attempt goes on


class WatchedTurn:
    """One attempt. Without a word on its end it was cut off."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.end = CUT_OFF

    def ended(self, end: str) -> None:
        self.end = end
        self._span.set("handrail.turn.end", end)

    def failed(self, error: BaseException) -> None:
        """The attempt broke. Only the type of the error is told: its text may be a customer's."""
        self.ended("failed_attempt")
        self._span.failed(type(error).__name__)


@contextmanager
def watched_turn(telemetry: Telemetry, live: LiveTurn, clock: Clock) -> Iterator[WatchedTurn]:
    """Inside, the turn's own trace is in force."""
    turn = live.turn
    began = perf_counter()
    if live.rows and not any(entry.kind == Kind.RESUMED for entry in live.journal):
        waited = (clock.now() - live.rows[0].received_at).total_seconds()
        telemetry.observe(Metric.WAITING_SECONDS, max(waited, 0.0))
    with telemetry.span("turn", parent=turn.trace or "") as span:
        watched = WatchedTurn(span)
        span.set("gen_ai.operation.name", "invoke_agent")
        span.set("gen_ai.conversation.id", turn.conversation_id)
        span.set("handrail.turn.id", turn.id)
        span.set("handrail.turn.attempt", turn.attempts)
        try:
            yield watched
        finally:
            for trace in {row.trace for row in live.rows} - {turn.trace}:
                span.link(trace)
            telemetry.count(Metric.TURNS, watched.end)
            telemetry.observe(Metric.TURN_SECONDS, perf_counter() - began)
