"""Who there is to approve a proposal; where nobody can, a person has to find out who could."""

from agent_core.approving import could_approve
from agent_core.different import Houses, why_not_different
from agent_core.people import Person, Requester
from agent_core.policy import ApprovalNeed
from agent_core.ports import UnitOfWork
from agent_core.proposals import Proposal
from agent_core.wording import approvers_text


def somebody_can(tx: UnitOfWork, houses: Houses, proposal: Proposal) -> bool:
    """Whether as many people as are needed could approve this, each provably somebody else."""
    need = proposal.approval or ApprovalNeed()
    people = [*tx.people.with_role(proposal.account_id, need.roles)] if need.roles else []
    for capability in sorted(need.capabilities):
        people += tx.people.with_capability(capability)
    able = {person.id for person in people if _could(tx, houses, proposal, person)}
    return len(able) >= need.people


def _could(tx: UnitOfWork, houses: Houses, proposal: Proposal, person: Person) -> bool:
    as_whom = (
        Requester(identity=one, name=person.name, person=person) for one in person.identities
    )
    return any(
        could_approve(proposal, who) and why_not_different(tx, houses, proposal, who) is None
        for who in as_whom
    )


def nobody_can(proposal: Proposal) -> str:
    """What the person who gets the case is to do."""
    return (
        f"“{proposal.title}” needs a yes that nobody named so far can give: "
        f"{approvers_text(proposal.approval or ApprovalNeed())}. Find out who that is, and name "
        "them with `handrail people set`, or have them join their accounts on both platforms."
    )
