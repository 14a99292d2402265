"""The shape of policy.yaml, and every mistake in it as a sentence."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import cel
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from agent_core.amounts import decimals
from agent_core.conversation import Audience
from agent_core.errors import ConfigurationError
from agent_core.people import Capability, Role
from agent_core.tooling import Tool, ToolName

VARIABLES: Final = (
    "arguments", "role", "staff", "audience", "account", "amount_minor", "currency"
)  # fmt: skip
# The name that a CEL macro binds, as in `arguments.members.exists(m, m == role)`.
_LOCAL: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*(\w+)\s*,")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class ConditionPart(_Part):
    """One condition and the reason that people read."""

    when: str
    reason: str

    @field_validator("when", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value


class ToolPart(_Part):
    """What the file says of one tool. None: silent."""

    roles: list[Role] | None = None
    staff: bool | None = None
    audience: list[Audience] | None = None
    confirm: bool | None = None
    approve_above: str | list[str] | None = None
    approvers: list[Role | Capability] | None = None
    refuse: list[ConditionPart] = []
    approve: list[ConditionPart] = []
    escalate: list[ConditionPart] = []


class PolicyPart(_Part):
    """The whole file."""

    tools: dict[str, ToolPart] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A compiled condition. `holds` raises whatever CEL raises where it cannot be judged."""

    holds: Callable[[dict[str, Any]], Any]
    reason: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """What the file says of one tool, compiled. `limits`: minor units by currency."""

    part: ToolPart
    limits: Mapping[str, int] | None
    refuse: tuple[Condition, ...]
    approve: tuple[Condition, ...]
    escalate: tuple[Condition, ...]


def read_policy(path: Path, tools: Sequence[Tool]) -> tuple[Mapping[ToolName, ToolRule], bytes]:
    """The compiled rules and the file's bytes.

    Raises ConfigurationError with every mistake: file, place in it, and what is wrong.
    """
    try:
        text = path.read_bytes()
        raw = yaml.safe_load(text)
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read ({error.strerror})."]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: not valid YAML: {_one_line(error)}"]) from error
    part, mistakes = _validated(path, {} if raw is None else raw)
    known = {str(tool.name) for tool in tools}
    rules: dict[ToolName, ToolRule] = {}
    for name, tool_part in part.tools.items():
        if name not in known:
            mistakes.append(
                f"{path}: tools.{name}: there is no such tool. There are: "
                f"{', '.join(sorted(known))}."
            )
            continue
        rules[ToolName(name)] = _compiled(path, name, tool_part, mistakes)
    if mistakes:
        raise ConfigurationError(mistakes)
    return rules, text


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _validated(path: Path, raw: Any) -> tuple[PolicyPart, list[str]]:
    """What is usable, and the mistakes; bad tools are left out so that the rest is checked too."""
    try:
        return PolicyPart.model_validate(raw), []
    except ValidationError as error:
        mistakes = [
            f"{path}: {'.'.join(str(p) for p in one['loc']) or 'file'}: {one['msg']}."
            for one in error.errors(include_url=False)
        ]
        bad = {one["loc"][1] for one in error.errors() if len(one["loc"]) > 1}
        tools = raw.get("tools") if isinstance(raw, dict) else None
        good = {n: t for n, t in tools.items() if n not in bad} if isinstance(tools, dict) else {}
        try:
            return PolicyPart.model_validate({"tools": good}), mistakes
        except ValidationError:
            return PolicyPart(), mistakes


def _compiled(path: Path, name: str, part: ToolPart, mistakes: list[str]) -> ToolRule:
    place = f"tools.{name}"
    limits = _limits(path, f"{place}.approve_above", part.approve_above, mistakes)

    def conditions(key: str, parts: Sequence[ConditionPart]) -> tuple[Condition, ...]:
        found = (
            _condition(path, f"{place}.{key}.{i}", one, mistakes) for i, one in enumerate(parts)
        )
        return tuple(one for one in found if one is not None)

    return ToolRule(
        part=part,
        limits=limits,
        refuse=conditions("refuse", part.refuse),
        approve=conditions("approve", part.approve),
        escalate=conditions("escalate", part.escalate),
    )


def _condition(
    path: Path, place: str, part: ConditionPart, mistakes: list[str]
) -> Condition | None:
    try:
        program = cel.compile(part.when)
    except ValueError as error:
        mistakes.append(f"{path}: {place}.when: {_one_line(error)}")
        return None
    unknown = sorted(set(program.variables()) - set(VARIABLES) - set(_LOCAL.findall(part.when)))
    if unknown:
        mistakes.append(
            f"{path}: {place}.when: unknown name {', '.join(unknown)}. "
            f"There are: {', '.join(VARIABLES)}."
        )
        return None
    return Condition(holds=program.execute, reason=part.reason, place=place)


def _limits(
    path: Path, place: str, value: str | list[str] | None, mistakes: list[str]
) -> Mapping[str, int] | None:
    if value is None:
        return None
    limits: dict[str, int] = {}
    for one in [value] if isinstance(value, str) else value:
        parsed = _amount(one)
        if parsed is None:
            mistakes.append(f"{path}: {place}: {one!r} is not an amount such as '200.00 USD'.")
            continue
        minor, currency = parsed
        if currency in limits:
            mistakes.append(f"{path}: {place}: {currency} is named twice.")
        limits[currency] = minor
    return limits


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
