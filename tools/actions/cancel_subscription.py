"""Cancel a subscription: it works to the end of the period that is paid for, and then ends."""

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, PolicyDefaults, Tool
from tools.accounts.commands import CancelSubscription
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.actions.building import NoArguments, Shown, action
from tools.actions.wording import day, status

# Staff pause, and an owner cancels: it cannot be undone after the period's end.
POLICY = PolicyDefaults(roles=frozenset({Role.OWNER}))


def tool(accounts: AccountsGateway) -> Tool:
    """`cancel_subscription`: effect destructive."""
    return action(
        accounts,
        name="cancel_subscription",
        description=(
            "Cancel the subscription. It keeps working to the end of the billing period that is "
            "paid for, and ends then. Nothing is refunded."
        ),
        effect=Effect.DESTRUCTIVE,
        policy=POLICY,
        arguments=NoArguments,
        command=lambda _: CancelSubscription(),
        canonical=lambda _: {},
        shown=_shown,
        receipt=_receipt,
        examples=("cancel our subscription", "we want to leave"),
        undoable=True,
    )


def _shown(planned: Planned) -> Shown:
    before, after = planned.before, planned.after
    end = day(after.period_end)
    return Shown(
        title="Cancel the subscription",
        changes=(
            Change(label="Subscription", before=status(before), after=status(after)),
            Change(label="Next renewal", before=day(before.period_end), after="none"),
        ),
        notes=(f"It can be resumed until {end}. After that a new one has to be set up.",),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    return "Cancelled the subscription", (
        Field(label="Subscription", value=status(planned.after)),
        Field(label="Works until", value=day(planned.after.period_end)),
    )
