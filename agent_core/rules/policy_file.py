"""Reads and compiles policy.yaml, and tells every mistake in it by file, line and reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from agent_core.amounts import decimals
from agent_core.errors import ConfigurationError
from agent_core.people import Capability, Role
from agent_core.policy import ApprovalNeed, DailyLimit, Decision
from agent_core.rules.conditions import Condition, compiled
from agent_core.rules.policy_shape import (
    Amounts,
    ApprovalPart,
    Approvers,
    ConditionPart,
    LimitPart,
    ToolPart,
)
from agent_core.rules.yaml_lines import Place, YamlFile, read_yaml
from agent_core.tooling import Tool, ToolName

Part = TypeVar("Part", bound=BaseModel)
SUPPORT_APPROVES: Final = ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
_SAID: Final = {
    "extra_forbidden": "is not known here; correct its spelling, or take it out.",
    "missing": "is missing.",
    "string_type": "has to be text; put it in quotes.",
}
_SECTIONS: Final = ("tools", "limits")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """When somebody else must say yes, and who. `amounts` None: whatever the amount."""

    need: ApprovalNeed
    reason: str
    place: str
    where: str
    amounts: Mapping[str, int] | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """What the file says of one tool, compiled. `lines`: where each of its keys stands."""

    part: ToolPart = field(default_factory=ToolPart)
    refuse: tuple[Condition, ...] = ()
    escalate: tuple[Condition, ...] = ()
    approve: tuple[ApprovalRule, ...] = ()
    limits: tuple[DailyLimit, ...] = ()
    lines: Mapping[str, str] = field(default_factory=dict)

    @property
    def names_amounts(self) -> bool:
        """The file says above which amount; so the tool's own default does not count.

        What it says for some cases alone leaves the default to the others.
        """
        return any(rule.amounts is not None and rule.condition is None for rule in self.approve)


def read_policy(path: Path, tools: Sequence[Tool]) -> Mapping[ToolName, ToolRule]:
    """The compiled rules. Raises ConfigurationError with every mistake."""
    reading = _Reading(read_yaml(path), {tool.name: tool for tool in tools})
    rules = reading.rules()
    if reading.mistakes:
        raise ConfigurationError(reading.mistakes)
    return rules


class _Reading:
    """One file, on its way to rules."""

    def __init__(self, file: YamlFile, tools: Mapping[ToolName, Tool]) -> None:
        self._file = file
        self._tools = tools
        self.mistakes = list(file.mistakes)

    def rules(self) -> Mapping[ToolName, ToolRule]:
        content = self._mapping((), self._file.content) if not self.mistakes else {}
        for name in content:
            if name not in _SECTIONS:
                self._wrong((name,), f"is not known here. There are: {', '.join(_SECTIONS)}.")
        limits = self._limits(content.get("limits"))
        rules: dict[ToolName, ToolRule] = {}
        for name, raw in self._mapping(("tools",), content.get("tools")).items():
            tool = self._tool(("tools", name), name)
            if tool is not None:
                rules[tool.name] = self._rule(tool, raw, limits)
        for name in {name for limit in limits for name in limit.tools} - set(rules):
            rules[name] = ToolRule(limits=_of(limits, name))
        return rules

    # --- mistakes ---------------------------------------------------------------------------

    def _wrong(self, place: Place, reason: str) -> None:
        name = ".".join(str(part) for part in place) or "the file"
        self.mistakes.append(self._file.mistake(place, f"{name}: {reason}"))

    def _where(self, place: Place) -> str:
        return f"{self._file.path.name}:{self._file.line(place)}"

    def _mapping(self, place: Place, raw: object) -> dict[str, Any]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self._wrong(place, "has to be names with values below it.")
            return {}
        return {str(name): value for name, value in raw.items()}

    def _part(self, model: type[Part], place: Place, raw: object) -> Part | None:
        try:
            return model.model_validate({} if raw is None else raw)
        except ValidationError as error:
            told: dict[Place, str] = {}
            for one in error.errors(include_url=False, include_input=False):
                said = _SAID.get(one["type"]) or f"{one['msg'].removeprefix('Value error, ')}."
                told.setdefault(self._known(place, one["loc"]), said)
            for inner, message in told.items():
                self._wrong(inner, message)
            return None

    def _known(self, place: Place, inner: Sequence[str | int]) -> Place:
        """The mistake's place in the file: pydantic adds names of types to it."""
        whole = (*place, *inner)
        while len(whole) > len(place) + 1 and whole not in self._file.lines:
            if (
                whole[:-1] in self._file.lines
                and isinstance(whole[-1], str)
                and (whole[-1].isidentifier() and "[" not in whole[-1] and whole[-1] != "str")
            ):
                return whole  # a key that is missing there
            whole = whole[:-1]
        return whole

    def _tool(self, place: Place, name: str) -> Tool | None:
        tool = self._tools.get(ToolName(name))
        if tool is None:
            there = ", ".join(sorted(self._tools))
            self._wrong(place, f"there is no such tool. There are: {there}.")
        return tool

    # --- parts ------------------------------------------------------------------------------

    def _rule(self, tool: Tool, raw: object, limits: Sequence[DailyLimit]) -> ToolRule:
        place: Place = ("tools", str(tool.name))
        part = self._part(ToolPart, place, raw)
        if part is None:
            self._conditions_of_a_bad_part(tool, place, raw)
            return ToolRule()
        for key in ("undo_minutes", "on_failure"):
            if key in part.model_fields_set and tool.compensation is None:
                self._wrong((*place, key), "nothing takes this action back.")
        return ToolRule(
            part=part,
            refuse=self._conditions(tool, (*place, "refuse"), part.refuse),
            escalate=self._conditions(tool, (*place, "escalate"), part.escalate),
            approve=self._approvals(tool, place, part),
            limits=_of(limits, tool.name),
            lines={key: self._where((*place, key)) for key in part.model_fields_set},
        )

    def _conditions_of_a_bad_part(self, tool: Tool, place: Place, raw: object) -> None:
        """What can be checked is checked, so that every mistake is told at once."""
        if not isinstance(raw, dict):
            return
        for key in ("refuse", "escalate", "approve"):
            listed = raw.get(key)
            for i, one in enumerate(listed if isinstance(listed, list) else ()):
                when = one.get("when") if isinstance(one, dict) else None
                if isinstance(when, str):
                    self._condition(tool, (*place, key, i), when, "")

    def _conditions(
        self, tool: Tool, place: Place, parts: Iterable[ConditionPart]
    ) -> tuple[Condition, ...]:
        found = (
            self._condition(tool, (*place, i), one.when, one.reason) for i, one in enumerate(parts)
        )
        return tuple(one for one in found if one is not None)

    def _condition(self, tool: Tool, place: Place, when: str, reason: str) -> Condition | None:
        try:
            execute = compiled(when, tool)
        except ValueError as error:
            self._wrong((*place, "when"), " ".join(str(error).split()))
            return None
        name = ".".join(str(part) for part in place)
        return Condition(execute=execute, reason=reason, place=name, where=self._where(place))

    def _approvals(self, tool: Tool, place: Place, part: ToolPart) -> tuple[ApprovalRule, ...]:
        """The short form first, then the list."""
        rules = []
        if part.approvers is not None and not part.approvers:
            self._wrong((*place, "approvers"), "is empty: nobody could approve.")
        default = _need(part.approvers, 1)
        if part.approve_above is not None:
            above: Place = (*place, "approve_above")
            rules.append(
                ApprovalRule(
                    need=default,
                    reason="",
                    place=".".join(str(one) for one in above),
                    where=self._where(above),
                    amounts=self._amounts(above, part.approve_above),
                )
            )
        for i, one in enumerate(part.approve):
            rules.append(self._approval(tool, (*place, "approve", i), one, default))
        return tuple(rules)

    def _approval(
        self, tool: Tool, place: Place, part: ApprovalPart, default: ApprovalNeed
    ) -> ApprovalRule:
        amounts = None
        if part.above is not None:
            amounts = self._amounts((*place, "above"), part.above)
        condition = None
        if part.when is not None:
            condition = self._condition(tool, place, part.when, part.reason)
        return ApprovalRule(
            need=_need(part.by, part.people, default),
            reason=part.reason,
            place=".".join(str(one) for one in place),
            where=self._where(place),
            amounts=amounts,
            condition=condition,
        )

    def _limits(self, raw: object) -> tuple[DailyLimit, ...]:
        if raw is None:
            return ()
        if not isinstance(raw, list):
            self._wrong(("limits",), "has to be a list.")
            return ()
        found = (self._limit(("limits", i), one) for i, one in enumerate(raw))
        return tuple(one for one in found if one is not None)

    def _limit(self, place: Place, raw: object) -> DailyLimit | None:
        part = self._part(LimitPart, place, raw)
        if part is None:
            return None
        names = []
        for i, name in enumerate(part.tools):
            tool = self._tool((*place, "tools", i), name)
            if tool is not None and not tool.is_action:
                self._wrong((*place, "tools", i), f"{name} changes nothing, so it is not counted.")
            if tool is not None:
                names.append(tool.name)
        money = self._amounts((*place, "money"), part.money) if part.money is not None else {}
        return DailyLimit(
            tools=frozenset(names),
            per=part.per,
            count=part.per_day,
            money=money,
            over=Decision(part.over),
            reason=part.reason,
            rule=".".join(str(one) for one in place),
            where=self._where(place),
        )

    def _amounts(self, place: Place, value: Amounts) -> Mapping[str, int]:
        amounts: dict[str, int] = {}
        for one in [value] if isinstance(value, str) else value:
            parsed = _amount(one)
            if parsed is None:
                self._wrong(place, f"{one!r} is not an amount such as '200.00 USD'.")
                continue
            minor, currency = parsed
            if currency in amounts:
                self._wrong(place, f"{currency} is named twice.")
            amounts[currency] = minor
        return amounts


def _of(limits: Iterable[DailyLimit], name: ToolName) -> tuple[DailyLimit, ...]:
    return tuple(limit for limit in limits if name in limit.tools)


def _need(
    who: Approvers | None, people: int, default: ApprovalNeed = SUPPORT_APPROVES
) -> ApprovalNeed:
    if not who:
        return ApprovalNeed(roles=default.roles, capabilities=default.capabilities, people=people)
    return ApprovalNeed(
        roles=frozenset(one for one in who if isinstance(one, Role)),
        capabilities=frozenset(one for one in who if isinstance(one, Capability)),
        people=people,
    )


def _amount(text: str) -> tuple[int, str] | None:
    """`200.00 USD` in minor units; None where it is not an amount."""
    number, _, currency = text.strip().rpartition(" ")
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        return None
    digits = decimals(currency)
    try:
        minor = Decimal(number.replace(",", "")).scaleb(digits)
    except InvalidOperation:
        return None
    if not minor.is_finite() or minor < 0 or minor != minor.to_integral_value():
        return None
    return int(minor), currency
