"""Activities as Teams sends them, built from plain values (pure)."""

import html
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playground.people import TeamsPerson, TeamsRoomKind
from playground.teams_api.state import Json, Message, Room

CLIENT = {
    "locale": "en-GB",
    "country": "GB",
    "platform": "Web",
    "timezone": "Europe/London",
    "type": "clientInfo",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The constant part of every activity: whose tenant, which bot, answered where."""

    tenant_id: str
    bot_id: str
    bot_name: str
    service_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an activity happens: a room, and in a channel the thread's root."""

    room: Room
    thread_id: str | None

    @property
    def conversation_id(self) -> str:
        """In a channel it ends in `;messageid=<root>`."""
        suffix = f";messageid={self.thread_id}" if self.thread_id else ""
        return f"{self.room.id}{suffix}"


def place_of(message: Message, room: Room) -> Place:
    """The place of a message that is already there."""
    in_channel = room.kind is TeamsRoomKind.CHANNEL
    return Place(room=room, thread_id=message.thread_id if in_channel else None)


def envelope(
    sender: Sender, place: Place, person: TeamsPerson, *, kind: str, activity_id: str, at: datetime
) -> Json:
    """What all activities have in common."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return {
        "type": kind,
        "id": activity_id,
        "timestamp": f"{stamp}Z",
        "localTimestamp": f"{stamp}+00:00",
        "localTimezone": "Europe/London",
        "channelId": "msteams",
        "serviceUrl": sender.service_url,
        "from": {"id": person.teams_id, "name": person.name, "aadObjectId": person.object_id},
        "conversation": _conversation(sender, place),
        "recipient": {"id": sender.bot_id, "name": sender.bot_name},
        "channelData": _channel_data(sender, place.room),
        "locale": "en-GB",
    }


def _conversation(sender: Sender, place: Place) -> Json:
    conversation: Json = {
        "conversationType": str(place.room.kind),
        "tenantId": sender.tenant_id,
        "id": place.conversation_id,
    }
    if place.room.kind is TeamsRoomKind.PERSONAL:
        return conversation
    named = place.room.kind is TeamsRoomKind.CHANNEL
    return {"isGroup": True, **conversation, **({"name": place.room.spec.name} if named else {})}


def _channel_data(sender: Sender, room: Room) -> Json:
    tenant = {"tenant": {"id": sender.tenant_id}}
    if room.kind is not TeamsRoomKind.CHANNEL:
        return tenant
    team_id = room.spec.team_id
    return {
        "teamsChannelId": room.id,
        "teamsTeamId": team_id,
        "channel": {"id": room.id},
        "team": {"id": team_id, "name": room.spec.team_name},
        **tenant,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a person typed, with the mentions in it as Teams marks them."""

    text: str
    mentions: tuple[tuple[str, str], ...]  # (id, name), in the order of the text

    def mentions_id(self, wanted: str) -> bool:
        """Whether this id is mentioned."""
        return any(wanted == mentioned for mentioned, _ in self.mentions)

    def entities(self) -> list[Json]:
        """The mention entities."""
        return [
            {"mentioned": {"id": who, "name": name}, "text": f"<at>{name}</at>", "type": "mention"}
            for who, name in self.mentions
        ]

    def html(self) -> str:
        """The same text as the text/html attachment that Teams adds."""
        shown = html.escape(self.text, quote=False)
        for number, (_, name) in enumerate(self.mentions):
            span = (
                f'<span itemscope="" itemtype="http://schema.org/Mention" itemid="{number}">'
                f"{html.escape(name)}</span>"
            )
            shown = shown.replace(f"&lt;at&gt;{html.escape(name)}&lt;/at&gt;", span, 1)
        return f"<div><div>{shown}</div></div>"


def written(text: str, names: Sequence[tuple[str, str]]) -> Written:
    """Turn each `@Name` of a known (id, name) into a mention, longest name first."""
    found: list[tuple[str, str]] = []
    for who, name in sorted(names, key=lambda pair: -len(pair[1])):
        if f"@{name}" in text:
            text = text.replace(f"@{name}", f"<at>{name}</at>", 1)
            found.append((who, name))
    # Teams lists mentions in the order of the text.
    found.sort(key=lambda pair: text.find(f"<at>{pair[1]}</at>"))
    return Written(text=text, mentions=tuple(found))


def message(common: Json, said: Written, attachments: Sequence[Json] = ()) -> Json:
    """A message that a person typed."""
    rich = {"contentType": "text/html", "content": said.html()}
    return {
        **common,
        "text": said.text,
        "textFormat": "plain",
        "attachments": [rich, *attachments],
        "entities": [*said.entities(), CLIENT],
    }


def edited(common: Json, said: Written, attachments: Sequence[Json] = ()) -> Json:
    """The same message after an edit (`type` messageUpdate)."""
    return _with_event(message(common, said, attachments), "editMessage")


def deleted(common: Json) -> Json:
    """A message taken back (`type` messageDelete)."""
    return _with_event({**common, "entities": [CLIENT]}, "softDeleteMessage")


def _with_event(activity: Json, event: str) -> Json:
    return {**activity, "channelData": {**activity["channelData"], "eventType": event}}


def _from_card(common: Json, card_message_id: str) -> Json:
    # A click names the message that carries the card, twice.
    source = {"source": {"name": "message"}, "legacy": {"replyToId": f"1:{card_message_id}"}}
    return {
        **common,
        "channelData": {**common["channelData"], **source},
        "replyToId": card_message_id,
        "entities": [CLIENT],
    }


def submitted(common: Json, card_message_id: str, value: Any) -> Json:
    """Action.Submit: a message without text, with the data and inputs as `value`."""
    return {**_from_card(common, card_message_id), "text": None, "value": value}


def executed(common: Json, card_message_id: str, action: Json, trigger: str) -> Json:
    """Action.Execute, or a card's own refresh: invoke adaptiveCard/action."""
    kept = {key: action[key] for key in ("title", "id", "verb", "data") if key in action}
    value: Json = {"action": {"type": "Action.Execute", **kept}, "trigger": trigger}
    return _invoke(common, card_message_id, "adaptiveCard/action", value)


def feedback(common: Json, message_id: str, reaction: str, text: str) -> Json:
    """Thumbs up or down below a message: invoke message/submitAction."""
    # Teams sends the text as a JSON string inside the JSON.
    inner = json.dumps({"feedbackText": text})
    value = {"actionName": "feedback", "actionValue": {"reaction": reaction, "feedback": inner}}
    return _invoke(common, message_id, "message/submitAction", value)


def search(common: Json, card_message_id: str, dataset: str, text: str) -> Json:
    """Typing into a dynamic choice list: invoke application/search."""
    options = {"skip": 0, "top": 15}
    value: Json = {"queryText": text, "queryOptions": options, "dataset": dataset}
    return _invoke(common, card_message_id, "application/search", value)


def task(common: Json, card_message_id: str, name: str, data: Any) -> Json:
    """Invoke task/fetch (a button opens a dialog) or task/submit (the dialog is sent)."""
    value = {"data": data, "context": {"theme": "default"}}
    return _invoke(common, card_message_id, name, value)


def _invoke(common: Json, message_id: str, name: str, value: Json) -> Json:
    return {**_from_card(common, message_id), "name": name, "value": value}


def reaction(common: Json, message_id: str, kind: str, *, added: bool) -> Json:
    """A reaction to one of the bot's messages."""
    changed = "reactionsAdded" if added else "reactionsRemoved"
    what: list[Json] = [{"type": kind}]
    return {**common, changed: what, "replyToId": message_id, "entities": [CLIENT]}


def members_changed(common: Json, member_ids: Sequence[str], *, added: bool) -> Json:
    """Somebody (perhaps the bot) joined or left a room."""
    changed = "membersAdded" if added else "membersRemoved"
    members = [{"id": member_id} for member_id in member_ids]
    activity: Json = {**common, changed: members}
    if "team" not in common["channelData"]:
        return activity
    return _with_event(activity, "teamMemberAdded" if added else "teamMemberRemoved")


def installed(common: Json, *, added: bool) -> Json:
    """The app was added to, or removed from, a room."""
    activity: Json = {**common, "action": "add" if added else "remove", "entities": [CLIENT]}
    if "team" not in common["channelData"]:
        return activity
    settings = {"selectedChannel": {"id": common["conversation"]["id"]}}
    return {**activity, "channelData": {**common["channelData"], "settings": settings}}


def event_id() -> str:
    """The id of an invoke or event, which is no message."""
    return f"f:{uuid.uuid4()}"
