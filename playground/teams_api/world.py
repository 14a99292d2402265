"""The Teams world: what people do in it, and how the bot hears of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from playground.people import TeamsPerson, TeamsRoomKind
from playground.teams_api import shapes
from playground.teams_api.delivery import DeliveryOptions
from playground.teams_api.invokes import Outcome
from playground.teams_api.shapes import Place, Written
from playground.teams_api.state import Json, Message, Room, now
from playground.teams_api.wires import TeamsWires


class TeamsWorld(TeamsWires):
    """One tenant with people, rooms, a bot, and the services around them.

    `person` arguments take a 29:… id, an object id or a key ("sam"). Acts that send a message
    return at once and deliver in the background (`settled()` waits); acts that a client waits for
    (click, dialog, feedback) return the outcome. Unknown names: KeyError. Not allowed:
    PermissionError. Bad input: ValueError.
    """

    def open_chat(self, person: str) -> Room:
        """The person's own chat with the bot, opened when there is none yet."""
        return self.posts.personal_room(self.state.person(person))

    # --- messages ----------------------------------------------------------------------------

    def post(
        self,
        person: str,
        room: str,
        text: str,
        *,
        thread: str | None = None,
        mention: bool = False,
        attachments: Sequence[Json] = (),
        options: DeliveryOptions | None = None,
    ) -> Message:
        """A person writes; `@Name` mentions, `mention` puts the bot's in front.

        In a channel, `thread` is the root's id (None: a new post). The bot hears of it in a
        personal chat, when mentioned, or where the room lets it read all.
        """
        author, place = self.state.person(person), self.state.room(room)
        self._check_member(author, place)
        said = self._written(text, mention, may_be_empty=bool(attachments))
        root = self._root(place, thread)
        message_id = self.state.next_message_id()
        in_channel = place.kind is TeamsRoomKind.CHANNEL
        thread_id = (root or message_id) if in_channel else None
        at = now()
        common = self._envelope(
            author, Place(room=place, thread_id=thread_id), kind="message", activity_id=message_id
        )
        activity = shapes.message(common, said, attachments)
        message = Message(
            id=message_id,
            room_id=place.id,
            thread_id=thread_id,
            author_id=author.teams_id,
            activity=activity,
            created_at=at,
            delivered=self._is_heard(place, said),
        )
        self.state.place(message)
        self.feed.publish("message_posted", message=self.state.message_json(message))
        if message.delivered:
            self._send(activity, options)
        return message

    def edit(self, person: str, message_id: str, text: str, *, mention: bool = False) -> Message:
        """A person edits their own message (messageUpdate)."""
        author, message = self._own(person, message_id)
        said = self._written(text, mention)
        message.edited_at = now()
        common = self.envelope_about(author, message, kind="messageUpdate", same_id=True)
        kept = [
            a for a in message.activity.get("attachments", []) if a["contentType"] != "text/html"
        ]
        activity = shapes.edited(common, said, kept)
        message.activity = activity
        heard = message.delivered or self._is_heard(self.state.room(message.room_id), said)
        message.delivered = heard
        self.feed.publish("message_edited", message=self.state.message_json(message))
        if heard:
            self._send(activity)
        return message

    def delete(self, person: str, message_id: str) -> Message:
        """A person takes their own message back (messageDelete)."""
        author, message = self._own(person, message_id)
        message.deleted_at = now()
        message.activity = {**message.activity, "text": None, "attachments": []}
        self.feed.publish("message_deleted", message=self.state.message_json(message))
        if message.delivered:
            common = self.envelope_about(author, message, kind="messageDelete", same_id=True)
            self._send(shapes.deleted(common))
        return message

    def react(self, person: str, message_id: str, kind: str, *, added: bool = True) -> Message:
        """A person adds or removes a reaction; the bot hears only of those to its own messages."""
        author, message = self.state.person(person), self.state.message(message_id)
        self._check_member(author, self.state.room(message.room_id))
        who = message.reactions.setdefault(kind, [])
        if added is (author.teams_id in who):
            return message
        (who.append if added else who.remove)(author.teams_id)
        self.feed.publish("message_reaction", message=self.state.message_json(message))
        if message.author_id == self.state.bot_id:
            common = self.envelope_about(author, message, kind="messageReaction")
            self._send(shapes.reaction(common, message.id, kind, added=added))
        return message

    # --- cards -------------------------------------------------------------------------------

    async def click(
        self, person: str, message_id: str, action: str, inputs: Mapping[str, Any] | None = None
    ) -> Outcome:
        """Press a button (id, verb, title or index) of a card; see `Clicks.click`."""
        return await self._clicks.click(*self._seen(person, message_id), action, inputs)

    async def refresh(self, person: str, message_id: str) -> Outcome:
        """The person's client shows a card that refreshes itself."""
        return await self._clicks.refresh(*self._seen(person, message_id))

    async def give_feedback(
        self, person: str, message_id: str, reaction: str, text: str = ""
    ) -> Outcome:
        """Thumbs up (`like`) or down (`dislike`) below a message of the bot."""
        return await self._clicks.give_feedback(*self._seen(person, message_id), reaction, text)

    async def search(self, person: str, message_id: str, input_id: str, text: str) -> Outcome:
        """Type into a choice list that asks the bot for its options."""
        return await self._clicks.search(*self._seen(person, message_id), input_id, text)

    async def submit_dialog(
        self, person: str, dialog_id: str, action: str, inputs: Mapping[str, Any] | None = None
    ) -> Outcome:
        """Press a button of an open dialog."""
        dialog = self.state.dialogs[dialog_id]
        who = self.state.person(person)
        return await self._clicks.submit_dialog(who, dialog, action, inputs or {})

    def close_dialog(self, dialog_id: str) -> None:
        """Close a dialog without sending it."""
        self._clicks.close_dialog(self.state.dialogs[dialog_id])

    # --- membership --------------------------------------------------------------------------

    def set_member(self, person: str, room: str, *, added: bool, by: str | None = None) -> Room:
        """A person joins or leaves a room (conversationUpdate)."""
        who, place = self.state.person(person), self.state.room(room)
        actor = self.state.person(by) if by else who
        if added is (who.teams_id in place.member_ids):
            return place
        (place.member_ids.append if added else place.member_ids.remove)(who.teams_id)
        self.feed.publish("room_changed", room=self.state.room_json(place))
        if place.installed:
            common = self._event(actor, place, "conversationUpdate")
            self._send(shapes.members_changed(common, [who.teams_id], added=added))
        return place

    def set_installed(self, person: str, room: str, *, added: bool) -> Room:
        """Somebody adds the app to a room or removes it; two activities say so."""
        actor, place = self.state.person(person), self.state.room(room)
        place.installed = added
        self.feed.publish("room_changed", room=self.state.room_json(place))
        common = self._event(actor, place, "conversationUpdate")
        self._send(shapes.members_changed(common, [self.state.bot_id], added=added))
        self._send(shapes.installed(self._event(actor, place, "installationUpdate"), added=added))
        return place

    def set_reads_all(self, room: str, reads_all: bool) -> Room:
        """Whether every message of a room reaches the bot (RSC)."""
        place = self.state.room(room)
        place.reads_all = reads_all
        self.feed.publish("room_changed", room=self.state.room_json(place))
        return place

    def _written(self, text: str, mention: bool, *, may_be_empty: bool = False) -> Written:
        bot = self.state.bot_name
        if not text.strip() and not may_be_empty:
            raise ValueError("text must not be empty")
        if mention and f"@{bot}" not in text:
            text = f"@{bot} {text}"
        names = [(p.teams_id, p.name) for p in self.state.people.values()]
        return shapes.written(text, [(self.state.bot_id, bot), *names])

    def _is_heard(self, room: Room, said: Written) -> bool:
        mentioned = said.mentions_id(self.state.bot_id)
        personal = room.kind is TeamsRoomKind.PERSONAL
        return room.installed and (personal or mentioned or room.reads_all)

    def _root(self, room: Room, thread: str | None) -> str | None:
        if thread is None or room.kind is not TeamsRoomKind.CHANNEL:
            return None
        root = self.state.message(thread)
        if root.room_id != room.id:
            raise KeyError(f"thread {thread!r} is not in this channel")
        return root.thread_id

    def _seen(self, person: str, message_id: str) -> tuple[TeamsPerson, Message]:
        who, message = self.state.person(person), self.state.message(message_id)
        self._check_member(who, self.state.room(message.room_id))
        return who, message

    def _own(self, person: str, message_id: str) -> tuple[TeamsPerson, Message]:
        who, message = self.state.person(person), self.state.message(message_id)
        if message.author_id != who.teams_id:
            raise PermissionError("people edit and delete their own messages only")
        if message.deleted_at is not None:
            raise KeyError(f"message {message_id!r} is deleted")
        return who, message

    def _check_member(self, person: TeamsPerson, room: Room) -> None:
        if person.teams_id not in room.member_ids:
            raise PermissionError(f"{person.name} is not in {room.spec.name}")
