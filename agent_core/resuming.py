"""An action that was begun before: asked about by its key, called again only if it never was.

What bars a yes bars that call too: whoever paused it since, or took over, sees it begin now.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from agent_core import notices
from agent_core.barring import barred_again
from agent_core.boundary import Boundary, commit
from agent_core.decided import Found, executed_body, found_in, not_run_body
from agent_core.endings import settle
from agent_core.errors import ToolError
from agent_core.live_turn import LiveTurn
from agent_core.proposals import LedgerEntry, Outcome, Proposal
from agent_core.services import Services
from agent_core.tool_runner import Ran, ToolRunner, checked
from agent_core.tooling import Json, ToolContext
from agent_core.turn_state import Kind


def context_of(services: Services, live: LiveTurn, found: Found) -> ToolContext:
    """What a handler is told of a decided action; without its key yet."""
    return ToolContext(
        account_id=found.proposal.account_id,
        requester=found.requester,
        audience=live.conversation.audience,
        now=services.clock.now(),
    )


async def settled(services: Services, live: LiveTurn, found: Found, ran: Ran) -> None:
    """Outcome, receipt, and, where nobody can tell, a person: in one transaction."""

    def write(boundary: Boundary) -> None:
        settle(boundary, found, ran)

    await commit(services, live, write, claims=False, always=True)


async def note_unrun(services: Services, live: LiveTurn, proposal: Proposal, content: Json) -> None:
    """Nothing to run."""

    def write(boundary: Boundary) -> None:
        body = executed_body(str(proposal.id), proposal.title, content, "none")
        boundary.note(Kind.EXECUTED, body)

    await commit(services, live, write, claims=False, always=True)


class Resuming:
    """Finds out, for one driver, what became of actions that another attempt began."""

    def __init__(self, services: Services, runner: ToolRunner) -> None:
        self._services = services
        self._runner = runner

    async def resume(self, live: LiveTurn, found: Found, entry: LedgerEntry) -> None:
        """Found in the ledger: asked about by its key, and called again only if it never was."""
        if entry.outcome is Outcome.UNKNOWN:
            await self._ask_after_doubt(live, found, entry)
            return
        if entry.outcome is not None:
            content = {"status": entry.outcome.value, "result": entry.content or {}}
            await note_unrun(self._services, live, found.proposal, content)
            return
        ran = await self._asked_about(live, found, entry)
        if ran is None:
            ran = Ran(outcome=Outcome.UNKNOWN, reason="The agent stopped before an answer came.")
        await settled(self._services, live, found, ran)

    async def _ask_after_doubt(self, live: LiveTurn, found: Found, entry: LedgerEntry) -> None:
        """Asked for again while its outcome is unknown: the provider is asked, nothing is done."""
        ran = await self._looked_up(live, found, entry)
        in_time = self._may_still_arrive(entry.settled_at or entry.intended_at)
        may_still_arrive = ran is not None and ran.outcome is Outcome.FAILED and in_time
        if ran is not None and not may_still_arrive:
            await settled(self._services, live, found, ran)
            return

        def write(boundary: Boundary) -> None:
            proposal = found.proposal
            boundary.post(
                f"unknown:{proposal.id}:{boundary.live.turn.id}",
                notices.notice(
                    f"“{proposal.title}” was started before, and it is not certain yet whether it "
                    "happened. It is not done again until a person has checked."
                ),
            )
            content = {"status": "outcome_unknown", "card": "shown"}
            boundary.note(Kind.EXECUTED, not_run_body(proposal, content))

        await commit(self._services, live, write, claims=False, always=True)

    async def _asked_about(self, live: LiveTurn, found: Found, entry: LedgerEntry) -> Ran | None:
        """What became of an action that was begun; run now if it never reached the provider."""
        ran = await self._looked_up(live, found, entry)
        if ran is None or ran.outcome is not Outcome.FAILED or found.tool is None:
            return ran
        why = await self._why_not_again(live, found)
        if why is not None:
            may_arrive = self._may_still_arrive(entry.intended_at)
            return None if may_arrive else replace(ran, reason=f"{ran.reason} {why}")
        context = replace(
            context_of(self._services, live, found),
            key=str(entry.key),
            expected_version=found.proposal.version,
        )
        ran = await self._runner.act(found.tool, context, checked(found.tool, entry.arguments))
        # The dead attempt may have sent it: a no to this one says nothing of that.
        denied = ran.outcome in (Outcome.FAILED, Outcome.REFUSED)
        return None if denied and self._may_still_arrive(entry.intended_at) else ran

    async def _why_not_again(self, live: LiveTurn, found: Found) -> str | None:
        """Time has passed since the intent, maybe days: what barred a yes then bars it now."""
        why: list[str | None] = []

        def look(boundary: Boundary) -> None:
            proposal = boundary.tx.proposals.get(found.proposal.id) or found.proposal
            now = found_in(boundary.tx, self._services.houses, proposal, found.tool)
            why[:] = [barred_again(boundary, now)]

        await commit(self._services, live, look, claims=False, always=True)
        return why[0]

    def _may_still_arrive(self, since: datetime) -> bool:
        doubt = timedelta(seconds=self._services.limits.doubt_seconds)
        return self._services.clock.now() < since + doubt

    async def _looked_up(self, live: LiveTurn, found: Found, entry: LedgerEntry) -> Ran | None:
        if found.tool is None:
            return None
        try:
            arguments = checked(found.tool, entry.arguments)
        except ToolError:
            return None  # the tool has changed since: only a person can tell
        context = replace(context_of(self._services, live, found), key=str(entry.key))
        return await self._runner.look_up(found.tool, context, arguments)
