"""What the bot's answer to an invoke means for the person who clicked (pure)."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from playground.teams_api.cards import card_problem
from playground.teams_api.state import CARD_TYPE, Json

SEARCH_TYPE = "application/vnd.microsoft.search.searchResponse"
MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
NO_ANSWER = "Something went wrong. Please try again."


class OutcomeKind(StrEnum):
    """What the person sees after a click."""

    CARD = "card"  # the card changed, for this person only
    MESSAGE = "message"  # a short notice
    DIALOG = "dialog"  # a dialog opened, or shows another card
    CLOSED = "closed"  # the dialog closed, or nothing more to show
    SENT = "sent"  # Action.Submit went off as a message
    CHOICES = "choices"  # the options of a dynamic choice list
    LINK = "link"  # Action.OpenUrl: nothing was sent
    LOCAL = "local"  # ShowCard or ToggleVisibility: nothing was sent
    ERROR = "error"  # what a client shows as an error below the card


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one click; `delivery_id` points into the delivery log."""

    kind: OutcomeKind
    status_code: int | None = None
    text: str | None = None
    card: Json | None = None
    url: str | None = None
    dialog: Json | None = None
    dialog_id: str | None = None
    choices: tuple[Json, ...] = ()
    delivery_id: str | None = None

    def as_json(self) -> Json:
        """See the package's docstring, `Outcome`."""
        return {
            "kind": str(self.kind),
            "statusCode": self.status_code,
            "text": self.text,
            "card": self.card,
            "url": self.url,
            "dialogId": self.dialog_id,
            "choices": list(self.choices),
            "deliveryId": self.delivery_id,
        }


def _error(text: str, status: int | None = None) -> Outcome:
    return Outcome(kind=OutcomeKind.ERROR, text=text, status_code=status)


def _decoded(status: int | None, body: str) -> Any:
    if status is None or status >= 400:
        return None
    try:
        return json.loads(body) if body else {}
    except ValueError:
        return None


def card_outcome(status: int | None, body: str) -> Outcome:
    """The answer to adaptiveCard/action: {statusCode, type, value}."""
    answer = _decoded(status, body)
    if not isinstance(answer, dict):
        return _error(NO_ANSWER, status)
    code, kind, value = answer.get("statusCode"), answer.get("type"), answer.get("value")
    if not isinstance(code, int):
        return _error("the invoke response has no statusCode", status)
    if code >= 300:
        words = value.get("message") if isinstance(value, dict) else value
        return _error(str(words or NO_ANSWER), code)
    if kind == CARD_TYPE:
        problem = card_problem(value)
        if problem is not None:
            return _error(f"the card of the invoke response cannot be shown: {problem}", code)
        return Outcome(kind=OutcomeKind.CARD, card=value, status_code=code)
    if kind == MESSAGE_TYPE and isinstance(value, str):
        return Outcome(kind=OutcomeKind.MESSAGE, text=value, status_code=code)
    return _error(f"the invoke response has an unknown type {kind!r}", code)


def task_outcome(status: int | None, body: str) -> Outcome:
    """The answer to task/fetch and task/submit: {task: {type, value}}, or nothing."""
    answer = _decoded(status, body)
    if not isinstance(answer, dict):
        return _error(NO_ANSWER, status)
    task = answer.get("task")
    if task is None:
        return Outcome(kind=OutcomeKind.CLOSED, status_code=status)
    kind, value = (task.get("type"), task.get("value")) if isinstance(task, dict) else (None, None)
    if kind == "message":
        return Outcome(kind=OutcomeKind.MESSAGE, text=str(value), status_code=status)
    if kind != "continue" or not isinstance(value, dict):
        return _error(f"task.type must be continue or message, not {kind!r}", status)
    attachment = value.get("card")
    if attachment is None and isinstance(value.get("url"), str):
        return Outcome(kind=OutcomeKind.DIALOG, dialog=value, status_code=status)
    if not isinstance(attachment, dict) or attachment.get("contentType") != CARD_TYPE:
        return _error(f"task.value.card must be an attachment of type {CARD_TYPE}", status)
    problem = card_problem(attachment.get("content"))
    if problem is not None:
        return _error(f"the dialog's card cannot be shown: {problem}", status)
    card = attachment["content"]
    return Outcome(kind=OutcomeKind.DIALOG, dialog=value, card=card, status_code=status)


def search_outcome(status: int | None, body: str) -> Outcome:
    """The answer to application/search: {statusCode, type, value: {results: [{title, value}]}}."""
    answer = _decoded(status, body)
    value = answer.get("value") if isinstance(answer, dict) else None
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list) or answer.get("type") != SEARCH_TYPE:
        return _error(f"the search response must be a {SEARCH_TYPE} with results", status)
    if not all(isinstance(r, dict) and r.get("title") and r.get("value") for r in results):
        return _error("each search result needs a title and a value", status)
    return Outcome(kind=OutcomeKind.CHOICES, choices=tuple(results), status_code=status)


def plain_outcome(status: int | None) -> Outcome:
    """The answer to any other invoke: its HTTP status is all that counts."""
    if status is None or status >= 400:
        return _error(NO_ANSWER, status)
    return Outcome(kind=OutcomeKind.CLOSED, status_code=status)
