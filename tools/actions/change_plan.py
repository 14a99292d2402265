"""Change plan: a dearer one at once, for the prorated difference; a cheaper one at period end."""

from typing import cast

from pydantic import Field as Described
from pydantic.json_schema import SkipJsonSchema

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, Json, PolicyDefaults, Tool
from tools.accounts.commands import ChangePlan, Command
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.accounts.types import PlanId
from tools.actions.building import PRICED, Arguments, Shown, action
from tools.actions.wording import charge_fields, charge_notes, day, plan_name, price_changes

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.BILLING_ADMIN}), staff=True)


class ChangePlanArguments(Arguments):
    """Which plan."""

    plan: PlanId = Described(description="The plan to change to.", strict=False)
    # Not in the schema: the preview fills it in, whatever the model sends.
    agreed_minor: SkipJsonSchema[int | None] = Described(
        default=None, ge=0, description="Set by code: the price agreed to, in minor units."
    )


def tool(accounts: AccountsGateway) -> Tool:
    """`change_plan`: effect money."""
    return action(
        accounts,
        name="change_plan",
        description=(
            "Move the account to another plan. A dearer plan starts at once and the difference for "
            "the rest of the billing period is charged. A cheaper plan starts when the period ends."
        ),
        effect=Effect.MONEY,
        policy=POLICY,
        arguments=ChangePlanArguments,
        command=lambda wish: ChangePlan(plan=wish.plan, agreed_minor=wish.agreed_minor),
        canonical=_canonical,
        shown=_shown,
        receipt=_receipt,
        examples=("upgrade us to Business", "we want the Starter plan"),
        undoable=True,
        quoted=PRICED,
    )


def _canonical(command: Command) -> Json:
    wish = cast(ChangePlan, command)
    return {"plan": wish.plan.value, "agreed_minor": wish.agreed_minor}


def _shown(planned: Planned) -> Shown:
    before, after = planned.before, planned.after
    if before.plan is not after.plan:
        plan = Change(label="Plan", before=plan_name(before.plan), after=plan_name(after.plan))
        return Shown(
            title=f"Change to the {plan_name(after.plan)} plan",
            changes=(plan, *price_changes(planned)),
            notes=charge_notes(planned),
        )
    end = day(before.period_end)
    now = plan_name(before.plan)
    then = plan_name(after.plan_next or after.plan)
    coming = plan_name(before.plan_next or before.plan)
    note = f"Until then the {now} plan stays as it is. Nothing is charged or credited today."
    if after.plan_next is None:
        note = "Nothing is charged today."
    title = f"Change to the {then} plan on {end}" if after.plan_next else f"Stay on the {now} plan"
    change = Change(label=f"Plan from {end}", before=coming, after=then)
    return Shown(title=title, changes=(change,), notes=(note,))


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    before, after = planned.before, planned.after
    if before.plan is not after.plan:
        fields = (Field(label="Plan", value=plan_name(after.plan)), *charge_fields(planned))
        return f"Changed to the {plan_name(after.plan)} plan", fields
    then, end = plan_name(after.plan_next or after.plan), day(before.period_end)
    fields = (
        Field(label="Plan now", value=plan_name(after.plan)),
        Field(label=f"Plan from {end}", value=then),
    )
    return f"The {then} plan is set for {end}", fields
