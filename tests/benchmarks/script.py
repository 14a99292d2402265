"""The one piece of work that every contender does: four model calls, three reads, one answer."""

from typing import Any, Final

MODEL: Final = "scripted"
MODEL_CALLS: Final = 4
INSTRUCTIONS: Final = (
    "You are the support agent of Acme Cloud. Answer questions about the customer's account from "
    "the tools alone, briefly and kindly. Never guess a number. When you cannot help, say so."
)
QUESTION: Final = (
    "Could you tell me which plan we are on, what we paid in the last quarter, and whether we are "
    "close to our limits?"
)
ANSWER: Final = "You are on the Business plan, paid 1,250.00 USD, and use 61 of 80 seats."

# name, description, description of the one argument `period`, result
TOOLS: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    (
        "look_up_account",
        "The account's plan, seats and state.",
        "The month, as YYYY-MM.",
        {"plan": "Business", "seats": 80, "state": "active", "owner": "Olive Marsh"},
    ),
    (
        "list_invoices",
        "The invoices of a period, newest first.",
        "The month, as YYYY-MM.",
        {
            "invoices": [
                {"number": f"INV-{n}", "total": "416.67 USD", "state": "paid"} for n in range(3)
            ]
        },
    ),
    (
        "get_usage",
        "What the account uses of what it may use.",
        "The month, as YYYY-MM.",
        {"seats": {"used": 61, "of": 80}, "storage": {"used": 410, "of": 1000, "unit": "GB"}},
    ),
)
