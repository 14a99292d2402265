"""Finds in an utterance what an action needs: how many, which, how much, who. Never guesses."""

import re
from collections.abc import Callable
from typing import Any, Final

from agent_core.models.meaning import (
    HOW_MANY_LESS,
    HOW_MANY_MORE,
    HOW_MUCH,
    WHICH_CONTACT,
    WHICH_INVOICE,
    WHICH_MEMBER,
    WHICH_PLAN,
    Ask,
    Meaning,
    Wish,
)

_NUMBERS: Final = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
} | {"dozen": 12, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
NUMBER: Final = r"(?:\d{1,5}|" + "|".join(_NUMBERS) + r")"
SEATS: Final = r"(?:seats?|licen[cs]es?|users?|spots?)"
_INVOICE: Final = re.compile(r"\b(inv(?:oice)?[-\s#]*(?:no\.?\s*)?(\d{3,}))\b", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^@\s<>|,;:()]+@[^@\s<>|,;:()]+\.[^@\s<>|,;:()]*[^@\s<>|,;:().!?]")
_MONEY: Final = re.compile(
    r"(?:[$€£]\s?(\d[\d,]*(?:\.\d{1,2})?))|(\d[\d,]*(?:\.\d{1,2})?)\s?(?:dollars?|usd|euros?|"
    r"eur|€|\$)",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"\b[A-ZÀ-Þ][\w'’-]*[\wÀ-ÿ](?:\s+[A-ZÀ-Þ][\w'’-]*[\wÀ-ÿ])+")


def number_in(text: str) -> int | None:
    """The one number in the text, in digits or words; None for none or several."""
    found = re.findall(rf"\b{NUMBER}\b", text.lower())
    values = {_NUMBERS[word] if word in _NUMBERS else int(word) for word in found}
    return values.pop() if len(values) == 1 else None


def _seats(text: str) -> int | None:
    """How many seats are meant; None where nobody can tell."""
    low = text.lower()
    near = re.findall(
        rf"\b({NUMBER})\b(?:\s+(?:more|additional|extra|new|unused|fewer|less|of the|of our|of)"
        rf")*\s+"
        rf"(?:\w+\s+)?{SEATS}\b",
        low,
    )
    if len(set(near)) == 1:
        return number_in(near[0])
    if not near and re.search(
        r"\b(?:a|an|another|an? (?:extra|additional|new)) (?:more )?seat\b", low
    ):
        return 1
    return number_in(low) if not near else None


def add_seats(text: str) -> Meaning:
    if _is_total(text):
        return Ask(HOW_MANY_MORE)
    seats = _seats(text)
    if seats is None or seats < 1:
        return Ask(HOW_MANY_MORE)
    return Wish("add_seats", {"seats": seats})


def remove_seats(text: str) -> Meaning:
    if _is_total(text):
        return Ask(HOW_MANY_LESS)
    seats = _seats(text)
    if seats is None or seats < 1:
        return Ask(HOW_MANY_LESS)
    return Wish("remove_seats", {"seats": seats})


def _is_total(text: str) -> bool:
    """ "up to 15 seats": a total, which is not the number to add."""
    return bool(
        re.search(rf"\b(?:to|total of|until)\s+{NUMBER}\s*(?:{SEATS}|in total|$)", text, re.I)
    )


def refund(text: str) -> Meaning:
    low = text.lower()
    invoices = {match.group(2) for match in _INVOICE.finditer(text)}
    amounts = {a or b for a, b in _MONEY.findall(_INVOICE.sub(" ", text))}
    if len(amounts) > 1 or re.search(
        r"\b(half|part of|partly|partial(?:ly)?|some|a third|percent)\b|%", low
    ):
        return Ask(HOW_MUCH)
    amount = _minor(amounts.pop()) if amounts else None
    if amount == 0:
        return Ask(HOW_MUCH)
    if len(invoices) == 1:
        return Wish("refund_invoice", {"invoice": f"INV-{invoices.pop()}", "amount_minor": amount})
    latest = re.search(
        r"\b(?:last|latest|newest|most recent)\b.*\b(?:invoice|bill|payment|charge)\b", low
    )
    if not invoices and latest:
        return Wish("refund_invoice", {"amount_minor": amount}, latest_invoice=True)
    return Ask(WHICH_INVOICE)


def _minor(amount: str) -> int:
    """`1,250.5` in cents."""
    whole, _, rest = amount.replace(",", "").partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def change_plan(text: str) -> Meaning:
    low = text.lower()
    target = re.search(
        r"\b(?:to|for|onto|want|need|take|choose|upgrade us|downgrade us)\s+(?:the |a |our )?"
        r"(starter|team|business)\b",
        low,
    )
    if target:
        return Wish("change_plan", {"plan": target.group(1)})
    named = {word for word in ("starter", "team", "business") if re.search(rf"\b{word}\b", low)}
    if len(named) == 1:
        return Wish("change_plan", {"plan": named.pop()})
    return Ask(WHICH_PLAN)


def billing_contact(text: str) -> Meaning:
    emails = _EMAIL.findall(text)
    rest = re.sub(r"(?i)\b(billing|contact|invoices?|please|change|set|send|to)\b", " | ", text)
    for email in emails:
        rest = rest.replace(email, " | ")
    names = _NAME.findall(rest)
    if len(emails) == 1 and len(names) == 1:
        return Wish("change_billing_contact", {"name": names[0], "email": emails[0]})
    return Ask(WHICH_CONTACT)


def reset_access(text: str) -> Meaning:
    emails = _EMAIL.findall(text)
    if len(emails) == 1:
        return Wish("reset_member_access", {"member": emails[0]})
    if re.search(r"\b(i am|i'm|i|me|my|myself)\b", text, re.I) and not _NAME.search(text):
        own = re.search(
            r"\b(?:i am|i'm|i) (?:locked|can'?t|cannot|forgot)|\bmy (?:own )?(?:access|password|"
            r"login|account)",
            text,
            re.IGNORECASE,
        )
        if own:
            return Wish("reset_member_access", {"member": "(requester)"})
    plain = re.sub(r"(?i)^\W*(please|can you|could you|reset|unlock)\b|['’]s\b", " ", text)
    names = _NAME.findall(plain) or re.findall(r"\b[A-ZÀ-Þ][a-zà-ÿ]{2,}\b", plain)
    names = [name for name in names if name.lower() not in _NO_NAMES]
    if len(set(names)) == 1:
        return Wish("reset_member_access", {"member": names[0]})
    return Ask(WHICH_MEMBER)


_NO_NAMES: Final = frozenset(
    {"please", "reset", "unlock", "can", "could", "hello", "hi", "slack", "access"}
)


def without_slots(tool: str, **arguments: Any) -> Callable[[str], Meaning]:
    return lambda _: Wish(tool, arguments)


def request_status(text: str) -> Meaning:
    reference = re.search(r"\b(?:reference|ref\.?|request)\s+#?([A-Za-z0-9_-]{6,})\b", text)
    return Wish("request_status", {"reference": reference.group(1) if reference else None})


def invoices(text: str) -> Meaning:
    many = re.search(rf"\blast\s+({NUMBER})\s+invoices", text, re.IGNORECASE)
    limit = number_in(many.group(1)) if many else None
    return Wish("list_invoices", {"limit": limit if limit and limit <= 50 else None})
