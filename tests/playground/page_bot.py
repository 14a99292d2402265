"""A bot for the page's tests: takes what both stand-ins send, and posts, asks and answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from aiohttp import ClientSession, web
from slack_sdk.signature import SignatureVerifier

from playground import people as sample

Json = dict[str, Any]
SlackAnswer = Callable[[Json], Awaitable[Json | None]]


class PageBot:
    """`slack` and `teams` are what was heard; `on_click`, `on_search` and `on_submit` answer.

    `activity_answers` are used up one a Teams invoke; a Slack request with a wrong signature goes
    into `unsigned` and gets 401.
    """

    def __init__(self) -> None:
        self.verifier = SignatureVerifier(sample.SLACK_SIGNING_SECRET)
        self.slack: list[Json] = []
        self.teams: list[Json] = []
        self.unsigned: list[str] = []
        self.activity_answers: list[Json] = []
        self.on_click: SlackAnswer | None = None
        self.on_search: SlackAnswer | None = None
        self.on_submit: SlackAnswer | None = None
        self.site = ""

    def app(self) -> web.Application:
        """The application that listens for both platforms."""
        app = web.Application()
        app.router.add_post("/slack/events", self._take_slack)
        app.router.add_post("/api/messages", self._take_teams)
        return app

    def interactions(self, kind: str) -> list[Json]:
        """The Slack interactions of one type, oldest first."""
        return [payload for payload in self.slack if payload.get("type") == kind]

    def events(self, kind: str) -> list[Json]:
        """The Slack events of one type, oldest first."""
        found = [payload["event"] for payload in self.slack if "event" in payload]
        return [event for event in found if event["type"] == kind]

    async def call(self, method: str, **arguments: Any) -> Json:
        """Calls Slack's Web API as the bot."""
        headers = {"Authorization": f"Bearer {sample.SLACK_BOT_TOKEN}"}
        url = f"{self.site}/api/{method}"
        async with (
            ClientSession(headers=headers) as session,
            session.post(url, json=arguments) as response,
        ):
            answer: Json = await response.json()
        assert answer["ok"], answer
        return answer

    async def _take_slack(self, request: web.Request) -> web.Response:
        body = await request.text()
        if not self.verifier.is_valid_request(body, dict(request.headers)):
            self.unsigned.append(body)
            return web.Response(status=401)
        is_json = body.startswith("{")
        payload: Json = json.loads(body if is_json else parse_qs(body)["payload"][0])
        self.slack.append(payload)
        answers = {
            "block_actions": self.on_click,
            "block_suggestion": self.on_search,
            "view_submission": self.on_submit,
        }
        answer = answers.get(str(payload.get("type")))
        told = await answer(payload) if answer else None
        return web.json_response(told) if told is not None else web.Response()

    async def _take_teams(self, request: web.Request) -> web.Response:
        activity = await request.json()
        self.teams.append(activity)
        if activity["type"] == "invoke" and self.activity_answers:
            return web.json_response(self.activity_answers.pop(0))
        return web.Response()
