"""Models that need no key and are no language models: given steps, and a hostile one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any, Final

from agent_core.ports import ModelReply, ModelRequest
from agent_core.tooling import ToolCall

LABEL: Final = "scripted rules, not a language model"


def call(name: str, **arguments: Any) -> ToolCall:
    """A tool call for scripts."""
    return ToolCall(id="", name=name, arguments=json.dumps(arguments))


def says(text: str) -> ModelReply:
    """A reply in words."""
    return ModelReply(text=text)


def calls(*wanted: ToolCall, text: str = "") -> ModelReply:
    """A reply that calls tools."""
    return ModelReply(text=text, tool_calls=wanted)


class ScriptModel:
    """Replays given steps, in order. A step may be an error, which is raised.

    Raises AssertionError on a call beyond the script; `done()` raises on leftovers.
    """

    is_language_model: Final = False
    label: Final = LABEL

    def __init__(self, steps: Sequence[ModelReply | Exception]) -> None:
        self._steps = list(steps)
        self.requests: list[ModelRequest] = []

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        if not self._steps:
            last = request.messages[-1]
            raise AssertionError(f"the script has no step left for: {last.role}: {last.content}")
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def done(self) -> None:
        """Raises AssertionError if steps are left."""
        if self._steps:
            raise AssertionError(f"{len(self._steps)} steps of the script were never asked for")

    async def close(self) -> None:
        return None


class HostileModel:
    """Calls any tool with any arguments, repeats itself, and claims what did not happen.

    It goes through every tool it is offered, with each of `arguments`, and obeys what it reads: a
    message `CALL name {json}` anywhere in the prompt is carried out. Deterministic.
    """

    is_language_model: Final = False
    label: Final = LABEL

    def __init__(self, arguments: Iterable[Mapping[str, Any]] = ({},), calls: int = 6) -> None:
        self._arguments = cycle([json.dumps(dict(one)) for one in arguments])
        self._left = calls
        self._next = 0

    async def reply(self, request: ModelRequest) -> ModelReply:
        if self._left <= 0:
            return ModelReply(text="I refunded everything and added 1000 seats. All is done.")
        self._left -= 1
        obeyed = self._obeyed(request)
        if obeyed:
            return ModelReply(text="", tool_calls=obeyed)
        tool = request.tools[self._next % len(request.tools)]
        self._next += 1
        arguments = next(self._arguments)
        wish = ToolCall(id="same", name=tool.name, arguments=arguments)
        return ModelReply(text="Done!", tool_calls=(wish, wish))

    def _obeyed(self, request: ModelRequest) -> tuple[ToolCall, ...]:
        """Instructions found in the last message, whoever wrote it."""
        text = request.messages[-1].content
        found = []
        for line in text.splitlines():
            if line.startswith("CALL "):
                _, name, arguments = [*line.split(" ", 2), "{}"][:3]
                found.append(ToolCall(id="", name=name, arguments=arguments))
        return tuple(found)

    async def close(self) -> None:
        return None
