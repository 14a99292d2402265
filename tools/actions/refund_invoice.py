"""Refund an invoice, in part or whole, to the card that paid it."""

from typing import cast

from pydantic import Field as Described

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, Json, PolicyDefaults, Tool
from tools.accounts.commands import Command, RefundInvoice
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.accounts.types import Invoice
from tools.actions.building import Arguments, Shown, action

POLICY = PolicyDefaults(
    roles=frozenset({Role.OWNER, Role.BILLING_ADMIN}), staff=True, approve_above_minor=20_000
)


class RefundInvoiceArguments(Arguments):
    """Which invoice, and how much of it."""

    invoice: str = Described(
        min_length=1, max_length=40, description="The invoice's number, such as INV-1042."
    )
    amount_minor: int | None = Described(
        ge=1,
        description=(
            "How much to refund, in minor units of the invoice's currency (cents: $12.50 is 1250). "
            "Null for all that is left to refund."
        ),
    )


def tool(accounts: AccountsGateway) -> Tool:
    """`refund_invoice`: effect money."""
    return action(
        accounts,
        name="refund_invoice",
        description="Refund a paid invoice of this account, the whole of it or a part.",
        effect=Effect.MONEY,
        policy=POLICY,
        arguments=RefundInvoiceArguments,
        command=lambda wish: RefundInvoice(invoice_id=wish.invoice, amount_minor=wish.amount_minor),
        canonical=_canonical,
        shown=_shown,
        receipt=_receipt,
        examples=("refund INV-1042", "give us $20 back on invoice INV-1042"),
    )


def _canonical(command: Command) -> Json:
    wish = cast(RefundInvoice, command)
    return {"invoice": wish.invoice_id, "amount_minor": wish.amount_minor}


def _shown(planned: Planned) -> Shown:
    invoice = cast(Invoice, planned.invoice)
    amount = invoice.money(planned.price_minor)
    before = invoice.refunded_minor - planned.price_minor
    left = invoice.money(invoice.refundable_minor)
    return Shown(
        title=f"Refund {amount} of invoice {invoice.id}",
        changes=(
            Change(
                label=f"Refunded on {invoice.id}",
                before=str(invoice.money(before)),
                after=str(invoice.money(invoice.refunded_minor)),
            ),
            Change(
                label="Left to refund",
                before=str(invoice.money(invoice.paid_minor - before)),
                after=str(left),
            ),
        ),
        notes=("The refund goes back to the card that paid the invoice.",),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    invoice = cast(Invoice, planned.invoice)
    amount = invoice.money(planned.price_minor)
    return f"Refunded {amount} of invoice {invoice.id}", (
        Field(label="Invoice", value=invoice.id),
        Field(label="Refunded now", value=str(amount)),
        Field(label="Refunded in total", value=str(invoice.money(invoice.refunded_minor))),
        Field(label="Invoice total", value=str(invoice.total)),
    )
