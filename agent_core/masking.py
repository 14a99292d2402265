"""Takes card numbers and credentials out of text, before it is stored, mirrored or sent to a model.

Card numbers are told from other digits by their issuer's prefix, their length and the Luhn check.
Credentials are told by the marks that their makers put on them, or by the word before them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

# What people and their apps put between the groups: any space and any hyphen, also unseen ones.
_BETWEEN: Final = r"[ \t\u00a0\u2000-\u2015\u202f\u2060\ufeff.-]{1,3}"
_DIGITS: Final = re.compile(rf"(?<![^\W_]|-)(?<!\d\.)\d+(?:{_BETWEEN}\d+)*(?![^\W_]|-\w|\.\d)")
_GROUP: Final = re.compile(r"\d+")
# How a number is written that stands among others, as before its month and check digits.
_LAYOUTS: Final = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4))
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
    re.compile(r"(?i)(?<=\bauthorization: basic )[\w+/-]{6,}=*"),
    re.compile(r"(?<=://)[^\s/:@\[\]]+:[^\s/@\[\]]+(?=@)"),  # in an address
)
# Also as a variable's (`DB_PASSWORD=`) and in JSON (`"password": "…"`).
_NAMED: Final = re.compile(
    r"(?i)(?<![^\W_])(password|passwort|passwd|pwd|passphrase|api[ _-]?key|secret[ _-]?key"
    r"|access[ _-]?token|client[ _-]?secret|cvv|cvc)(?![^\W])"
    r"([\"']?\s*(?:(?:is|ist|was|lautet)\b\s*"
    r"(?:[:=]\s*|(?:(?:not|nicht|now|jetzt|still|noch|already|just|(?:re)?set\s+to|changed\s+to)\s+)*)"
    r"|[:=]\s*))"
    r"(\"[^\"\n]+\"|'[^'\n]+'|\S+)"
)
# What a sentence about a password goes on with. A word that might be one itself is not here, and a
# passphrase may begin with any word.
_ORDINARY: Final = re.compile(
    r"(?i)(?:accepted|already|asked|being|blocked|broken|changed|compromised|currently|deleted|"
    r"denied|disabled|entered|expire|expired|expiring|forgotten|gone|incorrect|invalid|just|"
    r"known|leaked|locked|lost|missing|needed|no|not|now|only|refused|rejected|removed|"
    r"required|reset|revoked|rotated|saved|sent|set|shared|something|still|stolen|stored|too|"
    r"unknown|updated|valid|working|wrong|abgelaufen|falsch|gesperrt|geändert|jetzt|nicht|"
    r"noch|ungültig|vergessen|weg|zurückgesetzt)[.,;!?)]*"
)
_CHECK_DIGITS: Final = re.compile(r"(?i)(?<![^\W_])(cvv2?|cvc2?)(\s+)(\d{3,4})(?!\w)")
REMOVED: Final = "[credential removed]"


def masked(text: str) -> str:
    """The text without card numbers and credentials. Idempotent; other text is unchanged."""
    for pattern in _SECRETS:
        text = pattern.sub(REMOVED, text)
    text = _CHECK_DIGITS.sub(_named, _NAMED.sub(_named, text))
    return _DIGITS.sub(_digits, text)


def without_password(url: str) -> str:
    """An address without the name and password that may stand before its host."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


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
    if value.startswith("[credential") or _is_plain_sentence(match):
        return match[0]
    return f"{match[1]}{match[2]}{REMOVED}"


def _is_plain_sentence(match: re.Match[str]) -> bool:
    """As "my password was reset": no colon, and a word that is nobody's password."""
    if match[1].casefold() == "passphrase" or set(match[2]) & set(":=\"'"):
        return False
    return _ORDINARY.fullmatch(match[3]) is not None


def _digits(match: re.Match[str]) -> str:
    """The run without its card numbers. Groups before and after one stay."""
    run = match[0]
    groups = list(_GROUP.finditer(run))
    if "." not in run and _is_card(alone := "".join(group[0] for group in groups)):
        return _removed(alone)
    shown, at, first = "", 0, 0
    while first < len(groups):
        card = groups[first : first + _card_at(run, groups, first)]
        if card:
            shown += run[at : card[0].start()] + _removed("".join(group[0] for group in card))
            at = card[-1].end()
        first += len(card) or 1
    return shown + run[at:]


def _removed(digits: str) -> str:
    return f"[card number removed, ends in {digits[-4:]}]"


def _card_at(run: str, groups: Sequence[re.Match[str]], first: int) -> int:
    """How many groups from this one on are a card number that stands among others; 0 for none."""
    near = [group[0] for group in groups[first : first + max(map(len, _LAYOUTS))]]
    lengths = tuple(map(len, near))
    for layout in _LAYOUTS:
        count = len(layout)
        if lengths[:count] == layout and _is_card("".join(near[:count])):
            return count
    begins, ends = groups[first].span()
    is_part_of_decimal = "." in (run[begins - 1 : begins], run[ends : ends + 1])
    return int(not is_part_of_decimal and _is_card(near[0]))


def _is_card(digits: str) -> bool:
    issued = any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in _ISSUERS)
    return issued and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
