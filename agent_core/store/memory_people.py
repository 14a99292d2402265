"""Rooms, people, conversations and the transcript, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    HistorySummary,
    RoomBinding,
    Speaker,
    TranscriptEntry,
)
from agent_core.errors import ConversationChanged, StoreError
from agent_core.messages import MessageRef, PlatformIdentity, RoomRef, ThreadRef
from agent_core.people import AccountId, Capability, JoinCode, Person, PersonId, Role
from agent_core.ports import Departure
from agent_core.store.memory_records import Drawer, drawer, threads, told
from agent_core.store.memory_tables import Kept, Undo
from agent_core.store.rows import CONVERSATIONS, JOIN_CODES, ROOMS, SUMMARIES, TRANSCRIPT


class MemoryRooms:
    """`ports.Rooms`."""

    def __init__(self, undo: Undo) -> None:
        self._rooms = Kept[RoomBinding](RoomBinding, undo)
        self._departed = Kept[datetime](datetime, undo)

    def get(self, room: RoomRef) -> RoomBinding | None:
        return self._rooms.get(room)

    def put(self, binding: RoomBinding) -> None:
        self._rooms.put(binding.room, binding)

    def remove(self, room: RoomRef) -> None:
        self._rooms.remove(room)

    def all(self) -> Sequence[RoomBinding]:
        return sorted(self._rooms, key=lambda binding: str(binding.room))

    def drawers(self) -> dict[str, Drawer]:
        return {"hr_rooms": drawer(self._rooms, ROOMS)}

    def departed(self) -> Sequence[Departure]:
        found = [Departure(place=place, left_at=at) for place, at in self._departed.items()]
        return sorted(found, key=lambda one: (one.left_at, str(one.place)))

    def note_departed(self, place: RoomRef, at: datetime) -> None:
        self._departed.put(place, at)

    def note_returned(self, place: RoomRef) -> bool:
        known = self._departed.get(place) is not None
        self._departed.remove(place)
        return known


class MemoryPeople:
    """`ports.People`."""

    def __init__(self, undo: Undo) -> None:
        self._people = Kept[Person](Person, undo)
        self._owners = Kept[str](str, undo)
        self._told = Kept[datetime](datetime, undo)
        self._codes = Kept[JoinCode](JoinCode, undo)

    def get(self, person_id: PersonId) -> Person | None:
        return self._people.get(person_id)

    def find(self, identity: PlatformIdentity) -> Person | None:
        owner = self._owners.get(identity)
        return self._people.get(owner) if owner else None

    def put(self, person: Person) -> None:
        for identity in person.identities:
            if self._owners.get(identity) not in (None, person.id):
                raise ConversationChanged(
                    f"{identity} belongs to another person already: unlink it there first"
                )
        before = self._people.get(person.id)
        for identity in before.identities if before else ():
            self._owners.remove(identity)
        for identity in person.identities:
            self._owners.put(identity, person.id)
        self._people.put(person.id, person)

    def remove(self, person_id: PersonId) -> None:
        person = self._people.get(person_id)
        for identity in person.identities if person else ():
            self._owners.remove(identity)
        self._people.remove(person_id)

    def all(self) -> Sequence[Person]:
        return sorted(self._people, key=lambda person: (person.name, person.id))

    def with_role(self, account_id: AccountId, roles: frozenset[Role]) -> Sequence[Person]:
        return [person for person in self.all() if person.roles.get(account_id) in roles]

    def with_capability(self, capability: Capability) -> Sequence[Person]:
        return [person for person in self.all() if capability in person.capabilities]

    def was_told(self, identity: PlatformIdentity) -> bool:
        return self._told.get(identity) is not None

    def note_told(self, identity: PlatformIdentity, at: datetime) -> None:
        self._told.add(identity, at)

    def put_join_code(self, code: JoinCode) -> None:
        self._codes.put(code.selector, code)

    def join_code(self, selector: str) -> JoinCode | None:
        return self._codes.get(selector)

    def remove_join_codes(self, identity: PlatformIdentity) -> None:
        for code in self._codes:
            if code.identity == identity:
                self._codes.remove(code.selector)

    def drawers(self) -> dict[str, Drawer]:
        return {"hr_told": told(self._told), "hr_join_codes": drawer(self._codes, JOIN_CODES)}


class MemoryConversations:
    """`ports.Conversations`."""

    def __init__(self, undo: Undo) -> None:
        self._conversations = Kept[Conversation](Conversation, undo)
        self._threads = Kept[str](str, undo)

    def get(self, conversation_id: ConversationId) -> Conversation | None:
        return self._conversations.get(conversation_id)

    def of_thread(self, thread: ThreadRef) -> Conversation | None:
        owner = self._threads.get(thread)
        return self._conversations.get(owner) if owner else None

    def add(self, conversation: Conversation, thread: ThreadRef) -> None:
        if not self._conversations.add(conversation.id, conversation):
            raise ConversationChanged(f"conversation {conversation.id} exists already")
        self.attach(conversation.id, thread)

    def attach(self, conversation_id: ConversationId, thread: ThreadRef) -> None:
        self._threads.add(thread, conversation_id)
        if self._threads.get(thread) != conversation_id:
            raise ConversationChanged("this thread belongs to another conversation")

    def save(self, conversation: Conversation, *, expected_epoch: int) -> None:
        stored = self._conversations.get(conversation.id)
        if stored is None or stored.epoch != expected_epoch:
            raise ConversationChanged(
                f"conversation {conversation.id} is no longer in epoch {expected_epoch}"
            )
        self._conversations.put(conversation.id, conversation)

    def drawers(self) -> dict[str, Drawer]:
        return {
            "hr_conversations": drawer(self._conversations, CONVERSATIONS),
            "hr_conversation_threads": threads(self._threads),
        }


class MemoryTranscript:
    """`ports.Transcript`."""

    def __init__(self, undo: Undo, conversations: MemoryConversations) -> None:
        self._conversations = conversations
        self._lines = Kept[TranscriptEntry](TranscriptEntry, undo)
        self._last_seq = Kept[int](int, undo)
        self._summaries = Kept[HistorySummary](HistorySummary, undo)

    def append(self, entry: TranscriptEntry) -> int:
        if self._conversations.get(entry.conversation_id) is None:
            raise StoreError(f"conversation {entry.conversation_id} does not exist")
        seq = (self._last_seq.get(entry.conversation_id) or 0) + 1
        self._last_seq.put(entry.conversation_id, seq)
        self._lines.put((entry.conversation_id, seq), replace(entry, seq=seq))
        return seq

    def last(
        self, conversation_id: ConversationId, limit: int, *, upto: int | None = None
    ) -> Sequence[TranscriptEntry]:
        end = self._last_seq.get(conversation_id) or 0
        end = end if upto is None else min(end, upto)
        found = (self.get(conversation_id, seq) for seq in range(max(1, end - limit + 1), end + 1))
        return [line for line in found if line is not None]

    def get(self, conversation_id: ConversationId, seq: int) -> TranscriptEntry | None:
        return self._lines.get((conversation_id, seq))

    def of_message(self, message: MessageRef) -> TranscriptEntry | None:
        found = [line for line in self._lines if line.message == message]
        return min(found, key=lambda line: (line.at, line.seq), default=None)

    def edit(self, message: MessageRef, text: str, at: datetime) -> bool:
        return self._change(message, text=text, edited_at=at)

    def delete(self, message: MessageRef, at: datetime) -> bool:
        return self._change(message, text="", deleted_at=at)

    def _change(self, message: MessageRef, **changed: str | datetime) -> bool:
        found = [
            (key, line)
            for key, line in self._lines.items()
            if line.message == message and line.deleted_at is None
        ]
        for key, line in found:
            self._lines.put(key, replace(line, **changed))  # type: ignore[arg-type]
            self.erase_summaries(line.conversation_id, since=line.seq)
        return bool(found)

    def drawers(self) -> dict[str, Drawer]:
        return {
            "hr_transcript": drawer(self._lines, TRANSCRIPT),
            "hr_history_summaries": drawer(self._summaries, SUMMARIES),
        }

    def newest_by(self, conversation_id: ConversationId, speaker: Speaker) -> int:
        lines = (one for one in self._lines if one.conversation_id == conversation_id)
        return max((one.seq for one in lines if one.speaker is speaker), default=0)

    def summary(
        self, conversation_id: ConversationId, upto: int, audience: Audience
    ) -> HistorySummary | None:
        found = [
            one
            for one in self._summaries
            if one.conversation_id == conversation_id
            and one.upto <= upto
            and (audience is not Audience.SHARED or one.audience is Audience.SHARED)
        ]
        return max(found, key=lambda one: (one.upto, one.at), default=None)

    def add_summary(self, summary: HistorySummary) -> bool:
        key = (summary.conversation_id, summary.upto, summary.audience)
        return self._summaries.add(key, summary)

    def erase_summaries(self, conversation_id: ConversationId, *, since: int = 0) -> int:
        covered = [
            key
            for key, one in self._summaries.items()
            if one.conversation_id == conversation_id and one.upto >= since
        ]
        for key in covered:
            self._summaries.remove(key)
        return len(covered)
