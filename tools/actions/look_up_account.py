"""Look up the account: plan, seats, price, status, billing period, credit, billing contact."""

from agent_core.blocks import Field
from agent_core.tooling import Tool, ToolContext, ToolResult
from tools.accounts.gateway import AccountsGateway
from tools.accounts.types import AccountState
from tools.actions.building import RUN_THE_ACCOUNT, NoArguments, read
from tools.actions.wording import day, monthly, plan_name, status


def tool(accounts: AccountsGateway) -> Tool:
    """`look_up_account`: effect read."""

    async def handler(context: ToolContext, _: NoArguments) -> ToolResult:
        state = await accounts.state(context.account_id, context.now)
        fields = account_fields(state)
        return ToolResult(
            content={each.label: each.value for each in fields},
            title=state.account.name,
            fields=fields,
        )

    return read(
        name="look_up_account",
        description=(
            "Show this account: plan, seats and how many are used, monthly price, status, billing "
            "period, credit and billing contact."
        ),
        arguments=NoArguments,
        handler=handler,
        examples=("what plan are we on?", "how many seats do we have?"),
        private={"Billing email": RUN_THE_ACCOUNT},
    )


def account_fields(state: AccountState) -> tuple[Field, ...]:
    """The account as labelled values, the same for the model, receipts and briefs."""
    account = state.account
    lines = [
        ("Account", f"{account.name} ({account.id})"),
        ("Plan", plan_name(account.plan)),
        ("Status", status(account)),
        ("Seats", f"{account.seats}, {len(state.members)} in use"),
        ("Monthly price", f"{monthly(account)} ({account.seat_price} a seat)"),
        ("Billing period", f"{day(account.period_start)} to {day(account.period_end)}"),
        ("Billing contact", account.billing_name),
        ("Billing email", account.billing_email),
    ]
    if account.credit_minor:
        lines.append(("Credit", str(account.credit)))
    if account.plan_next:
        coming = f"{plan_name(account.plan_next)}, from {day(account.period_end)}"
        lines.append(("Next plan", coming))
    return tuple(Field(label=label, value=value) for label, value in lines)
