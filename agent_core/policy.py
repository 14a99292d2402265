"""What policy is asked and what it answers. Pure: a question in, a ruling out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from agent_core.conversation import Audience
from agent_core.people import AccountId, Capability, Requester, Role
from agent_core.tooling import Amount, Json, Tool, ToolName


class Decision(StrEnum):
    """What policy says of one call."""

    ALLOW = "allow"  # at once
    CONFIRM = "confirm"  # after the requester's yes
    APPROVE = "approve"  # after somebody else's yes
    REFUSE = "refuse"
    ESCALATE = "escalate"  # a person takes over


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call as policy sees it, with canonical arguments.

    `account_facts`: what the preview told of the account (plan, seats, status); empty for reads.
    `now`: aware UTC; a condition over the time cannot be judged without it.
    """

    tool: Tool
    arguments: Json
    requester: Requester
    audience: Audience
    account_id: AccountId | None
    amount: Amount | None = None
    account_facts: Json = field(default_factory=dict)
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalNeed:
    """Who else must say yes: any of these roles in the account, or of these capabilities.

    `people`: how many different persons, none of them the requester. `passed_on`: nobody answered
    for long, so that support leads may decide too.
    """

    roles: frozenset[Role] = frozenset()
    capabilities: frozenset[Capability] = frozenset()
    people: int = 1
    passed_on: bool = False


class Per(StrEnum):
    """Whose use a limit counts."""

    PERSON = "person"
    ACCOUNT = "account"
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyLimit:
    """How often, and for how much money, some actions may be done in one UTC day.

    `money`: minor units by currency; a currency that is not named has no limit. `over`: REFUSE or
    ESCALATE.
    """

    tools: frozenset[ToolName]
    per: Per
    count: int | None
    money: Mapping[str, int]
    over: Decision
    reason: str
    rule: str
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What was decided, by which rule, and why, in a sentence fit for the requester.

    `approval` is set with APPROVE. With REFUSE, `may_ask` names the roles that could do it, so
    that the refusal can carry "Ask an owner"; empty: nobody here can. `where`: file and line of
    the rule, "" where the tool itself declares it. `limits`: what the action is counted against.
    """

    decision: Decision
    rule: str
    reason: str
    confirm: bool = False  # with APPROVE: the requester's own yes is needed too, first
    approval: ApprovalNeed | None = None
    may_ask: frozenset[Role] = frozenset()
    where: str = ""
    limits: tuple[DailyLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What may follow a tool's effect. `undo_minutes` 0: nobody takes it back.

    `undo_on_failure`: it is taken back by itself where a later step of its plan fails.
    """

    undo_minutes: int
    undo_on_failure: bool = False


class Policy(Protocol):
    """A compiled policy. `version` names it in journals and audit."""

    @property
    def version(self) -> str: ...

    def decide(self, question: Question) -> Ruling:
        """Never raises: what it cannot judge, it refuses."""
        ...

    def after(self, tool: Tool) -> Aftermath:
        """How long, and when by itself, the tool's effects are taken back."""
        ...


def has_standing(requester: Requester, role: Role | None, audience: Audience) -> bool:
    """Whether the requester may touch the account at all: a role in it, or staff inside."""
    if role is not None:
        return True
    return requester.can(Capability.STAFF) and audience is not Audience.SHARED


def confirmed_by_staff(ruling: Ruling, role: Role | None) -> Ruling:
    """The same, and what somebody without a role in the account changes is always confirmed."""
    return ruling if role is not None else confirmed(ruling)


def confirmed(ruling: Ruling) -> Ruling:
    """The same, and the requester's yes first, whatever policy says of that."""
    match ruling.decision:
        case Decision.ALLOW:
            return replace(ruling, decision=Decision.CONFIRM, confirm=True)
        case Decision.APPROVE:
            return replace(ruling, confirm=True)
        case _:
            return ruling
