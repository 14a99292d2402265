"""What removes stored rows, in whichever store: the one door to retention and erasure."""

from datetime import datetime

from agent_core.ports import UnitOfWork
from agent_core.retention import Kept, Walked
from agent_core.store.expiry import Expiry
from agent_core.store.records import Records


class StoreUpkeep:
    """`ports.Upkeep`. Builds nothing until it is asked: most transactions never do."""

    __slots__ = ("_records", "_tx")

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records

    def expire(self, kind: Kept, before: datetime, after: object, limit: int) -> Walked:
        return Expiry(self._tx, self._records).expire(kind, before, after, limit)
