"""Takes card numbers and credentials out of text, before it is stored, mirrored or sent to a model.

Card numbers are told from other digits by their issuer's prefix, their length and the Luhn check.
Credentials are told by the marks that their makers put on them, or by the word before them.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_DIGITS: Final = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-]|\.\d)")
# Prefix and lengths by issuer: Visa, Mastercard, American Express, Diners, Discover and UnionPay.
_ISSUERS: Final = (
    (re.compile(r"4"), frozenset({13, 16, 19})),
    (re.compile(r"5[1-5]|2[2-7]"), frozenset({16})),
    (re.compile(r"3[47]"), frozenset({15})),
    (re.compile(r"30|36|38"), frozenset({14})),
    (re.compile(r"6"), frozenset({16, 17, 18, 19})),
)
_SECRETS: Final = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
    ),
    re.compile(r"\bxox[abeoprs]-[\w-]{8,}|\bxapp-[\w-]{8,}"),  # Slack
    re.compile(r"\b(?:sk|rk|pk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}"),
    re.compile(r"\bgh[opsru]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),  # AWS
    re.compile(r"\bAIza[\w-]{30,}"),  # Google
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),  # JWT
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/-]{16,}=*"),
)
_NAMED: Final = re.compile(
    r"(?i)\b(password|passwort|passwd|pwd|passphrase|api[ _-]?key|secret[ _-]?key|access[ _-]?token"
    r"|client[ _-]?secret|cvv|cvc)\b(\s*(?:is|ist|[:=])\s*)(\"[^\"\n]+\"|'[^'\n]+'|\S+)"
)
REMOVED: Final = "[credential removed]"


def masked(text: str) -> str:
    """The text without card numbers and credentials. Idempotent; other text is unchanged."""
    for pattern in _SECRETS:
        text = pattern.sub(REMOVED, text)
    text = _NAMED.sub(_named, text)
    return _DIGITS.sub(_digits, text)


def masked_json(value: Any) -> Any:
    """The same for every string of a JSON value; keys stay."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: masked_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked_json(one) for one in value]
    return value


def _named(match: re.Match[str]) -> str:
    value = match[3]
    if value.startswith("[credential"):
        return match[0]
    return f"{match[1]}{match[2]}{REMOVED}"


def _digits(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    if not _is_card(digits):
        return match[0]
    return f"[card number removed, ends in {digits[-4:]}]"


def _is_card(digits: str) -> bool:
    issued = any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in _ISSUERS)
    return issued and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
