"""Tells one person alone what the readers of their room may not have."""

from collections.abc import Sequence

from agent_core import notices, wording
from agent_core.blocks import Field, Fields, Heading, Note
from agent_core.boundary import Boundary
from agent_core.messages import OutboundMessage, OutgoingId, PlatformIdentity
from agent_core.outgoing import ALONE
from agent_core.ports import UnitOfWork
from agent_core.proposals import Proposal
from agent_core.visibility import covered_arguments

ONLY_YOU = "Only visible to you. The others in this conversation see these details covered."


def tell_alone(
    boundary: Boundary,
    mark: str,
    title: str,
    account_name: str,
    fields: Sequence[Field],
) -> None:
    """A message for the requester alone; nothing where there is nothing to tell.

    `mark` makes the row's id. It is in no transcript: no later turn and no brief repeats it.
    """
    account, now = boundary.conversation.account, boundary.requester
    if not fields or now.role_in(account) is not boundary.live.requester.role_in(account):
        return  # nothing to tell, or it was read by rights that they have no more
    boundary.post(f"{ALONE}{mark}", _message(title, account_name, fields, now.identity))


def for_approvers(tx: UnitOfWork, proposal: Proposal) -> list[tuple[OutgoingId, OutboundMessage]]:
    """What the card in the room covers, for each of the account's people who may say yes to it.

    Nobody approves what they cannot read. Row ids and messages; none where nothing is covered.
    """
    hidden, need = covered_arguments(proposal), proposal.approval
    if not hidden or need is None or not need.roles:
        return []
    fields = [
        Field(label=wording.argument_label(name), value=str(proposal.arguments[name]))
        for name in sorted(hidden)
    ]
    title = f"To approve: {proposal.title}"
    return [
        (
            OutgoingId(f"approver:{proposal.id}:{identity}"),
            _message(title, proposal.account_name, fields, identity),
        )
        for person in tx.people.with_role(proposal.account_id, need.roles)
        for identity in person.identities
        if identity.platform is proposal.requester.platform and identity != proposal.requester
    ]


def _message(
    title: str, account_name: str, fields: Sequence[Field], to: PlatformIdentity
) -> OutboundMessage:
    where = (Field(label="Account", value=account_name),) if account_name else ()
    return notices.message_of(
        [Heading(text=title[:150]), Fields(fields=(*where, *fields)), Note(text=ONLY_YOU)],
        private_to=to,
    )
