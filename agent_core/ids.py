"""Fresh identifiers: unguessable and sortable by time, or counted for tests."""

import secrets
from collections import Counter
from collections.abc import Callable
from time import time_ns

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_TIME_DIGITS = 10  # 50 bits of milliseconds
_RANDOM_DIGITS = 16  # 80 bits


def _spell(number: int, digits: int) -> str:
    letters = []
    for _ in range(digits):
        number, rest = divmod(number, 32)
        letters.append(_ALPHABET[rest])
    return "".join(reversed(letters))


def _milliseconds() -> int:
    return time_ns() // 1_000_000


class SystemIds:
    """`kind_` + milliseconds + 80 random bits: sorts by time of making, to the millisecond."""

    def __init__(self, milliseconds: Callable[[], int] = _milliseconds) -> None:
        self._milliseconds = milliseconds

    def new(self, kind: str) -> str:
        moment = _spell(self._milliseconds(), _TIME_DIGITS)
        return f"{kind}_{moment}{_spell(secrets.randbits(80), _RANDOM_DIGITS)}"


class SequenceIds:
    """`kind_0001`, `kind_0002` …: counted by kind, for tests."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()

    def new(self, kind: str) -> str:
        self._made[kind] += 1
        return f"{kind}_{self._made[kind]:04d}"
