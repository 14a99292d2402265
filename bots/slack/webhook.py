"""The HTTP door: verifies and reads Slack's requests, and answers what the chain decides."""

import json
import logging
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from agent_core.errors import ConfigurationError
from bots.bodies import BodyRefused, read_body
from bots.slack import limits
from bots.slack.shapes import Json

PATH: Final = "/slack/events"
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_log = logging.getLogger(__name__)


class Refused(Exception):
    """A request that is not taken: `status` is the answer, the message says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class SlackWebhook:
    """The HTTP door. Everything behind the signature goes the same way as in Socket Mode."""

    def __init__(self, app: AsyncApp, *, signing_secret: str) -> None:
        if not signing_secret:
            raise ConfigurationError(["Slack: a door for events needs SLACK_SIGNING_SECRET"])
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request: 4xx for what is not Slack's or cannot be read, else Bolt's answer."""
        try:
            body = await _read(request)
            if is_ssl_check(request.content_type, body):
                return web.Response()
            self._verify(request, body)
            payload = read_payload(request.content_type, body)
        except Refused as refused:
            _log.debug("slack request refused: %s", refused)
            return web.json_response({"error": str(refused)}, status=refused.status)
        return await to_aiohttp_response(await dispatch(self._app, payload))

    def _verify(self, request: web.Request, body: str) -> None:
        """The SDK raises on a timestamp that is no number, so it is looked at first."""
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise Refused(401, "missing or malformed request timestamp")
        if abs(time.time() - int(timestamp)) > limits.SIGNATURE_AGE_SECONDS:
            raise Refused(401, "request timestamp is too old")
        if not signature.isascii() or not self._verifier.is_valid(body, timestamp, signature):
            raise Refused(401, "request signature does not fit")


async def dispatch(app: AsyncApp, payload: Json) -> BoltResponse:
    """Hands a verified payload to Bolt's chain of middleware.

    The mode says that the body is parsed and verified already; the chain is the same for both.
    """
    try:
        request = AsyncBoltRequest(mode="socket_mode", body=dict(payload))
    except (AttributeError, TypeError, KeyError, IndexError, ValueError):
        # Bolt reads ids out of the payload without looking at its shape.
        return BoltResponse(status=400, body='{"error": "unreadable payload"}')
    return await app.async_dispatch(request)


async def _read(request: web.Request) -> str:
    """The body, at most 1 MiB, whatever the application's own limit is."""
    if request.content_type not in (_JSON, _FORM):
        raise Refused(415, f"content type must be {_JSON} or {_FORM}")
    try:
        return (await read_body(request, most=limits.BODY_BYTES)).decode("utf-8")
    except BodyRefused as refused:
        raise Refused(refused.status, str(refused)) from None
    except UnicodeDecodeError as error:
        raise Refused(400, "body is not UTF-8") from error


def is_ssl_check(content_type: str, body: str) -> bool:
    """Slack's unsigned look at the certificate: answered, and nothing else."""
    return content_type == _FORM and dict(_fields(body)).get("ssl_check") == "1"


def read_payload(content_type: str, body: str) -> Json:
    """The payload of an event (JSON), an interaction (`payload=`) or a command (form fields)."""
    if content_type == _JSON:
        return _object(body)
    fields = dict(_fields(body))
    if "payload" in fields:
        return _object(fields["payload"])
    if "command" in fields:
        return fields
    raise Refused(400, "neither a payload nor a command")


def _fields(body: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def _object(body: str) -> Json:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "body is not JSON") from error
    if not isinstance(found, Mapping):
        raise Refused(400, "body is not a JSON object")
    return found
