"""Destinations, and the rows on their way to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from agent_core.messages import DestinationId, MessageRef, OutgoingId
from agent_core.outgoing import Destination, OutgoingRow


class Outgoing(Protocol):
    """Destinations and the rows on their way to them."""

    def put_destination(self, destination: Destination) -> None: ...
    def destination(self, destination_id: DestinationId) -> Destination | None: ...
    def add(self, row: OutgoingRow) -> bool:
        """False where a row with this id is there already."""
        ...

    def get(self, outgoing_id: OutgoingId) -> OutgoingRow | None: ...
    def next_row(self, destination_id: DestinationId) -> OutgoingRow | None:
        """The first READY or STARTED row of the destination."""
        ...

    def save(self, row: OutgoingRow) -> None: ...
    def of_message(self, message: MessageRef) -> OutgoingRow | None:
        """The row that posted this message: whose post is it?"""
        ...

    def lease(
        self, destination_id: DestinationId, holder: str, now: datetime, until: datetime
    ) -> bool:
        """True if nobody else holds the destination; extends the holder's own lease."""
        ...

    def release(self, destination_id: DestinationId, holder: str) -> None: ...
    def waiting(self, limit: int = 1000) -> Sequence[DestinationId]:
        """Destinations with rows that are READY or STARTED: for the reconciler."""
        ...

    def unattended(
        self, now: datetime, limit: int = 1000
    ) -> Sequence[tuple[DestinationId, str | None]]:
        """Destinations with rows that could be sent now, and who holds each; None: nobody."""
        ...

    def release_all(self, holder: str) -> Sequence[DestinationId]:
        """Takes everything from a holder that is dead: what it held."""
        ...
