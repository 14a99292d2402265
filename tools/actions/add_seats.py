"""Add seats: at once, for the prorated price of the rest of the billing period."""

from typing import cast

from pydantic import Field as Described
from pydantic.json_schema import SkipJsonSchema

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, Json, PolicyDefaults, Tool
from tools.accounts.commands import AddSeats, Command
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.actions.building import PRICED, Arguments, Shown, action
from tools.actions.wording import charge_fields, charge_notes, price_changes, seats

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.BILLING_ADMIN, Role.ADMIN}), staff=True)


class AddSeatsArguments(Arguments):
    """How many seats more."""

    seats: int = Described(ge=1, le=1000, description="How many seats to add to those there are.")
    # Not in the schema: the preview fills it in, whatever the model sends.
    agreed_minor: SkipJsonSchema[int | None] = Described(
        default=None, ge=0, description="Set by code: the price agreed to, in minor units."
    )


def tool(accounts: AccountsGateway) -> Tool:
    """`add_seats`: effect money."""
    return action(
        accounts,
        name="add_seats",
        description=(
            "Add seats to the account, at once. The rest of the billing period is charged today. "
            "Give the number to add, not the new total."
        ),
        effect=Effect.MONEY,
        policy=POLICY,
        arguments=AddSeatsArguments,
        command=lambda wish: AddSeats(count=wish.seats, agreed_minor=wish.agreed_minor),
        canonical=_canonical,
        shown=_shown,
        receipt=_receipt,
        examples=("add 5 seats", "we need two more licences"),
        undoable=True,
        quoted=PRICED,
    )


def _canonical(command: Command) -> Json:
    wish = cast(AddSeats, command)
    return {"seats": wish.count, "agreed_minor": wish.agreed_minor}


def _shown(planned: Planned) -> Shown:
    before, after = planned.before, planned.after
    change = Change(label="Seats", before=str(before.seats), after=str(after.seats))
    return Shown(
        title=f"Add {seats(after.seats - before.seats)}",
        changes=(change, *price_changes(planned)),
        notes=charge_notes(planned),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    added = planned.after.seats - planned.before.seats
    return f"Added {seats(added)}", (
        Field(label="Seats", value=str(planned.after.seats)),
        *charge_fields(planned),
    )
