"""Reads clicks, forms and pickers, and writes and reads the ids that our own cards carry. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from agent_core.messages import (
    ButtonPressed,
    FormSubmitted,
    InboundEvent,
    OptionsAsked,
    Participant,
    Platform,
    ReplyAddress,
    Unsupported,
)
from bots.slack import identity
from bots.slack.identity import Known, Workspace
from bots.slack.shapes import Json, moment, rows, table, text

_BLOCK_PREFIX: Final = "handrail"
_REPEATED: Final = "#"
READ: Final = frozenset({"block_actions", "view_submission", "block_suggestion"})


def block_id(team_id: str, number: int) -> str:
    """The id of a row of buttons. It names our team: at click time Slack names the clicker's."""
    return f"{_BLOCK_PREFIX}|{team_id}|{number}"


def team_of_block(found: str) -> str:
    """The team that `block_id` wrote; "" for blocks that are not ours."""
    parts = found.split("|")
    return parts[1] if len(parts) == 3 and parts[0] == _BLOCK_PREFIX else ""


def action_id(action: str, number: int) -> str:
    """Unique within a message: the first button of an action bears its plain name."""
    return action if number == 0 else f"{action}{_REPEATED}{number}"


def action_of(found: str) -> str:
    """The action that `action_id` was given."""
    return found.partition(_REPEATED)[0]


def installation_teams(payload: Json) -> list[str]:
    """Teams whose installation this payload may belong to, the surest first.

    For events that is the authorization, for our own cards what we wrote into them, for forms the
    team that Slack names as installed; the team of the person who acts comes last.
    """
    if text(payload, "type") == "event_callback":
        named = [text(row, "team_id") for row in rows(payload, "authorizations")]
        named = [n for n in named if n] or [
            text(payload, "context_team_id") or text(payload, "team_id")
        ]
        return [n for n in named if n]
    named = [team_of_block(text(action, "block_id")) for action in rows(payload, "actions")]
    if any(named):
        return [n for n in named if n][:1]
    named = [
        text(payload, "view", "app_installed_team_id"),
        text(payload, "view", "team_id"),
        text(payload, "message", "team"),
        text(payload, "team", "id"),
        text(payload, "team_id"),
    ]
    return list(dict.fromkeys(n for n in named if n))


def installation_bot(payload: Json) -> str:
    """The bot that made the form or message: tells our installation where no team does."""
    if any(team_of_block(text(action, "block_id")) for action in rows(payload, "actions")):
        return ""
    return text(payload, "view", "bot_id") or text(payload, "message", "bot_id")


def parse(
    payload: Json, workspace: Workspace, known: Known, *, received_at: datetime
) -> InboundEvent:
    """`block_actions`, `view_submission` and `block_suggestion`; the rest is Unsupported."""
    kind = text(payload, "type")
    if not text(payload, "user", "id"):
        return _unsupported(f"{kind} without a person")
    if kind == "block_actions":
        return _pressed(payload, workspace, known, received_at)
    if kind == "view_submission":
        return _submitted(payload, workspace, known, received_at)
    if kind == "block_suggestion" and table(payload, "view"):
        return OptionsAsked(
            by=_person(payload, workspace, known),
            form=text(payload, "view", "callback_id"),
            field=text(payload, "action_id"),
            query=text(payload, "value"),
        )
    return _unsupported(kind)


def _pressed(
    payload: Json, workspace: Workspace, known: Known, received_at: datetime
) -> InboundEvent:
    container = table(payload, "container")
    channel = text(payload, "channel", "id") or text(container, "channel_id")
    card_ts = text(container, "message_ts") or text(payload, "message", "ts")
    buttons = [a for a in rows(payload, "actions") if text(a, "type") == "button"]
    if not buttons or not channel or moment(card_ts) is None:
        return _unsupported("block_actions outside a message's buttons")
    button, user = buttons[0], text(payload, "user", "id")
    pressed_at = moment(text(button, "action_ts"))
    if not text(button, "action_id"):
        return _unsupported("block_actions without an action id")
    # In Connect channels the clicker's team differs from the poster's: only ours may key a room.
    room = identity.room_ref(workspace.team_id, channel)
    thread_ts = text(container, "thread_ts") or text(payload, "message", "thread_ts") or card_ts
    press = (text(button, "action_ts"), user, text(button, "action_id"), card_ts)
    return ButtonPressed(
        press_id=":".join(press),
        card=identity.message_ref(room, card_ts),
        thread=identity.thread_ref(room, thread_ts),
        by=_person(payload, workspace, known),
        action=action_of(text(button, "action_id")),
        value=text(button, "value"),
        pressed_at=pressed_at or received_at,
        reply_to=ReplyAddress(room=room, thread_id=thread_ts),
        trigger=text(payload, "trigger_id") or None,
        inputs=state_values(table(payload, "state", "values")),
    )


def _submitted(
    payload: Json, workspace: Workspace, known: Known, received_at: datetime
) -> InboundEvent:
    view = table(payload, "view")
    view_id = text(view, "id")
    if not view_id or not text(view, "callback_id"):
        return _unsupported("view_submission without a form")
    inputs = state_values(table(view, "state", "values"))
    # Slack shows "try again" when an answer is late: the same words in the same form are one
    # submission, corrected words are another.
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    return FormSubmitted(
        submission_id=f"{view_id}:{digest}",
        by=_person(payload, workspace, known),
        form=text(view, "callback_id"),
        value=text(view, "private_metadata"),
        inputs=inputs,
        submitted_at=received_at,
    )


def state_values(values: Json) -> dict[str, str]:
    """What was filled in, by input id; "" for a field left empty."""
    found: dict[str, str] = {}
    for block in values:
        for name, element in table(values, block).items():
            if isinstance(element, Mapping):
                chosen = text(element, "selected_option", "value")
                found[name] = chosen or text(element, "value")
    return found


def home_of_actor(payload: Json) -> str:
    """The workspace of the person who acts; "" where Slack must be asked (an organisation's id)."""
    team = text(payload, "user", "team_id")
    return "" if team.startswith("E") else team


def is_ephemeral(payload: Json) -> bool:
    """Whether the pressed card is one that only its reader sees."""
    return table(payload, "container").get("is_ephemeral") is True


def _person(payload: Json, workspace: Workspace, known: Known) -> Participant:
    user = text(payload, "user", "id")
    person = known.people.get(user)
    home = home_of_actor(payload) or (person.home_team if person else "")
    name = (person.name if person else "") or text(payload, "user", "name")
    return Participant(
        identity=identity.person_ref(home, user),
        name=name or text(payload, "user", "username") or user,
        is_guest=identity.is_guest(person, home, workspace),
    )


def _unsupported(what: str) -> Unsupported:
    return Unsupported(platform=Platform.SLACK, what=what[:80])
