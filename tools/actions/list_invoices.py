"""List the account's invoices, newest first, with what was refunded and what still can be."""

from pydantic import Field as Described

from agent_core.blocks import Field
from agent_core.people import Role
from agent_core.tooling import Json, PolicyDefaults, Tool, ToolContext, ToolResult
from tools.accounts.gateway import AccountsGateway
from tools.accounts.types import Invoice
from tools.actions.building import Arguments, read
from tools.actions.wording import day

POLICY = PolicyDefaults(
    roles=frozenset({Role.OWNER, Role.BILLING_ADMIN, Role.ADMIN}), staff=True, confirm=False
)


class ListInvoicesArguments(Arguments):
    """How far back to look."""

    limit: int | None = Described(
        ge=1, le=50, description="How many invoices, newest first. Null for the last 10."
    )


def tool(accounts: AccountsGateway) -> Tool:
    """`list_invoices`: effect read."""

    async def handler(context: ToolContext, wish: ListInvoicesArguments) -> ToolResult:
        state = await accounts.state(context.account_id, context.now)
        invoices = state.invoices[: wish.limit or 10]
        return ToolResult(
            content={
                "invoices": [_content(each) for each in invoices],
                "more": len(state.invoices) - len(invoices),
            },
            title=f"Invoices of {state.account.name}",
            fields=tuple(
                Field(
                    label=f"{each.id}, {day(each.issued_on)}", value=f"{each.total}, {each.status}"
                )
                for each in invoices
            ),
        )

    return read(
        name="list_invoices",
        description="List this account's invoices with their lines, totals and refunds.",
        arguments=ListInvoicesArguments,
        handler=handler,
        policy=POLICY,
        examples=("show our invoices", "what did we pay last month?"),
    )


def _content(invoice: Invoice) -> Json:
    return {
        "invoice": invoice.id,
        "issued_on": invoice.issued_on.isoformat(),
        "status": invoice.status,
        "total": str(invoice.total),
        "lines": [f"{line.text}: {invoice.money(line.minor)}" for line in invoice.lines],
        "paid": str(invoice.money(invoice.paid_minor)),
        "refunded": str(invoice.money(invoice.refunded_minor)),
        "left_to_refund": str(invoice.money(invoice.refundable_minor)),
        "left_to_refund_minor": invoice.refundable_minor,
        "currency": invoice.currency,
    }
