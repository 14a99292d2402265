"""Repeated deliveries and `kill -9` at the worst moments: one turn, one action, one answer."""

import os
from typing import Any

import pytest

from agent_core.presses import CONFIRM
from playground import people
from tests.scenarios.running_demo import RunningDemo

pytestmark = pytest.mark.chaos
GLOBEX = people.GLOBEX_ROOM.channel_id
GRETA = people.GLOBEX_OWNER.user_id
ROUNDS = range(int(os.environ.get("HANDRAIL_CHAOS_ROUNDS", "1")))
COPIES = 10


@pytest.fixture
def demo(slack_demo: RunningDemo) -> RunningDemo:
    """Each test asks in a thread of its own, for a number of seats that no other test asks for."""
    return slack_demo


HERS = f"author LIKE '%{GRETA}%'"  # the example's turns may still be under way


class Asked:
    """Greta's thread in Globex's channel."""

    def __init__(self, demo: RunningDemo, ts: str) -> None:
        self.demo = demo
        self.ts = ts

    @classmethod
    async def for_seats(cls, demo: RunningDemo, seats: int, *, copies: int = 1) -> "Asked":
        told = await demo.post(
            "/playground/slack/say",
            user_id=GRETA,
            channel_id=GLOBEX,
            text=f"Please add {seats} seats.",
            mention=True,
            copies=copies,
        )
        return cls(demo, told["message"]["ts"])

    async def say(self, text: str, *, copies: int = 1) -> None:
        await self.demo.post(
            "/playground/slack/say",
            user_id=GRETA,
            channel_id=GLOBEX,
            thread_ts=self.ts,
            text=text,
            copies=copies,
        )

    async def posts(self, *texts: str) -> list[dict[str, Any]]:
        """The agent's messages in the thread that hold all these texts."""
        messages = await self.demo.slack_messages(GLOBEX, self.ts)
        return [m for m in messages if m.get("bot_id") and all(t in str(m) for t in texts)]

    async def card(self) -> dict[str, Any]:
        """The one card with a Confirm button, once it is there."""
        (card,) = await self.demo.until(lambda: self.posts(CONFIRM))
        assert isinstance(card, dict)
        return card

    async def confirm(self) -> None:
        card = await self.card()
        buttons = [b for block in card["blocks"] for b in block.get("elements", ())]
        (button,) = [b for b in buttons if CONFIRM in b.get("action_id", "")]
        await self.demo.post(
            "/playground/slack/click",
            user_id=GRETA,
            channel_id=GLOBEX,
            ts=card["ts"],
            action_id=button["action_id"],
            value=button["value"],
        )


async def redeliver_last(demo: RunningDemo) -> None:
    """The newest event of a person once more, ten times at once, each taken."""
    deliveries = (await demo.get("/playground/slack/deliveries"))["deliveries"]
    event = next(
        each
        for each in reversed(deliveries)
        if each["kind"] == "events_api" and f'"user":"{GRETA}"' in each["body"].replace(" ", "")
    )
    told = await demo.post("/playground/slack/redeliver", number=event["number"], copies=COPIES)
    first = told["delivery"]["number"]

    async def taken() -> bool:
        found = (await demo.get("/playground/slack/deliveries"))["deliveries"]
        again = [each for each in found if first <= each["number"] < first + COPIES]
        assert len(again) == COPIES
        return all(each["attempts"] and each["attempts"][-1]["status"] == 200 for each in again)

    await demo.until(taken)


async def test_ten_deliveries_in_parallel_and_across_a_restart(demo: RunningDemo) -> None:
    before = await demo.account("globex")
    charges, turns = len(await demo.effects("charge")), demo.count("hr_turns", HERS)

    asked = await Asked.for_seats(demo, 2, copies=COPIES)
    await asked.card()
    await redeliver_last(demo)
    await demo.kill_worker()
    await redeliver_last(demo)
    await demo.until(demo.is_idle)
    assert demo.count("hr_turns", HERS) == turns + 1
    assert len(await asked.posts("Add 2 seats?")) == 1

    await asked.say("yes", copies=COPIES)
    await demo.until(lambda: asked.posts("Done: Added 2 seats"))
    await redeliver_last(demo)
    await demo.kill_worker()
    await redeliver_last(demo)
    await demo.until(demo.is_idle)

    assert len(await asked.posts("Done: Added 2 seats")) == 1
    assert demo.count("hr_turns", HERS) == turns + 2
    assert (
        len(
            [
                e
                for e in await demo.ledger()
                if e["arguments"].get("seats") == 2 and e["account"] == "globex"
            ]
        )
        == 1
    )
    assert len(await demo.effects("charge")) == charges + 1
    assert (await demo.account("globex")).account.seats == before.account.seats + 2


@pytest.mark.parametrize("round_", ROUNDS)
async def test_killed_between_action_and_answer(demo: RunningDemo, round_: int) -> None:
    seats = 20 + round_
    charges = len(await demo.effects("charge"))
    asked = await Asked.for_seats(demo, seats)
    await asked.card()
    await demo.until(demo.is_idle)
    await demo.post(
        "/playground/slack/faults",
        kind="rate_limited",
        method="chat.postMessage",
        times=1,
        retry_after_seconds=5,
    )

    await asked.confirm()
    await demo.until(lambda: refused_once(demo))
    assert (await demo.ledger())[0]["outcome"] == "succeeded"
    assert await asked.posts(f"Done: Added {seats} seats") == []
    await demo.kill_worker()

    await demo.until(lambda: asked.posts(f"Done: Added {seats} seats"))
    await demo.until(demo.is_idle)
    assert len(await asked.posts(f"Done: Added {seats} seats")) == 1
    assert len(await demo.effects("charge")) == charges + 1


async def refused_once(demo: RunningDemo) -> bool:
    """Whether the armed fault met a post."""
    return not (await demo.get("/playground/slack/faults"))["pending"]


@pytest.mark.parametrize("round_", ROUNDS)
async def test_killed_before_the_payment_services_answer(demo: RunningDemo, round_: int) -> None:
    seats = 60 + round_
    before, charges = await demo.account("globex"), len(await demo.effects("charge"))
    asked = await Asked.for_seats(demo, seats)
    await asked.card()
    await demo.arm_payments(kind="slow_answer", method="POST /v1/charges", delay_seconds=20)

    await asked.confirm()
    await demo.until(lambda: charged(demo, charges))
    assert (await demo.ledger())[0]["outcome"] is None
    await demo.kill_worker()

    await demo.until(lambda: asked.posts(f"Done: Added {seats} seats"))
    await demo.until(demo.is_idle)
    assert len(await asked.posts(f"Done: Added {seats} seats")) == 1
    assert len(await demo.effects("charge")) == charges + 1
    assert (await demo.account("globex")).account.seats == before.account.seats + seats


async def charged(demo: RunningDemo, before: int) -> bool:
    return len(await demo.effects("charge")) > before


async def test_the_payment_services_answer_is_lost(demo: RunningDemo) -> None:
    charges = len(await demo.effects("charge"))
    asked = await Asked.for_seats(demo, 7)
    await asked.card()
    await demo.arm_payments(kind="drop_answer", method="POST /v1/charges")

    await asked.confirm()
    await demo.until(lambda: asked.posts("Done: Added 7 seats"))
    await demo.until(demo.is_idle)
    assert len(await demo.effects("charge")) == charges + 1
