"""Why a yes that was given is not used now, as far as it can be told without the account."""

from datetime import timedelta

from agent_core.boundary import Boundary
from agent_core.brakes import holds_action
from agent_core.conversation import Audience, ConversationStatus
from agent_core.decided import Found, authority, still_approved
from agent_core.live_turn import stopped_row
from agent_core.wishes import PAUSED, lacks_standing


def barred(boundary: Boundary, found: Found) -> str | None:
    """By room, age, people and their rights as of this transaction. None: it may be used."""
    proposal, conversation = found.proposal, boundary.conversation
    if conversation.audience is Audience.SHARED and (
        conversation.account_id != proposal.account_id
    ):
        return "People of other companies can read along here now."
    grace = timedelta(seconds=boundary.services.limits.decided_seconds)
    if proposal.expires_at + grace < boundary.at:
        return "The yes is too old. Please ask again, so that the figures are current."
    by_people = conversation.status is ConversationStatus.WITH_SUPPORT
    if by_people and proposal.approved_at is None:
        return "The support team has taken over, so this is left to them."
    for who in (found.requester, authority(found)):  # an approval lets no stranger in
        if found.tool and lacks_standing(
            found.tool, who, proposal.account_id, conversation.audience
        ):
            return f"{who.name} has no role in this account any more."
    if not still_approved(found):
        return f"{proposal.approver_name} may not approve this any more."
    return None


def barred_again(boundary: Boundary, found: Found) -> str | None:
    """The same of what was begun and never arrived: to call it again is to begin it now."""
    proposal = found.proposal
    brakes = boundary.tx.brakes.all()
    if holds_action(brakes, proposal.tool, proposal.account_id, boundary.conversation.room):
        return PAUSED
    # Not by the epoch alone: a case that only waits raises it too, and bars no first run either.
    turn = boundary.live.turn
    notice = boundary.tx.outgoing.get(stopped_row(turn.conversation_id, turn.epoch + 1))
    if notice is not None and proposal.approved_at is None:  # what was approved stands
        return "Somebody has stopped the agent here meanwhile."
    return barred(boundary, found)
