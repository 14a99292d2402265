"""One refund that waits for an approver, on any store, and all who may interfere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from agent_core import presses
from agent_core.blocks import Receipt, ReceiptState
from agent_core.messages import (
    ButtonPressed,
    InboundMessage,
    MessageRef,
    Participant,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.people import Capability, Person, PersonId
from agent_core.ports import Answer, Store, UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId, ProposalStatus
from tests.enemy import cast
from tests.enemy.spies import Life, ToolUse
from tests.enemy.steady import Steady
from tests.enemy.town import Town
from tools.accounts.commands import RefundInvoice
from tools.accounts.seed import NORTHWIND

INVOICE, CENTS = "INV-1042", 20_001  # just above what needs an approver
KEY = ProposalId("proposal_0001")


class Scene:
    """Olive of Northwind has asked for a refund and said yes; now an approver must."""

    def __init__(self, store: Store) -> None:
        life = Life()
        model = Steady(life, "refund_invoice", {"invoice": INVOICE, "amount_minor": CENTS})
        self.life = life
        self.town = Town(model, self._used, life=life, store=store)
        self.at_step: dict[int, Callable[[], Awaitable[None]]] = {}
        self._steps = 0
        self._presses = 0

    async def _used(self, use: ToolUse) -> None:
        await self.step()

    async def step(self) -> None:
        """A moment between two things that the worker does; a rival may have it."""
        self._steps += 1
        rival = self.at_step.pop(self._steps, None)
        if rival is not None:
            await rival()

    async def begin(self) -> None:
        await self.town.open()
        await self.says("olive", "refund it please")
        await self.press("olive", presses.CONFIRM)
        await self.town.settle()
        assert (await self.proposal()).status is ProposalStatus.AWAITING_APPROVAL
        self._steps = 0

    # --- what people do -----------------------------------------------------------------------

    async def says(self, who: str, text: str) -> None:
        room, now = cast.NORTHWIND_ROOM, self.town.clock.now()
        await self.town.receive(
            InboundMessage(
                message=MessageRef(room=room, message_id="m1"),
                thread=ThreadRef(room=room, thread_id="m1"),
                author=cast.someone(who),
                text=text,
                mentions_agent=True,
                direct=False,
                sent_at=now,
                reply_to=ReplyAddress(room=room, thread_id="m1"),
            )
        )
        await self.town.settle()

    async def press(
        self,
        who: str | Participant,
        action: str,
        value: str = KEY,
        room: RoomRef = cast.NORTHWIND_ROOM,
    ) -> Answer:
        self._presses += 1
        by = cast.someone(who) if isinstance(who, str) else who
        return await self.town.intake.receive(
            ButtonPressed(
                press_id=f"p{self._presses}",
                card=MessageRef(room=room, message_id="card"),
                thread=ThreadRef(room=room, thread_id="m1"),
                by=by,
                action=action,
                value=value,
                pressed_at=self.town.clock.now(),
                reply_to=ReplyAddress(room=room, thread_id="m1"),
            )
        )

    async def approve(self) -> None:
        await self.press("sue", presses.APPROVE, room=cast.SUPPORT_ROOM)

    async def cancel(self) -> None:
        await self.press("olive", presses.CANCEL)

    async def decline(self) -> None:
        await self.press("abe", presses.DECLINE, room=cast.SUPPORT_ROOM)

    async def expire(self) -> None:
        """The timer of a proposal whose time has come."""
        proposal = await self.proposal()
        if self.town.clock.now() < proposal.expires_at:
            self.town.clock.set(proposal.expires_at)
        await self.town.timers.fire(str(KEY), f"expire:{KEY}")

    async def change_the_account(self) -> None:
        """Somebody refunds a part of the same invoice elsewhere."""
        now = self.town.clock.now()
        state = await self.town.accounts.state(NORTHWIND, now)
        await self.town.accounts.apply(
            NORTHWIND,
            RefundInvoice(invoice_id=INVOICE, amount_minor=100),
            key="else:1",
            expected_version=state.account.version,
            now=now,
        )

    async def claim(self) -> None:
        """Somebody calls support, and a support person takes the conversation."""
        talk = (await self.proposal()).conversation_id
        await self.press("olive", presses.ASK_SUPPORT, value=talk)
        case = await self.town.look(lambda tx: tx.escalations.open_in(talk))
        await self.press("sue", presses.CLAIM, value=str(case.id), room=cast.SUPPORT_ROOM)

    async def take_the_role(self) -> None:
        """An operator takes Olive's role away."""
        await self._put_person("olive", roles={})

    async def take_the_capability(self) -> None:
        """An operator takes Sue's right to approve away."""
        await self._put_person("sue", capabilities=frozenset({Capability.SUPPORT}))

    async def _put_person(self, name: str, **changes: object) -> None:
        def put(tx: UnitOfWork) -> None:
            tx.people.put(replace(cast.person(name), **changes))  # type: ignore[arg-type]

        await self.town.look(put)

    async def invite(self, count: int) -> list[Participant]:
        """So many people who may approve, every second of them only by looks."""
        people = [
            Participant(
                identity=replace(cast.someone("sue").identity, user_id=f"u{n}"), name=f"U{n}"
            )
            for n in range(count)
        ]

        def put(tx: UnitOfWork) -> None:
            for number, one in enumerate(people):
                can = {Capability.APPROVER} if number % 2 else {Capability.STAFF}
                tx.people.put(
                    Person(
                        id=PersonId(f"person-u{number}"),
                        name=one.name,
                        identities=(one.identity,),
                        capabilities=frozenset(can),
                    )
                )

        await self.town.look(put)
        return people

    # --- what came of it ----------------------------------------------------------------------

    async def proposal(self) -> Proposal:
        found: Proposal | None = await self.town.look(lambda tx: tx.proposals.get(KEY))
        assert found is not None
        return found

    async def entry(self) -> LedgerEntry | None:
        found: LedgerEntry | None = await self.town.look(lambda tx: tx.ledger.get(KEY))
        return found

    def moved(self) -> int:
        """How often money moved for Olive's request."""
        return sum(request.key == KEY for _, request in self.town.payments.moved)

    def receipts(self) -> list[ReceiptState]:
        return [
            block.state
            for post in self.town.slack.posts
            for block in post.message.blocks
            if isinstance(block, Receipt)
        ]

    async def check(self) -> bool:
        """It was done once with a receipt, or never without one. True where it was done."""
        await self.town.settle()
        await self.town.reconciler.sweep(at_boot=True)
        await self.town.settle()
        if (await self.proposal()).status.is_open:  # nobody has decided, so its time runs out
            await self.expire()
            await self.town.settle()
        proposal, entry = await self.proposal(), await self.entry()
        done = self.moved()
        assert (proposal.status is ProposalStatus.CONSUMED) == (entry is not None)
        outcome = entry.outcome if entry else None
        assert done == (outcome is Outcome.SUCCEEDED)
        assert self.receipts() == ([ReceiptState(outcome.value)] if outcome else [])
        assert not await self.town.look(lambda tx: list(tx.inbox.unfinished()))
        assert not proposal.status.is_open
        if done:
            assert proposal.approved_at is not None and proposal.approver_name
        return bool(done)


@asynccontextmanager
async def scene_on(store: Store) -> AsyncIterator[Scene]:
    scene = Scene(store)
    await scene.begin()
    try:
        yield scene
    finally:
        await scene.town.close()
        await store.close()


async def both(one: Awaitable[object], other: Awaitable[object]) -> None:
    """At the same time."""
    await asyncio.gather(one, other)
