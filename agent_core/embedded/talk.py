"""Puts words and presses into the intake, waits for what comes of them, and reads it back."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Final, TypeVar

from agent_core import presses
from agent_core.audit_notes import note_person
from agent_core.brakes import BrakeScope
from agent_core.conversation import Audience, Conversation, RoomBinding, RoomMode
from agent_core.decisions import Decisions
from agent_core.embedded.desk import EmbeddedDesk
from agent_core.embedded.reply import Reply
from agent_core.embedded.room import (
    Message,
    Pulses,
    identity_of,
    last_number,
    messages_after,
    room_of,
    thread_of,
)
from agent_core.errors import ConversationChanged
from agent_core.intake import Intake
from agent_core.masking import masked
from agent_core.messages import (
    ButtonPressed,
    InboundMessage,
    MessageRef,
    Participant,
    ReplyAddress,
    RoomRef,
)
from agent_core.pausing import pause, resume
from agent_core.people import AccountId, Capability, Person, Requester
from agent_core.ports import Answer, Clock, Ids, Store, UnitOfWork
from agent_core.proposals import ProposalId

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.005  # doubled up to the last: another process may be doing the work
_LAST_PAUSE: Final = 1.0
_TRIES: Final = 4
_ON_PROPOSALS: Final = frozenset(
    {presses.CONFIRM, presses.CANCEL, presses.APPROVE, presses.DECLINE, presses.ASK_OWNER}
)


class Talk:
    """One agent's conversations, by name."""

    def __init__(
        self,
        *,
        store: Store,
        intake: Intake,
        desk: EmbeddedDesk,
        decisions: Decisions,
        pulses: Pulses,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._intake = intake
        self._desk = desk
        self._decisions = decisions
        self._pulses = pulses
        self._clock = clock
        self._ids = ids

    async def know(self, people: Iterable[Person]) -> None:
        """These are who they say, with the roles that they bear now."""

        now = self._clock.now()

        def put(tx: UnitOfWork) -> None:
            for one in people:
                _know(tx, one, now)

        await self._run(put)

    # --- what people do ---------------------------------------------------------------------

    async def say(
        self,
        text: str,
        *,
        by: Person,
        account: AccountId | None,
        conversation: str,
        audience: Audience | None,
        message_id: str | None,
        seconds: float,
    ) -> Reply:
        room, now = room_of(conversation), self._clock.now()
        before = await self._run(lambda tx: _prepare(tx, room, by, account, audience, now))
        event = InboundMessage(
            message=MessageRef(room=room, message_id=message_id or self._ids.new("message")),
            thread=thread_of(room),
            author=_participant(by),
            text=text,
            mentions_agent=True,
            direct=True,
            sent_at=self._clock.now(),
            reply_to=_address(room),
        )
        answer = await self._intake.receive(event)
        return await self._reply(room, before, answer, seconds)

    async def press(
        self, action: str, value: str, *, by: Person, conversation: str, seconds: float
    ) -> Reply:
        room = room_of(conversation)
        decided = ProposalId(value) if action in _ON_PROPOSALS else None

        def prepare(tx: UnitOfWork) -> tuple[int, MessageRef]:
            _of(tx, room)
            _know(tx, by, self._clock.now())
            return last_number(tx, room), _card(tx, room, decided)

        before, card = await self._run(prepare)
        event = ButtonPressed(
            press_id=self._ids.new("press"),
            card=card,
            thread=thread_of(room),
            by=_participant(by),
            action=action,
            value=value,
            pressed_at=self._clock.now(),
            reply_to=_address(room),
        )
        answer = await self._intake.receive(event)
        return await self._reply(room, before, answer, seconds, decided, reader=by)

    async def decide(self, action: str, proposal: str, *, by: Person, seconds: float) -> Reply:
        """A press on a proposal's card, wherever it stands."""

        def where(tx: UnitOfWork) -> str:
            found = tx.proposals.get(ProposalId(proposal))
            talk = tx.conversations.get(found.conversation_id) if found else None
            if talk is None:
                raise LookupError(f"there is no proposal {proposal!r}")
            return talk.room.room_id

        conversation = await self._store.run(where)
        return await self.press(action, proposal, by=by, conversation=conversation, seconds=seconds)

    async def answer(self, text: str, *, by: Person, conversation: str, seconds: float) -> Reply:
        if Capability.SUPPORT not in by.capabilities:
            raise PermissionError(f"{by.name} cannot answer for support: give them the capability")
        room = room_of(conversation)

        def write(tx: UnitOfWork) -> int:
            talk, before = _of(tx, room), last_number(tx, room)
            person = _know(tx, by, self._clock.now())
            who = Requester(identity=identity_of(by.id), name=by.name, person=person)
            case = tx.escalations.open_in(talk.id)
            if case is None:
                raise LookupError(f"support is not asked in conversation {conversation!r}")
            self._desk.own(tx, case, who, self._decisions)
            self._desk.answer(tx, tx.conversations.get(talk.id) or talk, who, masked(text))
            return before

        return await self._reply(room, await self._run(write), Answer(), seconds)

    async def hand_back(self, conversation: str, *, seconds: float) -> Reply:
        room = room_of(conversation)

        def close(tx: UnitOfWork) -> int:
            talk, before = _of(tx, room), last_number(tx, room)
            case = tx.escalations.open_in(talk.id)
            if case is not None:
                self._desk.hand_back(tx, talk, case)
            return before

        return await self._reply(room, await self._run(close), Answer(), seconds)

    # --- brakes -----------------------------------------------------------------------------

    async def pause(self, scope: BrakeScope, target: str, reason: str, by: Person) -> str:
        now = self._clock.now()

        def set_brake(tx: UnitOfWork) -> str:
            who = _leading(_know(tx, by, now))
            return pause(tx, scope, target, who.name, str(who.id), now, reason)

        return await self._run(set_brake)

    async def resume(self, scope: BrakeScope, target: str, by: Person) -> str:
        now = self._clock.now()

        def release(tx: UnitOfWork) -> str:
            who = _leading(_know(tx, by, now))
            return resume(tx, scope, target, who.name, str(who.id), now)

        return await self._run(release)

    async def messages(self, conversation: str, after: int) -> tuple[Message, ...]:
        room = room_of(conversation)
        return await self._store.run(lambda tx: messages_after(tx, room, after))

    # --- what comes of it -------------------------------------------------------------------

    async def _reply(
        self,
        room: RoomRef,
        before: int,
        answer: Answer,
        seconds: float,
        decided: ProposalId | None = None,
        *,
        reader: Person | None = None,
    ) -> Reply:
        """`reader`: whoever pressed; who has nothing to do with the account reads the notice."""
        await self._settled(room, seconds)

        def read(tx: UnitOfWork) -> Reply:
            talk = _of(tx, room)
            if reader is not None and not _may_read(tx, talk, reader):
                return Reply(
                    conversation=room.room_id,
                    status=talk.status,
                    messages=(),
                    proposals=(),
                    notice=answer.notice,
                )
            proposals = list(tx.proposals.open_in(talk.id))
            one = tx.proposals.get(decided) if decided else None
            if one is not None and all(open_.id != one.id for open_ in proposals):
                proposals.append(one)
            return Reply(
                conversation=room.room_id,
                status=talk.status,
                messages=messages_after(tx, room, before),
                proposals=tuple(proposals),
                notice=answer.notice,
                pressed=answer.card,
            )

        return await self._store.run(read)

    async def _settled(self, room: RoomRef, seconds: float) -> None:
        """Returns once nothing of this conversation is left to do. Raises TimeoutError."""
        deadline = monotonic() + seconds
        pause = _FIRST_PAUSE
        talk = await self._store.run(lambda tx: _of(tx, room))
        with self._pulses.watch(str(talk.id), str(room)) as watch:
            while not await self._store.run(lambda tx: _is_settled(tx, _of(tx, room))):
                left = deadline - monotonic()
                if left <= 0:
                    raise TimeoutError(
                        f"conversation {room.room_id!r} is still at work after {seconds:g} s; "
                        "the work goes on, and messages(…) shows what came of it"
                    )
                woken = await watch.wait(min(pause, left))
                pause = _FIRST_PAUSE if woken else min(pause * 2, _LAST_PAUSE)

    async def _run(self, fn: Callable[[UnitOfWork], T]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return await self._store.run(fn)
            except ConversationChanged:
                continue  # somebody was faster: read again
        return await self._store.run(fn)


# --- inside a transaction ----------------------------------------------------------------------


def _prepare(
    tx: UnitOfWork,
    room: RoomRef,
    by: Person,
    account: AccountId | None,
    audience: Audience | None,
    now: datetime,
) -> int:
    """Makes the person and the room known; the number of the newest message. Raises ValueError."""
    bound = tx.rooms.get(room)
    if bound is None:
        audience = audience or Audience.PRIVATE
        tx.rooms.put(
            RoomBinding(room=room, audience=audience, account_id=account, mode=RoomMode.MENTION)
        )
    else:
        _check(tx, bound, by, account, audience)
    _know(tx, by, now)
    return last_number(tx, room)


def _check(
    tx: UnitOfWork,
    bound: RoomBinding,
    by: Person,
    account: AccountId | None,
    audience: Audience | None,
) -> None:
    """A conversation keeps its account and its audience; a private one, its person."""
    name = bound.room.room_id
    if bound.account_id != account:
        raise ValueError(f"conversation {name!r} belongs to the account {bound.account_id}")
    if audience not in (None, bound.audience):
        raise ValueError(f"conversation {name!r} is {bound.audience}, and stays so")
    talk = tx.conversations.of_thread(thread_of(bound.room))
    first = tx.transcript.get(talk.id, 1) if talk else None
    if bound.audience is Audience.PRIVATE and first and first.identity != identity_of(by.id):
        raise ValueError(
            f"conversation {name!r} is private to {first.name}: open one with "
            "audience=Audience.SHARED for several people"
        )


def _leading(by: Person) -> Person:
    if Capability.LEAD not in by.capabilities:
        raise PermissionError(f"{by.name} may not pause the agent: that takes `lead`")
    return by


def _know(tx: UnitOfWork, by: Person, at: datetime) -> Person:
    """Who they are and what they may, as the product says at this moment."""
    identity = identity_of(by.id)
    person = by if identity in by.identities else replace(by, identities=(*by.identities, identity))
    before = tx.people.get(person.id)
    if before != person:
        tx.people.put(person)
        note_person(tx, before, person, at)
    return person


def _of(tx: UnitOfWork, room: RoomRef) -> Conversation:
    talk = tx.conversations.of_thread(thread_of(room))
    if talk is None:
        raise LookupError(f"there is no conversation {room.room_id!r}")
    return talk


def _may_read(tx: UnitOfWork, talk: Conversation, reader: Person) -> bool:
    """The account's people, the vendor's own, who wrote here, and anybody without an account."""
    if talk.account is None or talk.account in reader.roles or reader.capabilities:
        return True
    own = identity_of(reader.id)
    return any(entry.identity == own for entry in tx.transcript.last(talk.id, 50))


def _card(tx: UnitOfWork, room: RoomRef, decided: ProposalId | None) -> MessageRef:
    """The message that bears the button: the proposal's own card, where one was posted."""
    proposal = tx.proposals.get(decided) if decided else None
    row = tx.outgoing.get(proposal.card) if proposal and proposal.card else None
    return (row.posted if row else None) or MessageRef(room=room, message_id="0")


def _is_settled(tx: UnitOfWork, talk: Conversation) -> bool:
    return (
        not tx.inbox.new_rows(talk.id, 1)
        and tx.turns.running(talk.id) is None
        and tx.outgoing.next_row(talk.destination) is None
    )


def _participant(by: Person) -> Participant:
    return Participant(identity=identity_of(by.id), name=by.name)


def _address(room: RoomRef) -> ReplyAddress:
    return ReplyAddress(room=room, thread_id=None)
