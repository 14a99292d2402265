"""The policy in force, from policy.yaml: rulings over roles, rooms, amounts and conditions."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agent_core.cards import roles_text
from agent_core.conversation import Audience
from agent_core.people import Capability, Role
from agent_core.policy import ApprovalNeed, Decision, Question, Ruling
from agent_core.rules.policy_file import Condition, ToolPart, ToolRule, read_policy
from agent_core.tooling import Standing, Tool, ToolName

log = logging.getLogger(__name__)

_SILENT: Final = ToolRule(part=ToolPart(), limits=None, refuse=(), approve=(), escalate=())
_ROOMS: Final = {
    Audience.PRIVATE: "a direct chat",
    Audience.INTERNAL: "an internal room",
    Audience.SHARED: "a shared channel",
}


class _Unjudged(Exception):
    """A condition could not be evaluated. `place` names it."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


class YamlPolicy:
    """A Policy over compiled rules. What the rules are silent about, the tool declares."""

    def __init__(self, rules: Mapping[ToolName, ToolRule], version: str) -> None:
        self._rules = rules
        self._version = version

    @property
    def version(self) -> str:
        return self._version

    def decide(self, question: Question) -> Ruling:
        """Never raises: what it cannot judge, it refuses."""
        try:
            return self._judged(question, self._rules.get(question.tool.name, _SILENT))
        except _Unjudged as error:
            log.warning("policy condition %s cannot be judged", error.place)
            reason = "Our rules cannot judge this request, so it is not done."
            return self._ruling(question, Decision.REFUSE, "unjudged", reason)

    def _judged(self, question: Question, rule: ToolRule) -> Ruling:
        facts = _facts(question)
        if rule.part.audience is not None and question.audience not in rule.part.audience:
            rooms = " or ".join(_ROOMS[room] for room in rule.part.audience)
            reason = f"This is for {rooms} only, as everybody here can read along."
            return self._ruling(question, Decision.REFUSE, "audience", reason)
        if (met := _first(rule.refuse, facts)) is not None:
            return self._ruling(question, Decision.REFUSE, met.place, met.reason)
        if question.tool.standing is Standing.ANYBODY and not question.tool.is_action:
            return self._ruling(question, Decision.ALLOW, "anybody", "")
        if not _may(question, rule.part):
            return self._no_authority(question, rule.part)
        if (met := _first(rule.escalate, facts)) is not None:
            return self._ruling(question, Decision.ESCALATE, met.place, met.reason)
        return self._with_yeses(question, rule, facts)

    def _no_authority(self, question: Question, part: ToolPart) -> Ruling:
        roles = _roles(question.tool, part)
        who = roles_text(roles)
        reason = (
            f"Only {who} of this account can do this." if who else "Nobody can do this from here."
        )
        ruling = self._ruling(question, Decision.REFUSE, "roles", reason)
        if not question.tool.is_action:
            return ruling
        return Ruling(
            decision=ruling.decision, rule=ruling.rule, reason=ruling.reason, may_ask=roles
        )

    def _with_yeses(self, question: Question, rule: ToolRule, facts: dict[str, Any]) -> Ruling:
        confirm = question.tool.policy.confirm if rule.part.confirm is None else rule.part.confirm
        above = _above_limit(question, rule)
        met = _first(rule.approve, facts)
        if above or met is not None:
            reason = met.reason if met else "The amount is above the limit."
            place = met.place if met else "approve_above"
            ruling = self._ruling(question, Decision.APPROVE, place, reason)
            return Ruling(
                decision=ruling.decision,
                rule=ruling.rule,
                reason=ruling.reason,
                confirm=confirm,
                approval=_approvers(rule.part),
            )
        if confirm:
            return self._ruling(question, Decision.CONFIRM, "confirm", "", confirm=True)
        return self._ruling(question, Decision.ALLOW, "allow", "")

    def _ruling(
        self,
        question: Question,
        decision: Decision,
        place: str,
        reason: str,
        *,
        confirm: bool = False,
    ) -> Ruling:
        name = place if place.startswith("tools.") else f"tools.{question.tool.name}.{place}"
        return Ruling(
            decision=decision, rule=f"{name} ({self._version})", reason=reason, confirm=confirm
        )


def _facts(question: Question) -> dict[str, Any]:
    amount, role = question.amount, question.requester.role_in(question.account_id)
    return {
        "arguments": dict(question.arguments),
        "role": role.value if role else "",
        "staff": question.requester.can(Capability.STAFF),
        "audience": question.audience.value,
        "account": str(question.account_id or ""),
        "amount_minor": amount.minor if amount else 0,
        "currency": amount.currency if amount else "",
    }


def _first(conditions: Sequence[Condition], facts: dict[str, Any]) -> Condition | None:
    """The first condition that holds. Raises _Unjudged."""
    for condition in conditions:
        try:
            held = condition.holds(facts)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise _Unjudged(condition.place) from error
        if not isinstance(held, bool):
            raise _Unjudged(condition.place)
        if held:
            return condition
    return None


def _roles(tool: Tool, part: ToolPart) -> frozenset[Role]:
    return tool.policy.roles if part.roles is None else frozenset(part.roles)


def _may(question: Question, part: ToolPart) -> bool:
    """A role that the rule names, or staff outside shared rooms."""
    role = question.requester.role_in(question.account_id)
    if role is not None and role in _roles(question.tool, part):
        return True
    staff = question.tool.policy.staff if part.staff is None else part.staff
    inside = question.audience is not Audience.SHARED
    named = question.account_id is not None
    return staff and inside and named and question.requester.can(Capability.STAFF)


def _above_limit(question: Question, rule: ToolRule) -> bool:
    amount = question.amount
    if amount is None:
        return False
    if rule.limits is not None:
        limit = rule.limits.get(amount.currency)
        return limit is None or amount.minor > limit
    default = question.tool.policy.approve_above_minor
    return default is not None and amount.minor > default


def _approvers(part: ToolPart) -> ApprovalNeed:
    if not part.approvers:
        return ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
    return ApprovalNeed(
        roles=frozenset(one for one in part.approvers if isinstance(one, Role)),
        capabilities=frozenset(one for one in part.approvers if isinstance(one, Capability)),
    )


class FilePolicySource:
    """A PolicySource over one file, read once. `path` None: the tools' own defaults alone."""

    def __init__(self, path: Path | None, tools: Sequence[Tool]) -> None:
        """Raises ConfigurationError with every mistake."""
        if path is None:
            self._policy = YamlPolicy({}, "defaults")
            return
        rules, text = read_policy(path, tools)
        self._policy = YamlPolicy(rules, f"{path.name}@{hashlib.sha256(text).hexdigest()[:8]}")

    def current(self) -> YamlPolicy:
        return self._policy
