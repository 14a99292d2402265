"""Undo: takes back what an action did, exactly that, while nothing that it touched has moved on."""

from typing import cast

from pydantic import Field as Described

from agent_core.blocks import Change, Field
from agent_core.tooling import Effect, Json, Tool
from tools.accounts.commands import Command, Undo
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.actions.building import RUN_THE_ACCOUNT, Arguments, Shown, action
from tools.actions.wording import monthly, plan_name, status

_TITLES = {
    "add_seats": "Undo the added seats",
    "remove_seats": "Undo the removal of seats",
    "change_plan": "Undo the change of plan",
    "change_billing_contact": "Undo the change of the billing contact",
    "pause_subscription": "Undo the pause",
    "resume_subscription": "Undo the resuming",
    "cancel_subscription": "Undo the cancellation",
}


class UndoArguments(Arguments):
    """Which effect. Code fills it in, never the model."""

    key: str = Described(min_length=1, max_length=200, description="The effect's ledger key.")


def tool(accounts: AccountsGateway, of: Tool) -> Tool:
    """`undo_NAME` for an action: whoever may do it may take it back."""
    title = _TITLES.get(str(of.name), f"Undo {of.name.replace('_', ' ')}")
    return action(
        accounts,
        name=f"undo_{of.name}",
        description=f"Takes back what {of.name} did.",
        effect=Effect.MONEY if of.effect is Effect.MONEY else Effect.WRITE,
        policy=of.policy,
        arguments=UndoArguments,
        command=lambda wish: Undo(key=wish.key),
        canonical=_canonical,
        shown=lambda planned: _shown(title, planned),
        receipt=lambda planned: _receipt(title.replace("Undo", "Undid", 1), planned),
        private={"Billing email": RUN_THE_ACCOUNT},
    )


def _canonical(command: Command) -> Json:
    return {"key": cast(Undo, command).key}


def _changes(planned: Planned) -> tuple[Change, ...]:
    before, after = planned.before, planned.after
    lines = (
        ("Plan", plan_name(before.plan), plan_name(after.plan)),
        (
            "Coming plan",
            plan_name(before.plan_next or before.plan),
            plan_name(after.plan_next or after.plan),
        ),
        ("Seats", str(before.seats), str(after.seats)),
        ("Subscription", status(before), status(after)),
        ("Billing contact", before.billing_name, after.billing_name),
        ("Billing email", before.billing_email, after.billing_email),
        ("Monthly price", monthly(before), monthly(after)),
        ("Credit", str(before.credit), str(after.credit)),
    )
    return tuple(
        Change(label=label, before=was, after=will) for label, was, will in lines if was != will
    )


def _paid_back(planned: Planned) -> str:
    return str(planned.before.money(planned.movement.minor)) if planned.movement else ""


def _shown(title: str, planned: Planned) -> Shown:
    paid = _paid_back(planned)
    number = planned.invoice.id if planned.invoice else ""
    note = f"{paid} of invoice {number} is refunded." if paid else "No money moves."
    return Shown(title=title, changes=_changes(planned), notes=(note,))


def _receipt(title: str, planned: Planned) -> tuple[str, tuple[Field, ...]]:
    fields = [Field(label=one.label, value=one.after) for one in _changes(planned)]
    if paid := _paid_back(planned):
        fields.append(Field(label="Refunded", value=paid))
    if planned.invoice:
        fields.append(Field(label="Invoice", value=planned.invoice.id))
    return title, tuple(fields)
