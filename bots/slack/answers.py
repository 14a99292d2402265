"""Gives what is owed inside the request: a form, its errors, options, a private line, a card."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from agent_core.errors import PlatformError
from agent_core.messages import (
    ButtonPressed,
    CommandUsed,
    FormSubmitted,
    InboundEvent,
    InboundMessage,
    OptionsAsked,
    OutboundMessage,
)
from agent_core.ports import Answer
from bots.slack import limits
from bots.slack.entities import escape
from bots.slack.errors import FormRefused
from bots.slack.forms import render_errors, render_form, render_notice, render_options
from bots.slack.identity import Workspace
from bots.slack.interactions import is_ephemeral
from bots.slack.render import render
from bots.slack.sender import SlackSender
from bots.slack.shapes import Json, table, text

FORM_TOO_LATE = "The form could not be opened in time. Please press the button again."
NOTICE_TITLE = "Please note"
_log = logging.getLogger(__name__)


class Answers:
    """What `receive` decided is committed already: a failure here never undoes or repeats it."""

    def __init__(self, sender: SlackSender) -> None:
        self._sender = sender
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Waits for what an acknowledgement did not wait for."""
        if self._running:
            await asyncio.wait(self._running, timeout=limits.CALL_SECONDS)

    async def give(
        self, payload: Json, workspace: Workspace, event: InboundEvent, answer: Answer
    ) -> Mapping[str, Any] | None:
        """Makes the calls that are owed and returns the response's body; None for an empty one."""
        match event:
            case OptionsAsked():
                return render_options(answer.options)
            case FormSubmitted():
                return _after_form(payload, answer)
            case CommandUsed():
                return await self._after_command(workspace, event, answer)
            case ButtonPressed():
                await self._after_press(payload, workspace, event, answer)
            case InboundMessage():
                if answer.notice:
                    await self._courtesy(self._tell(workspace, event, answer.notice))
            case _:
                pass
        return {"options": []} if text(payload, "type") == "block_suggestion" else None

    async def _after_command(
        self, workspace: Workspace, event: CommandUsed, answer: Answer
    ) -> Mapping[str, Any] | None:
        notice = answer.notice
        if answer.form is not None and event.trigger:
            try:
                await self._sender.open_form(workspace, event.trigger, answer.form)
            except PlatformError as error:
                _log.warning("slack form not opened: %s", error)
                notice = "The form could not be opened. Please try the command again."
        if answer.card is not None:
            return {"response_type": "ephemeral", **_drawn(answer.card, workspace)}
        return {"response_type": "ephemeral", "text": escape(notice)} if notice else None

    async def _after_press(
        self, payload: Json, workspace: Workspace, event: ButtonPressed, answer: Answer
    ) -> None:
        notice = answer.notice
        if answer.form is not None and event.trigger:
            try:
                await self._sender.open_form(workspace, event.trigger, answer.form)
            except FormRefused:
                notice = notice or FORM_TOO_LATE
            except PlatformError as error:
                _log.warning("slack form not opened: %s", error)
                notice = notice or FORM_TOO_LATE
        if answer.card is not None:
            await self._courtesy(self._redraw(payload, workspace, event, answer.card))
        if notice:
            address = text(payload, "response_url")
            await self._courtesy(self._tell(workspace, event, notice, address))

    async def _courtesy(self, call: Coroutine[Any, Any, None]) -> None:
        """Makes a call without letting a slow Slack use up the three seconds of the request."""
        task = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=limits.COURTESY_SECONDS)
        if task.done():
            await task

    async def _redraw(
        self, payload: Json, workspace: Workspace, event: ButtonPressed, card: OutboundMessage
    ) -> None:
        try:
            if is_ephemeral(payload):
                body = {"replace_original": True, **_drawn(card, workspace)}
                await self._sender.respond(text(payload, "response_url"), body)
            else:
                await self._sender.update(event.reply_to, event.card, card)
        except PlatformError as error:
            _log.warning("slack card not redrawn: %s", error)

    async def _tell(
        self,
        workspace: Workspace,
        event: InboundMessage | ButtonPressed,
        notice: str,
        response_url: str = "",
    ) -> None:
        """In private and in the thread. The interaction's own address is the second way."""
        room, thread = event.thread.room.room_id, event.thread.thread_id
        person = event.by if isinstance(event, ButtonPressed) else event.author
        words = escape(notice)
        try:
            await self._sender.tell(workspace, room, person.identity.user_id, thread, words)
        except PlatformError as error:
            if not response_url:
                _log.warning("slack notice not shown: %s", error)
                return
            body = {"response_type": "ephemeral", "replace_original": False, "text": words}
            try:
                await self._sender.respond(response_url, body)
            except PlatformError as second:
                _log.warning("slack notice not shown: %s", second)


def _after_form(payload: Json, answer: Answer) -> Mapping[str, Any] | None:
    if answer.form_errors:
        return _errors(payload, answer.form_errors)
    if answer.form is not None:
        return {"response_action": "update", "view": render_form(answer.form)}
    if answer.notice:
        return {"response_action": "update", "view": render_notice(NOTICE_TITLE, answer.notice)}
    return {"response_action": "clear"}


def _errors(payload: Json, errors: Mapping[str, str]) -> Mapping[str, Any]:
    """Slack shows an error only beside a field that the form has: the rest go to the first one."""
    fields = list(table(payload, "view", "state", "values"))
    if not fields:
        words = " ".join(errors.values())
        return {"response_action": "update", "view": render_notice(NOTICE_TITLE, words)}
    shown: dict[str, str] = {}
    for name, words in errors.items():
        field = name if name in fields else fields[0]
        shown[field] = f"{shown[field]} {words}" if field in shown else words
    return render_errors(shown)


def _drawn(card: OutboundMessage, workspace: Workspace) -> dict[str, Any]:
    return render(card, team_id=workspace.team_id)[0].content()
