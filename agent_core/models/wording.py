"""How the rule-based planner tells the results of tools."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from agent_core.visibility import NOT_FOR_ROLE, SHOWN_ALONE
from agent_core.wording import time_text

_SHOWN = frozenset(
    {
        "awaiting_confirmation",
        "awaiting_approval",
        "running",
        "escalated",
        "chosen",
        "account_needed",
    }
)

# Several may be asked for in one message, and one of them refused: it is named.
_DOING = {
    "add_seats": "add the seats",
    "remove_seats": "remove the seats",
    "change_plan": "change the plan",
    "refund_invoice": "refund the invoice",
    "change_billing_contact": "change the billing contact",
    "reset_member_access": "reset the access",
    "pause_subscription": "pause the subscription",
    "resume_subscription": "resume the subscription",
    "cancel_subscription": "cancel the subscription",
}


def told(tool: str, content: Any) -> str:
    """A result in words; empty where a card or receipt has told it."""
    if not isinstance(content, Mapping):
        return ""
    status = content.get("status")
    if status is None:
        return _facts(tool, content)
    if status in _SHOWN or "card" in content or "receipt" in content:
        return ""
    if status in ("failed", "refused", "arguments_rejected", "no_such_tool"):
        why = content.get("reason", "It was refused.")
        return f"I could not {_DOING.get(tool, 'do that')}. {why}"
    if status == "succeeded" and "title" in content:
        return f"That was done already: {content['title']}."
    return ""


def _facts(tool: str, content: Mapping[str, Any]) -> str:
    match tool:
        case "list_invoices":
            invoices = [_invoice(one) for one in content.get("invoices", ())]
            return _list("Your invoices:", invoices, "There are no invoices.")
        case "list_plans":
            return _list("The plans:", [_plan(one) for one in content.get("plans", ())])
        case "list_members":
            members = [_member(one) for one in content.get("members", ())]
            return _list("The members:", members, "There are no members.")
        case "request_status":
            requests = [_request(one) for one in content.get("requests", ())]
            none = "No such request is recorded for this account."
            return _list("The latest requests:", requests, none)
        case _:
            return _list("", [f"{label}: {_value(one)}" for label, one in content.items()])


def _list(heading: str, lines: Sequence[str], none: str = "There is nothing to show.") -> str:
    if not lines:
        return none
    return "\n".join([heading, *(f"- {line}" for line in lines)]).strip()


def _invoice(one: Mapping[str, Any]) -> str:
    refunded = f", {one['left_to_refund']} left to refund" if one.get("left_to_refund") else ""
    day = date.fromisoformat(one["issued_on"])
    issued = f"{day.day} {day:%B %Y}"
    return f"{one['invoice']} of {issued}: {one['total']}, {one['status']}{refunded}"


def _plan(one: Mapping[str, Any]) -> str:
    price = one["price_per_seat_and_month"]
    return f"{one['name']}: {price} a seat and month, {one['seats']} seats. {one['what']}"


def _value(value: Any) -> str:
    return {SHOWN_ALONE: "shown to you alone", NOT_FOR_ROLE: "not shown to your role"}.get(
        str(value), str(value)
    )


def _member(one: Mapping[str, Any]) -> str:
    email = _value(one["email"])
    shown = email if email == one["email"] else f"email {email}"
    role = str(one["role"]).replace("_", " ")
    return f"{one['name']} ({shown}), {role}, {one['access']}"


def _request(one: Mapping[str, Any]) -> str:
    reason = f" ({one['reason']})" if one.get("reason") else ""
    asked = time_text(datetime.fromisoformat(one["asked_at"]))
    return f"{one['what']}: {one['outcome']}{reason}, asked at {asked}"
