"""What the bot may do in rooms (post, start threads, edit, delete, stream), and its refusals."""

import json
import re
from typing import Any

from playground.feed import Feed
from playground.people import TeamsPerson, TeamsRoomKind
from playground.teams_api.cards import card_problem
from playground.teams_api.state import CARD_TYPE, Json, Message, Room, TeamsState, now

LARGEST_ACTIVITY_BYTES = 100 * 1024
_MESSAGE_ID = re.compile(r"^[^;]+;messageid=(\d+)$")


class ConnectorRefusal(Exception):
    """An error answer of the Connector: HTTP status and {error: {code, message}}."""

    def __init__(self, *, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str, code: str = "BadSyntax") -> ConnectorRefusal:
    """400: the activity is broken."""
    return ConnectorRefusal(status=400, code=code, message=message)


class BotPosts:
    """The bot's side of the rooms. Every method raises `ConnectorRefusal`."""

    def __init__(self, state: TeamsState, feed: Feed) -> None:
        self._state = state
        self._feed = feed
        self.largest_bytes = LARGEST_ACTIVITY_BYTES

    def create_conversation(self, body: Json) -> Json:
        """A new channel thread, or the chat with one person; {id, activityId?}."""
        tenant = body.get("tenantId") or _named_id(body, "tenant")
        if tenant not in (None, self._state.tenant_id):
            raise ConnectorRefusal(
                status=403, code="Forbidden", message="The tenant is not the bot's tenant."
            )
        channel_id = _named_id(body, "channel")
        if channel_id is not None:
            return self._new_thread(channel_id, body)
        return self._direct_chat(body)

    def _new_thread(self, channel_id: str, body: Json) -> Json:
        activity = body.get("activity")
        if not isinstance(activity, dict):
            raise bad_request("A new thread needs an activity.", "BadArgument")
        room = self.open_room(channel_id)
        if room.kind is not TeamsRoomKind.CHANNEL:
            raise bad_request("channelData.channel.id is no channel.", "BadArgument")
        message = self._post(room, None, activity)
        return {"id": f"{room.id};messageid={message.id}", "activityId": message.id}

    def _direct_chat(self, body: Json) -> Json:
        members = body.get("members")
        if body.get("isGroup") or not isinstance(members, list) or len(members) != 1:
            raise bad_request("Name one member, or channelData.channel.id.", "BadArgument")
        person = self._person(str(members[0].get("id") if isinstance(members[0], dict) else ""))
        room = self.personal_room(person)
        if not room.installed:
            raise _not_in_roster()
        activity = body.get("activity")
        if activity is None:
            return {"id": room.id}
        return {"id": room.id, "activityId": self._post(room, None, activity).id}

    def personal_room(self, person: TeamsPerson) -> Room:
        """The chat between a person and the bot, opened when there is none yet."""
        known = len(self._state.rooms)
        room = self._state.personal_room(person)
        if len(self._state.rooms) > known:
            self._feed.publish("room_changed", room=self._state.room_json(room))
        return room

    def _person(self, person_id: str) -> TeamsPerson:
        try:
            return self._state.person(person_id)
        except KeyError:
            raise bad_request("Failed to find the member.", "BadArgument") from None

    def send(self, conversation_id: str, activity: Any) -> Json:
        """Post into a chat, a thread (`;messageid=`), or as a new post of a channel; {id}."""
        room = self.open_room(conversation_id)
        thread_id = self._thread_of(room, conversation_id)
        stream = _stream(activity)
        if stream is not None:
            return self._streamed(room, activity, stream)
        if isinstance(activity, dict) and activity.get("type") == "typing":
            self._feed.publish("typing", roomId=room.id, threadId=thread_id)
            return {"id": self._state.next_message_id()}
        return {"id": self._post(room, thread_id, activity).id}

    def update(self, conversation_id: str, activity_id: str, activity: Any) -> Json:
        """Replace one of the bot's messages; everybody's own view of its card ends."""
        message = self._own_message(conversation_id, activity_id)
        self._check(activity)
        self._replace(message, activity)
        return {"id": message.id}

    def delete(self, conversation_id: str, activity_id: str) -> None:
        """Take one of the bot's messages back."""
        message = self._own_message(conversation_id, activity_id)
        message.deleted_at = now()
        message.activity = {**message.activity, "text": None, "attachments": []}
        message.views.clear()
        self._feed.publish("message_deleted", message=self._state.message_json(message))

    def members(self, conversation_id: str) -> list[Json]:
        """The people of a room, as ChannelAccounts with directory fields."""
        room = self.open_room(conversation_id)
        return [self._account(self._state.people[member]) for member in room.member_ids]

    def member(self, conversation_id: str, member_id: str) -> Json:
        """One person of a room, by 29:… or object id."""
        for account in self.members(conversation_id):
            if member_id in (account["id"], account["aadObjectId"]):
                return account
        raise ConnectorRefusal(
            status=404, code="MemberNotFoundInConversation", message="Member not found."
        )

    def channels(self, team_id: str) -> list[Json]:
        """The channels of a team where the bot is installed; [{id, name}]."""
        found = [r for r in self._state.rooms.values() if r.spec.team_id == team_id and r.installed]
        if not found:
            raise _not_in_roster()
        return [{"id": room.id, "name": room.spec.name, "type": "standard"} for room in found]

    def team(self, team_id: str) -> Json:
        """{id, name, channelCount, memberCount}"""
        channels = self.channels(team_id)
        room = self._state.rooms[channels[0]["id"]]
        return {
            "id": team_id,
            "name": room.spec.team_name,
            "channelCount": len(channels),
            "memberCount": len(room.member_ids),
        }

    def open_room(self, conversation_id: str) -> Room:
        """The room of a conversation id; 404 when there is none, 403 when not installed."""
        try:
            room = self._state.room(conversation_id)
        except KeyError:
            raise _not_found("ConversationNotFound", "Conversation not found.") from None
        if not room.installed:
            raise _not_in_roster()
        return room

    def _account(self, person: TeamsPerson) -> Json:
        given, _, surname = person.name.partition(" ")
        return {
            "id": person.teams_id,
            "name": person.name,
            "objectId": person.object_id,
            "aadObjectId": person.object_id,
            "givenName": given,
            "surname": surname,
            "email": person.email,
            "userPrincipalName": person.email,
            "tenantId": self._state.tenant_id,
            "userRole": "user",
        }

    def _thread_of(self, room: Room, conversation_id: str) -> str | None:
        if room.kind is not TeamsRoomKind.CHANNEL or conversation_id == room.id:
            return None
        match = _MESSAGE_ID.match(conversation_id)
        root = self._state.messages.get(match[1]) if match else None
        if root is None or root.room_id != room.id or root.thread_id != root.id:
            raise _not_found("ConversationNotFound", "There is no such thread in this channel.")
        return root.id

    def _own_message(self, conversation_id: str, activity_id: str) -> Message:
        room = self.open_room(conversation_id)
        message = self._state.messages.get(activity_id)
        if message is None or message.room_id != room.id or message.deleted_at is not None:
            raise _not_found("ActivityNotFoundInConversation", "The activity is not there.")
        if message.author_id != self._state.bot_id:
            raise ConnectorRefusal(
                status=403, code="ForbiddenOperationException", message="Not the bot's message."
            )
        return message

    def _post(self, room: Room, thread_id: str | None, activity: Any) -> Message:
        self._check(activity)
        message_id = self._state.next_message_id()
        in_channel = room.kind is TeamsRoomKind.CHANNEL
        message = self._state.place(
            Message(
                id=message_id,
                room_id=room.id,
                thread_id=(thread_id or message_id) if in_channel else None,
                author_id=self._state.bot_id,
                activity=activity,
                created_at=now(),
            )
        )
        self._feed.publish("message_posted", message=self._state.message_json(message))
        return message

    def _replace(self, message: Message, activity: Json) -> None:
        message.activity = activity
        message.edited_at = now()
        message.views.clear()
        self._feed.publish("message_edited", message=self._state.message_json(message))

    def _streamed(self, room: Room, activity: Json, stream: Json) -> Json:
        """One step of a streamed answer: the first makes the message, the last settles it."""
        if room.kind is not TeamsRoomKind.PERSONAL:
            raise ConnectorRefusal(
                status=403, code="ContentStreamNotAllowed", message="Only in one-on-one chats."
            )
        text = {**activity, "type": "message"}
        stream_id = stream.get("streamId") or _channel_data(activity).get("streamId")
        if stream_id is None:
            message = self._post(room, None, text)
            message.streaming = activity["type"] == "typing"
        else:
            message = self._own_message(room.id, stream_id)
            if not message.streaming:
                raise ConnectorRefusal(
                    status=403, code="ContentStreamNotAllowed", message="The stream has ended."
                )
            self._check(text)
            message.streaming = activity["type"] == "typing"
            self._replace(message, text)
        return {"id": message.id}

    def _check(self, activity: Any) -> None:
        if not isinstance(activity, dict):
            raise bad_request("The activity must be a JSON object.")
        if len(json.dumps(activity).encode()) > self.largest_bytes:
            raise ConnectorRefusal(
                status=413, code="MessageSizeTooBig", message="Message size too large."
            )
        if activity.get("type") != "message":
            raise bad_request(f"Unknown activity type {activity.get('type')!r}.")
        for key in ("attachments", "entities"):
            if not isinstance(activity.get(key), list | None):
                raise bad_request(f"{key} must be a list.")
        attachments = activity.get("attachments") or []
        if not attachments and not str(activity.get("text") or "").strip():
            raise bad_request("A message needs text or an attachment.", "ConversationMessageEmpty")
        for attachment in attachments:
            _check_attachment(attachment)


def _check_attachment(attachment: Any) -> None:
    if not isinstance(attachment, dict) or not isinstance(attachment.get("contentType"), str):
        raise bad_request("An attachment needs a contentType.")
    if attachment["contentType"] == CARD_TYPE:
        problem = card_problem(attachment.get("content"))
        if problem is not None:
            raise bad_request(f"The Adaptive Card cannot be shown: {problem}.")


def _stream(activity: Any) -> Json | None:
    entities = activity.get("entities") if isinstance(activity, dict) else None
    for entity in entities if isinstance(entities, list) else []:
        if isinstance(entity, dict) and entity.get("type") == "streaminfo":
            return entity
    return None


def _channel_data(body: Json) -> Json:
    found = body.get("channelData")
    return found if isinstance(found, dict) else {}


def _named_id(body: Json, key: str) -> str | None:
    named = _channel_data(body).get(key)
    found = named.get("id") if isinstance(named, dict) else None
    return found if isinstance(found, str) else None


def _not_in_roster() -> ConnectorRefusal:
    return ConnectorRefusal(
        status=403,
        code="BotNotInConversationRoster",
        message="The bot is not part of the conversation roster.",
    )


def _not_found(code: str, message: str) -> ConnectorRefusal:
    return ConnectorRefusal(status=404, code=code, message=message)
