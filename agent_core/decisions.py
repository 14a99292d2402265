"""Carries out what people decide on proposals: a yes, a no, a passing on, or no answer in time.

Every method runs inside the caller's transaction and changes the proposal by compare-and-set, so
that of many clicks one decides.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from agent_core import wording
from agent_core.alone import for_approvers
from agent_core.approvers import nobody_can, somebody_can
from agent_core.approving import missing, with_approval
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_proposal
from agent_core.conversation import Conversation
from agent_core.decision_posts import DecisionPosts
from agent_core.different import Houses
from agent_core.errors import ConversationChanged
from agent_core.escalations import EscalationReason, Priority
from agent_core.expiry import set_deadline
from agent_core.held import held_proposal
from agent_core.limits import Limits
from agent_core.live_turn import stopped_row
from agent_core.messages import OutgoingId
from agent_core.people import Requester
from agent_core.plans import OPEN, read_plan, steps_that
from agent_core.policy import ApprovalNeed
from agent_core.ports import Engine, Outbox, SupportDesk, UnitOfWork
from agent_core.proposals import Proposal, ProposalId, ProposalStatus
from agent_core.wake import wake_for


class Decisions:
    """What follows from a decision, for the proposal, its cards, its people and its turn."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        engine: Engine,
        desk: SupportDesk,
        limits: Limits | None = None,
        houses: Houses | None = None,
    ) -> None:
        self._houses = houses or Houses()
        self._posts = DecisionPosts(outbox, desk)
        self._engine = engine
        self._desk = desk
        self._approval_time = timedelta(seconds=(limits or Limits()).approval_seconds)

    def confirm(self, tx: UnitOfWork, proposal: Proposal, at: datetime) -> Proposal:
        """The requester's yes, to every step of a plan: on to the approver, or to be run."""
        confirmed = proposal
        for step in steps_that(tx, proposal, ProposalStatus.AWAITING_CONFIRMATION):
            done = self._confirm_one(tx, step, at)
            confirmed = done if done.id == proposal.id else confirmed
        self._run_decided(tx, confirmed, at)
        return confirmed

    def _confirm_one(self, tx: UnitOfWork, proposal: Proposal, at: datetime) -> Proposal:
        if proposal.approval is None:
            decided = replace(proposal, status=ProposalStatus.DECIDED, confirmed_at=at)
            if proposal.plan_id is not None:  # it may have to wait for the other steps' approvals
                decided = replace(decided, expires_at=at + self._approval_time)
            self._save(tx, decided, proposal, at)
            note_proposal(tx, decided, AuditKind.CONFIRMED, at)
            return decided
        waiting = replace(
            proposal,
            status=ProposalStatus.AWAITING_APPROVAL,
            confirmed_at=at,
            expires_at=at + self._approval_time,  # whoever approves may take their time
        )
        set_deadline(tx, self._engine, waiting)
        note_proposal(tx, waiting, AuditKind.CONFIRMED, at)
        return self._ask_others(tx, waiting, proposal, at)

    def cancel(
        self, tx: UnitOfWork, proposal: Proposal, at: datetime, *, withdrawn: bool = False
    ) -> Proposal:
        """The requester's no, to the whole plan if it is in one; `withdrawn`: not by them."""
        for step in steps_that(tx, proposal, *OPEN):
            cancelled = replace(step, status=ProposalStatus.CANCELLED)
            self._save(tx, cancelled, step, at)
            note_proposal(tx, cancelled, AuditKind.CANCELLED, at, by_agent=withdrawn)
        return replace(proposal, status=ProposalStatus.CANCELLED)

    def approve(self, tx: UnitOfWork, proposal: Proposal, who: Requester, at: datetime) -> Proposal:
        """An approver's yes: to be run under the requester's name, or to wait for one more.

        Raises ConversationChanged where it was decided meanwhile.
        """
        stored = held_proposal(tx, proposal.id)  # of two at once, the second sees the first
        if stored is None or stored.status is not proposal.status:
            raise ConversationChanged(f"proposal {proposal.id} is decided")
        given = with_approval(stored, who, at)
        if missing(given):
            return self._one_of_several(tx, given, stored, who, at)
        approved = replace(
            given,
            status=ProposalStatus.DECIDED,
            approver=who.identity,
            approver_name=who.name,
            approved_at=at,
        )
        self._save(tx, approved, proposal, at)
        note_proposal(tx, approved, AuditKind.APPROVED, at, who=who)
        self._run_decided(tx, approved, at)
        return approved

    def decline(self, tx: UnitOfWork, proposal: Proposal, who: Requester, at: datetime) -> Proposal:
        """The approver's no; the requester hears it from code, at once."""
        declined = replace(
            proposal,
            status=ProposalStatus.DECLINED,
            approver=who.identity,
            approver_name=who.name,
            approved_at=at,
        )
        self._save(tx, declined, proposal, at)
        note_proposal(tx, declined, AuditKind.DECLINED, at, who=who)
        rest = self._end_others(tx, declined, ProposalStatus.CANCELLED, at)
        self.tell(tx, declined, f"“{declined.title}” was declined. Nothing was changed.{rest}", at)
        return declined

    def expire(self, tx: UnitOfWork, proposal: Proposal, at: datetime) -> Proposal:
        """Nobody answered in time. An approval that nobody gave becomes a case."""
        expired = replace(proposal, status=ProposalStatus.EXPIRED)
        self._save(tx, expired, proposal, at)
        note_proposal(tx, expired, AuditKind.EXPIRED, at)
        rest = self._end_others(tx, expired, ProposalStatus.EXPIRED, at)
        conversation = tx.conversations.get(proposal.conversation_id)
        if proposal.status is ProposalStatus.AWAITING_APPROVAL and conversation is not None:
            sentence = f"Nobody decided “{expired.title}” in time, so nothing was changed.{rest}"
            self.tell(tx, expired, sentence, at)
            self._open_case(
                tx,
                conversation,
                expired,
                EscalationReason.UNANSWERED_APPROVAL,
                f"“{proposal.title}” waited for an approval that nobody gave. "
                "Decide it with the customer; it has to be asked for again.",
                at,
            )
        elif proposal.needs_confirmation:  # a refusal's card that nobody used just closes
            self.tell(tx, expired, f"“{expired.title}” has expired. Nothing was changed.{rest}", at)
        return expired

    def close_unconfirmed(self, tx: UnitOfWork, conversation: Conversation, at: datetime) -> None:
        """A person takes the conversation: open confirmations end, approvals go on."""
        for proposal in tx.proposals.open_in(conversation.id):
            if proposal.status is ProposalStatus.AWAITING_CONFIRMATION:
                self.cancel(tx, proposal, at, withdrawn=True)

    def stop(
        self, tx: UnitOfWork, conversation: Conversation, who: Requester, at: datetime
    ) -> None:
        """Somebody stopped the agent here: what has not begun ends, what has begun finishes.

        What others were asked to approve is theirs to decide, and its requester's to cancel: it is
        no work of the turn that was stopped. The notice names it.
        """
        asked = _asked_of_others(tx, conversation)
        for proposal in tx.proposals.open_in(conversation.id):
            if proposal.id not in asked:
                self.cancel(tx, proposal, at, withdrawn=True)
            if proposal.undoes is not None and proposal.id not in asked:
                self._posts.redraw_stopped(tx, proposal.undoes, conversation, at)
        sentence = (
            f"Stopped by {who.name}. Nothing more is started; what had begun already finishes, "
            f"and its receipt follows here.{_not_stopped(asked.values())}"
        )
        row_id = stopped_row(conversation.id, conversation.epoch)
        self._posts.say(tx, conversation, row_id, sentence, at, told=who.identity)

    def tell(
        self, tx: UnitOfWork, proposal: Proposal, sentence: str, at: datetime, *, mark: str = ""
    ) -> None:
        """A sentence by code in the requester's thread, once a `mark`; support sees it too."""
        self._posts.tell(tx, proposal, sentence, at, mark=mark)

    def _one_of_several(
        self, tx: UnitOfWork, given: Proposal, was: Proposal, who: Requester, at: datetime
    ) -> Proposal:
        """A yes that is not the last one needed."""
        if given == was:
            return given
        self._save(tx, given, was, at)
        more = missing(given)
        note_proposal(tx, given, AuditKind.APPROVED, at, who=who, facts={"missing": more})
        people = "one more person has" if more == 1 else f"{more} more people have"
        sentence = f"{who.name} approved “{given.title}”; {people} to approve it before it is done."
        self.tell(tx, given, sentence, at)
        return given

    # --- inner ------------------------------------------------------------------------------

    def _end_others(
        self, tx: UnitOfWork, proposal: Proposal, status: ProposalStatus, at: datetime
    ) -> str:
        """A plan was agreed to as a whole: without this step the others do not run either."""
        others = [one for one in steps_that(tx, proposal, *OPEN) if one.id != proposal.id]
        for step in others:
            ended = replace(step, status=status)
            self._save(tx, ended, step, at)
            expired = status is ProposalStatus.EXPIRED
            kind = AuditKind.EXPIRED if expired else AuditKind.CANCELLED
            note_proposal(tx, ended, kind, at, by_agent=True)
        if not others:
            return ""
        titles = "”, “".join(step.title for step in others)
        return f" “{titles}” stood in the same plan: ask for it again if you still want it."

    def _run_decided(self, tx: UnitOfWork, proposal: Proposal, at: datetime) -> None:
        """Once every yes is there: a plan's steps run in their order, and none before."""
        if proposal.plan_id is None:
            if proposal.status is ProposalStatus.DECIDED:
                wake_for(tx, self._engine, proposal, at)
            return
        plan = read_plan(tx, proposal.plan_id)
        for step in plan.open if plan.is_decided else ():
            wake_for(tx, self._engine, step, at)

    def _ask_others(
        self, tx: UnitOfWork, waiting: Proposal, was: Proposal, at: datetime
    ) -> Proposal:
        conversation = tx.conversations.get(waiting.conversation_id)
        need = waiting.approval or ApprovalNeed()
        if conversation is not None and need.roles:
            card_id = OutgoingId(f"approval:{waiting.id}")
            waiting = replace(waiting, approval_card=card_id)
            card = self._posts.card_for_roles(tx, waiting, need)
            self._posts.post(tx, conversation, card_id, card, at)
            for row_id, message in for_approvers(tx, waiting):
                self._posts.post(tx, conversation, row_id, message, at)
        self._save(tx, waiting, was, at)
        if conversation is not None and need.capabilities:
            self._desk.ask_approval(tx, waiting, conversation)
        if conversation is not None and not somebody_can(tx, self._houses, waiting):
            self._open_case(
                tx, conversation, waiting, EscalationReason.ACCESS, nobody_can(waiting), at
            )
        return waiting

    def _open_case(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        proposal: Proposal,
        reason: EscalationReason,
        suggestion: str,
        at: datetime,
    ) -> None:
        self._desk.open(
            tx,
            conversation,
            reason=reason,
            priority=Priority.HIGH,
            asked=proposal.title,
            asked_by=self._requester(tx, proposal),
            suggestion=suggestion,
            at=at,
        )

    def _save(self, tx: UnitOfWork, proposal: Proposal, was: Proposal, at: datetime) -> None:
        tx.proposals.save(proposal, expected=was.status)
        self._posts.redraw(tx, proposal, at)
        self._desk.proposal_changed(tx, proposal)

    def _requester(self, tx: UnitOfWork, proposal: Proposal) -> Requester:
        return Requester(
            identity=proposal.requester,
            name=proposal.requester_name,
            person=tx.people.find(proposal.requester),
        )


def _asked_of_others(tx: UnitOfWork, conversation: Conversation) -> dict[ProposalId, Proposal]:
    """What waits for an approval, with the steps that wait in the same plan."""
    found = list(tx.proposals.open_in(conversation.id))
    waiting = [one for one in found if one.status is ProposalStatus.AWAITING_APPROVAL]
    plans = {one.plan_id for one in waiting if one.plan_id is not None}
    return {one.id: one for one in found if one in waiting or one.plan_id in plans}


def _not_stopped(asked: Iterable[Proposal]) -> str:
    open_still = [
        f" Not stopped: “{one.title}” waits for {wording.approvers_text(one.approval)}, and is "
        f"done once approved. {one.requester_name} can cancel it on its card."
        for one in asked
        if one.status is ProposalStatus.AWAITING_APPROVAL and one.approval is not None
    ]
    return "".join(open_still)
