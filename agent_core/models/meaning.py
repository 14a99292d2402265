"""What an utterance can mean, and the sentences that answer without any tool."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Wish:
    """A tool and its arguments. `latest_invoice`: the invoice is the newest, to be looked up."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    latest_invoice: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Understood, but something is missing: the question to ask."""

    question: str


@dataclass(frozen=True, slots=True)
class Say:
    """Small talk, or a question about the agent itself: the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """They want a person."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Words that no rule covers. `asks`: they look like a request, so a person must see them."""

    text: str
    asks: bool


Meaning = Wish | Ask | Say | Person | NotUnderstood

ABOUT_ME: Final = (
    "I am an AI agent, not a person. Say “I want to talk to someone” at any time, and a person "
    "from the support team takes over."
)
ABILITIES: Final = (
    "I can look up your account, plans, invoices, usage and earlier requests; change the plan; "
    "add or remove seats; refund an invoice; change the billing contact; reset a member's access; "
    "and pause, resume or cancel the subscription. I show every change and ask before I make it."
)
HYPOTHETICAL: Final = (
    "I change nothing until you say so. Ask for the change itself, for example “add 5 seats”, and "
    "I show what exactly would happen and what it costs. You can still cancel then."
)
WHICH_INVOICE: Final = "Which invoice should I refund? Please give me its number, such as INV-1042."
WHICH_PLAN: Final = "Which plan would you like: Starter, Team or Business?"
WHICH_CONTACT: Final = "Who should be the billing contact? I need a full name and an email address."
WHICH_MEMBER: Final = (
    "Whose access should I reset? Please give me their email address or full name."
)
HOW_MANY_MORE: Final = (
    "How many seats should I add? Please give me the number to add, not the total."
)
HOW_MANY_LESS: Final = (
    "How many seats should I remove? Please give me the number to remove, not the total."
)
HOW_MUCH: Final = (
    "How much of the invoice should I refund? Please give me an exact amount, or say all."
)
