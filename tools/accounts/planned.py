"""What a command would come to, as a value: computed once, shown, stored and carried out."""

from dataclasses import dataclass, replace
from enum import StrEnum

from tools.accounts.commands import Command
from tools.accounts.types import Account, AccountState, Invoice, Member

NEW_INVOICE = ""  # an invoice without a number yet: it gets one when the change is recorded


class Way(StrEnum):
    """Which way money moves, seen from the customer's card."""

    CHARGE = "charge"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Money that the payment service must move; above 0."""

    way: Way
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a command comes to. `command` has every default resolved.

    `before` and `after` are the account now and afterwards; `price_minor` is what the change costs
    (or credits), of which `movement` is what the card pays after credit is used up. `invoice` is
    the new invoice (id NEW_INVOICE), or the changed one. `member` is the changed member.
    """

    command: Command
    before: Account
    after: Account
    price_minor: int = 0
    days_left: int = 0
    days_whole: int = 0
    movement: Movement | None = None
    invoice: Invoice | None = None
    member: Member | None = None


def assumed(state: AccountState, planned: Planned) -> AccountState:
    """The account as it will be once this was done. A new invoice has no number yet."""
    invoices, members = state.invoices, state.members
    if invoice := planned.invoice:
        invoices = (invoice, *(each for each in invoices if each.id != invoice.id))
    if member := planned.member:
        members = tuple(member if each.id == member.id else each for each in members)
    return replace(state, account=planned.after, invoices=invoices, members=members)
