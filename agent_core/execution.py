"""Carries out a decided proposal, once: judged again, written down, called, settled, told."""

from dataclasses import replace

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_effect, note_proposal
from agent_core.barring import barred
from agent_core.boundary import Boundary, commit
from agent_core.decided import (
    Found,
    asks_more,
    authority,
    executed_body,
    found_in,
    intent_of,
    not_run_body,
    twins_of,
    wish_of,
)
from agent_core.endings import call_for_hands, end, redraw
from agent_core.errors import ActionFailed, ToolError
from agent_core.escalations import EscalationReason
from agent_core.live_turn import LiveTurn, asked_text
from agent_core.people import Requester
from agent_core.plans import read_plan
from agent_core.policy import Decision, Ruling
from agent_core.proposals import (
    Proposal,
    ProposalId,
    ProposalStatus,
)
from agent_core.proposing import put
from agent_core.replanning import Replanning
from agent_core.resuming import Resuming, context_of, note_unrun, settled
from agent_core.services import Services
from agent_core.tool_runner import ToolRunner, checked
from agent_core.tooling import Preview, Tool
from agent_core.turn_state import Kind
from agent_core.twins import same_effect
from agent_core.wishes import Wish, judge, new_proposal


class Execution:
    """Runs proposals for one driver."""

    def __init__(self, services: Services, runner: ToolRunner) -> None:
        self._services = services
        self._runner = runner
        self._replanning = Replanning(services, runner)
        self._resuming = Resuming(services, runner)

    async def run(self, live: LiveTurn, proposal_id: ProposalId) -> None:
        """Leaves an EXECUTED entry in the journal, whatever happened."""
        found = await self._find(live, proposal_id)
        if found is None:
            return
        if found.entry is not None:
            await self._resuming.resume(live, found, found.entry)
        elif found.proposal.status is not ProposalStatus.DECIDED:
            await note_unrun(
                self._services, live, found.proposal, {"status": found.proposal.status.value}
            )
        else:
            await self._begin(live, found)

    async def _find(self, live: LiveTurn, proposal_id: ProposalId) -> Found | None:
        found: list[Found] = []

        def look(boundary: Boundary) -> None:
            found.clear()
            tx = boundary.tx
            proposal = tx.proposals.get(proposal_id)
            if proposal is None:
                boundary.note(
                    Kind.EXECUTED, executed_body(str(proposal_id), "", {"status": "gone"}, "")
                )
                return
            one = found_in(
                tx, self._services.houses, proposal, self._services.catalog.get(proposal.tool)
            )
            decided = proposal.status is ProposalStatus.DECIDED and one.entry is None
            why = barred(boundary, one) if decided else None
            if why is not None:  # before anything of the account is looked at
                end(boundary, proposal, why)
                return
            found.append(one)

        await commit(self._services, live, look, claims=False, always=True)
        return found[0] if found else None

    # --- a fresh one ------------------------------------------------------------------------

    async def _begin(self, live: LiveTurn, found: Found) -> None:
        tool, proposal = found.tool, found.proposal
        if tool is None:
            await self._drop(live, proposal, "This action is no longer offered.")
            return
        try:
            arguments = checked(tool, proposal.arguments)
            context = context_of(self._services, live, found)
            preview = await self._runner.preview(tool, context, arguments)
        except ActionFailed as error:  # no fault of the wish: the yes must not end with words alone
            await self._drop(live, proposal, str(error), for_people=found.requester)
            return
        except ToolError as error:
            await self._drop(live, proposal, str(error))
            return
        intended: list[bool | str] = []

        def decide(boundary: Boundary) -> None:
            intended[:] = [self._intend(boundary, found, tool, preview)]

        await commit(self._services, live, decide, claims=False, always=True)
        if isinstance(intended[0], str):
            await self._replanning.show_rest(live, found, intended[0])
        elif intended[0]:
            context = replace(context, key=str(proposal.id), expected_version=preview.version)
            ran = await self._runner.act(tool, context, arguments)
            await settled(self._services, live, found, ran)

    def _intend(self, boundary: Boundary, found: Found, tool: Tool, preview: Preview) -> bool | str:
        """Uses the yes and writes the intent, if everything still holds; else says what changed.

        A sentence: why the rest of the plan has to be shown anew, and nothing is written yet.
        """
        tx = boundary.tx
        proposal = tx.proposals.get(found.proposal.id) or found.proposal
        if proposal.status is not ProposalStatus.DECIDED:
            boundary.note(Kind.EXECUTED, not_run_body(proposal, {"status": proposal.status.value}))
            return False
        if proposal.plan_id and not read_plan(tx, proposal.plan_id).may_run(proposal):
            boundary.note(Kind.EXECUTED, not_run_body(proposal, {"status": "waits for its plan"}))
            return False
        houses = self._services.houses
        # People's rights as of now, not of before the look.
        found = found_in(tx, houses, proposal, tool)
        if (barring := barred(boundary, found)) is not None:
            end(boundary, proposal, barring)
            return False
        ruling, actor = self._judged(boundary, found, tool, preview)
        if ruling.decision in (Decision.REFUSE, Decision.ESCALATE):
            end(boundary, proposal, ruling.reason)
            if ruling.decision is Decision.ESCALATE:
                self._hand_over(boundary, found, ruling)
            return False
        if not same_effect(proposal, preview):
            why = "Changed in between: please look again."
            if proposal.plan_id is not None:
                return why
            self._show_anew(boundary, found, wish_of(proposal, tool, preview), (ruling, actor), why)
            return False
        if asks_more(ruling, found, actor):
            why = "Policy asks for one more yes."
            if proposal.plan_id is not None:
                return why
            self._show_anew(boundary, found, wish_of(proposal, tool, preview), (ruling, actor), why)
            return False
        consumed = replace(proposal, status=ProposalStatus.CONSUMED, version=preview.version)
        tx.proposals.save(consumed, expected=ProposalStatus.DECIDED)
        intent = intent_of(boundary, found, proposal)
        tx.ledger.intend(intent)
        note_effect(tx, intent, AuditKind.INTENDED, boundary.at)
        return True

    def _judged(
        self, boundary: Boundary, found: Found, tool: Tool, preview: Preview
    ) -> tuple[Ruling, Requester]:
        """Policy's word of this moment, and on whose rights it rests.

        On the requester's; where those do not reach, on those of the owner or admin who approved.
        """
        wish, who = wish_of(found.proposal, tool, preview), found.requester
        ruling = judge(boundary, wish, who, holding=True)
        approver = authority(found)
        if ruling.decision is not Decision.REFUSE or approver is who:
            return ruling, who
        return judge(boundary, wish, approver, counted_for=who, holding=True), approver

    def _hand_over(self, boundary: Boundary, found: Found, ruling: Ruling) -> None:
        """Policy gives it to a person, now that it was to be done."""
        self._services.desk.open(
            boundary.tx,
            boundary.conversation,
            reason=EscalationReason.POLICY,
            asked=asked_text(boundary.live),
            asked_by=found.requester,
            suggestion=f"Policy hands this to a person ({ruling.rule}): {found.proposal.title}.",
            at=boundary.at,
        )
        boundary.note(Kind.ESCALATED, {"reason": EscalationReason.POLICY.value})

    def _show_anew(
        self,
        boundary: Boundary,
        found: Found,
        wish: Wish,
        judged: tuple[Ruling, Requester],
        why: str,
    ) -> None:
        """The yes was for something else: it ends, and what would happen now is shown."""
        tx, proposal = boundary.tx, found.proposal
        ruling, actor = judged
        expired = replace(proposal, status=ProposalStatus.EXPIRED)
        tx.proposals.save(expired, expected=ProposalStatus.DECIDED)
        note_proposal(tx, expired, AuditKind.EXPIRED, boundary.at, facts={"why": "changed"})
        redraw(boundary, expired)
        fresh = new_proposal(boundary, wish, ruling, twins_of(boundary, wish), actor)
        if fresh.status is ProposalStatus.DECIDED:  # policy asks for no yes; a person gave one
            fresh = replace(
                fresh, status=ProposalStatus.AWAITING_CONFIRMATION, needs_confirmation=True
            )
        fresh = replace(fresh, notes=(why, *fresh.notes))
        considered = put(boundary, fresh, wish)
        boundary.note(
            Kind.EXECUTED, not_run_body(proposal, {"changed": why, "now": considered.content})
        )

    async def _drop(
        self, live: LiveTurn, proposal: Proposal, why: str, for_people: Requester | None = None
    ) -> None:
        def write(boundary: Boundary) -> None:
            end(boundary, proposal, why)
            if for_people is not None and boundary.news[-1].kind != Kind.ESCALATED:
                call_for_hands(boundary, proposal, for_people, why)

        await commit(self._services, live, write, claims=False, always=True)
