"""Pause a subscription: from today; the days already paid for are kept for later."""

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, PolicyDefaults, Tool
from tools.accounts.commands import PauseSubscription
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.actions.building import NoArguments, Shown, action
from tools.actions.wording import seats, status

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.BILLING_ADMIN}), staff=True)


def tool(accounts: AccountsGateway) -> Tool:
    """`pause_subscription`: effect write."""
    return action(
        accounts,
        name="pause_subscription",
        description=(
            "Pause the subscription from today. Nobody can sign in and nothing is charged until it "
            "is resumed; the days already paid for are kept."
        ),
        effect=Effect.WRITE,
        policy=POLICY,
        arguments=NoArguments,
        command=lambda _: PauseSubscription(),
        canonical=lambda _: {},
        shown=_shown,
        receipt=_receipt,
        examples=("pause our subscription", "put our account on hold"),
        undoable=True,
    )


def _shown(planned: Planned) -> Shown:
    before, after = planned.before, planned.after
    return Shown(
        title="Pause the subscription",
        changes=(Change(label="Subscription", before=status(before), after=status(after)),),
        notes=(
            f"All {seats(before.seats)} stop working today. "
            "The days already paid for are kept until you resume.",
        ),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    return "Paused the subscription", (Field(label="Subscription", value=status(planned.after)),)
