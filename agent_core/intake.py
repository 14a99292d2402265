"""Takes each delivery once: one transaction reads the situation, decides, and carries it out."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent_core import notices
from agent_core.answers import about_this_agent, account_choice
from agent_core.bare_words import bare_word
from agent_core.conversation import Audience, Conversation, RoomBinding, RoomMode, Speaker
from agent_core.delivery import room_destination
from agent_core.different import Houses
from agent_core.directory import is_ours, requester_of
from agent_core.errors import ConversationChanged
from agent_core.joining import is_joining, join_command, joined_in_words
from agent_core.masking import masked, masked_json
from agent_core.message_intake import MessageIntake
from agent_core.messages import (
    ButtonPressed,
    CommandUsed,
    FormSubmitted,
    InboundEvent,
    InboundMessage,
    MessageDeleted,
    MessageEdited,
    MessageRef,
    OptionsAsked,
    Platform,
    ReplyAddress,
    RoomChanged,
    RoomRef,
    Unsupported,
)
from agent_core.outgoing import APPROVAL_CARD, Destination
from agent_core.pausing import is_pausing, pause_in_words
from agent_core.people import Capability, Requester
from agent_core.ports import (
    AccountDirectory,
    Answer,
    Clock,
    Store,
    SupportCommands,
    UnitOfWork,
)
from agent_core.press_intake import PressIntake
from agent_core.proposals import Proposal
from agent_core.room_intake import RoomIntake
from agent_core.router import Situation, route_message
from agent_core.telemetry import SILENT, Metric, Telemetry
from agent_core.yeses import Tell

log = logging.getLogger(__name__)

TRIES = 4
BUTTONS_DECIDE = "Words decide nothing here: please press Approve or Decline on the card above."
_AGAIN = "Again"  # the same delivery was taken before


@dataclass(frozen=True, slots=True, kw_only=True)
class UnboundRooms:
    """What a room is taken for before anybody has linked it, by platform.

    A Slack channel may be shared with anybody, so its least-trusted reader is a stranger. A Teams
    room lies in the vendor's own tenant.
    """

    audiences: Mapping[Platform, Audience]
    modes: Mapping[Audience, RoomMode] = field(default_factory=dict)

    def binding(self, room: RoomRef, *, direct: bool) -> RoomBinding:
        audience = Audience.PRIVATE if direct else self.audiences[room.platform]
        mode = self.modes.get(audience, RoomMode.MENTION)
        return RoomBinding(room=room, audience=audience, account_id=None, mode=mode)


class Intake:
    """The Receiver port. `homes`: the vendor's own tenants; else each installation's is.

    `actions`: the tools that change something, for leads who pause one of them.
    """

    def __init__(
        self,
        *,
        store: Store,
        commands: SupportCommands,
        accounts: AccountDirectory,
        words: MessageIntake,
        presses: PressIntake,
        room_changes: RoomIntake,
        unbound: UnboundRooms,
        homes: Mapping[Platform, frozenset[str]] | None = None,
        actions: Collection[str] = (),
        clock: Clock,
        telemetry: Telemetry = SILENT,
    ) -> None:
        self._store = store
        self._commands = commands
        self._accounts = accounts
        self._words = words
        self._presses = presses
        self._room_changes = room_changes
        self._unbound = unbound
        self._homes = homes or {}
        self._actions = actions
        self._houses = Houses(tenants=self._homes)
        self._clock = clock
        self._telemetry = telemetry

    async def receive(self, event: InboundEvent) -> Answer:
        """Returns once the event is committed; the same event again changes nothing."""
        with self._telemetry.span("intake") as span:
            span.set("handrail.event", type(event).__name__)
            return await self._received(event)

    async def _received(self, event: InboundEvent) -> Answer:
        if isinstance(event, Unsupported):
            log.debug("not supported", extra={"what": event.what})
            self._telemetry.count(Metric.DELIVERIES, platform_of(event), "Unsupported", "Ignore")
            return Answer()
        if isinstance(event, OptionsAsked):
            return await self._options(event)
        event = without_secrets(event)
        for _ in range(TRIES - 1):
            try:
                return await self._store.run(lambda tx: self._take(tx, event, self._clock.now()))
            except ConversationChanged:
                continue  # somebody was faster: read the new state and decide again
        return await self._store.run(lambda tx: self._take(tx, event, self._clock.now()))

    def _take(self, tx: UnitOfWork, event: InboundEvent, now: datetime) -> Answer:
        if isinstance(event, InboundMessage):
            self._remember_room(tx, event.reply_to)
            self._count(tx, event, self._message(tx, event, now))
            return Answer()
        self._count(tx, event, "Taken")
        return self._take_other(tx, event, now)

    def _count(self, tx: UnitOfWork, event: InboundEvent, decision: str) -> None:
        platform, kind = platform_of(event), type(event).__name__
        tx.after_commit(lambda: self._telemetry.count(Metric.DELIVERIES, platform, kind, decision))

    def _take_other(self, tx: UnitOfWork, event: InboundEvent, now: datetime) -> Answer:
        match event:
            case MessageEdited():
                self._edited(tx, event, now)
            case MessageDeleted():
                self._words.deleted(tx, event)
            case ButtonPressed():
                self._remember_room(tx, event.reply_to)
                return self._presses.pressed(tx, event, requester_of(tx, event.by), now)
            case FormSubmitted():
                return self._commands.submit(tx, event, requester_of(tx, event.by))
            case CommandUsed():
                return self._command(tx, event, now)
            case RoomChanged():
                if event.reply_to is not None:
                    self._remember_room(tx, event.reply_to)
                self._room_changes.apply(tx, event, now)
        return Answer()

    # --- messages ---------------------------------------------------------------------------

    def _message(self, tx: UnitOfWork, event: InboundMessage, now: datetime) -> str:
        """What was decided, in a word."""
        if event.direct and is_joining(event.text):
            if not tx.inbox.take(f"message:{event.message}", now):
                return _AGAIN
            answer = joined_in_words(
                tx, self._houses, event.text, requester_of(tx, event.author), now
            )
            self._words.replies.alone(tx, event, answer, now)
            return "Join"
        situation = self._situation(tx, event, now)
        if self._below_approval_card(tx, event, situation):
            if not tx.inbox.take(f"message:{event.message}", now):
                return _AGAIN
            hint = notices.notice(BUTTONS_DECIDE, private_to=event.author.identity)
            self._words.replies.alone(tx, event, hint, now)
            return "Hint"
        decision = route_message(event, situation)
        commands = event.direct and is_pausing(event.text) and situation.who.can(Capability.LEAD)
        if not commands and not self._words.is_worth_taking(decision):
            return type(decision).__name__
        if not tx.inbox.take(f"message:{event.message}", now):
            return _AGAIN
        if commands:
            decision = Tell(self._paused(tx, event.text, situation.who, now))
        conversation = _as_trusted(tx, situation) or self._begin(tx, event, situation, now)
        self._words.carry_out(tx, event, situation, decision, conversation, now)
        return type(decision).__name__

    def _paused(self, tx: UnitOfWork, text: str, who: Requester, now: datetime) -> str:
        return pause_in_words(tx, text, who, now, self._actions)

    def _edited(self, tx: UnitOfWork, event: MessageEdited, now: datetime) -> None:
        """New words for what is known; a request, once, where a mention was added to what was not.

        A message that was taken before is not taken again, however often it is edited.
        """
        if event.request is not None and tx.transcript.of_message(event.message) is None:
            self._remember_room(tx, event.request.reply_to)
            self._message(tx, event.request, now)
            return
        self._words.edited(tx, event)

    def _below_approval_card(
        self, tx: UnitOfWork, event: InboundMessage, situation: Situation
    ) -> bool:
        """A bare yes or no typed where people approve: words never decide there."""
        if not situation.is_support_room or bare_word(event.text) is None:
            return False
        head = MessageRef(room=event.thread.room, message_id=event.thread.thread_id)
        row = tx.outgoing.of_message(head)
        return row is not None and row.id.startswith(APPROVAL_CARD)

    def _situation(self, tx: UnitOfWork, event: InboundMessage, now: datetime) -> Situation:
        room = event.message.room
        bound = tx.rooms.get(room)
        if event.shared and bound is not None and bound.audience is Audience.INTERNAL:
            # The event of it may come late, or never.
            self._room_changes.shared(tx, room, str(event.message), now)
            bound = tx.rooms.get(room)
        binding = bound or self._unbound.binding(room, direct=event.direct)
        who = requester_of(tx, event.author)
        ours = is_ours(who, event.author, room, binding, self._homes.get(room.platform))
        conversation = tx.conversations.of_thread(event.thread)
        return Situation(
            audience=binding.audience,
            mode=binding.mode,
            is_support_room=binding.is_support,
            who=who,
            is_ours=ours,
            conversation=conversation,
            case=tx.escalations.open_in(conversation.id) if conversation else None,
            case_of_thread=tx.escalations.of_thread(event.thread) if binding.is_support else None,
            now=now,
            open_proposals=_seen_proposals(tx, conversation, event.sent_at) if conversation else (),
            customer_took_part=not ours or _customer_took_part(tx, conversation),
        )

    def _begin(
        self, tx: UnitOfWork, event: InboundMessage, situation: Situation, now: datetime
    ) -> Conversation | None:
        """A new conversation for a thread that has none; none for talk inside a case."""
        if situation.case_of_thread is not None:
            return None
        binding = tx.rooms.get(event.message.room)
        account = binding.account_id if binding else None
        who = situation.who
        if account is None and event.direct and who.person and not who.can(Capability.STAFF):
            roles = who.person.roles
            account = next(iter(roles)) if len(roles) == 1 else None
        return self._words.begin(
            tx, event, audience=situation.audience, account_id=account, now=now
        )

    def _remember_room(self, tx: UnitOfWork, address: ReplyAddress) -> None:
        """Keeps the room's delivery data fresh: support threads are opened from it later."""
        if not address.delivery:
            return
        fresh = Destination(
            id=room_destination(address),
            address=ReplyAddress(room=address.room, thread_id=None, delivery=address.delivery),
            opens_thread=True,
        )
        if tx.outgoing.destination(fresh.id) != fresh:
            tx.outgoing.put_destination(fresh)

    # --- what is owed inside the request ----------------------------------------------------

    async def _options(self, event: OptionsAsked) -> Answer:
        """Accounts for a picker. Customers find none: the list of accounts is ours alone."""
        who = await self._store.run(lambda tx: requester_of(tx, event.by))
        if not who.capabilities:
            return Answer()
        found = await self._accounts.search(event.query)
        return Answer(options=tuple(account_choice(account, name) for account, name in found[:20]))

    def _command(self, tx: UnitOfWork, event: CommandUsed, now: datetime) -> Answer:
        who = requester_of(tx, event.by)
        if is_joining(event.text):
            return Answer(notice=join_command(tx, self._houses, event.text, who, now))
        if is_pausing(event.text):
            return Answer(notice=self._paused(tx, event.text, who, now))
        binding = tx.rooms.get(event.room)
        account = binding.account_id if binding else None
        role = who.role_in(account)
        return Answer(
            notice=about_this_agent(
                name=who.name,
                address=str(who.identity),
                room=str(event.room),
                role=role.replace("_", " ") if role else "",
                account=str(account or ""),
            )
        )


def platform_of(event: InboundEvent) -> str:
    """The platform that an event came over."""
    match event:
        case MessageEdited() | MessageDeleted() | InboundMessage():
            return event.message.room.platform.value
        case FormSubmitted() | OptionsAsked() | ButtonPressed():
            return event.by.identity.platform.value
        case CommandUsed() | RoomChanged():
            return event.room.platform.value
        case Unsupported():
            return event.platform.value


def without_secrets(event: InboundEvent) -> InboundEvent:
    """The event with card numbers and credentials taken out of what people wrote."""
    match event:
        case InboundMessage():
            return _masked_message(event)
        case MessageEdited():
            request = _masked_message(event.request) if event.request is not None else None
            return replace(event, text=masked(event.text), request=request)
        case FormSubmitted() | ButtonPressed():
            return replace(event, inputs=masked_json(event.inputs))
    return event


def _masked_message(event: InboundMessage) -> InboundMessage:
    """People paste into the names of files too: these are stored with the words."""
    files = tuple(replace(file, name=masked(file.name)) for file in event.files)
    return replace(event, text=masked(event.text), files=files)


def _seen_proposals(
    tx: UnitOfWork, conversation: Conversation, written_at: datetime
) -> list[Proposal]:
    """Open proposals whose card was out: words written before it came cannot be about it.

    A platform delivers again for minutes what it could not deliver at first, and a card may have
    waited as long before it was taken.
    """
    seen = []
    for proposal in tx.proposals.open_in(conversation.id):
        cards = (tx.outgoing.get(one) for one in (proposal.card, proposal.approval_card) if one)
        out = [card.out_since for card in cards if card is not None]
        if any(since is not None and since <= written_at for since in out):
            seen.append(proposal)
    return seen


def _customer_took_part(tx: UnitOfWork, conversation: Conversation | None) -> bool:
    if conversation is None:
        return False
    entries = tx.transcript.last(conversation.id, 50)
    return any(entry.speaker is Speaker.CUSTOMER for entry in entries)


def _as_trusted(tx: UnitOfWork, situation: Situation) -> Conversation | None:
    """The conversation; once its room is shared, nothing internal is said in it any more."""
    conversation = situation.conversation
    if conversation is None or situation.audience is not Audience.SHARED:
        return conversation
    if conversation.audience is Audience.SHARED:
        return conversation
    shared = replace(conversation, audience=Audience.SHARED, subject=None)
    tx.conversations.save(shared, expected_epoch=conversation.epoch)
    return shared
