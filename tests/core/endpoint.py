"""A small OpenAI-compatible server on loopback that answers with given steps."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


def calls(name: str, **arguments: Any) -> dict[str, Any]:
    """A message that calls one tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": "call_1", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def says(text: str) -> dict[str, Any]:
    """A message in words."""
    return {"role": "assistant", "content": text}


class Endpoint:
    """Gives `steps` in order, and 500 once they are used up. `asked` holds each request's body."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.url = ""

    def will(self, *steps: dict[str, Any]) -> None:
        self.steps += steps

    async def complete(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        if not self.steps:
            return web.json_response({"error": {"message": "no step left"}}, status=500)
        message = self.steps.pop(0)
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        choice = {"index": 0, "finish_reason": finish, "message": message}
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
        return web.json_response({**body, "choices": [choice]})


@asynccontextmanager
async def serving() -> AsyncIterator[Endpoint]:
    """The server on a port of its own."""
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.complete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield endpoint
    finally:
        await runner.cleanup()
