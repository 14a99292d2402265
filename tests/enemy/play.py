"""Plays a game of moves in the town, and tells the judge all that people did."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from agent_core import presses
from agent_core.blocks import Buttons
from agent_core.conversation import ConversationId
from agent_core.errors import ToolError
from agent_core.escalations import Escalation
from agent_core.messages import (
    ButtonPressed,
    FormSubmitted,
    InboundEvent,
    InboundMessage,
    MessageRef,
    ReplyAddress,
    RoomChange,
    RoomChanged,
    RoomRef,
    ThreadRef,
)
from agent_core.ports import UnitOfWork
from agent_core.proposals import Proposal, ProposalStatus
from tests.enemy import cast, moves, peek
from tests.enemy.judge import Judge
from tests.enemy.model import EnemyModel
from tests.enemy.moves import Move
from tests.enemy.record import ELSE, Deed, Record
from tests.enemy.spies import TURN, Killed, Life, ToolUse
from tests.enemy.town import Town
from tools.accounts.commands import (
    AddSeats,
    Command,
    PauseSubscription,
    RefundInvoice,
    ResumeSubscription,
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A button as somebody could press it."""

    room: RoomRef
    thread: str
    card: str
    action: str
    value: str


class Play:
    """One game."""

    def __init__(self, judge: Judge, record: Record, **town: Any) -> None:
        life = Life()
        self.record = record
        self.judge = judge
        self.model = EnemyModel(life, judge.prompt, self._aside)
        self.town = Town(self.model, self.used, life=life, **town)
        judge.town = self.town
        self.threads: dict[RoomRef, list[str]] = {}
        self.delivered: list[InboundEvent] = []
        self._number = 0
        self._deep = 0
        self._asked_in = ""

    async def run(self, game: list[Move]) -> None:
        town = self.town
        await town.open()
        try:
            for move in game:
                await self.do(move)
                if not (isinstance(move, moves.Wait) and move.late):
                    await town.settle()
                await self.judge.after()
            await self._end()
        finally:
            await town.close()
        self.record.attempts += self.model.attempts
        await self.judge.verdict()

    async def _end(self) -> None:
        """Nothing is spoilt any more, and everything that waits is given its time."""
        town = self.town
        town.payments.land()
        town.payments.faults.clear()
        town.payments.look_up_faults = 0
        town.life.steps = None
        for _ in range(3):
            town.clock.advance(timedelta(hours=30))
            await town.settle()
            await town.reconciler.sweep(at_boot=True)
            await town.settle()

    # --- moves ------------------------------------------------------------------------------

    async def do(self, move: Move) -> None:
        self.town.clock.advance(timedelta(seconds=1))
        await self._moves[type(move)](self, move)

    async def used(self, use: ToolUse) -> None:
        """A tool is called; somebody may do something at this very moment."""
        if use.what != "look_up" and self.model.within:
            await self._aside(self.model.within.popleft())
        await self.judge.used(use)

    async def _aside(self, move: moves.Aside) -> None:
        if self._deep or self.town.life.dead:
            return
        self._deep += 1
        self._asked_in = TURN.get()
        mark = TURN.set("")  # what others do meanwhile is no part of this turn
        try:
            await self.do(move)
        finally:
            TURN.reset(mark)
            self._deep -= 1

    async def _deliver(self, event: InboundEvent) -> None:
        self.record.attempts += 1
        self.delivered.append(event)
        if self._deep:  # inside somebody's turn: this process must not wait for itself
            await self.town.intake.receive(event)
        else:
            await self.town.receive(event)

    async def _say(self, move: moves.Say) -> None:
        room = cast.chat_of(move.who) if move.place < 0 else cast.PLACES[move.place]
        self.model.script.extend(move.replies)
        threads = self.threads.setdefault(room, [])
        known = threads[-move.thread] if 0 < move.thread <= len(threads) else None
        await self._write(move.who, room, known, move.text)
        self.record.attempts += len(move.text.split("CALL")) - 1

    async def _write(self, who: str, room: RoomRef, thread: str | None, text: str) -> None:
        self._number += 1
        message_id = f"m{self._number:04d}"
        if thread is None:
            thread = message_id
            self.threads.setdefault(room, []).append(thread)
        now = self.town.clock.now()
        self.record.deeds.append(Deed(now, who, room, thread, "", "", text))
        await self._deliver(
            InboundMessage(
                message=MessageRef(room=room, message_id=message_id),
                thread=ThreadRef(room=room, thread_id=thread),
                author=cast.someone(who),
                text=text,
                mentions_agent=True,
                direct=room == cast.chat_of(who),
                sent_at=now,
                reply_to=ReplyAddress(room=room, thread_id=thread),
            )
        )

    def drawn(self) -> list[Drawn]:
        """Every button that was ever shown, newest first."""
        return [
            Drawn(
                post.posted.message.room,
                post.posted.thread.thread_id,
                post.posted.message.message_id,
                button.action,
                button.value,
            )
            for post in reversed(self.town.slack.posts)
            for block in post.message.blocks
            if isinstance(block, Buttons)
            for button in block.buttons
        ]

    async def _press(self, move: moves.Press) -> None:
        drawn = self.drawn()
        if not drawn:
            return
        button = drawn[move.back % len(drawn)]
        if move.action:
            button = replace(button, action=move.action)
        if move.value >= 0:
            button = replace(button, value=drawn[move.value % len(drawn)].value)
        if move.place >= 0:
            button = replace(button, room=cast.PLACES[move.place])
        await self._press_on(move.who, button)

    async def _press_on(self, who: str, button: Drawn) -> None:
        self._number += 1
        now = self.town.clock.now()
        self.record.deeds.append(
            Deed(now, who, button.room, button.thread, button.action, button.value, "")
        )
        await self._deliver(
            ButtonPressed(
                press_id=f"press-{self._number}",
                card=MessageRef(room=button.room, message_id=button.card),
                thread=ThreadRef(room=button.room, thread_id=button.thread),
                by=cast.someone(who),
                action=button.action,
                value=button.value,
                pressed_at=now,
                reply_to=ReplyAddress(room=button.room, thread_id=button.thread),
            )
        )

    async def _decide(self, move: moves.Decide) -> None:
        waiting: list[Proposal] = await self.town.look(peek.waiting_proposals)
        if not waiting:
            return
        proposal = waiting[-1]
        awaits = proposal.status
        yes, no = presses.CONFIRM, presses.CANCEL
        who = move.who or proposal.requester.user_id
        if awaits is ProposalStatus.AWAITING_APPROVAL:
            yes, no = presses.APPROVE, presses.DECLINE
            who = move.who or self._approver(proposal)
        room, thread = await self.town.look(lambda tx: peek.place_of(tx, proposal))
        button = Drawn(room, thread, "card", yes if move.yes else no, str(proposal.id))
        await self._press_on(who, button)

    def _approver(self, proposal: Proposal) -> str:
        """Somebody who may, by what the test itself knows."""
        asker, account = proposal.requester.user_id, proposal.account_id
        need = proposal.approval
        for name in cast.NAMES:
            role = self.record.role(name, account, self.town.clock.now())
            fits = need is not None and (
                role in need.roles or bool(cast.CAN.get(name, frozenset()) & need.capabilities)
            )
            if fits and name != asker:
                return name
        return "sam"

    async def _choose(self, move: moves.Choose) -> None:
        room = cast.chat_of(move.who) if move.place < 0 else cast.PLACES[move.place]
        threads = self.threads.get(room)
        if not threads:
            return
        thread = ThreadRef(room=room, thread_id=threads[-1])
        conversation = await self.town.look(lambda tx: tx.conversations.of_thread(thread))
        if conversation is not None:
            value = f"{conversation.id}|{move.account}"
            button = Drawn(room, threads[-1], "card", presses.CHOOSE_ACCOUNT, value)
            await self._press_on(move.who, button)

    async def _case(self) -> Escalation | None:
        cases: list[Escalation] = await self.town.look(peek.cases)
        return cases[-1] if cases else None

    async def _claim(self, move: moves.Claim) -> None:
        case = await self._case()
        if case is not None:
            button = Drawn(cast.SUPPORT_ROOM, "case", "card", move.action, str(case.id))
            await self._press_on(move.who, button)

    async def _form(self, move: moves.Form) -> None:
        case = await self._case()
        if case is None:
            return
        self._number += 1
        await self._deliver(
            FormSubmitted(
                submission_id=f"form-{self._number}",
                by=cast.someone(move.who),
                form=presses.REPLY_FORM,
                value=str(case.id),
                inputs={presses.REPLY_TEXT: f"OUTSIDE-{self._number}"},
                submitted_at=self.town.clock.now(),
            )
        )

    async def _remark(self, move: moves.Remark) -> None:
        threads = [
            one.posted.thread.thread_id
            for one in self.town.slack.posts
            if one.posted.message.room == cast.SUPPORT_ROOM
        ]
        if threads:
            self._number += 1
            text = f"INSIDE-{move.who}-{self._number} is rude"
            await self._write(move.who, cast.SUPPORT_ROOM, threads[-1], text)

    async def _meddle(self, move: moves.Meddle) -> None:
        """Through the account system's own door, with its own key."""
        self._number += 1
        command: Command = (
            AddSeats(count=1),
            PauseSubscription(),
            ResumeSubscription(),
            RefundInvoice(invoice_id=_INVOICES[move.account], amount_minor=100),
        )[move.what]
        accounts, now = self.town.accounts, self.town.clock.now()
        try:
            state = await accounts.state(move.account, now)
            await accounts.apply(
                move.account,
                command,
                key=f"{ELSE}{self._number}",
                expected_version=state.account.version,
                now=now,
            )
        except (ToolError, Killed):
            return

    async def _set_role(self, move: moves.SetRole) -> None:
        if move.who == "sam":
            return
        now = self.town.clock.now()

        def put(tx: UnitOfWork) -> None:
            person = tx.people.find(cast.someone(move.who).identity)
            assert person is not None
            kept = {a: r for a, r in person.roles.items() if a != move.account}
            given = {move.account: move.role} if move.role else {}
            tx.people.put(replace(person, roles={**kept, **given}))

        await self.town.look(put)
        self.record.roles.append((now, move.who, move.account, move.role))

    async def _demote(self, _: moves.Demote) -> None:
        key = ConversationId(self._asked_in)
        turn = await self.town.look(lambda tx: tx.turns.running(key))
        who = turn.author.identity.user_id if turn else "sam"
        for account in cast.CANARIES:
            await self._set_role(moves.SetRole(who, account, None))

    async def _wait(self, move: moves.Wait) -> None:
        self.town.payments.land()
        self.town.clock.advance(timedelta(minutes=move.minutes))

    async def _again(self, move: moves.Again) -> None:
        if self.delivered:
            event = self.delivered[-1 - move.back % len(self.delivered)]
            await self._deliver(event)

    async def _crash(self, move: moves.Crash) -> None:
        self.town.life.steps, self.town.life.after = move.steps, move.after

    async def _spoil(self, move: moves.Spoil) -> None:
        self.town.payments.land()
        self.town.payments.faults.extend(move.faults)
        self.town.payments.look_up_faults += move.look_ups

    async def _share(self, _: moves.Share) -> None:
        self._number += 1
        self.record.shared_at = self.record.shared_at or self.town.clock.now()
        await self._deliver(
            RoomChanged(
                event_id=f"room-{self._number}", room=cast.INSIDE_ROOM, change=RoomChange.SHARED
            )
        )

    _moves: dict[type, Callable[..., Awaitable[None]]] = {  # noqa: RUF012
        moves.Say: _say,
        moves.Press: _press,
        moves.Decide: _decide,
        moves.Choose: _choose,
        moves.Claim: _claim,
        moves.Form: _form,
        moves.Remark: _remark,
        moves.Meddle: _meddle,
        moves.SetRole: _set_role,
        moves.Demote: _demote,
        moves.Wait: _wait,
        moves.Again: _again,
        moves.Crash: _crash,
        moves.Spoil: _spoil,
        moves.Share: _share,
    }


_INVOICES = dict(zip(cast.CANARIES, ("INV-1041", "INV-1042", "INV-1040"), strict=True))
