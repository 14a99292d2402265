"""Tells a bare yes, a bare no and a plain wish for a person from everything else, by short lists.

A yes counts only when it is nothing but a yes: "yes, but 3" is a new request.
"""

import re
from enum import StrEnum


class BareWord(StrEnum):
    """What a whole message amounts to."""

    YES = "yes"
    NO = "no"


_YES = frozenset(
    """yes|y|yep|yeah|yup|yes please|yes do it|yes go ahead|yes confirm|yes thanks|yes thank you
    |confirm|confirmed|i confirm|ok|okay|ok do it|do it|please do|go ahead|go for it|sure|approve
    |approved|i approve|sounds good|correct|that is right|thats right|ja|oui|si|sí""".replace(
        "\n", ""
    )
    .replace("    ", "")
    .split("|")
)
_NO = frozenset(
    """no|n|nope|no thanks|no thank you|cancel|cancel it|cancel that|stop|dont|do not|dont do it
    |do not do it|never mind|nevermind|forget it|leave it|decline|declined|nein|non""".replace(
        "\n", ""
    )
    .replace("    ", "")
    .split("|")
)
_NOISE = re.compile(r"[.,!;:'’\"`*_~\s]+")
_APOSTROPHES = re.compile(r"['’]")


_TAKE_BACK = frozenset(
    """cancel|cancel it|cancel that|stop|never mind|nevermind|forget it|leave it|dont do it
    |do not do it""".replace("\n", "")
    .replace("    ", "")
    .split("|")
)


def takes_back(text: str) -> bool:
    """Whether it withdraws a wish, and is not perhaps the answer to another question."""
    return _plain(text) in _TAKE_BACK


def bare_word(text: str) -> BareWord | None:
    """YES or NO if the message is nothing else, in the languages of the lists; else None."""
    if "?" in text or len(text) > 40:
        return None
    plain = _plain(text)
    if plain in _YES:
        return BareWord.YES
    if plain in _NO:
        return BareWord.NO
    return None


def _plain(text: str) -> str:
    return _NOISE.sub(" ", _APOSTROPHES.sub("", text.casefold())).strip()
