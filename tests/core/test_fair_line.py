"""The line of turns: no share starves another, none is lost, and no place is."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.fair_line import FairLine


class Shop:
    """People of several shares in a line; a test lets them out one by one."""

    def __init__(self, line: FairLine) -> None:
        self.line = line
        self.inside: list[tuple[str, asyncio.Event]] = []
        self.served: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def comes(self, share: str, times: int = 1) -> None:
        self.tasks += [asyncio.create_task(self._visit(share)) for _ in range(times)]

    async def _visit(self, share: str) -> None:
        async with self.line.place(share):
            self.served.append(share)
            out = asyncio.Event()
            self.inside.append((share, out))
            await out.wait()

    async def one_leaves(self, which: int = 0) -> None:
        _, out = self.inside.pop(which % len(self.inside))
        out.set()
        await still()

    async def all_leave(self) -> None:
        while self.inside:
            await self.one_leaves()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def still() -> None:
    """Until nobody moves any more."""
    for _ in range(4):
        await asyncio.sleep(0)


async def test_a_quiet_share_is_next_behind_three_hundred_of_another() -> None:
    shop = Shop(FairLine(8))
    shop.comes("noisy", 300)
    await still()
    shop.comes("quiet")
    await still()
    await shop.one_leaves()
    assert shop.served[8:] == ["quiet"]
    await shop.all_leave()
    assert Counter(shop.served) == {"noisy": 300, "quiet": 1}


async def test_while_others_wait_a_share_gets_no_more_than_its_part() -> None:
    shop = Shop(FairLine(4, part=0.5))
    shop.comes("slow", 10)
    await still()
    shop.comes("quick", 10)
    await still()
    for _ in range(6):  # the slow ones that were first stay; all others leave at once
        quick = next((n for n, (share, _) in enumerate(shop.inside) if share == "quick"), 0)
        await shop.one_leaves(quick)
    assert Counter(share for share, _ in shop.inside)["slow"] <= 3
    assert shop.served.count("quick") >= 5
    await shop.all_leave()


async def test_alone_a_share_has_every_place() -> None:
    shop = Shop(FairLine(4, part=0.25))
    shop.comes("only", 6)
    await still()
    assert len(shop.inside) == 4
    await shop.all_leave()


async def test_who_is_sent_away_takes_no_place_with_them() -> None:
    line = FairLine(1)
    shop = Shop(line)
    shop.comes("a", 3)
    await still()
    line.send_away()
    await still()
    assert [task.cancelled() for task in shop.tasks] == [False, True, True]
    await shop.all_leave()
    async with asyncio.timeout(1), line.place("b"):
        assert line.view().running == 1
    assert (line.view().running, line.view().waiting) == (0, 0)


async def test_who_is_cut_off_in_the_moment_of_being_served_gives_the_place_back() -> None:
    line = FairLine(1)
    shop = Shop(line)
    shop.comes("a", 2)
    await still()
    _, out = shop.inside.pop()
    out.set()
    await asyncio.sleep(0)  # the first leaves; the second is served and has not yet moved
    shop.tasks[1].cancel()
    await still()
    assert line.view().running == 0


def test_a_line_has_a_place() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FairLine(0)


@settings(max_examples=60, deadline=None)
@given(
    places=st.integers(1, 5),
    part=st.sampled_from([0.25, 0.5, 1.0]),
    waiting=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_no_share_waits_while_others_are_served_again_and_again(
    places: int, part: float, waiting: list[int], order: object
) -> None:
    async def play() -> None:
        line = FairLine(places, part=part)
        shop = Shop(line)
        shares = [f"share{n}" for n in range(len(waiting))]
        arrivals = [
            share for share, times in zip(shares, waiting, strict=True) for _ in range(times)
        ]
        order.shuffle(arrivals)  # type: ignore[attr-defined]
        for share in arrivals:
            shop.comes(share)
        await still()
        most = max(1, int(places * part))
        left = Counter(arrivals) - Counter(shop.served)
        since = dict.fromkeys(left, 0)
        while shop.inside:
            before = len(shop.served)
            await shop.one_leaves(order.randrange(len(shop.inside)))  # type: ignore[attr-defined]
            for share in shop.served[before:]:
                left[share] -= 1
                since[share] = 0
                inside = Counter(name for name, _ in shop.inside)
                for other, count in left.items():
                    if count and other != share and inside[other] < most:
                        since[other] += 1
                        assert since[other] <= len(shares), "starved"
                    elif other != share:
                        since[other] = 0
        await asyncio.gather(*shop.tasks)
        assert Counter(shop.served) == Counter(arrivals)
        assert (line.view().running, line.view().waiting) == (0, 0)

    asyncio.run(play())
