"""The hands on buttons, forms and commands; each waits for what the app answers at once."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from playground import people
from playground.slack_api import events
from playground.slack_api.app_side import AppSide
from playground.slack_api.blocks import view_problem
from playground.slack_api.delivery import Attempt
from playground.slack_api.forms import clicked_action, missing_answers, state_values
from playground.slack_api.state import Ephemeral, Json, OpenView, SlackRefusal
from playground.slack_api.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """How a form's submission ended: `action` is what the app answered, "none" when it did not."""

    action: Literal["closed", "errors", "update", "push", "clear", "missing", "none"]
    errors: dict[str, str]
    attempt: Attempt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pressable:
    blocks: list[Json]
    context: Json


class Hands:
    """What people press and fill in. Raises `SlackRefusal` when there is nothing to press."""

    def __init__(self, workspace: Workspace, app_side: AppSide) -> None:
        self.workspace = workspace
        self.state = workspace.state
        self.courier = workspace.courier
        self.app_side = app_side

    async def click(
        self,
        user_id: str,
        action_id: str,
        *,
        channel_id: str | None = None,
        ts: str | None = None,
        view_id: str | None = None,
        block_id: str | None = None,
        value: Any = None,
    ) -> Attempt:
        """A person presses or chooses something in a message, a private one, or a form."""
        person = self.state.person(user_id)
        found = self._pressable(person, channel_id, ts, view_id)
        blocks = found.blocks
        action = clicked_action(
            blocks,
            action_id=action_id,
            block_id=block_id,
            value=value,
            action_ts=self.state.next_ts(),
        )
        body = events.block_actions(
            person,
            action,
            trigger_id=self.state.new_trigger(user_id, view_id),
            state=state_values(blocks, {}),
        )
        return await self._ask(person, body | found.context)

    async def submit(self, user_id: str, view_id: str, values: Json) -> Submitted:
        """A person sends a form; `values` is block id → action id → answer (see forms.py)."""
        person = self.state.person(user_id)
        opened = self._opened(user_id, view_id)
        answers = state_values(opened.view["blocks"], values)
        if missing := missing_answers(opened.view["blocks"], answers):
            opened.errors = missing
            self.workspace.show_view(opened)
            return Submitted(action="missing", errors=missing, attempt=None)
        opened.view = opened.view | {"state": {"values": answers}}
        trigger_id = self.state.new_trigger(user_id, view_id)
        body = events.view_event("view_submission", person, opened, trigger_id)
        return self._after_submission(person, opened, await self._ask(person, body))

    async def close_view(self, user_id: str, view_id: str) -> None:
        """A person closes a form; the app hears of it when it asked to."""
        opened = self._opened(user_id, view_id)
        self.workspace.hide_view(view_id)
        if opened.view.get("notify_on_close"):
            person = self.state.person(user_id)
            await self._ask(person, events.view_event("view_closed", person, opened, ""))

    async def search_options(
        self, user_id: str, action_id: str, text: str, **where: Any
    ) -> list[Json]:
        """A person types into an external select; the options that the app offers."""
        person = self.state.person(user_id)
        found = self._pressable(
            person, where.get("channel_id"), where.get("ts"), where.get("view_id")
        )
        action = clicked_action(
            found.blocks, action_id=action_id, block_id=None, value=None, action_ts=""
        )
        body = events.block_actions(person, action, trigger_id="", state={}) | found.context
        for name in ("trigger_id", "actions", "response_url", "state"):
            body.pop(name, None)
        body |= {"type": "block_suggestion", "action_id": action_id, "value": text}
        attempt = await self._ask(person, body | {"block_id": action["block_id"]})
        answer = _json_of(attempt.answer)
        groups = answer.get("option_groups") or [{"options": answer.get("options") or []}]
        return [option for group in groups for option in group["options"]]

    async def command(self, user_id: str, channel_id: str, command: str, text: str) -> Attempt:
        """A person gives a slash command; a body in the acknowledgement is shown to them."""
        person = self.state.person(user_id)
        channel = self.state.channel_of_member(channel_id, user_id)
        url = self.workspace.new_response_url(person, channel)
        body = events.slash_command(
            person,
            channel,
            command=command,
            text=text,
            trigger_id=self.state.new_trigger(user_id),
            response_url=url,
        )
        attempt = await self.courier.ask("slash_commands", body)
        if not attempt.acknowledged:
            self.workspace.warn(person, f"{command} failed because the app did not respond")
        elif attempt.answer.strip():
            answer = _json_of(attempt.answer) or {"text": attempt.answer}
            self.app_side.respond(url.rsplit("/", 1)[1], answer)
        return attempt

    # --- parts -------------------------------------------------------------------------------
    async def _ask(self, person: people.SlackPerson, body: Json) -> Attempt:
        attempt = await self.courier.ask("interactive", body)
        if not attempt.acknowledged:
            self.workspace.warn(person, f"{people.SLACK_BOT_NAME} is not responding")
        return attempt

    def _opened(self, user_id: str, view_id: str) -> OpenView:
        opened = self.state.views.get(view_id)
        if opened is None or opened.user_id != user_id:
            raise SlackRefusal("view_not_found", ["this form is not open for this person"])
        return opened

    def _pressable(
        self,
        person: people.SlackPerson,
        channel_id: str | None,
        ts: str | None,
        view_id: str | None,
    ) -> "_Pressable":
        if view_id is not None:
            view = self._opened(person.user_id, view_id).view
            return _Pressable(blocks=view["blocks"], context=events.clicked_in_view(view))
        channel = self.state.channel_of_member(channel_id or "", person.user_id)
        private = self.workspace.find_ephemeral(channel.channel_id, ts or "")
        message = self._visible(private, person) or self.state.message(channel.channel_id, ts or "")
        url = self.workspace.new_response_url(
            person, channel, message, is_ephemeral=private is not None
        )
        context = events.clicked_in_message(
            channel, message, is_ephemeral=private is not None, response_url=url
        )
        return _Pressable(blocks=message.get("blocks", []), context=context)

    def _visible(self, private: Ephemeral | None, person: people.SlackPerson) -> Json | None:
        if private is None:
            return None
        if private.user_id != person.user_id:
            raise SlackRefusal("message_not_found")
        return private.message

    def _after_submission(
        self, person: people.SlackPerson, opened: OpenView, attempt: Attempt
    ) -> Submitted:
        answer = _json_of(attempt.answer)
        action = answer.get("response_action")
        if not attempt.acknowledged:
            self.workspace.show_view(opened)
            return Submitted(action="none", errors={}, attempt=attempt)
        if action == "errors":
            opened.errors = {str(k): str(v) for k, v in (answer.get("errors") or {}).items()}
            self.workspace.show_view(opened)
            return Submitted(action="errors", errors=opened.errors, attempt=attempt)
        if action in ("update", "push") and (problems := view_problem(answer.get("view"))):
            self.workspace.warn(person, f"the answered view is invalid: {problems[0]}")
            return Submitted(action="none", errors={}, attempt=attempt)
        if action == "update":
            self.app_side.replace_view(opened, answer["view"])
            return Submitted(action="update", errors={}, attempt=attempt)
        if action == "push":
            self.app_side.show_new_view(person.user_id, answer["view"], opened.view)
            return Submitted(action="push", errors={}, attempt=attempt)
        cleared = list(self.state.views.values()) if action == "clear" else [opened]
        for view in cleared:
            if view.user_id == person.user_id:
                self.workspace.hide_view(view.view["id"])
        return Submitted(
            action="clear" if action == "clear" else "closed", errors={}, attempt=attempt
        )


def _json_of(text: str) -> Json:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
