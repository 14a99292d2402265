"""How amounts, times, people and arguments read in a sentence."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from agent_core.amounts import amount_text
from agent_core.people import Capability, Role
from agent_core.policy import ApprovalNeed
from agent_core.proposals import ProposalId
from agent_core.tooling import Amount

_ROLE_NAMES: Final = {
    Role.OWNER: "an owner",
    Role.BILLING_ADMIN: "a billing admin",
    Role.ADMIN: "an admin",
    Role.MEMBER: "a member",
}


_CAPABILITY_NAMES: Final = {
    Capability.STAFF: "a colleague",
    Capability.SUPPORT: "the support team",
    Capability.APPROVER: "an approver of the support team",
    Capability.LEAD: "a support lead",
}


def money_text(amount: Amount) -> str:
    """Minor units as people read them, e.g. "$1,250.00"."""
    return amount_text(amount.minor, amount.currency)


def time_text(at: datetime) -> str:
    """A moment as cards show it, e.g. "10:03 UTC, 4 March"."""
    return f"{at:%H:%M} UTC, {at.day} {at:%B}"


def short_reference(key: ProposalId) -> str:
    """The last eight characters of a ledger key, which support can search for."""
    return str(key)[-8:].upper()


def doubt_text(title: str, amount: Amount | None, key: ProposalId) -> str:
    """Both possibilities of an action whose answer never came, for whoever looks it up."""
    money = f" ({money_text(amount)})" if amount else ""
    return (
        f"“{title}”{money} was started and no answer came. Either it happened: then tell the "
        "customer and do nothing more. Or it did not: then it may be asked for again. "
        f"Look for reference {short_reference(key)} (key {key})."
    )


def roles_text(roles: Iterable[Role]) -> str:
    """Roles in a sentence, e.g. "an owner or a billing admin"."""
    return one_of([_ROLE_NAMES[role] for role in Role if role in set(roles)])


def one_of(names: Sequence[str]) -> str:
    """Alternatives in a sentence: "a, b or c"."""
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def argument_label(name: str) -> str:
    """An argument's name as people read it: "amount_minor" is "Amount in minor units"."""
    words = name.removesuffix("_minor").replace("_", " ").strip() or name
    unit = " in minor units" if name.endswith("_minor") else ""
    return f"{words[:1].upper()}{words[1:]}{unit}"


def approvers_text(need: ApprovalNeed) -> str:
    """Who else must say yes, in a sentence."""
    names = [_ROLE_NAMES[role] for role in Role if role in need.roles]
    names += [_CAPABILITY_NAMES[one] for one in Capability if one in need.capabilities]
    who = one_of(names)
    return who if need.people == 1 else f"{need.people} different people, each of them {who},"
