"""The way out to Slack: posts, updates, looks up, opens forms, answers in private. All the I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.web.async_client import AsyncWebClient

from agent_core.blocks import Form
from agent_core.errors import (
    DestinationGone,
    LimitedMidway,
    NotPermitted,
    PlatformUnavailable,
    RateLimited,
)
from agent_core.messages import (
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Platform,
    Posted,
    ReplyAddress,
    RoomRef,
)
from bots.slack import identity, limits
from bots.slack.api import SlackApi
from bots.slack.errors import translated
from bots.slack.forms import render_form
from bots.slack.identity import RoomDetails, Workspace
from bots.slack.install import Workspaces
from bots.slack.lookup import body_of, find_parts, outgoing_id_of
from bots.slack.render import Payload, render
from bots.slack.shapes import Json, text

# Slack must not turn words into links, mentions or previews that nobody wrote.
_AS_WRITTEN: Mapping[str, Any] = {"parse": "none", "link_names": False}
_NO_PREVIEWS: Mapping[str, Any] = {"unfurl_links": False, "unfurl_media": False}


class SlackSender:
    """`ports.PlatformAdapter` for Slack. Raises PlatformError by family; retries nothing."""

    def __init__(self, api: SlackApi, workspaces: Workspaces) -> None:
        self._api = api
        self._workspaces = workspaces

    @property
    def platform(self) -> Platform:
        return Platform.SLACK

    @property
    def can_look_up(self) -> bool:
        return True

    @property
    def can_look_up_private(self) -> bool:
        return False

    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        """Posts the message; one too long for one post becomes several, the rest in its thread.

        `Posted` names the first. Of a message in several posts, those that an earlier attempt
        already made are found and not made again.
        """
        client, workspace = await self._client(address.room)
        payloads = _rendered(message, workspace, outgoing_id)
        if message.private_to is not None:
            return await _post_private(client, address, message.private_to.user_id, payloads)
        done: dict[int, str] = {}
        if len(payloads) > 1:
            done = (await find_parts(client, workspace, address, outgoing_id)).found
        channel, first = address.room.room_id, done.get(1, "")
        for number, payload in enumerate(payloads, start=1):
            if number in done:
                continue
            try:
                answer = await _post_one(client, channel, address.thread_id or first, payload)
            except RateLimited as error:
                if not first:
                    raise
                # A part is out already: the caller must look before it repeats.
                wait = error.retry_after_seconds
                raise LimitedMidway(str(error), retry_after_seconds=wait) from error
            first = first or text(answer, "ts")
            channel = text(answer, "channel") or channel
        return _posted(address, channel, first)

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None:
        """Replaces the message, with its continuation where it has one or needs one."""
        client, workspace = await self._client(posted.room)
        payloads = _rendered(message, workspace, None)
        channel = posted.room.room_id
        if len(payloads) == 1:
            await _update_one(client, channel, posted.message_id, payloads[0].content())
            return
        thread = address.thread_id or posted.message_id
        outgoing_id = await outgoing_id_of(client, workspace, channel, thread, posted.message_id)
        held = (await find_parts(client, workspace, address, outgoing_id)).found
        held[1] = posted.message_id
        for number, payload in enumerate(_rendered(message, workspace, outgoing_id), start=1):
            if number in held:
                # With its metadata: from now on the first post says how many there are.
                content = payload.content() | {"metadata": payload.metadata}
                await _update_one(client, channel, held[number], content)
            else:
                await _post_one(client, channel, thread, payload)

    async def find(self, address: ReplyAddress, outgoing_id: OutgoingId) -> Posted | None:
        """The message of this id, by its metadata; None where it, or a part of it, is missing."""
        client, workspace = await self._client(address.room)
        parts = await find_parts(client, workspace, address, outgoing_id)
        if 1 not in parts.found or not parts.complete:
            return None
        return _posted(address, address.room.room_id, parts.found[1])

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        """`ports.PostRemover`: the post and, of a long message, its further posts."""
        client, workspace = await self._client(posted.room)
        parts = {1: posted.message_id}
        if len(_rendered(message, workspace, outgoing_id)) > 1:
            where = replace(address, thread_id=address.thread_id or posted.message_id)
            parts = (await find_parts(client, workspace, where, outgoing_id)).found | parts
        for _, ts in sorted(parts.items(), reverse=True):  # the first tells of the others
            async with translated("chat.delete"):
                await client.chat_delete(channel=posted.room.room_id, ts=ts)
        return 0

    async def open_form(self, workspace: Workspace, trigger: str, form: Form) -> None:
        """Opens a dialog. The trigger lives for three seconds. Raises FormRefused."""
        try:
            view = render_form(form)
        except SlackObjectFormationError as error:
            raise NotPermitted(f"Slack cannot show the form {form.form}: {error}") from error
        async with translated("views.open", limits.REQUEST_CALL_SECONDS):
            await self._api.client(workspace.bot_token).views_open(trigger_id=trigger, view=view)

    async def tell(
        self, workspace: Workspace, channel: str, user: str, thread: str | None, words: str
    ) -> None:
        """An ephemeral line for one person; theirs may be another team's id. `words`: mrkdwn."""
        client = self._api.client(workspace.bot_token)
        async with translated("chat.postEphemeral", limits.REQUEST_CALL_SECONDS):
            await client.chat_postEphemeral(
                channel=channel, user=user, text=words, thread_ts=thread, **_AS_WRITTEN
            )

    async def respond(self, response_url: str, body: Mapping[str, Any]) -> None:
        """Answers an interaction at its own address, which works for half an hour."""
        async with (
            translated("response_url", limits.REQUEST_CALL_SECONDS),
            self._api.session.post(response_url, json=dict(body)) as answer,
        ):
            if answer.status >= 500:
                raise PlatformUnavailable(f"Slack answered an answer with {answer.status}")
            if answer.status >= 400:
                raise DestinationGone(f"Slack answered an answer with {answer.status}")

    async def describe(self, room: RoomRef) -> RoomDetails:
        """What Slack says of a channel, for linking it to an account. Raises PlatformError."""
        client, _ = await self._client(room)
        return await identity.describe_room(client, room.room_id)

    async def close(self) -> None:
        await self._workspaces.close()
        await self._api.close()

    async def _client(self, room: RoomRef) -> tuple[AsyncWebClient, Workspace]:
        workspace = await self._workspaces.get(room.tenant_id)
        if workspace is None:
            raise NotPermitted(f"the app is not installed in {room.tenant_id}")
        return self._api.client(workspace.bot_token), workspace


def _rendered(
    message: OutboundMessage, workspace: Workspace, outgoing_id: OutgoingId | None
) -> tuple[Payload, ...]:
    try:
        return render(message, team_id=workspace.team_id, outgoing_id=outgoing_id)
    except SlackObjectFormationError as error:
        raise NotPermitted(f"Slack cannot show this message: {error}") from error


def _posted(address: ReplyAddress, channel: str, ts: str) -> Posted:
    room = identity.room_ref(address.room.tenant_id, channel)
    thread = address.thread_id or ts
    return Posted(
        message=identity.message_ref(room, ts),
        thread=identity.thread_ref(room, thread),
        address=ReplyAddress(room=room, thread_id=thread, delivery=address.delivery),
    )


async def _post_one(
    client: AsyncWebClient, channel: str, thread: str | None, payload: Payload
) -> Json:
    async with translated("chat.postMessage"):
        answer = await client.chat_postMessage(
            channel=channel,
            thread_ts=thread or None,
            metadata=payload.metadata,
            **_AS_WRITTEN,
            **_NO_PREVIEWS,
            **payload.content(),
        )
    return body_of(answer.data)


async def _update_one(
    client: AsyncWebClient, channel: str, ts: str, content: Mapping[str, Any]
) -> None:
    async with translated("chat.update"):
        await client.chat_update(channel=channel, ts=ts, **_AS_WRITTEN, **content)


async def _post_private(
    client: AsyncWebClient, address: ReplyAddress, user: str, payloads: tuple[Payload, ...]
) -> Posted:
    """Ephemeral posts. They are in no history: a lost answer cannot be looked up."""
    first = ""
    for payload in payloads:
        async with translated("chat.postEphemeral"):
            answer = await client.chat_postEphemeral(
                channel=address.room.room_id,
                user=user,
                thread_ts=address.thread_id,
                **_AS_WRITTEN,
                **payload.content(),
            )
        first = first or text(body_of(answer.data), "message_ts")
    # Nobody can reply to an ephemeral post: it opens no thread, and the address stays as it was.
    return Posted(
        message=identity.message_ref(address.room, first),
        thread=identity.thread_ref(address.room, address.thread_id or ""),
        address=address,
    )
