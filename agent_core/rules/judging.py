"""The policy in force, from policy.yaml: rulings over roles, rooms, amounts and conditions."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from agent_core.conversation import Audience
from agent_core.people import Capability, Role
from agent_core.policy import Aftermath, Decision, Question, Ruling
from agent_core.rules.conditions import Condition, Facts, Unjudged
from agent_core.rules.policy_file import SUPPORT_APPROVES, ApprovalRule, ToolRule
from agent_core.rules.policy_shape import ToolPart
from agent_core.tooling import Standing, Tool, ToolName
from agent_core.wording import roles_text

log = logging.getLogger(__name__)

_SILENT: Final = ToolRule()
_ROOMS: Final = {
    Audience.PRIVATE: "a direct chat",
    Audience.INTERNAL: "an internal room",
    Audience.SHARED: "a shared channel",
}


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
        rule = self._rules.get(question.tool.name, _SILENT)
        try:
            return self._judged(question, rule)
        except Unjudged as error:
            log.warning("policy condition %s cannot be judged", error.place)
            reason = "Our rules cannot judge this request, so it is not done."
            return self._ruling(question, Decision.REFUSE, "unjudged", reason, error.where)

    def after(self, tool: Tool) -> Aftermath:
        """How long, and when by itself, the tool's effects are taken back."""
        part = self._rules.get(tool.name, _SILENT).part
        declared = tool.compensation.minutes if tool.compensation else 0
        minutes = declared if part.undo_minutes is None else part.undo_minutes
        return Aftermath(undo_minutes=minutes, undo_on_failure=part.on_failure == "undo")

    def _judged(self, question: Question, rule: ToolRule) -> Ruling:
        facts = Facts(question)
        if rule.part.audience is not None and question.audience not in rule.part.audience:
            rooms = " or ".join(_ROOMS[room] for room in rule.part.audience) or "no room"
            reason = f"This is for {rooms} only, as everybody here can read along."
            return self._by_key(question, rule, Decision.REFUSE, "audience", reason)
        if (met := _first(rule.refuse, facts)) is not None:
            return self._by_condition(question, Decision.REFUSE, met)
        if question.tool.standing is Standing.ANYBODY and not question.tool.is_action:
            return self._ruling(question, Decision.ALLOW, "anybody", "")
        if not _may(question, rule.part):
            return self._no_authority(question, rule)
        if (met := _first(rule.escalate, facts)) is not None:
            return self._by_condition(question, Decision.ESCALATE, met)
        return replace(self._with_yeses(question, rule, facts), limits=rule.limits)

    def _no_authority(self, question: Question, rule: ToolRule) -> Ruling:
        roles = _roles(question.tool, rule.part)
        who = roles_text(roles)
        reason = (
            f"Only {who} of this account can do this." if who else "Nobody can do this from here."
        )
        ruling = self._by_key(question, rule, Decision.REFUSE, "roles", reason)
        return replace(ruling, may_ask=roles) if question.tool.is_action else ruling

    def _with_yeses(self, question: Question, rule: ToolRule, facts: Facts) -> Ruling:
        confirm = question.tool.policy.confirm if rule.part.confirm is None else rule.part.confirm
        approval = _approval(question, rule, facts)
        if approval is not None:
            reason = approval.reason or "The amount is above the limit."
            ruling = self._ruling(
                question, Decision.APPROVE, approval.place, reason, approval.where
            )
            return replace(ruling, confirm=confirm, approval=approval.need)
        if confirm:
            ruling = self._by_key(question, rule, Decision.CONFIRM, "confirm", "")
            return replace(ruling, confirm=True)
        ruling = self._by_key(question, rule, Decision.ALLOW, "confirm", "")
        return replace(ruling, rule=ruling.rule.replace(".confirm ", ".allow ", 1))

    def _by_key(
        self, question: Question, rule: ToolRule, decision: Decision, key: str, reason: str
    ) -> Ruling:
        return self._ruling(question, decision, key, reason, rule.lines.get(key, ""))

    def _by_condition(self, question: Question, decision: Decision, met: Condition) -> Ruling:
        return self._ruling(question, decision, met.place, met.reason, met.where)

    def _ruling(
        self, question: Question, decision: Decision, place: str, reason: str, where: str = ""
    ) -> Ruling:
        name = place if place.startswith("tools.") else f"tools.{question.tool.name}.{place}"
        return Ruling(
            decision=decision, rule=f"{name} ({self._version})", reason=reason, where=where
        )


def _first(conditions: Sequence[Condition], facts: Facts) -> Condition | None:
    """The first condition that holds. Raises Unjudged."""
    return next((one for one in conditions if one.holds(facts)), None)


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


def _approval(question: Question, rule: ToolRule, facts: Facts) -> ApprovalRule | None:
    """Of those that hold, the one that asks for most people; among equals the last."""
    strictest = None if rule.names_amounts else _default_approval(question, rule)
    for one in rule.approve:
        if one.amounts is not None and not _above(question, one.amounts):
            continue
        if one.condition is not None and not one.condition.holds(facts):
            continue
        if strictest is None or one.need.people >= strictest.need.people:
            strictest = one
    return strictest


def _above(question: Question, amounts: Mapping[str, int]) -> bool:
    """A currency that is not named has no amount up to which it is free."""
    amount = question.amount
    if amount is None:
        return False
    limit = amounts.get(amount.currency)
    return limit is None or amount.minor > limit


def _default_approval(question: Question, rule: ToolRule) -> ApprovalRule | None:
    """What the tool itself declares."""
    default, amount = question.tool.policy.approve_above_minor, question.amount
    if default is None or amount is None or amount.minor <= default:
        return None
    named = rule.part.approvers
    need = SUPPORT_APPROVES
    if named:
        need = replace(
            need,
            roles=frozenset(one for one in named if isinstance(one, Role)),
            capabilities=frozenset(one for one in named if isinstance(one, Capability)),
        )
    return ApprovalRule(need=need, reason="", place="approve_above", where="")
