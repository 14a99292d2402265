"""Hands each timer of the engine to the part that set it, and finds timers that were lost."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from agent_core.chasing import CHASE, Chasing, due
from agent_core.compacting import Compacting
from agent_core.deadlines import EXPIRES, Deadlines, deadline_ref
from agent_core.limits import Limits
from agent_core.messages import OutgoingId
from agent_core.outgoing import CROWD, CROWD_HOUR
from agent_core.ports import Clock, UnitOfWork
from agent_core.reconciler import DueTimer
from agent_core.summing_up import COMPACT
from escalation.brief import Briefing, Reminders
from escalation.crowd import CARDS_A_MINUTE, without_card
from escalation.desk import BRIEF, REMIND, REMIND_AFTER, remind_ref, reminder_row

log = logging.getLogger(__name__)

# A sweep comes each minute: what is due later than this is found by the next ones.
HORIZON: Final = timedelta(minutes=2)
CHASED: Final = 1000  # approvals that are looked after at once


class Timers:
    """The handler of TIMER entries: `ref` begins with the name of what is due."""

    def __init__(
        self,
        *,
        briefing: Briefing,
        reminders: Reminders,
        deadlines: Deadlines,
        chasing: Chasing | None = None,
        compacting: Compacting | None = None,
    ) -> None:
        self._compacting = compacting
        self._chasing = chasing
        self._briefing = briefing
        self._reminders = reminders
        self._deadlines = deadlines

    async def fire(self, key: str, ref: str) -> None:
        """Whoever handles it reads the state again, and may find nothing to do."""
        if ref.startswith(BRIEF):
            await self._briefing.brief(key)
        elif ref.startswith(CROWD):
            await self._briefing.tell_of_crowd()
        elif ref.startswith(REMIND):
            await self._reminders.remind(key, ref.split("~")[0].rsplit(":", 1)[-1])
        elif ref.startswith(EXPIRES):
            await self._deadlines.expire(key)
        elif ref.startswith(CHASE) and self._chasing is not None:
            await self._chasing.chase(key)
        elif ref.startswith(COMPACT) and self._compacting is not None:
            await self._compacting.compact(key)
        else:
            log.error("unknown timer", extra={"ref": ref})


class OpenTimers:
    """Timer sources of the reconciler: what must happen although the engine lost its state.

    A timer that is overdue gets a ref of its own in each sweep: its first one may have fired to
    no avail, and would then be taken for done.
    """

    def __init__(
        self,
        clock: Clock,
        remind_after: Sequence[timedelta] = REMIND_AFTER,
        limits: Limits | None = None,
    ) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._remind_after = tuple(remind_after)

    def unbriefed(self, tx: UnitOfWork) -> Iterator[DueTimer]:
        """Open cases whose brief is not posted yet; of a crowd, those whose turn it is."""
        now = self._clock.now()
        cases = tx.escalations.waiting()
        crowd = without_card(cases)
        later = {case.id for case in crowd[CARDS_A_MINUTE:]}
        for case in cases:
            if case.card is None and case.id not in later:
                yield _due(case.id, f"{BRIEF}{case.id}", case.opened_at, now)
        told = tx.outgoing.get(OutgoingId(f"{CROWD}{now:{CROWD_HOUR}}")) is not None
        if later or (told and not crowd):
            yield DueTimer(key="crowd", ref=f"{CROWD}{now:%Y%m%d%H%M}", at=now)

    def unclaimed(self, tx: UnitOfWork) -> Iterator[DueTimer]:
        """Reminders of cases that nobody has claimed."""
        now = self._clock.now()
        for case in tx.escalations.waiting():
            for number, pause in enumerate(self._remind_after, start=1):
                at = case.opened_at + pause
                if at > now + HORIZON or tx.outgoing.get(reminder_row(case, number)) is not None:
                    continue
                yield _due(case.id, remind_ref(case, number), at, now)

    def undecided(self, tx: UnitOfWork) -> Iterator[DueTimer]:
        """Deadlines of proposals that wait for somebody's yes."""
        now = self._clock.now()
        for proposal in tx.proposals.undecided():
            if proposal.expires_at > now + HORIZON:
                return  # and so do all that follow
            yield _due(proposal.id, deadline_ref(proposal), proposal.expires_at, now)

    def unapproved(self, tx: UnitOfWork) -> Iterator[DueTimer]:
        """Reminders of approvals that nobody gives, and their passing on."""
        now = self._clock.now()
        for proposal in tx.proposals.undecided(CHASED):
            for stage, at in due(tx, proposal, self._limits, now + HORIZON):
                yield _due(proposal.id, f"{CHASE}{proposal.id}:{stage}", at, now)


def _due(key: str, ref: str, at: datetime, now: datetime) -> DueTimer:
    again = f"~{now.isoformat()}" if at <= now else ""
    return DueTimer(key=key, ref=f"{ref}{again}", at=at)
