"""A model that asks for one action and then thanks: the same answer to the same request."""

import json
from typing import Any

from agent_core.ports import ModelReply, ModelRequest
from agent_core.tooling import ToolCall
from tests.enemy.spies import Life


class Steady:
    """`ports.ChatModel`."""

    label = "steady"
    is_language_model = False

    def __init__(self, life: Life, tool: str, arguments: dict[str, Any]) -> None:
        self._life = life
        self._call = ToolCall(id="", name=tool, arguments=json.dumps(arguments))

    async def reply(self, request: ModelRequest) -> ModelReply:
        return await self._life.step(lambda: self._reply(request))

    async def _reply(self, request: ModelRequest) -> ModelReply:
        last = request.messages[-1]
        if last.role == "tool" or "<event>" in last.content:
            return ModelReply(text="Thank you.")
        return ModelReply(text="", tool_calls=(self._call,))

    async def close(self) -> None:
        return None
