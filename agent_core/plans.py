"""A plan: several proposals that one yes confirms, and that run one after another."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent_core.ports import UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, PlanId, Proposal, ProposalId, ProposalStatus
from agent_core.receipts import undone_by

OPEN = tuple(status for status in ProposalStatus if status.is_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order, with what the ledger says of them and what was taken back since."""

    id: PlanId
    steps: tuple[Proposal, ...]
    entries: Mapping[ProposalId, LedgerEntry]
    undone: Mapping[ProposalId, Proposal]

    @property
    def open(self) -> tuple[Proposal, ...]:
        """What still waits for a yes, or to be run."""
        return tuple(step for step in self.steps if step.status.is_open)

    @property
    def is_decided(self) -> bool:
        """Every yes is there."""
        found = self.open
        return bool(found) and all(step.status is ProposalStatus.DECIDED for step in found)

    @property
    def done(self) -> tuple[LedgerEntry, ...]:
        """What happened and stands, in order."""
        return tuple(
            entry
            for step in self.steps
            if (entry := self.entries.get(step.id)) is not None
            and entry.outcome is Outcome.SUCCEEDED
            and step.id not in self.undone
        )

    @property
    def is_being_confirmed(self) -> bool:
        """Within the transaction of the yes: some steps have it, and some not yet."""
        found = {step.status for step in self.open}
        return ProposalStatus.AWAITING_CONFIRMATION in found and len(found) > 1

    def first(self, status: ProposalStatus) -> Proposal | None:
        """The first step that stands like this."""
        return next((step for step in self.steps if step.status is status), None)

    def outcome(self, step: Proposal) -> Outcome | None:
        """How a step ended; None where it never ran, or still runs."""
        entry = self.entries.get(step.id)
        return entry.outcome if entry is not None else None

    def is_next(self, step: Proposal) -> bool:
        """Everything before this step was done, or left out before anybody said yes."""
        left_out = (ProposalStatus.REFUSED, ProposalStatus.CANCELLED)
        return all(
            self.outcome(earlier) is Outcome.SUCCEEDED or earlier.status in left_out
            for earlier in self.steps
            if earlier.step < step.step
        )

    def may_run(self, step: Proposal) -> bool:
        """Every yes is there, for this step and for all the others, and its turn has come."""
        return self.is_decided and self.is_next(step)

    @property
    def standing(self) -> str:
        """Names how the whole plan stands: a card is redrawn once for each."""
        marks = (
            f"{step.mark}.{self.outcome(step) or ''}.{step.id in self.undone}"
            for step in self.steps
        )
        return "|".join(marks)


def read_plan(tx: UnitOfWork, plan_id: PlanId) -> Plan:
    """The plan as it stands in this transaction, held against others until its end."""
    steps = tuple(tx.proposals.of_plan(plan_id))
    ran = [step for step in steps if step.status is ProposalStatus.CONSUMED]
    entries = {step.id: entry for step in ran if (entry := tx.ledger.get(step.id)) is not None}
    undone = {step.id: by for step in ran if (by := undone_by(tx, step.id)) is not None}
    return Plan(id=plan_id, steps=steps, entries=entries, undone=undone)


def steps_that(
    tx: UnitOfWork, proposal: Proposal, *statuses: ProposalStatus
) -> tuple[Proposal, ...]:
    """The steps of the proposal's plan that stand like this; the proposal alone if it has none."""
    if proposal.plan_id is None:
        return (proposal,)
    return tuple(one for one in tx.proposals.of_plan(proposal.plan_id) if one.status in statuses)
