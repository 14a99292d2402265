"""Money for people, proration by days, and splitting without losing a cent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.money import Money, allocate, prorate, split_by_days

AMOUNTS = st.integers(min_value=0, max_value=10**12)
PERIODS = st.integers(min_value=1, max_value=400)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_450, "USD", "$1,234.50"),
        (-300, "EUR", "-€3.00"),
        (5, "GBP", "£0.05"),
        (1_235, "JPY", "¥1,235"),
        (1_200, "CHF", "CHF 12.00"),
        (1_234_567, "KWD", "KWD 1,234.567"),
        (0, "KRW", "KRW 0"),
        (2**63, "USD", "$92,233,720,368,547,758.08"),
    ],
)
def test_written_for_people(minor: int, currency: str, text: str) -> None:
    assert str(Money(minor=minor, currency=currency)) == text


@pytest.mark.parametrize(("minor", "currency"), [(1.5, "USD"), (True, "USD")])
def test_only_whole_minor_units(minor, currency: str) -> None:
    with pytest.raises(TypeError):
        Money(minor=minor, currency=currency)


@pytest.mark.parametrize("currency", ["usd", "US", "$", "", "ÄÖÜ"])
def test_only_currency_codes(currency: str) -> None:
    with pytest.raises(ValueError, match="currency code"):
        Money(minor=1, currency=currency)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Money(minor=1, currency="USD") + Money(minor=1, currency="EUR")


def test_halves_round_up() -> None:
    assert [prorate(1, days, 2) for days in (0, 1, 2)] == [0, 1, 1]
    assert prorate(10_000, 20, 30) == 6_667
    assert prorate(10_000, 10, 30) == 3_333


@given(AMOUNTS, PERIODS, st.data())
def test_a_part_is_never_negative_nor_more_than_the_whole(total: int, whole: int, data) -> None:
    days = data.draw(st.integers(0, whole))
    part = prorate(total, days, whole)
    assert 0 <= part <= total
    assert abs(2 * (part * whole - total * days)) <= whole  # within half a minor unit
    assert sum(split_by_days(total, days, whole)) == total


@given(AMOUNTS, PERIODS, st.data())
def test_more_days_or_a_higher_price_never_cost_less(total: int, whole: int, data) -> None:
    days = data.draw(st.integers(0, whole - 1))
    assert prorate(total, days, whole) <= prorate(total, days + 1, whole)
    assert prorate(total, days, whole) <= prorate(total + 1, days, whole)


@given(AMOUNTS, PERIODS)
def test_no_days_are_free_and_all_days_are_the_whole(total: int, whole: int) -> None:
    assert (prorate(total, 0, whole), prorate(total, whole, whole)) == (0, total)


@given(AMOUNTS, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_allocation_loses_no_cent(total: int, weights: list[int]) -> None:
    shares = allocate(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert share * sum(weights) - total * weight + sum(weights) >= 0
        assert abs(share * sum(weights) - total * weight) < sum(weights)


@pytest.mark.parametrize("call", [(-1, 1, 2), (1, 3, 2), (1, -1, 2), (1, 0, 0)])
def test_nonsense_is_told(call: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"day|negative"):
        prorate(*call)
