"""How a proposal's card looks now: its own, or the one that its plan's steps share."""

from agent_core import cards
from agent_core.decided_cards import decided_card
from agent_core.messages import OutboundMessage
from agent_core.plan_cards import plan_card
from agent_core.plans import read_plan
from agent_core.ports import UnitOfWork
from agent_core.proposals import LedgerEntry, Proposal


def drawn(
    tx: UnitOfWork,
    proposal: Proposal,
    *,
    entry: LedgerEntry | None = None,
    replaced: bool = False,
) -> tuple[str, OutboundMessage]:
    """The card's row-id suffix, which names how it stands, and the card itself.

    `proposal` is as stored. `entry` adds how it ended; `replaced` says that a newer one stands in
    its place.
    """
    if proposal.plan_id is not None:
        plan = read_plan(tx, proposal.plan_id)
        return plan.standing, plan_card(plan)
    if entry is not None or replaced:
        ending = entry.outcome if entry is not None else "replaced"
        card = decided_card(proposal, proposal.account_name, entry=entry, replaced=replaced)
        return str(ending), card
    return proposal.mark, cards.proposal_card(proposal, proposal.account_name)
