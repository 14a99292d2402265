"""The pace of rooms that several processes post to, kept in the database that they share."""

import random
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from agent_core.delivery_pace import Place, Rate
from agent_core.errors import ConfigurationError
from agent_core.messages import Platform, RoomRef
from agent_core.ports import UnitOfWork

LINE_SECONDS: Final = 5.0

# One statement and the server's own clock: processes on several machines, each with a clock of
# its own, take their places in one line. `due` is when the room would be idle again.
_NEXT: Final = sa.text(
    "INSERT INTO hr_paces (room, due)"
    " VALUES (:room, extract(epoch FROM clock_timestamp()) + :step)"
    " ON CONFLICT (room) DO UPDATE SET"
    " due = greatest(hr_paces.due, extract(epoch FROM clock_timestamp())) + :step"
    " WHERE hr_paces.due <= extract(epoch FROM clock_timestamp()) + :most"
    " RETURNING due - extract(epoch FROM clock_timestamp())"
)


class SharedPace:
    """`PostPace` on Postgres: the same burst and rate as `Pace`, over all processes together.

    A place whose process died is lost, so the line is short: at most `LINE_SECONDS` of silence,
    however many die. Who finds it full asks again, at moments that are not everybody's.
    """

    def __init__(self, rates: Mapping[Platform, Rate]) -> None:
        self._rates = rates

    def take(self, tx: UnitOfWork, room: RoomRef) -> Place:
        """Raises ConfigurationError on another database."""
        rate = self._rates.get(room.platform)
        if rate is None:
            return Place(seconds=0.0)
        connection: Any = tx.connection
        if connection is None or connection.dialect.name != "postgresql":
            raise ConfigurationError(["a shared pace needs Postgres; one process keeps its own"])
        step = 1.0 / rate.per_second
        burst = rate.burst * step
        params = {"room": str(room), "step": step, "most": burst + LINE_SECONDS}
        ahead = connection.execute(_NEXT, params).scalar()
        if ahead is None:
            again = random.uniform(LINE_SECONDS / 5, LINE_SECONDS)
            return Place(seconds=again, is_ours=False)
        return Place(seconds=max(0.0, float(ahead) - burst))
