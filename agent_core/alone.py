"""Tells one person alone what the readers of their room may not have."""

from collections.abc import Sequence

from agent_core import cards
from agent_core.blocks import Field, Fields, Heading, Note
from agent_core.boundary import Boundary
from agent_core.messages import PlatformIdentity

ONLY_YOU = "Only visible to you. The others in this conversation see these details covered."


def tell_alone(
    boundary: Boundary,
    row_id: str,
    title: str,
    account_name: str,
    fields: Sequence[Field],
    *,
    to: PlatformIdentity | None = None,
) -> None:
    """A message for the requester, or for `to`, alone; nothing where there is nothing to tell.

    It is in no transcript, so no later turn and no support brief repeats it.
    """
    account, now = boundary.conversation.account, boundary.requester
    if not fields or now.role_in(account) is not boundary.live.requester.role_in(account):
        return  # nothing to tell, or it was read by rights that they have no more
    where = (Field(label="Account", value=account_name),) if account_name else ()
    boundary.post(
        row_id,
        cards.message_of(
            [Heading(text=title[:150]), Fields(fields=(*where, *fields)), Note(text=ONLY_YOU)],
            private_to=to or boundary.requester.identity,
        ),
    )
