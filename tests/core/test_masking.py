"""Card numbers and credentials do not get in; everything else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.masking import REMOVED, masked, masked_json


def card(prefix: str, length: int, middle: str = "0") -> str:
    """A number with this prefix that passes the Luhn check."""
    body = (prefix + middle * length)[: length - 1]
    for last in "0123456789":
        digits = body + last
        doubled = sum(
            sum(divmod(int(d) * 2, 10)) if i % 2 else int(d) for i, d in enumerate(reversed(digits))
        )
        if doubled % 10 == 0:
            return digits
    raise AssertionError("one of ten digits fits")


@pytest.mark.parametrize(
    ("prefix", "length"),
    [("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("36", 14), ("6011", 16)],
)
@pytest.mark.parametrize("separator", ["", " ", "-"])
def test_card_numbers_go_and_their_last_four_stay(prefix: str, length: int, separator: str) -> None:
    digits = card(prefix, length, "7")
    written = separator.join(digits[i : i + 4] for i in range(0, length, 4))
    assert masked(f"my card is {written}, thanks") == (
        f"my card is [card number removed, ends in {digits[-4:]}], thanks"
    )


@pytest.mark.parametrize(
    "text",
    [
        "refund invoice INV-1042",
        "call me at +49 171 1234567",
        "it was at 1795347064.617287",
        "order 1234 5678 9012 3456",
        "4242424242424241",
        "the order is 4000-A-4242424242424242x",
        "what is the password policy?",
        "I forgot my password",
        "skills and risk-adjusted-returns",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-1234567890-abcdefghij",
        "sk-proj-abcdefghijklmnopqrstuvwx",
        "sk_live_abcdefghijklmnopqrst",
        "ghp_abcdefghijklmnopqrstuvwxyz0123",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4f",
    ],
)
def test_credentials_go(secret: str) -> None:
    assert masked(f"here: {secret} ok") == f"here: {REMOVED} ok"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("password: hunter2!", f"password: {REMOVED}"),
        ("my api key is abc123 and more", f"my api key is {REMOVED} and more"),
        ('pwd="two words"', f"pwd={REMOVED}"),
    ],
)
def test_named_credentials_go(text: str, after: str) -> None:
    assert masked(text) == after


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert masked(masked(text)) == masked(text)


def test_every_string_of_a_result_is_masked() -> None:
    number = card("4", 16, "2")
    result = masked_json({"note": f"paid with {number}", "list": [number, 5, None]})
    assert number not in str(result) and result["list"][1:] == [5, None]
