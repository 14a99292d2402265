"""An OpenAI-compatible endpoint in a process of its own: it asks for three reads, then answers."""

import asyncio
import json
from typing import Any

from aiohttp import web

from playground.loopback import serving
from tests.benchmarks.processes import Json, serve_lines
from tests.benchmarks.script import ANSWER, MODEL, TOOLS


class ScriptedEndpoint:
    """What it says next depends on the tool results in the request alone. `calls` counts."""

    def __init__(self) -> None:
        self.calls = 0
        self._bodies = [_body(step) for step in range(len(TOOLS) + 1)]

    async def complete(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        results = sum(message["role"] == "tool" for message in asked["messages"])
        self.calls += 1
        return web.Response(body=self._bodies[results], content_type="application/json")


def _body(step: int) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": ANSWER}
    if step < len(TOOLS):
        function = {"name": TOOLS[step][0], "arguments": json.dumps({"period": "2026-03"})}
        call = {"id": f"call_{step}", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    completion = {
        "id": f"chatcmpl-{step}",
        "object": "chat.completion",
        "created": 1_772_445_600,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if step < len(TOOLS) else "stop",
            }
        ],
        "usage": {"prompt_tokens": 420, "completion_tokens": 20, "total_tokens": 440},
    }
    return json.dumps(completion).encode()


async def main() -> None:
    endpoint = ScriptedEndpoint()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.complete)

    async def count(_: Json) -> Json:
        return {"calls": endpoint.calls}

    async with serving(app) as base:
        await serve_lines({"url": f"{base}/v1"}, count)


if __name__ == "__main__":
    asyncio.run(main())
