"""A person's first exchange opens with the sentence that this is an AI, and that is recorded."""

from dataclasses import replace
from datetime import datetime

from agent_core.messages import OutboundMessage, PlatformIdentity
from agent_core.ports import UnitOfWork


def disclosed(
    tx: UnitOfWork, message: OutboundMessage, reader: PlatformIdentity, at: datetime
) -> OutboundMessage:
    """The message as this reader must get it: with the disclosure, if they never had it."""
    if tx.people.was_told(reader):
        return message
    tx.people.note_told(reader, at)
    return replace(message, discloses_ai=True)
