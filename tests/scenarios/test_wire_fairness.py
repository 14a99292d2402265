"""Over the wire: one noisy account, one quiet one, and more requests than the agent can answer."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

from agent_core.escalations import EscalationReason
from agent_core.limits import Limits
from playground import people
from tests.scenarios.wire import Thread, Wire, wired

GLOBEX = people.GLOBEX_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id
NORTHWIND = people.NORTHWIND_ROOM.channel_id
QUIET = people.NORTHWIND_OWNER.user_id
NOISE = 300


def answered(wire: Wire, threads: list[Thread]) -> int:
    """How many of these threads have an answer of the agent."""
    ours = {
        str(message.get("thread_ts"))
        for message in wire.slack.state.channels[GLOBEX].messages.values()
        if message.get("bot_id") or message.get("user") == people.SLACK_BOT_USER_ID
    }
    return sum(thread.ts in ours for thread in threads)


async def test_behind_three_hundred_of_another_account_a_quiet_one_is_among_the_first(
    tmp_path: Path,
) -> None:
    async with wired(tmp_path) as wire:
        wire.slack.say(OWNER, GLOBEX, "hello", mention=True)
        await wire.settled()
        noise = [wire.slack_thread(OWNER, GLOBEX, "list our invoices") for _ in range(NOISE)]
        quiet = wire.slack_thread(QUIET, NORTHWIND, "list our invoices")
        await asyncio.wait_for(_answer(quiet), 60)
        turns = wire.service.turns.view()
        before = answered(wire, noise)
        waiting = await wire.service.store.run(lambda tx: len(tx.inbox.unfinished()))
        assert waiting > NOISE / 2 and before < NOISE / 4, (before, waiting, turns)


async def _answer(thread: Thread) -> str:
    while True:
        try:
            return await thread.until_says("invoice")
        except AssertionError:
            continue


def _few(limits: Limits) -> Limits:
    return replace(limits, turns=1, waiting_of_account=2)


async def test_over_its_bound_an_account_gets_people_and_another_the_agent(tmp_path: Path) -> None:
    async with wired(tmp_path, limits=_few) as wire:
        noise = [wire.slack_thread(OWNER, GLOBEX, "list our invoices") for _ in range(6)]
        quiet = wire.slack_thread(QUIET, NORTHWIND, "list our invoices")
        await quiet.until_says("invoice")
        await wire.settled()
        cases = await wire.service.store.run(lambda tx: list(tx.escalations.waiting()))
        assert cases and {case.reason for case in cases} == {EscalationReason.OVERLOADED}
        assert {case.account_id for case in cases} == {"globex"}
        for thread in noise:
            await wire.until(partial(answered, wire, [thread]))
