"""A plan's step no longer does what was shown: what is left of it is shown anew, for a yes."""

from collections.abc import Sequence
from dataclasses import replace

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_proposal
from agent_core.boundary import Boundary, commit
from agent_core.decided import Found, not_run_body, wish_of
from agent_core.endings import end, redraw
from agent_core.errors import ToolError
from agent_core.live_turn import LiveTurn
from agent_core.plans import steps_that
from agent_core.policy import Decision
from agent_core.proposals import Proposal, ProposalStatus
from agent_core.proposing import escalate, plan
from agent_core.services import Services
from agent_core.tool_runner import ToolRunner, checked
from agent_core.tooling import Preview, ToolContext
from agent_core.turn_state import Kind
from agent_core.wishes import Wish, judged_in_order


class Replanning:
    """Shows the rest of a plan again, for one driver."""

    def __init__(self, services: Services, runner: ToolRunner) -> None:
        self._services = services
        self._runner = runner

    async def show_rest(self, live: LiveTurn, found: Found, why: str) -> None:
        """Ends the yes that was given for this step and those after it, and asks for a new one."""
        rest = await self._services.transact(
            lambda tx: _rest(steps_that(tx, found.proposal, ProposalStatus.DECIDED), found.proposal)
        )
        wishes = await self._looked_at(live, found, rest)

        def write(boundary: Boundary) -> None:
            _ask_anew(boundary, found, wishes, why)

        await commit(self._services, live, write, claims=False, always=True)

    async def _looked_at(
        self, live: LiveTurn, found: Found, rest: Sequence[Proposal]
    ) -> list[Wish]:
        wishes: list[Wish] = []
        for step in rest:
            tool = self._services.catalog.get(step.tool)
            if tool is None:
                continue  # withdrawn since: it is named among what ended
            context = ToolContext(
                account_id=step.account_id,
                requester=found.requester,
                audience=live.conversation.audience,
                now=self._services.clock.now(),
                earlier=tuple(wish.preview.leaves for wish in wishes if not wish.impossible),
            )
            preview, impossible = Preview(arguments={}, title=step.title, changes=(), version=0), ""
            try:
                preview = await self._runner.preview(tool, context, checked(tool, step.arguments))
            except ToolError as error:
                impossible = str(error)
            wishes.append(replace(wish_of(step, tool, preview), impossible=impossible))
        return wishes


def _rest(decided: Sequence[Proposal], step: Proposal) -> tuple[Proposal, ...]:
    return tuple(one for one in decided if one.step >= step.step)


def _ask_anew(boundary: Boundary, found: Found, wishes: Sequence[Wish], why: str) -> None:
    tx, proposal = boundary.tx, found.proposal
    rest = _rest(steps_that(tx, proposal, ProposalStatus.DECIDED), proposal)
    if proposal.id not in {step.id for step in rest}:
        boundary.note(Kind.EXECUTED, not_run_body(proposal, {"status": "decided otherwise"}))
        return
    judged = judged_in_order(boundary, wishes, found.requester)
    possible = [
        one for one in judged if one[1].decision not in (Decision.REFUSE, Decision.ESCALATE)
    ]
    if not possible:
        end(boundary, proposal, judged[0][1].reason if judged else why)
        for wish, ruling in judged:
            if ruling.decision is Decision.ESCALATE:
                escalate(boundary, wish, ruling)
        return
    for step in rest:
        expired = replace(step, status=ProposalStatus.EXPIRED, notes=("Shown anew below.",))
        tx.proposals.save(expired, expected=ProposalStatus.DECIDED)
        note_proposal(tx, expired, AuditKind.EXPIRED, boundary.at, facts={"why": "changed"})
        redraw(boundary, expired)
        boundary.note(Kind.EXECUTED, not_run_body(step, {"changed": why, "card": "shown anew"}))
    plan(boundary, judged, found.requester, f"{why} What was done before stays done.")
