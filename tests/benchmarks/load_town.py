"""Slack's Web API and a model with a fixed delay, in a process of their own: what a load meets."""

import asyncio
import json
import sys
import time
from itertools import count

from aiohttp import web

from playground import people
from playground.loopback import serving
from tests.benchmarks.processes import Json, serve_lines

READ = "look_up_account"
ANSWER = "You are on the Business plan."


class Town:
    """Answers at once, except the model. `posts`: (channel, thread, monotonic seconds)."""

    def __init__(self, model_seconds: float) -> None:
        self.model_seconds = model_seconds
        self.posts: list[tuple[str, str, float]] = []
        self.calls = 0
        self._numbers = count(1)

    async def model(self, request: web.Request) -> web.Response:
        """A read, then the answer; with `model_calls` 1 the answer at once."""
        asked = json.loads(await request.read())
        await asyncio.sleep(self.model_seconds)
        self.calls += 1
        read = any(message["role"] == "tool" for message in asked["messages"])
        message: Json = {"role": "assistant", "content": ANSWER}
        if not read:
            call = {"id": "c1", "type": "function", "function": {"name": READ, "arguments": "{}"}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        reason = "stop" if read else "tool_calls"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        usage = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920}
        return web.json_response({"choices": [choice], "usage": usage})

    async def slack(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        raw = await request.text()
        if request.content_type == "application/json":
            given = json.loads(raw or "{}")
        else:
            given = dict(await request.post())
        given = {**request.query, **given}
        return web.json_response({"ok": True, **getattr(self, _NAMES.get(method, "other"))(given)})

    def who(self, _: Json) -> Json:
        return {
            "team_id": people.VENDOR_TEAM.team_id,
            "user_id": people.SLACK_BOT_USER_ID,
            "bot_id": "B0LOAD",
            "app_id": people.SLACK_APP_ID,
        }

    def person(self, given: Json) -> Json:
        owner = people.NORTHWIND_OWNER
        profile = {"real_name": owner.name, "display_name": owner.name}
        return {
            "user": {
                "id": given.get("user"),
                "team_id": owner.team_id,
                "name": "x",
                "profile": profile,
            }
        }

    def room(self, given: Json) -> Json:
        return {"channel": {"id": given.get("channel"), "name": "load", "is_ext_shared": True}}

    def post(self, given: Json) -> Json:
        thread = str(given.get("thread_ts") or "")
        self.posts.append((str(given["channel"]), thread, time.monotonic()))
        return {"channel": given["channel"], "ts": f"1800000000.{next(self._numbers):06d}"}

    def other(self, _: Json) -> Json:
        return {}


_NAMES = {
    "auth.test": "who",
    "users.info": "person",
    "conversations.info": "room",
    "chat.postMessage": "post",
}


async def main(model_seconds: float) -> None:
    town = Town(model_seconds)
    app = web.Application()
    app.router.add_route("*", "/api/{method}", town.slack)
    app.router.add_post("/v1/chat/completions", town.model)

    async def told(question: Json) -> Json:
        """The posts since the last question. `seconds` sets how long the model takes."""
        town.model_seconds = question.get("seconds", town.model_seconds)
        posts, town.posts = town.posts, []
        return {"posts": posts, "calls": town.calls}

    async with serving(app) as base:
        await serve_lines({"url": base}, told)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
