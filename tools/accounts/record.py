"""An account as plain JSON, for operators, pages and scripts: the keys are stable."""

from typing import Any

from tools.accounts.types import AccountState


def as_json(state: AccountState) -> dict[str, Any]:
    """The account's row, its invoices (newest first) and its members. Amounts in minor units."""
    account = state.account
    return {
        "id": account.id,
        "name": account.name,
        "plan": account.plan.value,
        "plan_next": account.plan_next.value if account.plan_next else None,
        "status": account.status.value,
        "seats": account.seats,
        "seats_used": len(state.members),
        "currency": account.currency,
        "seat_price_minor": account.seat_price.minor,
        "credit_minor": account.credit_minor,
        "billing_contact": {"name": account.billing_name, "email": account.billing_email},
        "period_start": account.period_start.isoformat(),
        "period_end": account.period_end.isoformat(),
        "paused_on": account.paused_on.isoformat() if account.paused_on else None,
        "version": account.version,
        "invoices": [
            {
                "id": each.id,
                "issued_on": each.issued_on.isoformat(),
                "status": each.status,
                "currency": each.currency,
                "total_minor": each.total.minor,
                "credit_used_minor": each.credit_used_minor,
                "paid_minor": each.paid_minor,
                "refunded_minor": each.refunded_minor,
                "lines": [{"text": line.text, "minor": line.minor} for line in each.lines],
            }
            for each in state.invoices
        ],
        "members": [
            {
                "id": each.id,
                "name": each.name,
                "email": each.email,
                "role": each.role,
                "access": each.access.value,
            }
            for each in state.members
        ],
    }
