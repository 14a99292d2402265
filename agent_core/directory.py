"""Looks up who somebody is, at this moment, inside a unit of work."""

import re
from typing import Final

from agent_core.conversation import Audience, RoomBinding, Speaker
from agent_core.messages import Participant, RoomRef
from agent_core.people import Requester
from agent_core.ports import UnitOfWork

NAME_LENGTH: Final = 80
# People choose their own names, and ours end up in cards: no name may draw a link or a mention.
_MARKUP: Final = re.compile(r"[*~`\[\]<>|\\]|://")


def requester_of(tx: UnitOfWork, participant: Participant) -> Requester:
    """The requester with today's roles. The name shown is ours where the person is known."""
    person = tx.people.find(participant.identity)
    name = person.name if person else plain_name(participant.name)
    return Requester(
        identity=participant.identity, name=name, person=person, is_guest=participant.is_guest
    )


def plain_name(name: str) -> str:
    """A name that somebody gave themselves, in one short line without any markup."""
    return " ".join(_MARKUP.sub(" ", name).split())[:NAME_LENGTH] or "Somebody"


def is_ours(
    who: Requester,
    author: Participant,
    room: RoomRef,
    binding: RoomBinding,
    homes: frozenset[str] | None = None,
) -> bool:
    """One of the vendor's own: by capability or home tenant, and without a role in the account.

    The vendor's tenants are `homes`; unless given, the installation's. Guests there are unknown
    until named. Whoever was given a role in the room's account is a customer in it, whatever else
    they may do.
    """
    if who.role_in(binding.account_id) is not None:
        return False
    at_home = author.identity.tenant_id in (homes or {room.tenant_id}) and not author.is_guest
    return bool(who.capabilities) or at_home


def spoken_by(audience: Audience, *, ours: bool) -> Speaker:
    """Whose words a message is, for the transcript."""
    if audience is Audience.SHARED:
        return Speaker.SUPPORT if ours else Speaker.CUSTOMER
    return Speaker.STAFF if ours else Speaker.CUSTOMER
