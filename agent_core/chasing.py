"""Follows up on an approval that nobody gives: reminds, passes it on, and tells the customer."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from agent_core import notices, wording
from agent_core.approving import passed_on
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_proposal
from agent_core.blocks import Mention, Text
from agent_core.decisions import Decisions
from agent_core.errors import ConversationChanged
from agent_core.held import held_proposal
from agent_core.limits import Limits
from agent_core.messages import Author, OutboundMessage, OutgoingId
from agent_core.outgoing import OutgoingRow
from agent_core.people import Capability
from agent_core.policy import ApprovalNeed
from agent_core.ports import Clock, Outbox, Store, SupportDesk, UnitOfWork
from agent_core.proposals import Proposal, ProposalId, ProposalStatus

CHASE: Final = "chase:"
TRIES: Final = 4


class Stage(StrEnum):
    """What is done about an approval that is not given. Then it expires into a case."""

    REMIND = "remind"
    PASS_ON = "pass_on"  # noqa: S105 - no password


def stages(proposal: Proposal, limits: Limits) -> Iterator[tuple[Stage, datetime]]:
    """When each is due, the first first; none that would come after the end."""
    since = proposal.confirmed_at or proposal.proposed_at
    for stage, seconds in (
        (Stage.REMIND, limits.approval_remind_seconds),
        (Stage.PASS_ON, limits.approval_pass_on_seconds),
    ):
        at = since + timedelta(seconds=seconds)
        if at < proposal.expires_at:
            yield stage, at


def due(
    tx: UnitOfWork, proposal: Proposal, limits: Limits, until: datetime
) -> Iterator[tuple[Stage, datetime]]:
    """Those that come by `until` and are not done yet."""
    if proposal.status is ProposalStatus.AWAITING_APPROVAL:
        for stage, at in stages(proposal, limits):
            if at <= until and tx.outgoing.get(_told(proposal, stage)) is None:
                yield stage, at


def _told(proposal: Proposal, stage: Stage) -> OutgoingId:
    return OutgoingId(f"told:{proposal.id}:{stage}")


class Chasing:
    """The handler of `chase:` timers. What is told to the customer marks a stage as done."""

    def __init__(
        self,
        *,
        store: Store,
        outbox: Outbox,
        desk: SupportDesk,
        decisions: Decisions,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._desk = desk
        self._decisions = decisions
        self._clock = clock
        self._limits = limits

    async def chase(self, key: str) -> None:
        """Does what is due by now. Of this and a decision, the first to commit counts."""
        for _ in range(TRIES - 1):
            try:
                await self._store.run(lambda tx: self._chase(tx, ProposalId(key)))
            except ConversationChanged:
                continue  # nothing of it was kept: look again
            return
        await self._store.run(lambda tx: self._chase(tx, ProposalId(key)))

    def _chase(self, tx: UnitOfWork, proposal_id: ProposalId) -> None:
        now = self._clock.now()
        proposal = held_proposal(tx, proposal_id)
        if proposal is None or proposal.expires_at <= now:
            return
        for stage, _ in list(due(tx, proposal, self._limits, now)):
            proposal = self._do(tx, proposal, stage, now)

    def _do(self, tx: UnitOfWork, proposal: Proposal, stage: Stage, now: datetime) -> Proposal:
        need = proposal.approval or ApprovalNeed()
        who = wording.approvers_text(need)
        if stage is Stage.REMIND:
            sentence = f"“{proposal.title}” still waits for {who}. They have been reminded."
            self._call(tx, proposal, need.capabilities, stage, "please decide, it still waits:")
        else:
            widened = replace(proposal, approval=passed_on(need))
            tx.proposals.save(widened, expected=proposal.status)
            note_proposal(tx, widened, AuditKind.PASSED_ON, now)
            proposal = widened
            self._desk.proposal_changed(tx, proposal)
            leads = "who may decide it too" if need.capabilities else f"as it needs {who}"
            sentence = (
                f"“{proposal.title}” still waits. It was passed on to the support leads, {leads}."
            )
            text = "please decide:" if need.capabilities else f"please reach {who} of the account:"
            self._call(tx, proposal, frozenset({Capability.LEAD}), stage, text)
        self._decisions.tell(tx, proposal, sentence, now, mark=stage.value)
        self._call_roles(tx, proposal, need, stage, now)
        return proposal

    def _call(
        self,
        tx: UnitOfWork,
        proposal: Proposal,
        whom: frozenset[Capability],
        stage: Stage,
        text: str,
    ) -> None:
        if whom:
            self._desk.chase_approval(tx, proposal, whom=whom, text=text, mark=stage.value)

    def _call_roles(
        self, tx: UnitOfWork, proposal: Proposal, need: ApprovalNeed, stage: Stage, now: datetime
    ) -> None:
        """Calls the customer's own people in their thread."""
        conversation = tx.conversations.get(proposal.conversation_id)
        people = tx.people.with_role(proposal.account_id, need.roles) if need.roles else ()
        called = tuple(
            (str(identity), person.name)
            for person in people
            for identity in person.identities
            if identity.platform is proposal.requester.platform and identity != proposal.requester
        )
        if conversation is None or not called:
            return
        text = f"please decide “{proposal.title}” on its card above."
        blocks = (Mention(people=called, text=text), Text(markdown="It waits for your yes or no."))
        self._outbox.queue(
            tx,
            OutgoingRow(
                id=OutgoingId(f"{CHASE}{proposal.id}:{stage}"),
                destination=conversation.destination,
                message=OutboundMessage(
                    blocks=blocks, fallback=notices.plain_text(blocks), author=Author.CODE
                ),
                created_at=now,
                conversation_id=conversation.id,
            ),
        )
