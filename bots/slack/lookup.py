"""Finds our own posts again by the metadata they bear, a page at a time."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from agent_core.messages import OutgoingId, ReplyAddress
from bots.slack import limits
from bots.slack.errors import translated
from bots.slack.identity import Workspace
from bots.slack.render import METADATA_EVENT
from bots.slack.shapes import Json, rows, table, text


@dataclass(slots=True, kw_only=True)
class Parts:
    """The posts of one outgoing message that are there: ts by part, from 1, of `expected`."""

    found: dict[int, str] = field(default_factory=dict)
    expected: int = 1

    @property
    def complete(self) -> bool:
        return len(self.found) >= self.expected


async def find_parts(
    client: AsyncWebClient,
    workspace: Workspace,
    address: ReplyAddress,
    outgoing_id: OutgoingId,
) -> Parts:
    """Our posts that bear this id: in the thread, or in the room and the thread it opened."""
    parts, channel, bot = Parts(), address.room.room_id, workspace.bot_id
    if address.thread_id is not None:
        await _collect(_replies(client, channel, address.thread_id), bot, outgoing_id, parts)
        return parts
    await _collect(_history(client, channel), bot, outgoing_id, parts)
    if 1 in parts.found and not parts.complete:
        await _collect(_replies(client, channel, parts.found[1]), bot, outgoing_id, parts)
    return parts


async def _collect(
    messages: AsyncIterator[Json], bot_id: str, outgoing_id: OutgoingId, into: Parts
) -> None:
    async for message in messages:
        payload = _our_metadata(message, bot_id)
        if payload.get("outgoing_id") != str(outgoing_id):
            continue
        part, expected = payload.get("part", 1), payload.get("parts", 1)
        if isinstance(part, int) and isinstance(expected, int):
            into.found.setdefault(part, text(message, "ts"))
            into.expected = max(into.expected, expected)
        if into.complete:
            return


def _our_metadata(message: Json, bot_id: str) -> Json:
    """What `render` wrote. Another app could write the same: only our own bot's post counts."""
    metadata = table(message, "metadata")
    ours = text(message, "bot_id") == bot_id if bot_id else bool(message.get("bot_id"))
    if not ours or text(metadata, "event_type") != METADATA_EVENT:
        return {}
    return table(metadata, "event_payload")


async def outgoing_id_of(
    client: AsyncWebClient, workspace: Workspace, channel: str, thread: str, ts: str
) -> OutgoingId:
    """The id that our own post bears; its ts where it bears none."""
    async for message in _replies(client, channel, thread):
        if text(message, "ts") == ts:
            return OutgoingId(text(_our_metadata(message, workspace.bot_id), "outgoing_id") or ts)
    return OutgoingId(ts)


def _replies(client: AsyncWebClient, channel: str, thread: str) -> AsyncIterator[Json]:
    return _pages(client, "conversations.replies", {"channel": channel, "ts": thread})


def _history(client: AsyncWebClient, channel: str) -> AsyncIterator[Json]:
    return _pages(client, "conversations.history", {"channel": channel})


async def _pages(
    client: AsyncWebClient, method: str, arguments: Mapping[str, Any]
) -> AsyncIterator[Json]:
    cursor = ""
    for _ in range(limits.PAGES):
        call = {**arguments, "limit": limits.PAGE, "include_all_metadata": True}
        async with translated(method):
            answer = await client.api_call(
                method, http_verb="GET", params=call | ({"cursor": cursor} if cursor else {})
            )
        body = body_of(answer.data)
        for message in rows(body, "messages"):
            yield message
        cursor = text(body, "response_metadata", "next_cursor")
        if not cursor:
            return


def body_of(data: object) -> Json:
    """The JSON of an answer; empty where there is none."""
    return data if isinstance(data, dict) else {}
