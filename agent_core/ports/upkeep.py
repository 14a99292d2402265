"""What removes stored rows, for retention and for forgetting."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from agent_core.forgetting import OwnPost, Place, Whereabouts, Whom
from agent_core.retention import Kept, Walked


class Upkeep(Protocol):
    """What removes stored rows: retention_sweep.py and forget.py alone use it."""

    def expire(self, kind: Kept, before: datetime, after: object, limit: int) -> Walked:
        """Of the next `limit` rows after `after` (None: the first) those that are over and older
        than `before` are removed."""
        ...

    def whereabouts(self, whom: Whom) -> Whereabouts:
        """Every conversation with something of them. Reads whole tables."""
        ...

    def heard_since(self, place: str, since: datetime) -> bool:
        """Whether somebody wrote in this room or workspace after that."""
        ...

    def doubtful(self, whom: Whom) -> Sequence[str]:
        """Ledger keys of theirs whose outcome nobody knows."""
        ...

    def in_the_way(self, whom: Whom, place: Place) -> Sequence[str]:
        """What of theirs is not over in a conversation that others share, in words."""
        ...

    def on_its_way(self, whom: Whom, place: Place) -> Sequence[str]:
        """What of theirs is being posted, also in the support room, in words."""
        ...

    def unfinished(self, whom: Whom) -> Sequence[str]:
        """What of theirs is at work anywhere, in words."""
        ...

    def own_posts(self, whom: Whom, place: Place) -> Sequence[OwnPost]:
        """Our posts with something of theirs in them, in their thread and in support's."""
        ...

    def posts_alone(self, whom: Whom) -> Sequence[OwnPost]:
        """Our answers to them that belong to no conversation."""
        ...

    def erase_conversation(self, whom: Whom, place: Place, at: datetime) -> Counter[str]:
        """How many rows of each table. What others said in it stays."""
        ...

    def erase_rest(self, whom: Whom, at: datetime) -> Counter[str]:
        """What belongs to no one conversation. The books stay, under a pseudonym."""
        ...
