"""One action's way from the wish to its end, on any store, with one thing going wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from agent_core import presses
from agent_core.blocks import Receipt, ReceiptState
from agent_core.messages import (
    ButtonPressed,
    InboundMessage,
    MessageRef,
    ReplyAddress,
    ThreadRef,
)
from agent_core.ports import Store, UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId
from tests.enemy import cast
from tests.enemy.spies import Life, ToolUse
from tests.enemy.steady import Steady
from tests.enemy.town import Town
from tests.faults.actions import Asked
from tools.accounts.effects import Storage

KEY = ProposalId("proposal_0001")


@dataclass
class Way:
    """`raises` is asked at each use of the tool (`act`, `acted`, `look_up`) for what to raise."""

    asked: Asked
    store: Store
    storage: Storage | None = None
    raises: Callable[[str], Exception | None] = lambda what: None
    uses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.life = Life()
        model = Steady(self.life, self.asked.tool, self.asked.arguments)
        self.town = Town(model, self._used, life=self.life, store=self.store, storage=self.storage)

    async def _used(self, use: ToolUse) -> None:
        self.uses.append(use.what)
        error = self.raises(use.what) if use.context.key else None
        if error is not None:
            raise error

    async def walk(self, spoil: Callable[["Way"], None] = lambda way: None) -> None:
        """Asks, says yes, and lets everything happen that follows; `spoil` comes with the yes."""
        await self.town.open()
        try:
            await self._prepare()
            await self._say()
            spoil(self)
            self.steps_before = self.life.taken
            await self._confirm()
            await self.town.settle()
            self.steps = self.life.taken - self.steps_before
            await self._end()
        finally:
            await self.town.close()

    async def _prepare(self) -> None:
        accounts, now = self.town.accounts, self.town.clock.now()
        account = (await accounts.state(self.asked.account, now)).account
        if self.asked.first is not None:
            await accounts.apply(
                account.id,
                self.asked.first,
                key="else:1",
                expected_version=account.version,
                now=now,
            )
        self.version = (await accounts.state(account.id, now)).account.version

    async def _say(self) -> None:
        room, now = self.asked.room, self.town.clock.now()
        await self.town.receive(
            InboundMessage(
                message=MessageRef(room=room, message_id="m1"),
                thread=ThreadRef(room=room, thread_id="m1"),
                author=cast.someone(self.asked.who),
                text="please do it",
                mentions_agent=True,
                direct=False,
                sent_at=now,
                reply_to=ReplyAddress(room=room, thread_id="m1"),
            )
        )
        await self.town.settle()

    async def _confirm(self) -> None:
        room = self.asked.room
        await self.town.receive(
            ButtonPressed(
                press_id="p1",
                card=MessageRef(room=room, message_id="card"),
                thread=ThreadRef(room=room, thread_id="m1"),
                by=cast.someone(self.asked.who),
                action=presses.CONFIRM,
                value=KEY,
                pressed_at=self.town.clock.now(),
                reply_to=ReplyAddress(room=room, thread_id="m1"),
            )
        )

    async def _end(self) -> None:
        """What is late arrives, and what was lost is found."""
        self.life.steps = None
        self.town.payments.land()
        for _ in range(2):
            self.town.clock.advance(timedelta(minutes=2))
            await self.town.settle()
            await self.town.reconciler.sweep(at_boot=True)
            await self.town.settle()
        self.town.payments.look_up_faults = 0
        self.raises = lambda what: None

    # --- what came of it ----------------------------------------------------------------------

    async def check(self) -> Outcome | None:
        """One effect at most, no receipt that lies, and an end for everybody. The outcome."""
        entry: LedgerEntry | None = await self.town.look(lambda tx: tx.ledger.get(KEY))
        proposal: Proposal | None = await self.town.look(lambda tx: tx.proposals.get(KEY))
        assert proposal is not None and not proposal.status.is_open
        moved = [one for one in self.town.payments.moved if one[1].key == KEY]
        assert len(moved) <= 1, "money moved twice"
        receipts = self._receipts()
        outcome = entry.outcome if entry else None
        happened = bool(moved) or await self._has_changed()
        if entry is None:
            assert not happened and not receipts
            assert self._was_told("Nothing was changed.")
        else:
            assert outcome is not None, "an intent without an end"
            self._check_receipts(receipts, outcome, happened=happened)
        cases = await self.town.look(_has_case(proposal))
        assert cases or outcome is not Outcome.UNKNOWN, "nobody looks into it"
        assert not await self.town.look(lambda tx: list(tx.inbox.unfinished()))
        assert not await self.town.look(lambda tx: list(tx.outgoing.waiting()))
        return outcome

    def _check_receipts(
        self, receipts: list[ReceiptState], outcome: Outcome, *, happened: bool
    ) -> None:
        assert receipts and receipts[-1] == ReceiptState(outcome.value), "nobody was told"
        assert (ReceiptState.SUCCEEDED in receipts) <= happened, "told, and it did not happen"
        denied = {ReceiptState.FAILED, ReceiptState.REFUSED} & set(receipts)
        assert not (denied and happened), "denied, and it did happen"
        if outcome is Outcome.SUCCEEDED:
            assert happened
            assert receipts.count(ReceiptState.SUCCEEDED) == 1

    async def _has_changed(self) -> bool:
        """Whether the account has moved on; by one step, then."""
        now = self.town.clock.now()
        version = (await self.town.accounts.state(self.asked.account, now)).account.version
        assert version - self.version in (0, 1), "two effects"
        applied = await self.town.accounts.look_up(self.asked.account, str(KEY))
        return applied is not None or version != self.version

    def _receipts(self) -> list[ReceiptState]:
        return [
            block.state
            for post in self.town.slack.posts
            for block in post.message.blocks
            if isinstance(block, Receipt) and post.posted.message.room == self.asked.room
        ]

    def _was_told(self, words: str) -> bool:
        return any(
            words in post.message.fallback
            for post in self.town.slack.seen
            if post.address.room == self.asked.room
        )


def _has_case(proposal: Proposal) -> Callable[[UnitOfWork], bool]:
    return lambda tx: tx.escalations.open_in(proposal.conversation_id) is not None
