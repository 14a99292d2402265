"""How large the town of a load is: its accounts, and the channels in which they write."""

from typing import Final

ACCOUNTS: Final = 100
CHANNELS: Final = 500  # so many that no room's pace is what is measured


def account_of(number: int) -> str:
    return f"load-{number:03d}"


def channels() -> list[str]:
    return [f"C0LOAD{number:04d}" for number in range(CHANNELS)]
