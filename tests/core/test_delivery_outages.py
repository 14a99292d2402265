"""A platform that takes nothing: rows wait without using up tries, and go out in order later."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest

from agent_core.breaker import BreakerRules, BreakerState
from agent_core.delivery import AT_ONCE, Delivery
from agent_core.delivery_outages import LONG_SECONDS, Outages
from agent_core.delivery_pace import Pace
from agent_core.errors import DestinationGone, LimitedMidway, PlatformUnavailable, RateLimited
from agent_core.messages import DestinationId, OutgoingId, Platform, RoomRef
from agent_core.outgoing import Destination, OutgoingStatus
from agent_core.ports import UnitOfWork
from tests.builders import a_destination, an_outgoing_row
from tests.core.test_delivery import SUPPORT, Faulty, Works

T = TypeVar("T")
RULES = BreakerRules(failures=3, window=10_000.0, rest=5.0, longest_rest=60.0)


class Grudging(Faulty):
    """Takes one post of four, and calls the others too many."""

    async def post(self, address, message, outgoing_id):
        if self.calls % 4 != 3:
            self.faults.append(RateLimited("slow", retry_after_seconds=30))
        return await super().post(address, message, outgoing_id)


class Midway(Faulty):
    """Takes the first part of a message, and says of the next one that it is one too many."""

    limits = 1000

    async def post(self, address, message, outgoing_id):
        if not self.limits:
            return await super().post(address, message, outgoing_id)
        self.calls, self.limits = self.calls + 1, self.limits - 1
        raise LimitedMidway("slow", retry_after_seconds=30)


@dataclass
class Cut(Works):
    """Works whose outages follow its own clock."""

    told: list[tuple[RoomRef, int]] = field(default_factory=list)
    told_of_refusals: list[tuple[RoomRef, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outages = Outages(
            self._tell,
            tell_of_refusals=self._tell_of_refusals,
            rules=RULES,
            seconds=lambda: self.clock.now().timestamp(),
        )
        super().__post_init__()

    def _tell_of_refusals(self, _tx: UnitOfWork, room: RoomRef, minutes: int) -> None:
        self.told_of_refusals.append((room, minutes))

    def _tell(self, _tx: UnitOfWork, room: RoomRef, minutes: int) -> None:
        self.told.append((room, minutes))

    def process(self, holder: str, pace: Pace | None = None) -> Delivery:
        return Delivery(
            store=self.store,
            engine=self.engine,
            adapters={Platform.SLACK: self.slack},
            clock=self.clock,
            holder=holder,
            pace=pace or Pace({}),
            undeliverable=self._undeliverable,
            outages=self.outages,
        )

    def out_for(self, calls: int) -> None:
        self.slack.faults.extend([PlatformUnavailable("down")] * calls)


@pytest.fixture
async def works() -> AsyncIterator[Cut]:
    works = Cut()
    await works.open()
    yield works
    await works.engine.drain(1)
    await works.delivery.stop(1)


async def until_open(works: Cut) -> None:
    works.out_for(3)
    await works.send("a", created_at=works.clock.now())
    await works.settle()
    for _ in range(2):
        await works.later(seconds=10)
    assert works.outages.views()[0].state is BreakerState.OPEN


async def test_rows_wait_without_tries_and_go_out_in_order(works: Cut) -> None:
    await until_open(works)
    calls = works.slack.calls
    for row_id in ("b", "c"):
        await works.send(row_id)
    await works.send("for support", destination=SUPPORT)
    await works.settle()
    assert works.slack.calls == calls and (await works.row("for support")).attempts == 0
    for _ in range(6):
        await works.later(seconds=10)
    assert works.slack.texts("thread-1") in (["a", "b", "c"], [])
    assert sorted(works.slack.texts()) == ["a", "b", "c", "for support"]
    assert [text for text in works.slack.texts() if text in "abc"] == ["a", "b", "c"]
    assert works.undelivered == [] and works.outages.views()[0].state is BreakerState.CLOSED


async def test_one_at_a_time_tries_whether_it_answers_again(works: Cut) -> None:
    await until_open(works)
    works.out_for(100)
    for number in range(20):
        await works.send(f"row {number}", destination=SUPPORT)
    calls = works.slack.calls
    for _ in range(4):
        await works.later(seconds=5)
    assert works.slack.calls - calls <= 2


async def test_what_waits_for_an_outage_to_end_is_in_nobodys_way(works: Cut) -> None:
    await until_open(works)
    await works.send("for support", destination=SUPPORT)
    await works.settle()
    now = works.clock.now()
    # Each look would set one more timer for each of them, and see no further than the first ones.
    assert await works.store.run(lambda tx: tx.outgoing.unattended(now)) == []
    assert (await works.row("for support")).attempts == 0


async def test_of_a_long_outage_people_are_told(works: Cut) -> None:
    await until_open(works)
    await works.send("for support", destination=SUPPORT)
    works.out_for(3)
    await works.later(seconds=5)
    assert works.told == []
    for _ in range(int(LONG_SECONDS / 50) + 2):
        works.out_for(1)
        await works.later(seconds=50)
    assert works.told and works.told[0][1] >= 10
    assert works.undelivered == []
    works.slack.faults.clear()
    await works.later(seconds=60)
    assert sorted(works.slack.texts()) == ["a", "for support"]


@pytest.mark.parametrize("seconds", [1.0, 30.0, 86_400.0])
async def test_of_a_platform_that_refuses_for_long_people_are_told(
    works: Cut, seconds: float
) -> None:
    works.slack.faults.extend([RateLimited("slow", retry_after_seconds=seconds)] * 1000)
    await works.send("a", created_at=works.clock.now())
    await works.settle()
    began = works.clock.now()
    while (works.clock.now() - began).total_seconds() < LONG_SECONDS - 60:
        await works.later(seconds=60)
    assert works.told_of_refusals == []
    for _ in range(7):  # it is asked at least each five minutes
        await works.later(seconds=60)
    room, minutes = works.told_of_refusals[0]
    assert room == a_destination().address.room and 10 <= minutes <= 16
    for _ in range(12):
        await works.later(hours=1)
    assert works.undelivered == [] and works.told == []
    works.slack.faults.clear()
    await works.later(minutes=6)
    assert works.slack.texts() == ["a"]


async def test_of_a_room_that_is_only_paced_nobody_is_told(works: Cut) -> None:
    works.slack = Grudging()
    works.delivery = works.process("one")
    for number in range(40):  # all wait from the first minute on
        await works.send(f"row {number}", created_at=works.clock.now())
    await works.settle()
    for _ in range(160):
        await works.later(seconds=31)
    assert len(works.slack.texts()) == 40
    assert works.told_of_refusals == []


@pytest.mark.parametrize("between", ["a restart", "server errors", "a breaker"])
async def test_since_when_it_refuses_is_known_after(works: Cut, between: str) -> None:
    slow, down = RateLimited("slow", retry_after_seconds=30), PlatformUnavailable("down")
    works.slack.faults.extend([slow] * 10)
    await works.send("a", created_at=works.clock.now())
    for _ in range(9):
        await works.later(seconds=31)
    assert works.told_of_refusals == []
    if between == "a restart":
        await works.delivery.stop(1)
        works.delivery = works.process("one")
    else:
        works.slack.faults.extend([down] * (2 if between == "server errors" else 4))
    works.slack.faults.extend([slow] * 100)
    for _ in range(20):
        await works.later(seconds=31)
    assert works.told_of_refusals and works.told_of_refusals[0][1] < 13
    assert works.undelivered == []


async def test_after_a_day_a_person_is_told_of_each_message(works: Cut) -> None:
    await until_open(works)
    works.out_for(1000)
    for _ in range(20):
        await works.later(minutes=30)
    assert works.undelivered == []
    for _ in range(60):
        await works.later(minutes=30)
    assert works.undelivered == [("a", "failed")]


async def test_after_a_day_that_is_so_for_each_of_many_at_once(works: Cut) -> None:
    """One try a minute is all that an outage leaves: by tries, the last would wait for days."""
    await until_open(works)
    works.out_for(10_000)
    places = [replace(a_destination(), id=DestinationId(f"place {n}")) for n in range(30)]

    def queue(tx: UnitOfWork) -> None:
        for number, place in enumerate(places):
            tx.outgoing.put_destination(place)
            for each in "ab":
                row = an_outgoing_row(
                    f"row {number}{each}", destination=place.id, created_at=works.clock.now()
                )
                works.delivery.queue(tx, row)

    await works.store.run(queue)
    await works.send(
        "for support", destination=SUPPORT, conversation_id=None, created_at=works.clock.now()
    )
    for _ in range(23):
        await works.later(hours=1)
    assert works.undelivered == []
    works.clock.advance(timedelta(hours=1))
    for _ in range(30):
        await works.later(seconds=20)
    assert len(works.undelivered) == 61 and {end for _, end in works.undelivered} == {"failed"}
    works.slack.faults.clear()
    await works.later(minutes=6)
    assert works.slack.texts() == ["for support"]  # support's own is never given up


async def test_what_waited_while_we_were_down_ourselves_is_sent(works: Cut) -> None:
    await until_open(works)
    works.clock.advance(timedelta(days=2))
    works.outages = Outages(rules=RULES, seconds=lambda: works.clock.now().timestamp())
    works.delivery = works.process("one")
    works.out_for(4)  # for a moment, as we come back
    for _ in range(6):
        await works.later(minutes=2)
    assert works.undelivered == [] and works.slack.texts() == ["a"]


async def test_what_is_refused_for_a_day_as_one_too_many_is_told_of_too(works: Cut) -> None:
    works.slack.faults.extend([RateLimited("slow", retry_after_seconds=30)] * 1000)
    await works.send("a", created_at=works.clock.now())
    for _ in range(23):
        await works.later(hours=1)
    assert works.undelivered == []
    await works.later(hours=1)
    assert works.undelivered == [("a", "failed")]


@pytest.mark.parametrize("answers", ["slow", "out"])
async def test_what_was_put_off_often_is_not_given_up_at_the_next_stumble(
    works: Cut, answers: str
) -> None:
    slow, down = RateLimited("slow", retry_after_seconds=1), PlatformUnavailable("down")
    put_off = [slow] * 10 if answers == "slow" else [down] * 10 + [slow]  # up again, but slow
    works.slack.faults.extend([*put_off, down])
    await works.send("a", created_at=works.clock.now())
    await works.settle()
    for _ in range(15):
        await works.later(seconds=61)
    assert works.undelivered == [] and works.slack.texts() == ["a"]


async def test_a_platform_that_goes_on_refusing_is_asked_ever_more_rarely(works: Cut) -> None:
    """It may say each time that a second is enough, and to each of a thousand threads."""
    works.slack.faults.extend([RateLimited("slow", retry_after_seconds=1)] * 10_000)
    await works.send("a", created_at=works.clock.now())
    asked = list[int]()
    for _ in range(4):
        before = works.slack.calls
        for _ in range(180):
            await works.later(seconds=5)
        asked.append(works.slack.calls - before)
    assert asked[0] <= 45 and all(calls in range(12, 17) for calls in asked[1:])
    works.slack.faults.clear()
    await works.later(seconds=61)  # no row waits longer than for an outage to end
    assert works.slack.texts() == ["a"]


async def test_while_a_try_hangs_the_others_do_not_look_again_and_again(works: Cut) -> None:
    await until_open(works)
    for _ in range(4):
        works.out_for(1)
        await works.later(seconds=61)
    for number in range(20):
        place = replace(a_destination(), id=DestinationId(f"place {number}"))
        await works.store.run(partial(_furnish, place))
        await works.send(f"row {number}", destination=place.id, created_at=works.clock.now())
    await works.settle()
    works.slack.called.clear()
    works.slack.open.clear()
    works.clock.advance(timedelta(seconds=61))
    await works.slack.called.wait()  # one of them tries, and gets no answer
    await works.engine.idle()
    looks, run = [0], works.store.run

    async def counting(fn: Callable[[UnitOfWork], T]) -> T:
        looks[0] += 1
        return await run(fn)

    works.store.run = counting  # type: ignore[method-assign]
    for _ in range(10):
        works.clock.advance(timedelta(seconds=3))
        await works.engine.idle()
        for _ in range(500):
            await asyncio.sleep(0)
    works.store.run = run  # type: ignore[method-assign]
    assert looks[0] <= 20 * 4  # a look is one transaction, and one more to come back
    works.slack.open.set()
    for _ in range(3):
        await works.later(seconds=61)
    assert len(works.slack.posts) == 21


def _furnish(place: Destination, tx: UnitOfWork) -> None:
    tx.outgoing.put_destination(place)


async def test_a_limit_in_the_middle_of_a_message_is_no_outage(works: Cut) -> None:
    """A long message is several posts in one moment, and so the likeliest to be cut short."""
    works.slack = Midway()
    works.delivery = works.process("one")
    await works.send("a", created_at=works.clock.now())
    for _ in range(5):
        await works.settle()
        assert (await works.row("a")).status is OutgoingStatus.STARTED  # a part of it is out
        await works.later(seconds=29)
        assert works.slack.calls <= 5
        await works.later(seconds=2)
    assert works.outages.views()[0].state is BreakerState.CLOSED and works.slack.calls == 6
    for _ in range(20):
        await works.later(seconds=31)
    assert works.told_of_refusals and works.undelivered == []
    works.slack.limits = 0
    await works.later(seconds=61)
    assert works.slack.texts() == ["a"]


@pytest.mark.parametrize(
    "answer", [RateLimited("slow", retry_after_seconds=1), DestinationGone("archived")]
)
async def test_a_platform_that_says_no_is_up(works: Cut, answer: Exception) -> None:
    works.slack.faults.extend([answer] * 6)  # type: ignore[list-item]
    for number in range(6):
        await works.send(f"row {number}")
        await works.later(seconds=2)
    assert works.outages.views()[0].state is BreakerState.CLOSED


async def test_few_are_sent_to_at_once_however_many_wait(works: Cut) -> None:
    works.slack.open.clear()
    places = [replace(a_destination(), id=DestinationId(f"place {n}")) for n in range(200)]

    def queue(tx: UnitOfWork) -> None:
        for number, place in enumerate(places):
            tx.outgoing.put_destination(place)
            row = an_outgoing_row(f"row {number}", destination=place.id)
            works.delivery.queue(tx, row)

    await works.store.run(queue)
    await works.slack.called.wait()
    for _ in range(2000):
        await asyncio.sleep(0)
    assert await works.store.run(_started) == AT_ONCE
    works.slack.open.set()
    await works.settle()
    assert len(works.slack.posts) == 200


def _started(tx: UnitOfWork) -> int:
    rows = [tx.outgoing.get(OutgoingId(f"row {number}")) for number in range(200)]
    return sum(row is not None and row.status is OutgoingStatus.STARTED for row in rows)


async def test_a_tenant_that_hangs_does_not_hold_up_another(works: Cut) -> None:
    works.slack.open.clear()

    def queue(place: str, number: int, tx: UnitOfWork) -> None:
        destination = replace(a_destination(), id=DestinationId(f"thread:{place}/C#{number}"))
        tx.outgoing.put_destination(destination)
        row = an_outgoing_row(f"{place} {number}", destination=destination.id)
        works.delivery.queue(tx, row)

    for number in range(100):
        await works.store.run(partial(queue, "slack:T1", number))
    await works.slack.called.wait()
    for number in range(3):
        await works.store.run(partial(queue, "slack:T2", number))
    works.slack.open.set()
    await works.settle()
    order = [str(post.outgoing_id) for post in works.slack.posts]
    assert max(order.index(f"slack:T2 {n}") for n in range(3)) < AT_ONCE + 10
