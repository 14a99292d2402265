"""Carries activities to the bot: signed, logged, sent again when nobody acknowledges."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import jwt

from playground.teams_api.shapes import event_id
from playground.teams_api.state import Json, now
from playground.teams_api.tokens import ChannelTokens, TokenKind

LOG_SIZE = 200
SHOWN_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """How an activity is delivered.

    `times` deliveries run at once. Any `token` but VALID, another `tenant_id` or another
    `service_url` make a wrong delivery: it is sent once each time and never sent again.
    """

    token: TokenKind = TokenKind.VALID
    times: int = 1
    tenant_id: str | None = None
    service_url: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.times <= 100:
            raise ValueError("times must be between 1 and 100")

    @property
    def is_wrong(self) -> bool:
        """Whether the bot has to refuse it."""
        return self.token is not TokenKind.VALID or bool(self.tenant_id or self.service_url)


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One POST to the bot, and what came back. `status` is None when nothing did."""

    id: str
    at: datetime
    activity: Json | str
    attempt: int
    url: str
    token: TokenKind
    headers: dict[str, str] = field(default_factory=dict)
    claims: Json | None = None
    status: int | None = None
    response: str = ""
    error: str | None = None
    milliseconds: float | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether Teams would leave it at that: any answer below 500."""
        return self.status is not None and self.status < 500

    def as_json(self) -> Json:
        """See the package's docstring, `Delivery`."""
        activity = self.activity if isinstance(self.activity, dict) else {}
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "activityId": activity.get("id"),
            "activityType": activity.get("type"),
            "name": activity.get("name"),
            "attempt": self.attempt,
            "url": self.url,
            "token": str(self.token),
            "headers": self.headers,
            "claims": self.claims,
            "body": self.activity,
            "status": self.status,
            "response": self.response,
            "error": self.error,
            "milliseconds": self.milliseconds,
        }


class Courier:
    """Posts activities to the messaging endpoint and keeps the last deliveries.

    Not acknowledged (no answer within `patience_seconds`, connection broken, 5xx) → sent again
    `patience_seconds` after the attempt began, at most `redeliveries` times; invokes with a new id.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        tokens: ChannelTokens,
        service_url: Callable[[], str],
        on_change: Callable[[Delivery], None],
        patience_seconds: float = 15.0,
        redeliveries: int = 3,
    ) -> None:
        self.endpoint = endpoint
        self.patience_seconds = patience_seconds
        self.redeliveries = redeliveries
        self.log: deque[Delivery] = deque(maxlen=LOG_SIZE)
        self._tokens = tokens
        self._service_url = service_url
        self._on_change = on_change
        self._count = 0
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the HTTP session."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def stop(self) -> None:
        """Close the HTTP session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(
        self, activity: Json, options: DeliveryOptions | None = None
    ) -> list[Delivery]:
        """Deliver an activity as the options say; the last attempt of each delivery."""
        options = options or DeliveryOptions()
        body = _disguised(activity, options)
        one = self._once if options.is_wrong else self._until_acknowledged
        return list(await asyncio.gather(*(one(body, options) for _ in range(options.times))))

    async def deliver_raw(
        self, body: str, token: TokenKind = TokenKind.VALID, content_type: str = "application/json"
    ) -> Delivery:
        """Send any text as a body, once."""
        return await self._post(body, body, 1, token, self._service_url(), content_type)

    async def _once(self, activity: Json, options: DeliveryOptions) -> Delivery:
        return await self._post_activity(activity, 1, options)

    async def _until_acknowledged(self, activity: Json, options: DeliveryOptions) -> Delivery:
        attempt = 1
        while True:
            began = time.monotonic()
            delivery = await self._post_activity(activity, attempt, options)
            if delivery.acknowledged or attempt > self.redeliveries:
                return delivery
            await asyncio.sleep(max(0.0, began + self.patience_seconds - time.monotonic()))
            attempt += 1
            if activity.get("type") == "invoke":
                activity = {**activity, "id": event_id()}

    async def _post_activity(
        self, activity: Json, attempt: int, options: DeliveryOptions
    ) -> Delivery:
        body = json.dumps(activity, ensure_ascii=False)
        claimed = str(activity.get("serviceUrl") or self._service_url())
        return await self._post(
            activity, body, attempt, options.token, claimed, "application/json; charset=utf-8"
        )

    async def _post(
        self,
        activity: Json | str,
        body: str,
        attempt: int,
        token: TokenKind,
        service_url: str,
        content_type: str,
    ) -> Delivery:
        self._count += 1
        authorization = self._tokens.header(service_url, token)
        headers = {"User-Agent": "Microsoft-SkypeBotApi (stand-in)", "Content-Type": content_type}
        delivery = Delivery(
            id=f"d{self._count}",
            at=now(),
            activity=activity,
            attempt=attempt,
            url=self.endpoint,
            token=token,
            headers={**headers, "Authorization": _shown(authorization)},
            claims=_claims(authorization),
        )
        self.log.append(delivery)
        sent = {**headers, "Authorization": authorization} if authorization else headers
        began = time.monotonic()
        await self._send(delivery, body.encode(), sent)
        delivery.milliseconds = round((time.monotonic() - began) * 1000, 1)
        self._on_change(delivery)
        return delivery

    async def _send(self, delivery: Delivery, body: bytes, headers: dict[str, str]) -> None:
        if self._session is None:
            raise RuntimeError("start the stand-in before anything is delivered")
        timeout = aiohttp.ClientTimeout(total=self.patience_seconds)
        try:
            async with self._session.post(
                self.endpoint, data=body, headers=headers, timeout=timeout
            ) as response:
                delivery.response = (await response.text())[:SHOWN_CHARACTERS]
                delivery.status = response.status
        except TimeoutError:
            delivery.error = f"no answer within {self.patience_seconds:g} s"
        except aiohttp.ClientError as problem:
            delivery.error = f"{type(problem).__name__}: {problem}"


def _disguised(activity: Json, options: DeliveryOptions) -> Json:
    """The same activity as another tenant or another service would send it."""
    changed = dict(activity)
    if options.service_url:
        changed["serviceUrl"] = options.service_url
    if options.tenant_id:
        conversation = activity.get("conversation") or {}
        changed["conversation"] = {**conversation, "tenantId": options.tenant_id}
        channel_data = activity.get("channelData") or {}
        changed["channelData"] = {**channel_data, "tenant": {"id": options.tenant_id}}
    return changed


def _shown(authorization: str | None) -> str:
    # The log goes to a page: enough to see that a token was there, not enough to use it.
    return f"{authorization[:24]}…" if authorization else "(none)"


def _claims(authorization: str | None) -> Json | None:
    if authorization is None:
        return None
    try:
        token = authorization.removeprefix("Bearer ")
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return {**claims, "header": jwt.get_unverified_header(token)}
    except jwt.PyJWTError:
        return None
