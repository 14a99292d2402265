"""Usage in the current billing period: seats, storage and API calls, each against its limit."""

from agent_core.blocks import Field
from agent_core.tooling import Tool, ToolContext, ToolResult
from tools.accounts.gateway import AccountsGateway
from tools.accounts.usage import usage_of
from tools.actions.building import NoArguments, read
from tools.actions.wording import day


def tool(accounts: AccountsGateway) -> Tool:
    """`get_usage`: effect read."""

    async def handler(context: ToolContext, _: NoArguments) -> ToolResult:
        state = await accounts.state(context.account_id, context.now)
        usage = usage_of(state)
        period = f"{day(usage.period_start)} to {day(usage.period_end)}"
        lines = (
            ("Billing period", period),
            ("Seats in use", f"{usage.seats_used} of {usage.seats}"),
            ("Storage", f"{usage.storage_mb:,} of {usage.storage_limit_mb:,} MB"),
            ("API calls", f"{usage.api_calls:,} of {usage.api_call_limit:,}"),
        )
        return ToolResult(
            content=dict(lines),
            title=f"Usage of {state.account.name}",
            fields=tuple(Field(label=label, value=value) for label, value in lines),
        )

    return read(
        name="get_usage",
        description="Show what this account used in the current billing period, and its limits.",
        arguments=NoArguments,
        handler=handler,
        examples=("how much storage do we use?", "are we near a limit?"),
    )
