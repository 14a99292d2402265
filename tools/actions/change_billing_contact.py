"""Change who receives the invoices."""

from typing import cast

from pydantic import Field as Described

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, Json, PolicyDefaults, Tool
from tools.accounts.commands import ChangeBillingContact, Command
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.actions.building import RUN_THE_ACCOUNT, Arguments, Shown, action

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.BILLING_ADMIN}), staff=True)
PRIVATE = {"Email": RUN_THE_ACCOUNT, "email": RUN_THE_ACCOUNT}
_EMAIL = r"^[^@\s<>|,;]+@[^@\s<>|,;]+\.[^@\s<>|,;]{2,}$"


class ChangeBillingContactArguments(Arguments):
    """The new contact, both parts."""

    name: str = Described(
        min_length=1, max_length=120, description="The new billing contact's full name."
    )
    email: str = Described(
        max_length=254, pattern=_EMAIL, description="The email address that gets the invoices."
    )


def tool(accounts: AccountsGateway) -> Tool:
    """`change_billing_contact`: effect write."""
    return action(
        accounts,
        name="change_billing_contact",
        description="Set the person and email address that receive this account's invoices.",
        effect=Effect.WRITE,
        policy=POLICY,
        arguments=ChangeBillingContactArguments,
        command=lambda wish: ChangeBillingContact(name=wish.name.strip(), email=wish.email),
        canonical=_canonical,
        shown=_shown,
        receipt=_receipt,
        examples=("send invoices to Ben Carter, ben@northwind.example",),
        undoable=True,
        private=PRIVATE,
    )


def _canonical(command: Command) -> Json:
    wish = cast(ChangeBillingContact, command)
    return {"name": wish.name, "email": wish.email}


def _shown(planned: Planned) -> Shown:
    before, after = planned.before, planned.after
    return Shown(
        title="Change the billing contact",
        changes=(
            Change(label="Name", before=before.billing_name, after=after.billing_name),
            Change(label="Email", before=before.billing_email, after=after.billing_email),
        ),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    return "Changed the billing contact", (
        Field(label="Name", value=planned.after.billing_name),
        Field(label="Email", value=planned.after.billing_email),
    )
