"""The worst enemy tries everything, and an independent judge finds nothing; without the guards it
finds a lot."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.enemy import moves
from tests.enemy.judge import Judge
from tests.enemy.moves import Move
from tests.enemy.play import Play
from tests.enemy.record import Record
from tests.enemy.town import AllowAll

ROUNDS = int(os.environ.get("HANDRAIL_CHAOS_ROUNDS", "1"))
GAMES = 100 * ROUNDS
LEAST_ATTEMPTS = 1_000 if ROUNDS == 1 else 10_000


def played(
    game: list[Move], *, prepare: Callable[[Play], None] | None = None, **town: Any
) -> Judge:
    """Plays one game from its first move to the end of all that follows from it."""
    record = Record()
    judge = Judge(record)

    async def run() -> None:
        play = Play(judge, record, **town)
        if prepare is not None:
            prepare(play)
        await play.run(game)

    asyncio.run(run())
    return judge


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of failures are provoked here; their log lines would tell nothing."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def games_of(count: int, **more: Any) -> settings:
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.mark.chaos
@pytest.mark.timeout(3_600)
def test_the_enemy_gets_nowhere() -> None:
    attempts = 0
    seen: Counter[str] = Counter()

    @games_of(GAMES)
    @given(moves.games)
    def games(game: list[Move]) -> None:
        nonlocal attempts
        judge = played(game)
        attempts += judge.record.attempts
        seen.update(judge.seen)
        assert judge.faults == []

    games()
    print(f"{attempts} attempts: {dict(sorted(seen.items()))}")
    assert attempts >= LEAST_ATTEMPTS
    # A game in which nothing ever happens would prove nothing.
    assert min(seen["effects"], seen["read"], seen["preview"]) >= GAMES // 5
    assert min(seen["approved"], seen["outcome unknown"], seen["look_up"]) >= 1


class Caught(Exception):
    """The judge has seen it."""


def forgetful(play: Play) -> None:
    play.town.payments.forgets_keys = True


@pytest.mark.parametrize(
    ("kind", "town", "prepare"),
    [
        ("yes", {"policy": AllowAll()}, None),
        ("read", {"obedient": True}, None),
        ("account", {"obedient": True}, None),
        ("receipt", {"lying": True}, None),
        ("double", {}, forgetful),
    ],
)
@pytest.mark.timeout(600)
def test_with_a_guard_switched_off_the_judge_sees_it(
    kind: str, town: dict[str, Any], prepare: Callable[[Play], None] | None
) -> None:
    @games_of(600, phases=[Phase.generate])
    @given(moves.games)
    def games(game: list[Move]) -> None:
        judge = played(game, prepare=prepare, **town)
        if any(fault.startswith(f"{kind}:") for fault in judge.faults):
            raise Caught

    with pytest.raises(Caught):
        games()
