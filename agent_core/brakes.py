"""Brakes: what is stopped for now, by whom and why. On screen people read “pause”."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent_core.conversation import Conversation
from agent_core.messages import RoomRef
from agent_core.people import AccountId
from agent_core.tooling import ToolName


class BrakeScope(StrEnum):
    """What a brake stops."""

    ALL = "all"  # the agent everywhere; people go on
    ACCOUNT = "account"
    ROOM = "room"
    TOOL = "tool"  # one action, for everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """One brake that is set. `target` is an account id, a room's address or a tool; "" for all."""

    scope: BrakeScope
    target: str
    set_by: str
    set_at: datetime
    reason: str = ""
    set_by_key: str | None = None  # the person's; None where only their name is known

    @property
    def in_words(self) -> str:
        """What is paused, for operators and support leads."""
        return "the AI agent" if self.scope is BrakeScope.ALL else f"{self.scope} {self.target}"


def holds_conversation(brakes: Sequence[Brake], conversation: Conversation) -> Brake | None:
    """The brake that keeps the agent out of this conversation, if one does."""
    stopped = {
        (BrakeScope.ALL, ""),
        (BrakeScope.ROOM, str(conversation.room)),
        (BrakeScope.ACCOUNT, str(conversation.account or "-")),
    }
    return _first(brakes, stopped)


def holds_action(
    brakes: Sequence[Brake], tool: ToolName, account: AccountId, room: RoomRef
) -> Brake | None:
    """The brake that keeps this action, asked for in this room, from running on this account.

    Whoever approved it, and wherever: what has not begun does not begin.
    """
    stopped = {
        (BrakeScope.ALL, ""),
        (BrakeScope.ROOM, str(room)),
        (BrakeScope.TOOL, str(tool)),
        (BrakeScope.ACCOUNT, str(account)),
    }
    return _first(brakes, stopped)


def _first(brakes: Sequence[Brake], stopped: set[tuple[BrakeScope, str]]) -> Brake | None:
    """In whichever case somebody typed it: a brake that is said to hold has to hold."""
    folded = {(scope, target.casefold()) for scope, target in stopped}
    return next((one for one in brakes if (one.scope, one.target.casefold()) in folded), None)


def brake_named(scope: str, target: str) -> tuple[BrakeScope, str]:
    """Checks what somebody typed. Raises ValueError that says what can be written."""
    try:
        kind = BrakeScope(scope)
    except ValueError:
        known = ", ".join(BrakeScope)
        raise ValueError(f"{scope!r} cannot be paused: write one of {known}.") from None
    if (kind is BrakeScope.ALL) == bool(target):
        if target:
            raise ValueError("“all” takes nothing after it.")
        raise ValueError(f"Say which {kind}: for example “{kind} {_EXAMPLES[kind]}”.")
    if kind is BrakeScope.ROOM:
        try:
            RoomRef.parse(target)  # a name such as #globex would stop nothing
        except ValueError as error:
            raise ValueError(f"{error}.") from None
    return kind, target


_EXAMPLES = {
    BrakeScope.ACCOUNT: "globex",
    BrakeScope.ROOM: "slack:T0ACME/C0GLOBEX",
    BrakeScope.TOOL: "refund_invoice",
    BrakeScope.ALL: "",
}
