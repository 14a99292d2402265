"""Many cases at once, of one cause: their cards come at a pace, and one post tells of the rest.

An overload or an outage makes a case of every request. Each customer has their notice and number
at once; in the support room a thousand cards would bury what is urgent, and the room's own pace
would hold that up for an hour.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from time import monotonic

from agent_core import notices
from agent_core.escalations import Escalation, EscalationReason, Priority
from agent_core.messages import DestinationId, OutgoingId
from agent_core.outgoing import CROWD, CROWD_HOUR
from agent_core.ports import Clock, UnitOfWork
from escalation.desk import Desk

CARDS_A_MINUTE = 10
WINDOW_SECONDS = 55.0  # a little less than a sweep's minute, so that each sweep's cards fit in
LASTS_SECONDS = 2_700.0  # after the last card that had to wait: both reminders come within it
NAMED = 10
ASKED_LENGTH = 80

CROWDING = frozenset(
    {
        EscalationReason.OVERLOADED,
        EscalationReason.MODEL_FAILURE,
        EscalationReason.TOOL_FAILURE,
        EscalationReason.PAUSED,
        EscalationReason.REPEATED_FAILURE,
        EscalationReason.DELIVERY_FAILURE,
    }
)


def comes_in_crowds(case: Escalation) -> bool:
    """Whether such cases may come by the hundred, and none of them is pressing by itself."""
    pressing = case.priority is Priority.URGENT or case.claimed_by is not None
    return case.reason in CROWDING and not pressing


def without_card(cases: Sequence[Escalation]) -> list[Escalation]:
    """Those of a crowd whose card is still to come, oldest first."""
    found = [case for case in cases if case.card is None and comes_in_crowds(case)]
    return sorted(found, key=lambda case: case.number)


class Crowd:
    """The pace of one process. Several of them post as many cards each."""

    def __init__(self, *, seconds: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._cards: deque[float] = deque(maxlen=CARDS_A_MINUTE)
        self._held_at = float("-inf")

    def lets_in(self, case: Escalation) -> bool:
        """Whether the case may have its card now; else the reconciler asks again in a minute."""
        if not comes_in_crowds(case):
            return True
        now = self._seconds()
        if len(self._cards) == CARDS_A_MINUTE and now - self._cards[0] < WINDOW_SECONDS:
            self._held_at = now
            return False
        self._cards.append(now)
        return True

    def goes_on(self) -> None:
        """Cards still wait."""
        self._held_at = self._seconds()

    @property
    def is_on(self) -> bool:
        """Whether cards had to wait of late: then reminders of them call nobody."""
        return self._seconds() - self._held_at < LASTS_SECONDS


def tell_of_crowd(tx: UnitOfWork, desk: Desk, clock: Clock) -> int:
    """One post an hour, kept up to date: how many wait for their cards, and the next of them.

    Returns how many.
    """
    now = clock.now()
    cases = tx.escalations.waiting()
    waiting, unclaimed = without_card(cases), sum(map(comes_in_crowds, cases))
    text = _sentence(waiting, unclaimed, f"{now:%H:%M}")
    row = f"{CROWD}{now:{CROWD_HOUR}}"
    destination = DestinationId(row)
    told = tx.outgoing.get(OutgoingId(row))
    if told is None:
        tx.outgoing.put_destination(desk.thread_in_support_room(tx, destination))
        desk.post(tx, destination, row, notices.notice(text), now)
        return len(waiting)
    again = OutgoingId(f"{row}{now:%M}")
    if tx.outgoing.get(again) is None:
        desk.post(tx, destination, again, notices.notice(text), now, updates=told.id)
    return len(waiting)


def _sentence(waiting: Sequence[Escalation], unclaimed: int, time: str) -> str:
    if not waiting:
        return (
            f"All cases that came at once have their cards ({time} UTC). {unclaimed} of their kind "
            "wait for somebody to claim them."
        )
    whose = Counter(str(case.account_id or "no account") for case in waiting)
    most = ", ".join(f"{name} {count}" for name, count in whose.most_common(5))
    lines = [f"• {case.label}, {case.asked_by}: {case.asked[:ASKED_LENGTH]}" for case in waiting]
    more = f"\n… and {len(waiting) - NAMED} more" if len(waiting) > NAMED else ""
    return (
        f"**{len(waiting)} more cases wait for their cards** ({time} UTC): many came at once. "
        f"Each gets its card here, {CARDS_A_MINUTE} a minute; their customers have been told. "
        f"By account: {most}.\n" + "\n".join(lines[:NAMED]) + more
    )
