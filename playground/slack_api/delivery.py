"""Carries requests to the app as Slack does: signed, within 3 s, again when not acknowledged."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp

Kind = Literal["events_api", "interactive", "slash_commands"]
ACK_SECONDS = 3.0
# Slack repeats an event at once, after a minute and after five.
RETRY_DELAYS = (0.0, 60.0, 300.0)
_LOGGED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request and how it was acknowledged. `status` is None when no answer came."""

    retry_num: int
    retry_reason: str | None
    over: Literal["http", "socket"]
    headers: dict[str, str]
    status: int | None
    ack_ms: float
    answer: str
    problem: str | None

    @property
    def acknowledged(self) -> bool:
        """True when Slack would not repeat the request."""
        return self.problem is None


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One request with all its attempts, as the drawer shows it."""

    number: int
    kind: Kind
    label: str
    payload: dict[str, Any]
    body: str
    content_type: str
    attempts: list[Attempt] = field(default_factory=list)
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    def as_json(self) -> dict[str, Any]:
        """The record with the raw body, and headers and acknowledgement of each attempt."""
        return {
            "number": self.number,
            "kind": self.kind,
            "label": self.label,
            "event_id": self.payload.get("event_id"),
            "body": self.body,
            "content_type": self.content_type,
            "attempts": [
                {name: getattr(attempt, name) for name in Attempt.__slots__}
                for attempt in self.attempts
            ],
        }


class Socket(Protocol):
    """A connected Socket Mode client."""

    async def send(self, envelope: dict[str, Any], *, timeout: float) -> dict[str, Any] | None:
        """Sends an envelope and returns its acknowledgement; TimeoutError when none comes."""
        ...


def sign(secret: str, timestamp: str, body: str) -> str:
    """Slack's request signature, version 0."""
    base = f"v0:{timestamp}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class Courier:
    """Delivers to the request URL, or to a connected socket when there is one."""

    def __init__(
        self,
        *,
        signing_secret: str,
        request_url: str | None = None,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
        ack_seconds: float = ACK_SECONDS,
        changed: Callable[[Delivery], None] = lambda _: None,
    ) -> None:
        self.request_url = request_url
        self.retry_delays = retry_delays
        self.ack_seconds = ack_seconds
        self.sockets: list[Socket] = []
        self.log: deque[Delivery] = deque(maxlen=_LOGGED)
        self.acks_to_lose = 0
        self._secret = signing_secret
        self.changed = changed
        self._numbers = itertools.count(1)
        self._running: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None

    def event(
        self, payload: dict[str, Any], *, copies: int = 1, after: Delivery | None = None
    ) -> list[Delivery]:
        """Starts an event's delivery, `copies` times in parallel, and returns the records at once.

        `after` holds it back until the other delivery's first attempt has ended.
        """
        label = str(payload.get("event", {}).get("type", payload.get("type")))
        deliveries = [self._record("events_api", label, payload) for _ in range(copies)]
        for delivery in deliveries:
            task = asyncio.ensure_future(self._deliver_event(delivery, after))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return deliveries

    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Attempt:
        """Delivers an interaction or a command, which Slack never repeats; waits for its answer."""
        delivery = self._record(kind, str(payload.get("type", payload.get("command"))), payload)
        return await self._attempt(delivery, 0, None)

    def find(self, *, number: int | None = None, event_id: str | None = None) -> Delivery | None:
        """The logged delivery with this number or, newest first, this event id."""
        for delivery in reversed(self.log):
            if delivery.number == number or (
                event_id is not None and delivery.payload.get("event_id") == event_id
            ):
                return delivery
        return None

    async def settled(self) -> None:
        """Waits until nothing is being delivered any more, retries included."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def close(self) -> None:
        """Gives up what is still being delivered and closes the connections."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _record(self, kind: Kind, label: str, payload: dict[str, Any]) -> Delivery:
        if kind == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, content_type = urlencode(fields), "application/x-www-form-urlencoded"
        delivery = Delivery(
            number=next(self._numbers),
            kind=kind,
            label=label,
            payload=payload,
            body=body,
            content_type=content_type,
        )
        self.log.append(delivery)
        return delivery

    async def _deliver_event(self, delivery: Delivery, after: Delivery | None) -> None:
        if after is not None:
            await after.tried.wait()
        attempt = await self._attempt(delivery, 0, None)
        for number, delay in enumerate(self.retry_delays, start=1):
            if attempt.acknowledged or attempt.problem == "no_retry":
                return
            await asyncio.sleep(delay)
            attempt = await self._attempt(delivery, number, attempt.problem)

    async def _attempt(self, delivery: Delivery, number: int, reason: str | None) -> Attempt:
        started = time.monotonic()
        if self.sockets:
            over: Literal["http", "socket"] = "socket"
            headers: dict[str, str] = {}
            status, answer, problem = await self._over_socket(delivery, number, reason)
        else:
            over = "http"
            headers = self._headers(delivery, number, reason)
            status, answer, problem = await self._over_http(delivery, headers)
        if problem is None and self.acks_to_lose > 0 and delivery.kind == "events_api":
            self.acks_to_lose -= 1
            problem = "http_timeout"
        attempt = Attempt(
            retry_num=number,
            retry_reason=reason,
            over=over,
            headers=headers,
            status=status,
            ack_ms=round((time.monotonic() - started) * 1000, 1),
            answer=answer,
            problem=problem,
        )
        delivery.attempts.append(attempt)
        delivery.tried.set()
        self.changed(delivery)
        return attempt

    def _headers(self, delivery: Delivery, number: int, reason: str | None) -> dict[str, str]:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": delivery.content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, delivery.body),
        }
        if number:
            headers["X-Slack-Retry-Num"] = str(number)
            headers["X-Slack-Retry-Reason"] = reason or "unknown_error"
        return headers

    async def _over_http(
        self, delivery: Delivery, headers: dict[str, str]
    ) -> tuple[int | None, str, str | None]:
        if self.request_url is None:
            return None, "no request URL is set and no socket is connected", "no_retry"
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(self.ack_seconds):
                async with self._session.post(
                    self.request_url, data=delivery.body.encode(), headers=headers
                ) as response:
                    answer = await response.text(errors="replace")
        except TimeoutError:
            return None, "", "http_timeout"
        except aiohttp.ClientError as problem:
            return None, str(problem), "connection_failed"
        if 200 <= response.status < 300:
            return response.status, answer, None
        if response.headers.get("X-Slack-No-Retry") == "1":
            return response.status, answer, "no_retry"
        return response.status, answer, "http_error"

    async def _over_socket(
        self, delivery: Delivery, number: int, reason: str | None
    ) -> tuple[int | None, str, str | None]:
        envelope: dict[str, Any] = {
            "envelope_id": f"env-{delivery.number}-{number}",
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": reason or ""}
        try:
            # Slack sends each envelope to one of the open connections.
            socket = self.sockets[delivery.number % len(self.sockets)]
            payload = await socket.send(envelope, timeout=self.ack_seconds)
        except TimeoutError:
            return None, "", "timeout"
        except ConnectionError as problem:
            return None, str(problem), "connection_failed"
        return 200, json.dumps(payload) if payload else "", None
