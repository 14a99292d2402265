"""The supervisor's own routes, for the page's drawer: what the service did, and `kill -9`.

    GET  /demo/status     {worker: {pid, state: starting|running|down, restarts}, model: {label,
                          is_language_model}, support: slack|teams}
    GET  /demo/proposals  ?limit=20 → [{id, title, account, tool, arguments, status, rule,
                          requester, approver, proposed_at, expires_at}], the newest first
    GET  /demo/ledger     ?limit=20 → [{key, account, tool, arguments, amount_minor, currency,
                          outcome, intended_at, settled_at, requester, reason}], the newest first
    GET  /demo/accounts   [{id, name, fields: {label: text}}]
    POST /demo/kill-worker  kills the service's process; answers as `status` once the next one runs

Lists are empty while the service starts for the first time. Requests from other than loopback
pages: 403.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from agent_core.errors import HandrailError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST = 200
_DEFAULT = 20


class Inspected(Protocol):
    """What the routes show and do. Each method may raise HandrailError."""

    def status(self) -> dict[str, Any]: ...
    async def proposals(self, limit: int) -> list[dict[str, Any]]: ...
    async def ledger(self, limit: int) -> list[dict[str, Any]]: ...
    async def accounts(self) -> list[dict[str, Any]]: ...
    async def kill_worker(self) -> None: ...


@web.middleware
async def _local_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuses foreign pages, also where their name was made to point to this machine."""
    origin = request.headers.get("Origin")
    named = [urlsplit(f"//{request.host}").hostname]
    if origin is not None:
        named.append(urlsplit(origin).hostname)
    if any(host not in _LOOPBACK for host in named):
        return web.json_response({"error": "only pages of this machine may ask"}, status=403)
    try:
        return await handler(request)
    except HandrailError as problem:
        return web.json_response({"error": str(problem)}, status=503)


def application(inspected: Inspected) -> web.Application:
    """The routes."""

    async def status(_: web.Request) -> web.Response:
        return web.json_response(inspected.status())

    async def proposals(request: web.Request) -> web.Response:
        return web.json_response(await inspected.proposals(_limit(request)))

    async def ledger(request: web.Request) -> web.Response:
        return web.json_response(await inspected.ledger(_limit(request)))

    async def accounts(_: web.Request) -> web.Response:
        return web.json_response(await inspected.accounts())

    async def kill_worker(_: web.Request) -> web.Response:
        await inspected.kill_worker()
        return web.json_response(inspected.status())

    app = web.Application(middlewares=[_local_only])
    app.add_routes(
        [
            web.get("/demo/status", status),
            web.get("/demo/proposals", proposals),
            web.get("/demo/ledger", ledger),
            web.get("/demo/accounts", accounts),
            web.post("/demo/kill-worker", kill_worker),
        ]
    )
    return app


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "")
    return max(1, min(int(text), _MOST)) if text.isdecimal() else _DEFAULT
