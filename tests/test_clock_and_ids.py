"""Times are aware and move on; identifiers are unguessable, sorted by time, or counted."""

from datetime import UTC, datetime, timedelta

import pytest

from agent_core.clock import ManualClock, SystemClock
from agent_core.ids import SequenceIds, SystemIds


def test_the_system_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_manual_clock_moves_on_only() -> None:
    clock = ManualClock()
    before = clock.now()
    assert clock.advance(timedelta(seconds=1)) == before + timedelta(seconds=1)
    with pytest.raises(ValueError):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError):
        clock.set(datetime(2026, 1, 1))  # noqa: DTZ001


def test_identifiers_sort_by_the_time_they_were_made() -> None:
    moments = iter(range(1_700_000_000_000, 1_700_000_000_100))
    ids = SystemIds(lambda: next(moments))
    made = [ids.new("con") for _ in range(100)]
    assert made == sorted(made)
    assert all(one.startswith("con_") and len(one) == 30 for one in made)


def test_identifiers_of_one_moment_differ_in_eighty_bits() -> None:
    ids = SystemIds(lambda: 7)
    made = {ids.new("con") for _ in range(1000)}
    assert len(made) == 1000
    assert {len(set(column)) > 10 for column in zip(*(one[-16:] for one in made), strict=True)} == {
        True
    }


def test_counted_identifiers_count_by_kind() -> None:
    ids = SequenceIds()
    assert [ids.new("a"), ids.new("b"), ids.new("a")] == ["a_0001", "b_0001", "a_0002"]
