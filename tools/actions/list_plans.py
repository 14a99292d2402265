"""List the plans on sale. General: it shows nothing of any account."""

from agent_core.blocks import Field
from agent_core.tooling import Json, Standing, Tool, ToolContext, ToolResult
from tools.accounts.types import PLANS, Plan
from tools.actions.building import NoArguments, read
from tools.money import Money


def tool() -> Tool:
    """`list_plans`: effect read, for anybody."""

    async def handler(_: ToolContext, __: NoArguments) -> ToolResult:
        return ToolResult(
            content={"plans": [_content(plan) for plan in PLANS.values()]},
            title="Plans",
            fields=tuple(Field(label=p.name, value=f"{_prices(p)}") for p in PLANS.values()),
        )

    return read(
        name="list_plans",
        description="List the plans on sale: price for each seat and month, seats, what they have.",
        arguments=NoArguments,
        handler=handler,
        standing=Standing.ANYBODY,
        examples=("which plans are there?", "what does Business cost?"),
    )


def _content(plan: Plan) -> Json:
    return {
        "plan": plan.id.value,
        "name": plan.name,
        "price_per_seat_and_month": _prices(plan),
        "seats": f"{plan.min_seats} to {plan.max_seats}",
        "what": plan.summary,
    }


def _prices(plan: Plan) -> str:
    amounts = (Money(minor=minor, currency=currency) for currency, minor in plan.prices)
    return " / ".join(str(amount) for amount in amounts)
