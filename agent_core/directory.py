"""Looks up who somebody is, at this moment, inside a unit of work."""

from agent_core.conversation import Audience, RoomBinding, Speaker
from agent_core.messages import Participant, RoomRef
from agent_core.people import Requester
from agent_core.ports import UnitOfWork


def requester_of(tx: UnitOfWork, participant: Participant) -> Requester:
    """The requester with today's roles. The name shown is ours where the person is known."""
    person = tx.people.find(participant.identity)
    name = person.name if person else participant.name
    return Requester(identity=participant.identity, name=name, person=person)


def is_ours(who: Requester, author: Participant, room: RoomRef, binding: RoomBinding) -> bool:
    """One of the vendor's own: by capability, or by home tenant and no role in the account.

    The installation's tenant is the vendor's. A customer's guest in it who was given a role in the
    account is a customer.
    """
    if who.capabilities:
        return True
    return author.identity.tenant_id == room.tenant_id and who.role_in(binding.account_id) is None


def spoken_by(audience: Audience, *, ours: bool) -> Speaker:
    """Whose words a message is, for the transcript."""
    if audience is Audience.SHARED:
        return Speaker.SUPPORT if ours else Speaker.CUSTOMER
    return Speaker.STAFF if ours else Speaker.CUSTOMER
