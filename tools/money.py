"""Money as integer minor units of an ISO 4217 currency: how it is written, prorated and split."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent_core.amounts import amount_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in minor units (cents) of a three-letter ISO 4217 currency. May be negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError("minor units are a whole number")
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise ValueError(f"{self.currency!r} is not a currency code such as USD")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(minor=self.minor + other.minor, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(minor=self.minor - other.minor, currency=self.currency)

    def times(self, count: int) -> "Money":
        """The amount `count` times over."""
        return Money(minor=self.minor * count, currency=self.currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")

    def __str__(self) -> str:
        """For people: `$1,234.50`, `-€3.00`, `¥1,235`, `CHF 12.00`."""
        return amount_text(self.minor, self.currency)


def prorate(total_minor: int, days: int, of_days: int) -> int:
    """The part of `total_minor` (not negative) that falls on `days` of `of_days`.

    Computed in integers and rounded half up to the minor unit. 0 days cost 0, all days the whole;
    more days never cost less. For both parts of a period use `split_by_days`.
    """
    if total_minor < 0:
        raise ValueError("only amounts that are not negative are prorated")
    if not 0 <= days <= of_days or of_days < 1:
        raise ValueError(f"{days} of {of_days} days is not a part of a period")
    return (2 * total_minor * days + of_days) // (2 * of_days)


def split_by_days(total_minor: int, days: int, of_days: int) -> tuple[int, int]:
    """(`prorate` of `days`, the rest): the two always sum to the whole."""
    part = prorate(total_minor, days, of_days)
    return part, total_minor - part


def allocate(total_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Splits an amount that is not negative by weights, and loses no cent.

    Each share is rounded down; the cents left over go to the largest remainders, and among equal
    ones to the earlier.
    """
    whole = sum(weights)
    if total_minor < 0 or whole < 1 or any(weight < 0 for weight in weights):
        raise ValueError("needs an amount and weights that are not negative, one above 0")
    shares = [total_minor * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda at: (-(total_minor * weights[at] % whole), at)
    )
    for at in by_remainder[: total_minor - sum(shares)]:
        shares[at] += 1
    return tuple(shares)
