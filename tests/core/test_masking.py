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
    ("text", "after"),
    [
        # As people give it: with the month it ends and its check digits.
        ("4242 4242 4242 4242 12/27 123", "{} 12/27 123"),
        ("4242424242424242 12/27", "{} 12/27"),
        ("4242 4242 4242 4242 123", "{} 123"),
        ("order 12 4242 4242 4242 4242", "order 12 {}"),
        ("4242-4242-4242-4242 4242 4242 4242 4242", "{} {}"),
        # As apps write it: spaces that do not break, hyphens of typographers, italics.
        ("4242\u00a04242\u00a04242\u00a04242", "{}"),
        ("4242\u202f4242\u202f4242\u202f4242", "{}"),
        ("4242\u20114242\u20114242\u20114242", "{}"),
        ("4242\u20134242\u20134242\u20134242", "{}"),
        ("4242\u200b4242\u200b4242\u200b4242", "{}"),
        ("4242  4242  4242  4242", "{}"),
        ("4242.4242.4242.4242", "{}"),
        ("_4242 4242 4242 4242_", "_{}_"),
        ("No.4242424242424242", "No.{}"),
    ],
)
def test_card_numbers_go_however_they_stand(text: str, after: str) -> None:
    removed = "[card number removed, ends in 4242]"
    assert masked(text) == after.format(removed, removed)


@pytest.mark.parametrize(
    "text",
    [
        "refund invoice INV-1042",
        "call me at +49 171 1234567",
        "it was at 1795347064.617287",
        "order 1234 5678 9012 3456",
        "4242424242424241",
        "0.4242424242424242",
        "4242424242424242.5",
        "invoices 4001 4002 4003 4004 4005",
        "the order is 4000-A-4242424242424242x",
        "what is the password policy?",
        "I forgot my password",
        "my password was reset yesterday",
        "The password is wrong.",
        "my password is not working, can you help?",
        "my password was already changed",
        "the API key is still valid",
        "mein Passwort ist falsch",
        "mein Passwort ist nicht abgelaufen",
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
        ('pwd="two words"', f"pwd={REMOVED}"),  # pragma: allowlist secret
        ("my password is: hunter2", f"my password is: {REMOVED}"),
        ("the password was hunter2", f"the password was {REMOVED}"),
        ("my password is now hunter2", f"my password is now {REMOVED}"),
        ("my password was reset to hunter2", f"my password was reset to {REMOVED}"),
        ("my password is not hunter2", f"my password is not {REMOVED}"),
        ("my password is wrong1", f"my password is {REMOVED}"),
        ("my password is: reset", f"my password is: {REMOVED}"),
        ("my password: still water", f"my password: {REMOVED} water"),
        ('my password is "wrong"', f"my password is {REMOVED}"),  # pragma: allowlist secret
        ("my passphrase is set to music", f"my passphrase is set to {REMOVED}"),
        ("DB_PASSWORD=hunter2", f"DB_PASSWORD={REMOVED}"),
        ('{"password": "hunter2"}', f'{{"password": {REMOVED}}}'),  # pragma: allowlist secret
        ("cvv 123", f"cvv {REMOVED}"),
        (
            "see https://ada:hunter2@host.example/x",  # pragma: allowlist secret
            f"see https://{REMOVED}@host.example/x",
        ),
        ("Authorization: Basic YWRhOmh1bnRlcjI=", f"Authorization: Basic {REMOVED}"),
    ],
)
def test_named_credentials_go(text: str, after: str) -> None:
    assert masked(text) == after


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "password",
                "passphrase",
                "is",
                "was",
                "not",
                "now",
                "reset",
                "set to",
                ":",
                '"',
                "hunter2",
            ]
        ),
        max_size=12,
    )
)
def test_masking_sentences_about_a_password_twice_changes_nothing_more(words: list[str]) -> None:
    text = " ".join(words)
    assert masked(masked(text)) == masked(text)


def test_every_string_of_a_result_is_masked() -> None:
    number = card("4", 16, "2")
    result = masked_json({"note": f"paid with {number}", "list": [number, 5, None]})
    assert number not in str(result) and result["list"][1:] == [5, None]
