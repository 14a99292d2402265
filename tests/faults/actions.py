"""Each action of the sample company once: who asks, where, and what for."""

from dataclasses import dataclass, field
from typing import Any

from agent_core.messages import RoomRef
from agent_core.people import AccountId
from tests.enemy import cast
from tools.accounts.commands import Command, PauseSubscription
from tools.accounts.seed import GLOBEX, NORTHWIND


@dataclass(frozen=True, slots=True)
class Asked:
    """`first` is done by somebody else before, so that there is something to ask for."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    who: str = "olive"
    room: RoomRef = cast.NORTHWIND_ROOM
    account: AccountId = NORTHWIND
    moves_money: bool = False
    first: Command | None = None


EVERY = {
    one.tool: one
    for one in (
        Asked("add_seats", {"seats": 2}, moves_money=True),
        Asked("remove_seats", {"seats": 1}),
        Asked("change_plan", {"plan": "business"}, moves_money=True),
        Asked("refund_invoice", {"invoice": "INV-1042", "amount_minor": 500}, moves_money=True),
        Asked("change_billing_contact", {"name": "Eva Lund", "email": "eva@northwind.example"}),
        Asked("reset_member_access", {"member": "milo@northwind.example"}),
        Asked("pause_subscription", who="greta", room=cast.GLOBEX_ROOM, account=GLOBEX),
        Asked("resume_subscription", first=PauseSubscription()),
        Asked("cancel_subscription"),
    )
}
