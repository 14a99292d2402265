"""What removes stored rows, in whichever store: the one door to retention and erasure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from agent_core.forgetting import OwnPost, Place, Whereabouts, Whom
from agent_core.ports import UnitOfWork
from agent_core.retention import Kept, Walked
from agent_core.store.erasure import Erasure
from agent_core.store.expiry import Expiry
from agent_core.store.obstacles import Obstacles
from agent_core.store.records import Records
from agent_core.store.their_posts import TheirPosts
from agent_core.store.whereabouts import Search


class StoreUpkeep:
    """`ports.Upkeep`. Builds nothing until it is asked: most transactions never do."""

    __slots__ = ("_records", "_tx")

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records

    def expire(self, kind: Kept, before: datetime, after: object, limit: int) -> Walked:
        return Expiry(self._tx, self._records).expire(kind, before, after, limit)

    def whereabouts(self, whom: Whom) -> Whereabouts:
        return Search(self._tx, self._records).whereabouts(whom)

    def heard_since(self, place: str, since: datetime) -> bool:
        return Search(self._tx, self._records).heard_since(place, since)

    def doubtful(self, whom: Whom) -> Sequence[str]:
        return Obstacles(self._tx, self._records).doubtful(whom)

    def in_the_way(self, whom: Whom, place: Place) -> Sequence[str]:
        return Obstacles(self._tx, self._records).in_the_way(whom, place)

    def on_its_way(self, whom: Whom, place: Place) -> Sequence[str]:
        return Obstacles(self._tx, self._records).on_its_way(whom, place)

    def unfinished(self, whom: Whom) -> Sequence[str]:
        return Obstacles(self._tx, self._records).unfinished(whom)

    def own_posts(self, whom: Whom, place: Place) -> Sequence[OwnPost]:
        return TheirPosts(self._tx, self._records).own_posts(whom, place)

    def posts_alone(self, whom: Whom) -> Sequence[OwnPost]:
        return TheirPosts(self._tx, self._records).posts_alone(whom)

    def erase_conversation(self, whom: Whom, place: Place, at: datetime) -> Counter[str]:
        return Erasure(self._tx, self._records).erase_conversation(whom, place, at)

    def erase_rest(self, whom: Whom, at: datetime) -> Counter[str]:
        return Erasure(self._tx, self._records).erase_rest(whom, at)
