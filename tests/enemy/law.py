"""What is allowed in the sample company, written down a second time and by hand for the judge."""

from dataclasses import dataclass

from agent_core.people import Role

OWNER, BILLING, ADMIN = Role.OWNER, Role.BILLING_ADMIN, Role.ADMIN


@dataclass(frozen=True, slots=True)
class Law:
    """Who may; whether staff may, inside; above which amount an approver must say yes too."""

    roles: frozenset[Role]
    staff: bool = True
    approved_above: int | None = None


READS = {
    "look_up_account": frozenset(Role),
    "get_usage": frozenset(Role),
    "request_status": frozenset(Role),
    "list_invoices": frozenset({OWNER, BILLING, ADMIN}),
    "list_members": frozenset({OWNER, ADMIN}),
}
ACTIONS = {
    "add_seats": Law(frozenset({OWNER, BILLING, ADMIN}), approved_above=500_000),
    "remove_seats": Law(frozenset({OWNER, BILLING, ADMIN})),
    "change_plan": Law(frozenset({OWNER, BILLING}), approved_above=500_000),
    "refund_invoice": Law(frozenset({OWNER, BILLING}), approved_above=20_000),
    "change_billing_contact": Law(frozenset({OWNER, BILLING})),
    "reset_member_access": Law(frozenset({OWNER, ADMIN})),
    "pause_subscription": Law(frozenset({OWNER, BILLING})),
    "resume_subscription": Law(frozenset({OWNER, BILLING})),
    "cancel_subscription": Law(frozenset({OWNER}), staff=False),
}
