"""Conditions in CEL: checked against the names that exist, compiled once, judged over the facts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import cel

from agent_core.people import Capability
from agent_core.policy import Question
from agent_core.tooling import Tool

PERSON: Final = ("id", "role", "staff", "capabilities")
NOW: Final = ("weekday", "hour", "date")
VARIABLES: Final = (
    "arguments", "person", "account", "now", "audience", "amount_minor", "currency",
    "role", "staff",
)  # fmt: skip
_WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
)  # fmt: skip
# The name that a CEL macro binds, as in `arguments.members.exists(m, m == role)`.
_LOCAL: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*(\w+)\s*,")
_STRING: Final = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_FIELD: Final = re.compile(r"(?<![\w.])(arguments|person|account|now)\.(\w+)(?!\s*\()")


class Unjudged(Exception):
    """A condition could not be evaluated. `place` names it, `where` is its file and line."""

    def __init__(self, place: str, where: str) -> None:
        super().__init__(place)
        self.place = place
        self.where = where


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A compiled condition, the reason that people read, and where it stands."""

    execute: Callable[[Any], Any]
    reason: str
    place: str
    where: str

    def holds(self, facts: "Facts") -> bool:
        """Raises Unjudged where CEL cannot tell, or tells something else than true or false."""
        try:
            held = self.execute(facts.context())
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise Unjudged(self.place, self.where) from error
        if not isinstance(held, bool):
            raise Unjudged(self.place, self.where)
        return held


class Facts:
    """What conditions may speak of. Handed to CEL once for all of them, and only if there are."""

    __slots__ = ("_context", "_question")

    def __init__(self, question: Question) -> None:
        self._question = question
        self._context: Any = None

    def context(self) -> Any:
        if self._context is None:
            self._context = cel.Context(_facts(self._question))
        return self._context


def compiled(text: str, tool: Tool) -> Callable[[Any], Any]:
    """The condition's program. Raises ValueError with what is wrong with it, in words."""
    program = cel.compile(text)  # raises ValueError
    plain = _STRING.sub("''", text)
    unknown = sorted(set(program.variables()) - set(VARIABLES) - set(_LOCAL.findall(plain)))
    if unknown:
        raise ValueError(f"unknown name {', '.join(unknown)}. There are: {', '.join(VARIABLES)}.")
    for name, field in _FIELD.findall(plain):
        _check_field(name, field, tool)
    return program.execute


def _check_field(name: str, field: str, tool: Tool) -> None:
    known = {
        "arguments": tuple(tool.arguments.model_fields),
        "person": PERSON,
        "now": NOW,
        # Of a read, only the account's id is known before it runs.
        "account": None if tool.is_action else ("id",),
    }[name]
    if known is not None and field not in known:
        there = ", ".join(known) or "nothing"
        raise ValueError(f"{name} has no {field}. There is: {there}.")


def _facts(question: Question) -> dict[str, Any]:
    amount, requester = question.amount, question.requester
    role = requester.role_in(question.account_id)
    staff = requester.can(Capability.STAFF)
    facts: dict[str, Any] = {
        "arguments": dict(question.arguments),
        "person": {
            "id": requester.key,
            "role": role.value if role else "",
            "staff": staff,
            "capabilities": sorted(one.value for one in requester.capabilities),
        },
        "account": {**question.account_facts, "id": str(question.account_id or "")},
        "audience": question.audience.value,
        "amount_minor": amount.minor if amount else 0,
        "currency": amount.currency if amount else "",
        "role": role.value if role else "",
        "staff": staff,
    }
    if question.now is not None:
        facts["now"] = _time(question.now)
    return facts


def _time(now: datetime) -> dict[str, Any]:
    at = now.astimezone(UTC)
    return {"weekday": _WEEKDAYS[at.weekday()], "hour": at.hour, "date": at.date().isoformat()}
