"""Socket Mode: the connections an app opens, their envelopes and acknowledgements."""

import asyncio
import json
import secrets
from typing import Any

from aiohttp import WSMsgType, web

from playground import people
from playground.slack_api.delivery import Courier


class SocketConnection:
    """One connected client; acknowledgements are matched by envelope id."""

    def __init__(self, channel: web.WebSocketResponse) -> None:
        self._channel = channel
        self._waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = {}

    async def send(self, envelope: dict[str, Any], *, timeout: float) -> dict[str, Any] | None:
        """Sends an envelope and returns the acknowledgement's payload, if it has one."""
        envelope_id = envelope["envelope_id"]
        answer: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        try:
            await self._channel.send_str(json.dumps(envelope))
            async with asyncio.timeout(timeout):
                return await answer
        finally:
            self._waiting.pop(envelope_id, None)

    def acknowledged(self, text: str) -> None:
        """Takes what the client sent; anything but an acknowledgement is ignored, as Slack does."""
        try:
            body = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(body.get("envelope_id", "")) if isinstance(body, dict) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(body.get("payload"))

    def lost(self) -> None:
        """Fails what still waits for an acknowledgement."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the socket was closed"))


class SocketMode:
    """Hands out addresses (`apps.connections.open`) and serves the connections."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self._tickets: set[str] = set()
        self._open: dict[SocketConnection, web.WebSocketResponse] = {}
        self.connected = asyncio.Event()

    def new_ticket(self) -> str:
        """A ticket that opens one connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection from hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        self._tickets.discard(ticket)
        channel = web.WebSocketResponse()
        await channel.prepare(request)
        connection = SocketConnection(channel)
        await channel.send_str(json.dumps(self._hello()))
        self._courier.sockets.append(connection)
        self._open[connection] = channel
        self.connected.set()
        try:
            async for message in channel:
                if message.type == WSMsgType.TEXT:
                    connection.acknowledged(message.data)
        finally:
            if connection in self._courier.sockets:
                self._courier.sockets.remove(connection)
            self._open.pop(connection, None)
            if not self._open:
                self.connected.clear()
            connection.lost()
        return channel

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tells every client to connect anew, as Slack does from time to time, and closes."""
        for channel in list(self._open.values()):
            note = {"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}}
            await channel.send_str(json.dumps(note))
            await channel.close()

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._open) + 1,
            "debug_info": {"host": "playground", "approximate_connection_time": 18_060},
            "connection_info": {"app_id": people.SLACK_APP_ID},
        }
