"""The service broken on purpose, by name, to see that the judge finds it."""

import asyncio
import os
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

NO_LEDGER_KEY = "a new key at the payment provider for each try"
NO_LOOK_UP = "what may have been posted is posted again without a look"
LOST_ROWS = "a claimed row is forgotten with its turn"
POISON = "poison"  # a message that holds this word ends the process that works on it
SLOW = "slow"  # slow:SECONDS, each answer of the model takes so long
DEAD_MODEL = "the model does not answer"
CLOCK = "clock"  # clock:SECONDS, a machine whose clock is wrong by so much


def break_on_purpose(names: list[str]) -> None:
    """Changes the code of this process, which is a fork that only a test has made."""
    for name in names:
        kind, _, value = name.partition(":")
        if kind == CLOCK:
            _wrong_clock(float(value))
        elif kind == SLOW:
            _slow(float(value))
        else:
            _BREAKS[kind]()


def _no_ledger_key() -> None:
    from tools.accounts import payments

    whole = payments.Payments.charge

    async def charge(self: Any, request: Any) -> Any:
        return await whole(self, replace(request, key=f"{request.key}-{secrets.token_hex(4)}"))

    payments.Payments.charge = charge  # type: ignore[method-assign]


def _no_look_up() -> None:
    from agent_core import delivery

    whole = delivery.Delivery._send

    async def send(self: Any, adapter: Any, job: Any) -> Any:
        return await whole(self, adapter, replace(job, found_started=False))

    delivery.Delivery._send = send  # type: ignore[method-assign]


def _lost_rows() -> None:
    from agent_core import entering

    def forget(tx: Any, services: Any, _conversation: Any, running: Any) -> Any:
        from agent_core.journal import TurnStatus

        turn = tx.turns.take_over(running.id, services.ids.new("token"))
        tx.inbox.finish([row.seq for row in tx.inbox.of_turn(turn.id)])
        tx.turns.close(turn.id, turn.token, TurnStatus.GIVEN_UP)
        raise RuntimeError("the turn is gone")

    def enter(tx: Any, services: Any, conversation_id: Any, *, alone: bool = True) -> Any:
        conversation = tx.conversations.get(conversation_id)
        running = tx.turns.running(conversation_id)
        if conversation is None or running is None:
            return whole(tx, services, conversation_id, alone=alone)
        try:
            return forget(tx, services, conversation, running)
        except RuntimeError:
            return None

    from agent_core import driver

    whole = entering.enter
    driver.enter = enter  # type: ignore[attr-defined]


def _poison() -> None:
    from agent_core.models.planner import PlannerModel

    whole = PlannerModel.reply

    async def reply(self: Any, request: Any) -> Any:
        if POISON in str([one.content for one in request.messages[-3:]]):
            os._exit(139)
        return await whole(self, request)

    PlannerModel.reply = reply  # type: ignore[method-assign]


def _dead_model() -> None:
    from agent_core.errors import ModelUnavailable
    from agent_core.models.planner import PlannerModel

    async def reply(self: Any, request: Any) -> Any:
        raise ModelUnavailable("nobody answers")

    PlannerModel.reply = reply  # type: ignore[method-assign]


def _slow(seconds: float) -> None:
    from agent_core.models.planner import PlannerModel

    whole = PlannerModel.reply

    async def reply(self: Any, request: Any) -> Any:
        await asyncio.sleep(seconds)
        return await whole(self, request)

    PlannerModel.reply = reply  # type: ignore[method-assign]


def _wrong_clock(seconds: float) -> None:
    from agent_core.clock import SystemClock

    whole = SystemClock.now

    def now(self: Any) -> datetime:
        return whole(self) + timedelta(seconds=seconds)

    SystemClock.now = now  # type: ignore[method-assign]


_BREAKS = {
    NO_LEDGER_KEY: _no_ledger_key,
    NO_LOOK_UP: _no_look_up,
    LOST_ROWS: _lost_rows,
    POISON: _poison,
    DEAD_MODEL: _dead_model,
}
