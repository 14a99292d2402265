"""A bot for tests: verifies deliveries against published keys, records them, answers as told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import jwt
from aiohttp import ClientSession, web

from playground.teams_api import CARD_TYPE, TeamsWorld

Json = dict[str, Any]
Answer = Callable[[Json], web.Response]


class RecordingBot:
    """Listens on loopback. `answers` are used up one a delivery, then 200 with no body.

    `gate` holds back the answer to the next delivery until it is set.
    """

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self.metadata_url = ""
        self.endpoint = ""
        self.heard: list[Json] = []
        self.refused: list[str] = []
        self.answers: list[Answer] = []
        self.gate: asyncio.Event | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen; the messaging endpoint."""
        app = web.Application()
        app.router.add_post("/api/messages", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.endpoint = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api/messages"
        return self.endpoint

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def of_type(self, kind: str) -> list[Json]:
        """What was heard of one activity type."""
        return [activity for activity in self.heard if activity["type"] == kind]

    def answer_json(self, body: Any, status: int = 200) -> None:
        """Answer the next delivery with this."""
        self.answers.append(lambda _: web.json_response(body, status=status))

    async def _take(self, request: web.Request) -> web.Response:
        text = await request.text()
        try:
            activity = json.loads(text)
            await self._verify(request.headers.get("Authorization", ""), activity)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as problem:
            self.refused.append(f"{type(problem).__name__}: {problem}")
            return web.Response(status=401)
        self.heard.append(activity)
        answer = self.answers.pop(0) if self.answers else None
        gate, self.gate = self.gate, None
        if gate is not None:
            await gate.wait()
        return answer(activity) if answer else web.Response()

    async def _verify(self, authorization: str, activity: Json) -> None:
        token = authorization.removeprefix("Bearer ")
        header = jwt.get_unverified_header(token)
        async with ClientSession() as session:
            async with session.get(self.metadata_url) as response:
                jwks_uri = (await response.json())["jwks_uri"]
            async with session.get(jwks_uri) as response:
                keys = (await response.json())["keys"]
        jwk = {key["kid"]: key for key in keys}[header["kid"]]
        if "msteams" not in jwk.get("endorsements", []):
            raise ValueError("not endorsed")
        claims = jwt.decode(
            token,
            jwt.PyJWK(jwk, algorithm="RS256").key,
            algorithms=["RS256"],
            audience=self.app_id,
            issuer="https://api.botframework.com",
            options={"require": ["exp"]},
        )
        if claims["serviceurl"] != activity["serviceUrl"]:
            raise ValueError("serviceurl claim differs")


async def access_token(world: TeamsWorld, *, secret: str, scope: str, tenant: str) -> Json:
    """What the token endpoint answers, with its status under `status`."""
    form = {
        "grant_type": "client_credentials",
        "client_id": world.state.bot_id.removeprefix("28:"),
        "client_secret": secret,
        "scope": scope,
    }
    url = f"{world.base_url}/{tenant}/oauth2/v2.0/token"
    async with ClientSession() as session, session.post(url, data=form) as response:
        return {"status": response.status, **(await response.json())}


def card(*actions: Json, body: list[Json] | None = None, **more: Any) -> Json:
    """A card with these buttons."""
    content = body or [{"type": "TextBlock", "text": "Add 3 seats?"}]
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": content,
        "actions": list(actions),
        **more,
    }


def bot_posts(world: TeamsWorld, room: str, content: Json) -> str:
    """The bot posts a card; the message id."""
    attachment = {"contentType": CARD_TYPE, "content": content}
    return str(world.posts.send(room, {"type": "message", "attachments": [attachment]})["id"])
