"""Resume a subscription: ends a pause, or takes a cancellation back before it takes effect."""

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, PolicyDefaults, Tool
from tools.accounts.commands import ResumeSubscription
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.actions.building import NoArguments, Shown, action
from tools.actions.wording import day, status

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.BILLING_ADMIN}), staff=True)


def tool(accounts: AccountsGateway) -> Tool:
    """`resume_subscription`: effect write."""
    return action(
        accounts,
        name="resume_subscription",
        description=(
            "Resume a paused subscription, or take back a cancellation that has not taken effect "
            "yet. Nothing is charged today."
        ),
        effect=Effect.WRITE,
        policy=POLICY,
        arguments=NoArguments,
        command=lambda _: ResumeSubscription(),
        canonical=lambda _: {},
        shown=_shown,
        receipt=_receipt,
        examples=("resume our subscription", "we changed our mind, keep the subscription"),
        undoable=True,
    )


def _shown(planned: Planned) -> Shown:
    before, after = planned.before, planned.after
    return Shown(
        title="Resume the subscription",
        changes=(Change(label="Subscription", before=status(before), after=status(after)),),
        notes=(f"Nothing is charged today. The paid period ends on {day(after.period_end)}.",),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    return "Resumed the subscription", (
        Field(label="Subscription", value=status(planned.after)),
        Field(label="Paid until", value=day(planned.after.period_end)),
    )
