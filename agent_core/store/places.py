"""Where something was posted, and nothing is any more: no post is left and no conversation."""

from collections.abc import Iterable
from typing import Final

from agent_core.store.records import Records

_THREAD: Final = "thread:"
_OF_THEIR_POSTS: Final = (_THREAD, "approval:")  # the others belong to a conversation or a case


def left_places(records: Records, places: Iterable[str]) -> list[str]:
    """Those of these destinations that go with their last post."""
    empty = [
        one
        for one in set(places)
        if one.startswith(_OF_THEIR_POSTS) and not records.rows("hr_outgoing", "destination", [one])
    ]
    threads = [one.removeprefix(_THREAD) for one in empty]
    talks = records.rows("hr_conversation_threads", "thread", threads)
    used = {f"{_THREAD}{row['thread']}" for row in talks}
    return sorted(set(empty) - used)
