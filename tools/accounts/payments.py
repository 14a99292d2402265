"""The payment service over HTTP: charges, refunds and look-ups under idempotency keys."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from agent_core.errors import ActionFailed, ActionOutcomeUnknown, ActionRefused, ToolError
from tools.accounts.gateway import Payment, PaymentRequest
from tools.money import Money

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
LONGEST_PATIENCE_SECONDS = 5.0  # of one wait that the service asks for
LOOK_UP_PAUSE_SECONDS = 0.3
TRIES = 3
Wait = Callable[[float], Awaitable[None]]


class _Effect(BaseModel):
    """An effect as the service describes it."""

    model_config = ConfigDict(extra="ignore")
    id: str
    object: Literal["charge", "refund"]
    amount: int
    currency: str
    idempotency_key: str


class _Effects(BaseModel):
    model_config = ConfigDict(extra="ignore")
    effects: list[_Effect]


class Payments:
    """A PaymentService. The session belongs to the caller; nothing is sent without a time limit.

    Not sent (no connection) or 429 to the end → ActionFailed. Sent without an answer, or 5xx →
    ActionOutcomeUnknown. Any other 4xx → ActionRefused.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        session: aiohttp.ClientSession,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        wait: Wait = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._timeout = aiohttp.ClientTimeout(
            total=answer_seconds, sock_connect=min(CONNECT_SECONDS, answer_seconds)
        )
        self._wait = wait

    async def charge(self, request: PaymentRequest) -> Payment:
        return await self._post("charges", request)

    async def refund(self, request: PaymentRequest) -> Payment:
        return await self._post("refunds", request)

    async def look_up(self, key: str) -> Payment | None:
        """Raises ActionOutcomeUnknown where the service does not say."""
        path = f"{self._url}/v1/effects"
        for _ in range(TRIES):
            try:
                status, retry_after, body = await self._ask(
                    "GET", path, params={"idempotency_key": key}
                )
            except (aiohttp.ClientError, TimeoutError):
                await self._wait(LOOK_UP_PAUSE_SECONDS)
                continue
            if status == 200:
                return _found(body, key)
            await self._wait(retry_after if status == 429 else LOOK_UP_PAUSE_SECONDS)
        raise ActionOutcomeUnknown("The payment service does not say what became of it.")

    async def _post(self, what: str, request: PaymentRequest) -> Payment:
        body = {
            "amount": request.amount.minor,
            "currency": request.amount.currency,
            "account": request.account_id,
            "reference": request.reference,
        }
        for _ in range(TRIES):
            try:
                status, retry_after, answer = await self._ask(
                    "POST",
                    f"{self._url}/v1/{what}",
                    json=body,
                    headers={"Idempotency-Key": request.key},
                )
            except aiohttp.ClientConnectorError as problem:
                raise ActionFailed("The payment service cannot be reached.") from problem
            except (aiohttp.ClientError, TimeoutError) as problem:
                raise ActionOutcomeUnknown("The payment service did not answer.") from problem
            if status != 429:
                return _moved(status, answer, request)
            await self._wait(retry_after)
        raise ActionFailed("The payment service is busy. Try again in a minute.")

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        json: dict[str, object] | None = None,
        params: dict[str, str] | None = None,
    ) -> tuple[int, float, str]:
        async with self._session.request(
            method,
            url,
            headers={**self._headers, **(headers or {})},
            json=json,
            params=params,
            timeout=self._timeout,
            allow_redirects=False,
        ) as response:
            patience = _seconds(response.headers.get("Retry-After"))
            return response.status, patience, await response.text()


def _moved(status: int, answer: str, request: PaymentRequest) -> Payment:
    if status >= 500 or 300 <= status < 400:
        raise ActionOutcomeUnknown(f"The payment service answered {status}.")
    if status >= 400:
        raise _refusal(status)
    try:
        effect = _Effect.model_validate_json(answer)
    except ValidationError as problem:
        raise ActionOutcomeUnknown("The payment service's answer makes no sense.") from problem
    payment = _payment(effect)
    if payment.amount != request.amount or payment.key != request.key:
        raise ActionOutcomeUnknown("The payment service moved something else than was asked.")
    return payment


def _refusal(status: int) -> ToolError:
    if status in (401, 403):
        return ActionFailed("The payment service does not accept our key.")
    if status == 409:
        return ActionRefused("The payment service refuses: it conflicts with an earlier payment.")
    return ActionRefused(f"The payment service refused the payment ({status}).")


def _found(body: str, key: str) -> Payment | None:
    try:
        effects = _Effects.model_validate_json(body).effects
    except ValidationError as problem:
        raise ActionOutcomeUnknown("The payment service's answer makes no sense.") from problem
    return next((_payment(each) for each in effects if each.idempotency_key == key), None)


def _payment(effect: _Effect) -> Payment:
    amount = Money(minor=effect.amount, currency=effect.currency)
    return Payment(id=effect.id, key=effect.idempotency_key, amount=amount)


def _seconds(header: str | None) -> float:
    """Retry-After in seconds, bounded; a date or nonsense counts as one second."""
    wanted = float(header) if header and header.isdecimal() else 1.0
    return min(wanted, LONGEST_PATIENCE_SECONDS)
