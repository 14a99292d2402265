"""What an observer is told of one run of a tool: its name, how long, how it ended; no arguments."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from agent_core.errors import ToolError
from agent_core.telemetry import Metric, Span, Telemetry
from agent_core.tooling import Tool


class WatchedTool:
    """One run. Without a word on its end it was cut off, or failed."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.outcome = "cut_off"

    def ended(self, outcome: str) -> None:
        self.outcome = outcome
        self._span.set("handrail.tool.outcome", outcome)


@contextmanager
def watched_tool(telemetry: Telemetry, tool: Tool, phase: str) -> Iterator[WatchedTool]:
    """`phase`: read, preview or act. A tool is one of the catalogue's, so names are few."""
    name, began = str(tool.name), perf_counter()
    with telemetry.span(f"execute_tool {name}") as span:
        span.set("gen_ai.operation.name", "execute_tool")
        span.set("gen_ai.tool.name", name)
        span.set("gen_ai.tool.type", "function")
        span.set("handrail.tool.phase", phase)
        watched = WatchedTool(span)
        try:
            yield watched
        except ToolError as error:
            watched.ended(_word(type(error).__name__))
            raise
        finally:
            telemetry.count(Metric.TOOL_RUNS, name, phase, str(watched.outcome))
            telemetry.observe(Metric.TOOL_SECONDS, perf_counter() - began, name)


def _word(name: str) -> str:
    """ActionFailed → action_failed."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
