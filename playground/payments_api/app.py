"""The provider's HTTP side: key check, bodies, faults, and the book behind them."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from playground import people
from playground.faults import FaultRegistry, add_fault_routes, answer_with_fault
from playground.feed import Feed
from playground.loopback import loopback_origins, serving
from playground.payments_api.book import Book, Booked, ChargeOrder, RefundOrder, Refused

_Text = Annotated[str, Field(min_length=1, max_length=255)]
_Amount = Annotated[int, Field(gt=0, le=10**12)]
_Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    account: _Text
    amount: _Amount
    currency: _Currency


class _Charge(_Body):
    reference: _Text
    description: str = Field(default="", max_length=500)


class _Refund(_Body):
    charge: _Text | None = None
    reference: _Text | None = None
    reason: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _one_charge(self) -> "_Refund":
        if (self.charge is None) == (self.reference is None):
            raise ValueError("name the charge by `charge` or by `reference`, not both")
        return self


_Shape = TypeVar("_Shape", bound=_Body)


class Provider:
    """Routes over a book. `feed` tells each effect, `faults` spoils answers on demand."""

    def __init__(self, book: Book, *, api_key: str, faults: FaultRegistry | None = None) -> None:
        self.book = book
        self.faults = faults or FaultRegistry()
        self.feed = Feed()
        self._api_key = api_key

    def add_to(self, app: web.Application) -> None:
        """Adds the routes of the package's docstring."""
        app.router.add_post("/v1/charges", self._guarded(self._charge))
        app.router.add_post("/v1/refunds", self._guarded(self._refund))
        app.router.add_get("/v1/charges", self._guarded(self._charges))
        app.router.add_get("/v1/charges/{id}", self._guarded(self._one_charge))
        app.router.add_get("/v1/refunds", self._guarded(self._refunds))
        app.router.add_get("/v1/effects", self._guarded(self._effects))
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/playground/payments/state", self._state)
        app.router.add_get("/playground/payments/feed", self.feed.stream)
        add_fault_routes(app, self.faults, "payments")

    def _guarded(self, handler: Handler) -> Handler:
        """Adds the key check, the fault of this call, and refusals as answers."""

        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                self._check_key(request)
                return await handler(request)
            except Refused as refused:
                return web.json_response(refused.body, status=refused.status)

        async def guarded(request: web.Request) -> web.StreamResponse:
            resource = request.match_info.route.resource
            method = f"{request.method} {resource.canonical if resource else request.path}"
            fault = self.faults.take("payments", method)
            return await answer_with_fault(request, fault, lambda: answered(request))

        return guarded

    def _check_key(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._api_key}".encode()):
            raise Refused(401, "unauthorized", "send `Authorization: Bearer <API key>`")

    async def _charge(self, request: web.Request) -> web.Response:
        key, body = _key(request), await _read(request, _Charge)
        return self._booked(self.book.charge(key, ChargeOrder(**body.model_dump())))

    async def _refund(self, request: web.Request) -> web.Response:
        key, body = _key(request), await _read(request, _Refund)
        return self._booked(self.book.refund(key, RefundOrder(**body.model_dump())))

    def _booked(self, booked: Booked) -> web.Response:
        kind = "replay" if booked.replayed else booked.effect["object"]
        self.feed.publish(kind, effect=booked.effect)
        headers = {"Idempotent-Replayed": "true"} if booked.replayed else {}
        return web.json_response(booked.effect, status=201, headers=headers)

    async def _charges(self, request: web.Request) -> web.Response:
        found = self.book.find("charge", **_filters(request, "account", "reference"))
        return web.json_response({"charges": found, "count": len(found)})

    async def _one_charge(self, request: web.Request) -> web.Response:
        found = self.book.find("charge", id=request.match_info["id"])
        if not found:
            raise Refused(404, "charge_not_found", f"no charge {request.match_info['id']}")
        return web.json_response(found[0])

    async def _refunds(self, request: web.Request) -> web.Response:
        found = self.book.find("refund", **_filters(request, "account", "charge"))
        return web.json_response({"refunds": found, "count": len(found)})

    async def _effects(self, request: web.Request) -> web.Response:
        key = request.query.get("idempotency_key")
        if not key:
            raise Refused(400, "invalid_request", "say which: ?idempotency_key=…")
        found = self.book.find(None, idempotency_key=key)
        return web.json_response({"effects": found, "count": len(found)})

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self.book.state())

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 255:
        raise Refused(400, "idempotency_key_missing", "send an Idempotency-Key of 1 to 255 letters")
    return key


async def _read(request: web.Request, shape: type[_Shape]) -> _Shape:
    try:
        return shape.model_validate_json(await request.read())
    except ValidationError as problem:
        told = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}"
            for error in problem.errors()
        )
        raise Refused(400, "invalid_request", told) from problem


def _filters(request: web.Request, *names: str) -> dict[str, str | None]:
    return {name: request.query.get(name) for name in (*names, "idempotency_key")}


def create_app(provider: Provider) -> web.Application:
    """The application of one provider; closes its book on the way out."""
    app = web.Application(middlewares=[loopback_origins])
    provider.add_to(app)

    async def let_go(_: web.Application) -> None:
        provider.feed.end()

    async def stop(_: web.Application) -> None:
        provider.book.close()

    app.on_shutdown.append(let_go)
    app.on_cleanup.append(stop)
    return app


@asynccontextmanager
async def running(
    database: Path | str,
    *,
    port: int = 0,
    api_key: str = people.PAYMENTS_API_KEY,
    faults: FaultRegistry | None = None,
) -> AsyncIterator[tuple[Provider, str]]:
    """Serves a provider on 127.0.0.1; yields it and its address."""
    provider = Provider(Book(database), api_key=api_key, faults=faults)
    async with serving(create_app(provider), port=port) as address:
        yield provider, address
