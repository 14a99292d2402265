"""Calls the product's functions when a timer of the engine says so, and lets proposals expire."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from agent_core.chasing import CHASE, Chasing
from agent_core.chasing import due as stages_due
from agent_core.compacting import Compacting
from agent_core.deadlines import EXPIRES, Deadlines, deadline_ref
from agent_core.embedded.desk import APPROVAL, HAND_OVER
from agent_core.errors import HandrailError
from agent_core.escalations import Brief, EscalationId
from agent_core.held import held_case
from agent_core.limits import Limits
from agent_core.messages import OutgoingId
from agent_core.people import AccountId
from agent_core.ports import AccountDirectory, Clock, Store, UnitOfWork
from agent_core.proposals import Proposal, ProposalId, ProposalStatus
from agent_core.reconciler import DueTimer, TimerSource
from agent_core.summing_up import COMPACT

log = logging.getLogger(__name__)

HORIZON: Final = timedelta(minutes=2)
WAITING: Final = 1000  # proposals that are looked after at once
TRANSCRIPT: Final = 200  # entries of a brief, the newest

OnHandOver = Callable[[Brief], Awaitable[None]]
OnApproval = Callable[[Proposal], Awaitable[None]]


class Timers:
    """The handler of TIMER entries: calls the product's functions, and lets proposals expire."""

    def __init__(
        self,
        *,
        store: Store,
        directory: AccountDirectory,
        deadlines: Deadlines,
        chasing: Chasing,
        compacting: Compacting,
        on_hand_over: OnHandOver,
        on_approval: OnApproval | None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._deadlines = deadlines
        self._chasing = chasing
        self._compacting = compacting
        self._on_hand_over = on_hand_over
        self._on_approval = on_approval

    async def fire(self, key: str, ref: str) -> None:
        """Reads the state again, and may find nothing to do. What a callback raises is raised."""
        if ref.startswith(HAND_OVER):
            await self._hand_over(EscalationId(key))
        elif ref.startswith(APPROVAL):
            await self._approval(ProposalId(key))
        elif ref.startswith(EXPIRES):
            await self._deadlines.expire(key)
        elif ref.startswith(CHASE):
            await self._chasing.chase(key)
        elif ref.startswith(COMPACT):
            await self._compacting.compact(key)
        else:
            log.error("unknown timer", extra={"ref": ref})

    async def _hand_over(self, case_id: EscalationId) -> None:
        brief = await self._store.run(lambda tx: _brief(tx, case_id))
        if brief is None:
            return
        lines = await self._account_lines(brief.escalation.account_id)
        await self._on_hand_over(replace(brief, account_lines=lines))
        await self._store.run(lambda tx: _note_told(tx, case_id))

    async def _account_lines(self, account_id: AccountId | None) -> tuple[tuple[str, str], ...]:
        if account_id is None:
            return ()
        try:
            return await self._directory.summary(account_id)
        except HandrailError:
            return (("Account", str(account_id)),)

    async def _approval(self, proposal_id: ProposalId) -> None:
        proposal = await self._store.run(lambda tx: tx.proposals.get(proposal_id))
        if proposal is None or proposal.status is not ProposalStatus.AWAITING_APPROVAL:
            return
        if self._on_approval is not None:
            await self._on_approval(proposal)


def untold(clock: Clock) -> TimerSource:
    """Cases of which nobody was told: the reconciler asks again, each minute, until it worked."""

    def due(tx: UnitOfWork) -> Iterator[DueTimer]:
        now = clock.now()
        for case in tx.escalations.waiting():
            if case.card is None:
                ref = f"{HAND_OVER}{case.id}:again:{now:%Y%m%d%H%M}"
                yield DueTimer(key=str(case.id), ref=ref, at=now)

    return due


def undecided(clock: Clock, limits: Limits) -> TimerSource:
    """Of proposals that wait for a yes: their deadlines, and reminders of those who approve."""

    def due(tx: UnitOfWork) -> Iterator[DueTimer]:
        now = clock.now()
        for proposal in tx.proposals.undecided(WAITING):
            timers = [(deadline_ref(proposal), proposal.expires_at)]
            timers += [
                (f"{CHASE}{proposal.id}:{stage}", at)
                for stage, at in stages_due(tx, proposal, limits, now + HORIZON)
            ]
            for ref, at in timers:
                if at <= now + HORIZON:
                    again = f"~{now.isoformat()}" if at <= now else ""
                    yield DueTimer(key=str(proposal.id), ref=f"{ref}{again}", at=at)

    return due


def _brief(tx: UnitOfWork, case_id: EscalationId) -> Brief | None:
    case = tx.escalations.get(case_id)
    conversation = tx.conversations.get(case.conversation_id) if case else None
    if case is None or conversation is None or not case.status.is_open:
        return None
    return Brief(
        escalation=case,
        account_lines=(),
        room=conversation.room.room_id,
        transcript=tuple(tx.transcript.last(conversation.id, TRANSCRIPT)),
        ledger=tuple(tx.ledger.of_conversation(conversation.id)),
        open_proposals=tuple(tx.proposals.open_in(conversation.id)),
    )


def _note_told(tx: UnitOfWork, case_id: EscalationId) -> None:
    """`card` stands for the first telling, as the first post does in a support room."""
    case = held_case(tx, case_id)
    if case is not None and case.card is None and case.status.is_open:
        told = replace(case, card=OutgoingId(f"told:{case.id}"))
        tx.escalations.save(told, expected=case)
