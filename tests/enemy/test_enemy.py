"""The worst enemy tries everything, and an independent judge finds nothing; without the guards it
finds a lot."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.enemy import moves
from tests.enemy.judge import Judge
from tests.enemy.moves import Move
from tests.enemy.play import Play
from tests.enemy.record import Record

ROUNDS = int(os.environ.get("HANDRAIL_CHAOS_ROUNDS", "1"))
GAMES = 60 * ROUNDS
LEAST_ATTEMPTS = 1_000 if ROUNDS == 1 else 10_000


def played(game: list[Move], **town: Any) -> Judge:
    """Plays one game from its first move to the end of all that follows from it."""
    record = Record()
    judge = Judge(record)

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        await Play(judge, record, **town).run(game)

    asyncio.run(run())
    return judge


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of failures are provoked here; their log lines would tell nothing."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.chaos
@pytest.mark.timeout(3_600)
def test_the_enemy_gets_nowhere() -> None:
    attempts = 0
    seen: Counter[str] = Counter()

    @seed(20260304)
    @settings(
        max_examples=GAMES,
        derandomize=ROUNDS == 1,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
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
    assert min(seen["effects"], seen["read"], seen["preview"]) >= GAMES // 4
    assert min(seen["approved"], seen["outcome unknown"]) >= 1
