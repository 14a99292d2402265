"""Looks up who somebody is, at this moment, inside a unit of work."""

from agent_core.messages import Participant
from agent_core.people import Requester
from agent_core.ports import UnitOfWork


def requester_of(tx: UnitOfWork, participant: Participant) -> Requester:
    """The requester with today's roles. The name shown is ours where the person is known."""
    person = tx.people.find(participant.identity)
    name = person.name if person else participant.name
    return Requester(identity=participant.identity, name=name, person=person)
