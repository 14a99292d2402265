"""An OpenAI-compatible endpoint that thinks for as long as a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from playground.loopback import serving


class HeldModel:
    """Answers every question with `words`, but not before it is let go."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()
        self.answered = asyncio.Event()
        self.questions = 0

    async def complete(self, request: web.Request) -> web.Response:
        self.questions += 1
        self.asked.set()
        await self.let_go.wait()
        body = await request.json()
        message = {"role": "assistant", "content": self.words}
        self.answered.set()
        return web.json_response(
            {
                "id": f"completion-{self.questions}",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        )


@asynccontextmanager
async def held_model(words: str) -> AsyncIterator[tuple[HeldModel, str]]:
    """The model and its base URL."""
    model = HeldModel(words)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    async with serving(app) as address:
        yield model, f"{address}/v1"
