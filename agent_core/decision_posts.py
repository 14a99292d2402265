"""Shows what became of a proposal: its cards as they stand, and a sentence by code."""

from dataclasses import replace
from datetime import datetime

from agent_core import cards, notices
from agent_core.blocks import Mention
from agent_core.conversation import Conversation, Speaker, TranscriptEntry
from agent_core.drawing import drawn
from agent_core.messages import Author, OutboundMessage, OutgoingId, PlatformIdentity
from agent_core.outgoing import OutgoingRow
from agent_core.plans import read_plan
from agent_core.policy import ApprovalNeed
from agent_core.ports import Outbox, SupportDesk, UnitOfWork
from agent_core.proposals import Proposal, ProposalId, ProposalStatus
from agent_core.stopped_plans import stopped_now


class DecisionPosts:
    """What a decision changes on the screen of those who wait for it."""

    def __init__(self, outbox: Outbox, desk: SupportDesk) -> None:
        self._outbox = outbox
        self._desk = desk

    def tell(
        self, tx: UnitOfWork, proposal: Proposal, sentence: str, at: datetime, *, mark: str = ""
    ) -> None:
        """A sentence by code in the requester's thread, once a `mark`; support sees it too."""
        conversation = tx.conversations.get(proposal.conversation_id)
        if conversation is not None:
            row_id = OutgoingId(f"told:{proposal.id}:{mark or proposal.mark}")
            self.say(tx, conversation, row_id, sentence, at, told=proposal.requester)

    def say(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        row_id: OutgoingId,
        sentence: str,
        at: datetime,
        *,
        told: PlatformIdentity,
    ) -> None:
        """A sentence by code, kept in the transcript; an open case shows it too."""
        entry = TranscriptEntry(
            conversation_id=conversation.id,
            speaker=Speaker.CODE,
            name="Handrail",
            text=sentence,
            at=at,
            told=told,
        )
        entry = replace(entry, seq=tx.transcript.append(entry))
        self.post(tx, conversation, row_id, notices.notice(sentence), at)
        case = tx.escalations.open_in(conversation.id)
        if case is not None:
            self._desk.relay(tx, case, entry)

    def redraw(self, tx: UnitOfWork, proposal: Proposal, at: datetime) -> None:
        """Every card of this proposal in the requester's thread shows how it stands."""
        conversation = tx.conversations.get(proposal.conversation_id)
        if conversation is None:
            return
        if proposal.plan_id is not None and read_plan(tx, proposal.plan_id).is_being_confirmed:
            return  # the last step's yes draws the card
        standing, shown = drawn(tx, proposal)
        to_decide = cards.approval_card(proposal, proposal.account_name)
        fresh = proposal.mark == ProposalStatus.AWAITING_APPROVAL  # as its card already says
        both = ((proposal.card, shown), (None if fresh else proposal.approval_card, to_decide))
        for card, message in both:
            if card is None or (posted := tx.outgoing.get(card)) is None:
                continue
            if posted.destination != conversation.destination:
                continue  # the support room's card: the desk redraws it
            mark = standing if card == proposal.card else proposal.mark
            row_id = OutgoingId(f"{card}:{mark}")
            self.post(tx, conversation, row_id, message, at, updates=card)

    def redraw_stopped(
        self, tx: UnitOfWork, key: ProposalId, conversation: Conversation, at: datetime
    ) -> None:
        """A plan's card that said of this effect that it is being undone."""
        original = tx.proposals.get(key)
        shown = stopped_now(tx, original, conversation, at) if original is not None else None
        if shown is not None:
            card, row_id, message = shown
            self.post(tx, conversation, row_id, message, at, updates=card)

    def card_for_roles(
        self, tx: UnitOfWork, proposal: Proposal, need: ApprovalNeed
    ) -> OutboundMessage:
        """The approval card in the customer's thread, calling those who may say yes."""
        card = cards.approval_card(proposal, proposal.account_name)
        people = tx.people.with_role(proposal.account_id, need.roles)
        called = tuple(
            (str(identity), person.name)
            for person in people
            for identity in person.identities
            if identity.platform is proposal.requester.platform
        )
        if not called:
            return card
        mention = Mention(people=called, text="please decide:")
        return replace(
            card,
            blocks=(mention, *card.blocks),
            fallback=f"{' '.join(name for _, name in called)}, please decide:\n{card.fallback}",
        )

    def post(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        row_id: OutgoingId,
        message: OutboundMessage,
        at: datetime,
        updates: OutgoingId | None = None,
    ) -> None:
        """Puts a message by code on its way to the requester's thread. Once by `row_id`."""
        assert message.author is Author.CODE
        self._outbox.queue(
            tx,
            OutgoingRow(
                id=row_id,
                destination=conversation.destination,
                message=message,
                created_at=at,
                conversation_id=conversation.id,
                updates=updates,
            ),
        )
