"""What a person does with a card: buttons, its own refresh, feedback, dialogs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from playground.feed import Feed
from playground.people import TeamsPerson
from playground.teams_api import shapes
from playground.teams_api.cards import click_payload, find_action, find_dataset
from playground.teams_api.delivery import Delivery
from playground.teams_api.invokes import (
    Outcome,
    OutcomeKind,
    card_outcome,
    plain_outcome,
    search_outcome,
    task_outcome,
)
from playground.teams_api.state import Dialog, Json, Message, TeamsState, dialog_json


class EnvelopeMaker(Protocol):
    """Builds the common part of an activity about a message; see `TeamsWorld.envelope_about`."""

    def __call__(self, person: TeamsPerson, message: Message, *, kind: str) -> Json: ...


class Clicks:
    """The invoke side of a client. Every method answers with what the person then sees."""

    def __init__(
        self,
        *,
        state: TeamsState,
        feed: Feed,
        about: EnvelopeMaker,
        ask: Callable[[Json], Awaitable[Delivery]],
        send: Callable[[Json], None],
    ) -> None:
        self._state = state
        self._feed = feed
        self._about = about
        self._ask = ask
        self._send = send

    async def click(
        self,
        person: TeamsPerson,
        message: Message,
        action: str,
        inputs: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Press a button of the card as this person sees it.

        `action`: the button's id, verb or title, or its index. KeyError: no such button.
        ValueError: an input's own rule forbids it, so that a client would send nothing.
        """
        card = message.card(person.teams_id)
        if card is None or message.deleted_at is not None:
            raise KeyError(f"message {message.id} shows no card")
        button = find_action(card, action)
        match button["type"]:
            case "Action.Execute":
                data = click_payload(card, button, inputs or {})
                return await self._execute(person, message, {**button, "data": data}, "manual")
            case "Action.Submit":
                data = click_payload(card, button, inputs or {})
                return await self._submit(person, message, data)
            case "Action.OpenUrl":
                return Outcome(kind=OutcomeKind.LINK, url=button["url"])
            case _:
                return Outcome(kind=OutcomeKind.LOCAL)

    async def refresh(self, person: TeamsPerson, message: Message) -> Outcome:
        """The person's client shows the card: its `refresh` action runs when it names them."""
        card = message.card() or {}
        refresh = card.get("refresh")
        if not isinstance(refresh, dict) or person.teams_id not in refresh.get("userIds", []):
            return Outcome(kind=OutcomeKind.LOCAL)
        return await self._execute(person, message, refresh["action"], "automatic")

    async def give_feedback(
        self, person: TeamsPerson, message: Message, reaction: str, text: str
    ) -> Outcome:
        """Thumbs below a message (`reaction`: like or dislike) with a remark."""
        if reaction not in ("like", "dislike"):
            raise ValueError("reaction must be like or dislike")
        common = self._about(person, message, kind="invoke")
        delivery = await self._ask(shapes.feedback(common, message.id, reaction, text))
        return replace(plain_outcome(delivery.status), delivery_id=delivery.id)

    async def search(
        self, person: TeamsPerson, message: Message, input_id: str, text: str
    ) -> Outcome:
        """Type into a choice list that asks the bot for its options (`choices.data`)."""
        dataset = find_dataset(message.card(person.teams_id) or {}, input_id)
        common = self._about(person, message, kind="invoke")
        delivery = await self._ask(shapes.search(common, message.id, dataset, text))
        return replace(search_outcome(delivery.status, delivery.response), delivery_id=delivery.id)

    async def submit_dialog(
        self, person: TeamsPerson, dialog: Dialog, action: str, inputs: Mapping[str, Any]
    ) -> Outcome:
        """Press a button of an open dialog: invoke task/submit."""
        if dialog.person_id != person.teams_id:
            raise PermissionError("somebody else has this dialog open")
        if dialog.card is None:
            raise KeyError("this dialog shows a page, not a card")
        button = find_action(dialog.card, action)
        data = click_payload(dialog.card, button, inputs)
        message = self._state.message(dialog.message_id)
        return await self._task(person, message, "task/submit", data, dialog)

    def close_dialog(self, dialog: Dialog) -> None:
        """The person closes a dialog without sending it; the bot hears nothing."""
        if self._state.dialogs.pop(dialog.id, None) is not None:
            self._feed.publish("dialog_closed", dialogId=dialog.id, personId=dialog.person_id)

    async def _execute(
        self, person: TeamsPerson, message: Message, action: Json, trigger: str
    ) -> Outcome:
        common = self._about(person, message, kind="invoke")
        version = message.edited_at
        delivery = await self._ask(shapes.executed(common, message.id, action, trigger))
        outcome = card_outcome(delivery.status, delivery.response)
        # An update for everybody that came in meanwhile is newer than this answer's question,
        # but the answer was asked for by this person: Teams shows it on top of the update.
        if outcome.kind is OutcomeKind.CARD and outcome.card and message.deleted_at is None:
            message.views[person.teams_id] = outcome.card
            self._feed.publish(
                "view_changed",
                messageId=message.id,
                personId=person.teams_id,
                card=outcome.card,
                overUpdate=message.edited_at != version,
            )
        return replace(outcome, delivery_id=delivery.id)

    async def _submit(self, person: TeamsPerson, message: Message, data: Any) -> Outcome:
        marker = data.get("msteams") if isinstance(data, dict) else None
        if isinstance(marker, dict) and marker.get("type") == "task/fetch":
            return await self._task(person, message, "task/fetch", data, None)
        common = self._about(person, message, kind="message")
        self._send(shapes.submitted(common, message.id, data))
        return Outcome(kind=OutcomeKind.SENT)

    async def _task(
        self, person: TeamsPerson, message: Message, name: str, data: Any, dialog: Dialog | None
    ) -> Outcome:
        common = self._about(person, message, kind="invoke")
        delivery = await self._ask(shapes.task(common, message.id, name, data))
        outcome = task_outcome(delivery.status, delivery.response)
        outcome = replace(outcome, delivery_id=delivery.id)
        if outcome.kind is OutcomeKind.ERROR:
            return outcome  # an open dialog stays, with the error in it
        if dialog is not None:
            self.close_dialog(dialog)
        if outcome.kind is not OutcomeKind.DIALOG:
            return outcome
        return replace(outcome, dialog_id=self._open(person, message, outcome).id)

    def _open(self, person: TeamsPerson, message: Message, outcome: Outcome) -> Dialog:
        shown = outcome.dialog or {}
        dialog = Dialog(
            id=f"dialog{self._state.next_number()}",
            person_id=person.teams_id,
            message_id=message.id,
            title=str(shown.get("title") or ""),
            card=outcome.card,
            url=shown.get("url"),
            height=shown.get("height"),
            width=shown.get("width"),
        )
        self._state.dialogs[dialog.id] = dialog
        self._feed.publish("dialog_opened", dialog=dialog_json(dialog))
        return dialog
