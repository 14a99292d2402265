"""Carries out what a pressed button decides, and says in private why a press does not count."""

from dataclasses import replace
from datetime import datetime

from agent_core import cards, notices, presses
from agent_core.access import Access
from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    ConversationStatus,
    Speaker,
    TranscriptEntry,
)
from agent_core.decisions import Decisions
from agent_core.different import Houses, why_not_different
from agent_core.drawing import drawn
from agent_core.escalations import EscalationReason
from agent_core.held import held_proposal
from agent_core.joining import give_code
from agent_core.journal import InboxKind
from agent_core.messages import ButtonPressed
from agent_core.people import AccountId, Capability, Requester
from agent_core.ports import Answer, Engine, SupportCommands, SupportDesk, UnitOfWork
from agent_core.proposals import Proposal, ProposalId, ProposalStatus
from agent_core.undo_intake import undo_pressed
from agent_core.wake import wake
from agent_core.yeses import Approve, Cancel, Confirm, Decline, route_approval, route_confirmation

UNKNOWN_CARD = "This card is too old to act on. Please ask again."


class PressIntake:
    """What follows from a button. Pressing twice, late or without right changes nothing."""

    def __init__(
        self,
        *,
        engine: Engine,
        desk: SupportDesk,
        commands: SupportCommands,
        decisions: Decisions,
        access: Access,
        houses: Houses | None = None,
    ) -> None:
        self._engine = engine
        self._desk = desk
        self._commands = commands
        self._decisions = decisions
        self._access = access
        self._houses = houses or Houses()

    def pressed(
        self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime
    ) -> Answer:
        """Decides the press in this transaction, and returns what its presser is owed at once."""
        answer = self._decide(tx, event, who, now)
        posted = tx.outgoing.of_message(event.card) if answer.card is not None else None
        if answer.card is None or posted is None or not posted.message.discloses_ai:
            return answer
        # What a message said of being an AI it goes on saying, also at the moment of the press.
        return replace(answer, card=replace(answer.card, discloses_ai=True))

    def _decide(
        self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime
    ) -> Answer:
        if event.action.startswith("case."):
            return self._commands.press(tx, event, who)
        match event.action:
            case presses.CONFIRM | presses.ASK_OWNER:
                return self._on_proposal(tx, event, who, now, yes=True)
            case presses.CANCEL:
                return self._on_proposal(tx, event, who, now, yes=False)
            case presses.APPROVE:
                return self._on_approval(tx, event, who, now, yes=True)
            case presses.DECLINE:
                return self._on_approval(tx, event, who, now, yes=False)
            case presses.UNDO:
                return undo_pressed(tx, self._engine, event, who, now)
            case presses.ASK_SUPPORT:
                return self._ask_support(tx, event, who, now)
            case presses.ASK_ACCESS:
                return self._access.ask(tx, event, who, now)
            case presses.GIVE_ACCESS | presses.DENY_ACCESS:
                return self._access.answer(tx, event, who, now)
            case presses.STOP:
                return self._stop(tx, event, who, now)
            case presses.JOIN_CODE:
                return Answer(notice=give_code(tx, self._houses, who, now))
            case presses.CHOOSE_ACCOUNT:
                return self._choose_account(tx, event, who, now)
        return Answer(notice=UNKNOWN_CARD)

    # --- stopping ---------------------------------------------------------------------------

    def _stop(self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime) -> Answer:
        """Whoever the turn is for, or a support person, stops it within one step.

        The new epoch holds back what the agent has not sent; what is decided but not begun ends.
        """
        conversation = self._conversation(tx, event, event.value)
        turn = tx.turns.running(conversation.id) if conversation else None
        if conversation is None or turn is None or turn.epoch != conversation.epoch:
            return Answer(notice="Nothing is running here any more.")
        if turn.author_key != who.key and not who.can(Capability.SUPPORT):
            return Answer(notice=f"Only {turn.author.name} or the support team can stop this.")
        stopped = replace(conversation, epoch=conversation.epoch + 1)
        tx.conversations.save(stopped, expected_epoch=conversation.epoch)
        self._decisions.stop(tx, stopped, who, now)
        return Answer(card=notices.notice(f"Stopped by {who.name}."))

    # --- proposals --------------------------------------------------------------------------

    def _proposal(self, tx: UnitOfWork, event: ButtonPressed) -> Proposal | None:
        """The proposal that the button names, if its card stands in the room of its conversation
        or in the support room: a button carried elsewhere decides nothing."""
        proposal = held_proposal(tx, ProposalId(event.value))
        if proposal is None:
            return None
        conversation = tx.conversations.get(proposal.conversation_id)
        binding = tx.rooms.get(event.card.room)
        in_its_room = conversation is not None and conversation.room == event.card.room
        return proposal if in_its_room or (binding is not None and binding.is_support) else None

    def _on_proposal(
        self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime, *, yes: bool
    ) -> Answer:
        proposal = self._proposal(tx, event)
        if proposal is None:
            return Answer(notice=UNKNOWN_CARD)
        decision = route_confirmation(proposal, who, yes=yes, now=now)
        match decision:
            case Confirm():
                decided = self._decisions.confirm(tx, proposal, now)
            case Cancel():
                decided = self._decisions.cancel(tx, proposal, now)
            case _:
                return Answer(notice=decision.sentence)
        return Answer(card=drawn(tx, decided)[1])

    def _on_approval(
        self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime, *, yes: bool
    ) -> Answer:
        proposal = self._proposal(tx, event)
        if proposal is None:
            return Answer(notice=UNKNOWN_CARD)
        decision = route_approval(proposal, who, yes=yes, now=now)
        match decision:
            case Approve():
                problem = why_not_different(tx, self._houses, proposal, who)
                if problem is not None:
                    return Answer(notice=problem)
                decided = self._decisions.approve(tx, proposal, who, now)
            case Decline():
                decided = self._decisions.decline(tx, proposal, who, now)
            case _:
                return Answer(notice=decision.sentence)
        binding = tx.rooms.get(event.card.room)
        inside = binding is not None and binding.is_support
        return Answer(card=cards.approval_card(decided, decided.account_name, exact=inside))

    # --- people and accounts ----------------------------------------------------------------

    def _ask_support(
        self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime
    ) -> Answer:
        conversation = self._conversation(tx, event, event.value)
        if conversation is None:
            return Answer(notice=UNKNOWN_CARD)
        case = self._desk.open(
            tx,
            conversation,
            reason=EscalationReason.ASKED_FOR,
            asked=_last_words(tx, conversation, who),
            asked_by=who,
            suggestion="Read the last messages: the AI agent could not do what was asked.",
            at=now,
        )
        return Answer(notice=f"The support team has your request as {case.label}.")

    def _choose_account(
        self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime
    ) -> Answer:
        conversation_id, _, account = event.value.partition("|")
        conversation = self._conversation(tx, event, conversation_id)
        account_id = AccountId(account)
        if conversation is None or conversation.account_id is not None:
            return Answer(notice=UNKNOWN_CARD)
        if (refusal := _why_not_choose(tx, conversation, account_id, who)) is not None:
            return Answer(notice=refusal)
        if not tx.inbox.take(f"press:{event.press_id}", now):
            return Answer()  # an old press that comes again must not turn the subject back
        self._mean(tx, conversation, account_id, now)
        entry = TranscriptEntry(
            conversation_id=conversation.id,
            speaker=Speaker.STAFF if who.capabilities else Speaker.CUSTOMER,
            name=who.name,
            text=f"The account is {account_id}.",
            at=now,
            identity=who.identity,
        )
        row = tx.inbox.add(
            conversation.id,
            InboxKind.MESSAGE,
            author=event.by,
            author_key=who.key,
            at=now,
            transcript_seq=tx.transcript.append(entry),
        )
        wake(tx, self._engine, row)
        return Answer(card=notices.notice(f"{who.name} chose the account {account_id}."))

    def _mean(
        self, tx: UnitOfWork, conversation: Conversation, account_id: AccountId, now: datetime
    ) -> None:
        """The conversation is about this account from now on, and open again if it was resolved.

        A card of the account that was meant before must not be confirmed by mistake.
        """
        meant = replace(conversation, subject=account_id)
        if conversation.status is ConversationStatus.RESOLVED:
            meant = meant.moved(ConversationStatus.WITH_AGENT)
        tx.conversations.save(meant, expected_epoch=conversation.epoch)
        for proposal in tx.proposals.open_in(conversation.id):
            if (
                proposal.account_id != account_id
                and proposal.status is ProposalStatus.AWAITING_CONFIRMATION
            ):
                self._decisions.cancel(tx, proposal, now)

    def _conversation(
        self, tx: UnitOfWork, event: ButtonPressed, conversation_id: str
    ) -> Conversation | None:
        """The conversation that the button names, if the button stands in its room."""
        conversation = tx.conversations.get(ConversationId(conversation_id))
        if conversation is None or conversation.room != event.card.room:
            return None
        return conversation


def _why_not_choose(
    tx: UnitOfWork, conversation: Conversation, account_id: AccountId, who: Requester
) -> str | None:
    """Why this person cannot say here that this account is meant; None if they can."""
    binding = tx.rooms.get(conversation.room)
    shared = binding is not None and binding.audience is Audience.SHARED
    if shared or conversation.audience is Audience.SHARED:
        return "Others can read this channel, so no account can be chosen here."
    if not who.can(Capability.STAFF) and who.role_in(account_id) is None:
        return "You have no role in this account."
    people_have_it = (ConversationStatus.WAITING_FOR_SUPPORT, ConversationStatus.WITH_SUPPORT)
    if conversation.status in people_have_it:
        return "The support team has this conversation now: tell them which account you mean."
    return None


def _last_words(tx: UnitOfWork, conversation: Conversation, who: Requester) -> str:
    """What this person wrote here last: the button says only that they want somebody."""
    identities = {who.identity, *(who.person.identities if who.person else ())}
    for entry in reversed(tx.transcript.last(conversation.id, 50)):
        if entry.identity in identities and entry.text:
            return entry.text
    return "Pressed “Talk to support”, without words."
