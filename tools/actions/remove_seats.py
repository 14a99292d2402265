"""Remove seats: at once; what was paid for the rest of the billing period becomes credit."""

from typing import cast

from pydantic import Field as Described
from pydantic.json_schema import SkipJsonSchema

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, Json, PolicyDefaults, Tool
from tools.accounts.commands import Command, RemoveSeats
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.actions.building import PRICED, Arguments, Shown, action
from tools.actions.wording import monthly, price_changes, seats

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.BILLING_ADMIN, Role.ADMIN}), staff=True)


class RemoveSeatsArguments(Arguments):
    """How many seats fewer."""

    seats: int = Described(ge=1, le=1000, description="How many unused seats to remove.")
    # Not in the schema: the preview fills it in, whatever the model sends.
    agreed_minor: SkipJsonSchema[int | None] = Described(
        default=None, ge=0, description="Set by code: the credit agreed to, in minor units."
    )


def tool(accounts: AccountsGateway) -> Tool:
    """`remove_seats`: effect write, as no money leaves the account."""
    return action(
        accounts,
        name="remove_seats",
        description=(
            "Remove unused seats from the account, at once. What was paid for the rest of the "
            "billing period becomes credit. Give the number to remove, not the new total."
        ),
        effect=Effect.WRITE,
        policy=POLICY,
        arguments=RemoveSeatsArguments,
        command=lambda wish: RemoveSeats(count=wish.seats, agreed_minor=wish.agreed_minor),
        canonical=_canonical,
        shown=_shown,
        receipt=_receipt,
        examples=("remove 2 seats", "we have three licences too many"),
        undoable=True,
        quoted=PRICED,
    )


def _canonical(command: Command) -> Json:
    wish = cast(RemoveSeats, command)
    return {"seats": wish.count, "agreed_minor": wish.agreed_minor}


def _shown(planned: Planned) -> Shown:
    before, after = planned.before, planned.after
    credit = before.money(planned.price_minor)
    days = f"{planned.days_left} of {planned.days_whole} days of this billing period"
    return Shown(
        title=f"Remove {seats(before.seats - after.seats)}",
        changes=(
            Change(label="Seats", before=str(before.seats), after=str(after.seats)),
            *price_changes(planned),
        ),
        notes=(f"{credit} is credited for {days} and used for your next charges.",),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    before, after = planned.before, planned.after
    return f"Removed {seats(before.seats - after.seats)}", (
        Field(label="Seats", value=str(after.seats)),
        Field(label="Credited", value=str(before.money(planned.price_minor))),
        Field(label="Credit in total", value=str(after.credit)),
        Field(label="Monthly price", value=monthly(after)),
    )
