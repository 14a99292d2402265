"""The changes an account can be asked to make, as values that can be stored."""

from dataclasses import dataclass
from typing import Literal

from tools.accounts.types import PlanId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """`agreed_minor`: the price that was shown and agreed to; None asks for today's."""

    plan: PlanId
    agreed_minor: int | None = None
    kind: Literal["change_plan"] = "change_plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSeats:
    """`agreed_minor` as in ChangePlan."""

    count: int
    agreed_minor: int | None = None
    kind: Literal["add_seats"] = "add_seats"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSeats:
    """`agreed_minor`: the credit that was shown."""

    count: int
    agreed_minor: int | None = None
    kind: Literal["remove_seats"] = "remove_seats"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundInvoice:
    """`amount_minor` None: all that is left to refund."""

    invoice_id: str
    amount_minor: int | None = None
    kind: Literal["refund_invoice"] = "refund_invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBillingContact:
    """Who gets the invoices from now on."""

    name: str
    email: str
    kind: Literal["change_billing_contact"] = "change_billing_contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetMemberAccess:
    """`member`: an email address, or a name that only one member has."""

    member: str
    kind: Literal["reset_member_access"] = "reset_member_access"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSubscription:
    """From today; the days paid for are kept."""

    kind: Literal["pause_subscription"] = "pause_subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSubscription:
    """To the end of the period that is paid for."""

    kind: Literal["cancel_subscription"] = "cancel_subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeSubscription:
    """Ends a pause, or takes a cancellation back before it takes effect."""

    kind: Literal["resume_subscription"] = "resume_subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Takes back exactly what happened under `key`, while nothing that it touched has moved on."""

    key: str
    kind: Literal["undo"] = "undo"


Command = (
    ChangePlan
    | AddSeats
    | RemoveSeats
    | RefundInvoice
    | ChangeBillingContact
    | ResetMemberAccess
    | PauseSubscription
    | CancelSubscription
    | ResumeSubscription
    | Undo
)
