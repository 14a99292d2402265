"""Finds the account that members of staff name in a sentence, as they wrote it."""

import re
from typing import Final

from agent_core.models.slots import number_in

_STOP: Final = frozenset(
    re.split(
        r"\s+",
        "us me our my you your the a an it them him her this that these those all now today "
        "tomorrow next last month year week week's account accounts team business starter plan "
        "plans seats seat invoice invoices usage status members support please everyone "
        "everybody someone somebody",
    )
)
_AFTER: Final = re.compile(
    r"\b(?:for|on|of|at|from|customer|account)\s+(?:the\s+)?(?:account\s+|customer\s+)?(?:of\s+)?"
    r"((?:[\w&.-]+)(?:\s+(?:[A-Z][\w&.-]*))*)(?:['’]s\b)?"
)
_LEADING: Final = re.compile(r"^\W*([A-Z][\w&-]*(?:\s+[A-Z][\w&-]*)*)\s*[:,–-]\s+\S")
_OWNING: Final = re.compile(
    r"\b([A-Z][\w&-]*(?:\s+[A-Z][\w&-]*)*)['’]s?\s+(?:account|plan|invoices|usage|seats|members|subscription|billing)"
)
_SUBJECT: Final = re.compile(r"\b(?:is|does|has|did|do)\s+([A-Z][\w&-]*(?:\s+[A-Z][\w&-]*)*)\b")


def account_in(text: str) -> str | None:
    """The account that these words name, as written; None where they name none."""
    for pattern in (_LEADING, _OWNING, _AFTER, _SUBJECT):
        for name in reversed(pattern.findall(text)):
            words = name.strip(" .,!?").split()
            if words and words[0].casefold() not in _STOP and not _is_no_account(name):
                return " ".join(words)
    return None


def _is_no_account(name: str) -> bool:
    low = name.casefold()
    return bool(
        re.match(r"inv[-\s]?\d|\d|[$€£]|please|hi\b|hello|hey|thanks|ok\b", low)
        or "@" in name
        or number_in(name) is not None
    )
