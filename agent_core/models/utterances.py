"""Everyday wording → what is wished for. What no rule covers is said to be so."""

import re
from typing import Final

from agent_core.models.meaning import (
    ABILITIES,
    HYPOTHETICAL,
    Ask,
    Meaning,
    NotUnderstood,
    Person,
    Say,
    Wish,
)
from agent_core.models.slots import NUMBER, SEATS
from agent_core.models.wordings import RULES

_NEGATED: Final = re.compile(
    r"\b(don'?t|do not|never|not|no longer want to|rather not)\b(?! (?:able|working|sure))", re.I
)
_HYPOTHETICAL: Final = re.compile(
    r"\b(how much (would|does|do|is|will)|what (would|happens|if)|would (it|that|\w+ more) cost|"
    r"if (we|i) |"
    r"how (do|can|would) (i|we|one)\b|should (we|i)\b|thinking (about|of)|considering|might |"
    r"what does it cost to|is it possible to)",
    re.IGNORECASE,
)
_REQUEST: Final = re.compile(
    r"\?\s*$|^(please|can|could|would|will|how|why|what|when|where|who|send|delete|export|make|"
    r"create|set|turn|enable|disable|fix|tell|explain|give|get|i want|we want|i need|we need|"
    r"i'?d like|we'?d like|help|pause|suspend|freeze|resume)\b",
    re.IGNORECASE,
)


# A complaint about what a look-up would only show again: people must see it.
_TROUBLE: Final = re.compile(
    r"\b(wrong|incorrect|mistakes?|errors?|disputed?|complain\w*|broken|does ?n[o']t work|vat|"
    r"overcharged|charged twice)\b",
    re.IGNORECASE,
)


# Who is upset gets a person, and neither a question nor a card.
_UPSET: Final = re.compile(
    r"\b(ridiculous|disgrace\w*|unacceptable|outrageous|furious|angry|fed up|sick of|scam|"
    r"(?:terrible|awful|worst) (?:service|company|support)|lawyers?)\b",
    re.IGNORECASE,
)


_SMALL_TALK: Final = re.compile(
    r"^\W*(?:(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings)(?: there| all| "
    r"team| everyone)?"
    r"|how are you(?: doing)?(?: today)?)\W*$",
    re.IGNORECASE,
)
_THANKS: Final = re.compile(
    r"^\W*(?:(?:ok|okay|great|perfect|cool|nice|awesome|super)\W*)*(?:many )?"
    r"(?:thanks|thank you|thx|cheers|ok|okay|great|perfect|cool|good|that'?s (?:all|it)|bye|"
    r"goodbye)"
    r"(?: (?:a lot|so much|very much|for your help|for now|all|again|everyone))*\W*$",
    re.IGNORECASE,
)
_FILLER: Final = re.compile(
    r"^\W*(?:please|pls|also|then|so|well|just|now|and|too|(?:can|could|would|will) you)?\W*$",
    re.IGNORECASE,
)
_BARE_SEATS: Final = re.compile(
    rf"(?:please )?(?:add|remove|drop)\s+{NUMBER}(?: more)?[.!]?", re.IGNORECASE
)
_BARE_INVOICE: Final = re.compile(r"(?i)(?:please |also |invoice )*inv-?\d+(?: please)?\W*")
_SPLIT: Final = re.compile(
    r"(?<=[.!?;])\s+|\n+|;\s*|,?\s+(?:and then|and also|and|then|also|plus)\s+(?=\S)|"
    r",\s*(?=please\b)",
    re.IGNORECASE,
)
# A comma or a sign may stand before another wish, or inside of one ("Dana Fox, dana@x.example").
_NEXT_WISH: Final = re.compile(
    r"(?:,|\s[&/+])\s*(?=(?:add|buy|remove|drop|cancel|pause|suspend|resume|refund|upgrade|"
    r"downgrade|change|switch|reset|unlock|show|list)\b)",
    re.IGNORECASE,
)


def meanings(text: str) -> list[Meaning]:
    """What the message asks for, in its order. Empty for nothing but filler."""
    whole = _meaning(text)
    clauses = _clauses(text)
    if len(clauses) <= 1:
        return [whole] if whole is not None else []
    found = [meaning for clause in clauses if (meaning := _meaning(clause)) is not None]
    understood = [one for one in found if not isinstance(one, NotUnderstood)]
    if not understood:
        return [whole] if whole is not None else found
    return _tidied(found, whole)


def _tidied(found: list[Meaning], whole: Meaning | None) -> list[Meaning]:
    """Greetings fall away beside a request; half-understood parts give way to the whole."""
    wishes = [one for one in found if isinstance(one, Wish)]
    asks = [one for one in found if isinstance(one, Ask)]
    if asks and not wishes and isinstance(whole, Wish):
        return [whole]
    serious = [one for one in found if not isinstance(one, Say)]
    kept = serious if wishes or asks or any(isinstance(o, Person) for o in serious) else found
    kept = [one for one in kept if not isinstance(one, NotUnderstood) or one.asks]
    unique: list[Meaning] = []
    for one in kept or found:
        if one not in unique:
            unique.append(one)
    return unique


def _clauses(text: str) -> list[str]:
    """The message in parts that each may hold a wish; a part without a noun borrows "seats"."""
    parts = [part.strip(" ,") for part in _SPLIT.split(text) if part and part.strip(" ,.")]
    parts = [one for part in parts if not _FILLER.match(part) for one in _wishes_in_a_row(part)]
    clauses: list[str] = []
    for part in parts:
        seats = any(re.search(SEATS, clause, re.I) for clause in clauses)
        if seats and _BARE_SEATS.fullmatch(part):
            part = f"{part.rstrip('.!')} seats"
        if _BARE_INVOICE.fullmatch(part) and any(
            re.search(r"(?i)\brefund", clause) for clause in clauses
        ):
            part = f"refund {part}"
        clauses.append(part)
    return clauses


def _wishes_in_a_row(part: str) -> list[str]:
    """The part at its commas and signs, where each piece is a wish by itself; else as it is."""
    first, *others = _NEXT_WISH.split(part)
    whole = isinstance(_meaning(first), Wish | Ask) and all(
        isinstance(_meaning(one), Wish | Ask) or _BARE_SEATS.fullmatch(one) for one in others
    )
    return [first, *others] if whole else [part]


def _meaning(text: str) -> Meaning | None:
    if _FILLER.match(text):
        return None
    if _SMALL_TALK.match(text):
        return Say(f"Hello. {ABILITIES}")
    if _THANKS.match(text):
        return Say("You are welcome.")
    rule = next((rule for rule in RULES if rule.pattern.search(text)), None)
    if rule is None:
        return NotUnderstood(text.strip(), asks=bool(_REQUEST.search(text.strip())))
    meaning = rule.meaning(text)
    if _UPSET.search(text) and not isinstance(meaning, Person):
        return NotUnderstood(text.strip(), asks=True)
    if not rule.acts:
        troubled = isinstance(meaning, Wish) and _TROUBLE.search(text)
        return NotUnderstood(text.strip(), asks=True) if troubled else meaning
    if _HYPOTHETICAL.search(text):
        return Say(HYPOTHETICAL)
    if _NEGATED.search(text):
        return Say("Understood: I change nothing.")
    return meaning
