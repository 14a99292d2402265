"""policy.yaml: what it decides, and every mistake in it, told at once."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from pydantic import BaseModel

from agent_core.conversation import Audience
from agent_core.errors import ConfigurationError
from agent_core.people import AccountId, Capability, Person, PersonId, Requester, Role
from agent_core.policy import ApprovalNeed, Decision, Per, Question, Ruling
from agent_core.proposals import LedgerEntry
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.tooling import (
    Amount,
    Effect,
    PolicyDefaults,
    Standing,
    Tool,
    ToolContext,
    ToolName,
    ToolResult,
)
from tests.builders import ACME, an_identity
from tools.accounts.memory_gateway import MemoryAccounts
from tools.catalog import Catalog

EXAMPLE = Path(__file__).parents[2] / "examples" / "acme" / "policy.yaml"


class Nothing(BaseModel):
    n: int = 0
    members: list[str] = []


async def nothing(context: ToolContext, arguments: Any) -> ToolResult:
    return ToolResult(content={})


def a_tool(name: str = "pay", effect: Effect = Effect.MONEY, **changes: Any) -> Tool:
    defaults = {"policy": PolicyDefaults(roles=frozenset({Role.OWNER}), approve_above_minor=100)}
    return Tool(
        name=ToolName(name),
        description="",
        arguments=Nothing,
        effect=effect,
        handler=nothing,
        **{**defaults, **changes},
    )


def somebody(role: Role | None = Role.OWNER, *can: Capability) -> Requester:
    person = Person(
        id=PersonId("p"),
        name="P",
        roles={ACME: role} if role else {},
        capabilities=frozenset(can),
    )
    return Requester(identity=an_identity(), name="P", person=person)


class Judge:
    """A policy from text, asked about one tool."""

    def __init__(self, folder: Path, text: str | None, tool: Tool | None = None) -> None:
        self.tool = tool or a_tool()
        path = None
        if text is not None:
            path = folder / "policy.yaml"
            path.write_text(text, encoding="utf-8")
        self.policy = FilePolicySource(path, [self.tool]).current()

    def __call__(
        self,
        who: Requester | None = None,
        audience: Audience = Audience.SHARED,
        minor: int | None = None,
        currency: str = "USD",
        account: AccountId | None = ACME,
        **arguments: Any,
    ) -> Ruling:
        return self.policy.decide(
            Question(
                tool=self.tool,
                arguments=arguments,
                requester=who or somebody(),
                audience=audience,
                account_id=account,
                amount=None if minor is None else Amount(minor=minor, currency=currency),
            )
        )


def test_without_a_file_the_tools_own_defaults_hold(tmp_path: Path) -> None:
    judge = Judge(tmp_path, None)
    assert judge().decision is Decision.CONFIRM
    assert judge(minor=101).decision is Decision.APPROVE
    assert judge(minor=101).confirm
    refused = judge(somebody(Role.MEMBER))
    assert refused.decision is Decision.REFUSE
    assert refused.may_ask == {Role.OWNER} and "an owner" in refused.reason


def test_the_file_overrides_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    judge = Judge(tmp_path, "tools: {pay: {roles: [member], confirm: false}}")
    assert judge(somebody(Role.MEMBER)).decision is Decision.ALLOW
    assert judge(somebody(Role.OWNER)).decision is Decision.REFUSE
    assert judge(somebody(Role.MEMBER), minor=101).decision is Decision.APPROVE


def test_limits_are_by_currency_and_an_unnamed_one_always_needs_approval(tmp_path: Path) -> None:
    judge = Judge(tmp_path, 'tools: {pay: {approve_above: ["200.00 USD", "1,000 JPY"]}}')
    assert judge(minor=20_000).decision is Decision.CONFIRM
    assert judge(minor=20_001).decision is Decision.APPROVE
    assert judge(minor=1_000, currency="JPY").decision is Decision.CONFIRM
    assert judge(minor=1, currency="EUR").decision is Decision.APPROVE


def test_an_amount_for_some_cases_alone_leaves_the_tools_own_limit_to_the_others(
    tmp_path: Path,
) -> None:
    rule = "{above: 50.00 USD, when: 'arguments.n > 5', by: [lead], people: 2}"
    judge = Judge(tmp_path, f"tools: {{pay: {{approve: [{rule}]}}}}")
    assert judge(minor=100, n=1).decision is Decision.CONFIRM
    other = judge(minor=10_000, n=1)
    assert other.decision is Decision.APPROVE
    assert other.approval == ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
    named = judge(minor=10_000, n=6)
    assert named.approval == ApprovalNeed(capabilities=frozenset({Capability.LEAD}), people=2)


def test_approvers_may_be_roles_or_capabilities(tmp_path: Path) -> None:
    text = 'tools: {pay: {approve_above: "0 USD", approvers: [owner, lead]}}'
    need = Judge(tmp_path, text)(minor=1).approval
    assert need is not None
    assert need.roles == frozenset({Role.OWNER})
    assert need.capabilities == frozenset({Capability.LEAD})


def test_staff_only_where_named_and_never_in_shared_rooms(tmp_path: Path) -> None:
    judge = Judge(tmp_path, "tools: {pay: {staff: true}}")
    sam = somebody(None, Capability.STAFF)
    assert judge(sam, Audience.INTERNAL).decision is Decision.CONFIRM
    assert judge(sam, Audience.SHARED).decision is Decision.REFUSE
    assert judge(sam, Audience.INTERNAL, account=None).decision is Decision.REFUSE
    support = somebody(None, Capability.SUPPORT)
    assert judge(support, Audience.INTERNAL).decision is Decision.REFUSE


def test_conditions_refuse_approve_and_escalate_in_that_order(tmp_path: Path) -> None:
    text = """
tools:
  pay:
    audience: [shared, private]
    refuse: [{when: "arguments.n > 100", reason: Too many.}]
    escalate: [{when: "arguments.n > 50", reason: A person looks.}]
    approve: [{when: "arguments.n > 10 && role == 'owner'", reason: A lot.}]
"""
    judge = Judge(tmp_path, text)
    assert judge(n=101).reason == "Too many."
    assert judge(n=51).decision is Decision.ESCALATE
    assert judge(n=11).decision is Decision.APPROVE
    assert judge(n=1).decision is Decision.CONFIRM
    assert judge(n=1, audience=Audience.INTERNAL).decision is Decision.REFUSE
    assert judge(somebody(Role.MEMBER), n=51).decision is Decision.REFUSE


@pytest.mark.parametrize(
    "when", ["arguments.members[3] == 'a'", "arguments.n", "arguments.n > 'a'"]
)
def test_what_cannot_be_judged_is_refused(tmp_path: Path, when: str) -> None:
    text = f'tools: {{pay: {{escalate: [{{when: "{when}", reason: x}}]}}}}'
    ruling = Judge(tmp_path, text)(n=1)
    assert (ruling.decision, ruling.may_ask) == (Decision.REFUSE, frozenset())


def test_general_reads_need_no_role(tmp_path: Path) -> None:
    tool = a_tool("plans", Effect.READ, standing=Standing.ANYBODY, policy=PolicyDefaults())
    judge = Judge(tmp_path, "tools: {}", tool)
    assert judge(somebody(None), account=None).decision is Decision.ALLOW


def test_a_ruling_names_its_rule_and_the_version_of_the_file(tmp_path: Path) -> None:
    judge = Judge(tmp_path, "tools: {}")
    assert judge().rule == f"tools.pay.confirm ({judge.policy.version})"
    other = Judge(tmp_path, "tools: {pay: {confirm: true}}")
    assert other.policy.version != judge.policy.version


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = """
tools:
  pay:
    roles: [boss]
    approve_above: lots
  fly: {confirm: true}
  dig:
    confirms: true
  ask:
    refuse: [{when: "arguments.n >", reason: x}, {when: "salary > 1", reason: y}]
    approve_above: "1.234 USD"
"""
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    tools = [a_tool(name) for name in ("pay", "dig", "ask")]
    with pytest.raises(ConfigurationError) as caught:
        FilePolicySource(path, tools)
    told = "\n".join(caught.value.mistakes)
    assert all(str(path) in mistake for mistake in caught.value.mistakes)
    for part in (
        "tools.pay.roles.0",
        "tools.fly: there is no such tool",
        "tools.dig.confirms",
        "tools.ask.refuse.0.when: Failed to parse",
        "unknown name salary",
        "'1.234 USD' is not an amount",
    ):
        assert part in told, part


@pytest.mark.parametrize("text", ["tools: [", "- a", "tools: 3", "other: 1"])
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        Judge(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        FilePolicySource(tmp_path / "none.yaml", [])


async def _no_ledger(account: AccountId) -> list[LedgerEntry]:
    return []


def test_the_sample_companys_policy() -> None:
    catalog = Catalog(MemoryAccounts.__new__(MemoryAccounts), _no_ledger)
    tools = {str(t.name): t for t in catalog.for_audience(Audience.PRIVATE)}
    policy = FilePolicySource(EXAMPLE, list(tools.values())).current()

    def ask(name: str, role: Role | None, minor: int | None = None, **arguments: Any) -> Decision:
        amount = None if minor is None else Amount(minor=minor, currency="USD")
        question = Question(
            tool=tools[name],
            arguments=arguments,
            requester=somebody(role),
            audience=Audience.SHARED,
            account_id=ACME,
            amount=amount,
        )
        return policy.decide(question).decision

    assert ask("add_seats", Role.ADMIN, 5_000, seats=5) is Decision.CONFIRM
    assert ask("add_seats", Role.MEMBER, 5_000, seats=5) is Decision.REFUSE
    assert ask("add_seats", Role.OWNER, 5_000, seats=201) is Decision.ESCALATE
    assert ask("refund_invoice", Role.BILLING_ADMIN, 20_000) is Decision.CONFIRM
    assert ask("refund_invoice", Role.BILLING_ADMIN, 20_001) is Decision.APPROVE
    assert ask("cancel_subscription", Role.BILLING_ADMIN) is Decision.REFUSE
    assert ask("look_up_account", Role.MEMBER) is Decision.ALLOW
    assert ask("list_invoices", Role.MEMBER) is Decision.REFUSE
    assert ask("list_plans", None) is Decision.ALLOW


WEDNESDAY_NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def test_conditions_speak_of_the_account_the_person_and_the_time(tmp_path: Path) -> None:
    text = """
tools:
  pay:
    refuse:
      - when: now.weekday in ['saturday', 'sunday'] || now.hour < 8 || now.date < '2026-01-01'
        reason: Not now.
      - when: account.plan == 'starter' && account.seats > 5
        reason: Not on this plan.
    approve:
      - when: person.role == 'owner' && !('lead' in person.capabilities)
        reason: Somebody looks.
"""
    judge = Judge(tmp_path, text)
    facts = {"plan": "team", "seats": 9}

    def ask(who: Requester | None = None, at: datetime = WEDNESDAY_NOON, **told: Any) -> Ruling:
        return judge.policy.decide(
            Question(
                tool=judge.tool,
                arguments={},
                requester=who or somebody(),
                audience=Audience.SHARED,
                account_id=ACME,
                account_facts={**facts, **told},
                now=at,
            )
        )

    assert ask().decision is Decision.APPROVE
    assert ask(somebody(Role.OWNER, Capability.LEAD)).decision is Decision.CONFIRM
    assert ask(at=WEDNESDAY_NOON + timedelta(days=3)).reason == "Not now."
    assert ask(at=WEDNESDAY_NOON.replace(hour=7)).reason == "Not now."
    assert ask(plan="starter").reason == "Not on this plan."
    unknown = judge.policy.decide(
        Question(
            tool=judge.tool,
            arguments={},
            requester=somebody(),
            audience=Audience.SHARED,
            account_id=ACME,
            now=WEDNESDAY_NOON,
        )
    )
    assert (unknown.decision, unknown.where) == (Decision.REFUSE, "policy.yaml:7")


def test_tiers_ask_for_more_people_above_more_money(tmp_path: Path) -> None:
    text = """
tools:
  pay:
    approve:
      - {above: "200.00 USD", by: [approver]}
      - {above: "2,000.00 USD", by: [approver, lead], people: 2}
      - {when: "arguments.n > 5", reason: Many., by: [owner]}
"""
    judge = Judge(tmp_path, text)
    assert judge(minor=20_000, n=1).decision is Decision.CONFIRM
    one = judge(minor=20_001, n=1)
    assert one.approval == ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
    assert (one.rule.split(" ")[0], one.where) == ("tools.pay.approve.0", "policy.yaml:5")
    two = judge(minor=200_001, n=9)  # the many do not make it less
    assert two.approval is not None and two.approval.people == 2
    assert two.approval.capabilities == {Capability.APPROVER, Capability.LEAD}
    assert judge(n=9).approval == ApprovalNeed(roles=frozenset({Role.OWNER}))
    assert judge(minor=1, currency="EUR", n=1).approval == two.approval  # not named: never free


def test_limits_come_with_every_ruling_that_may_end_in_an_effect(tmp_path: Path) -> None:
    text = """
limits:
  - {tools: [pay], per: account, per_day: 3, money: ["1,000.00 USD", "900 EUR"], reason: Enough.}
  - tools: [pay]
    per: person
    per_day: 1
    over: escalate
"""
    judge = Judge(tmp_path, text)
    first, second = judge().limits
    assert (first.per, first.count, first.money) == (
        Per.ACCOUNT,
        3,
        {"USD": 100_000, "EUR": 90_000},
    )
    assert (first.over, first.reason, first.where) == (Decision.REFUSE, "Enough.", "policy.yaml:3")
    assert (second.per, second.over, second.rule) == (Per.PERSON, Decision.ESCALATE, "limits.1")
    assert judge(somebody(Role.MEMBER)).limits == ()


def test_every_mistake_names_its_line(tmp_path: Path) -> None:
    text = """tools:
  pay:
    refuse:
      - when: arguments.seats > 1
        reason: x
      - when: person.rank == 'a' && now.minute > 3
    approve:
      - {by: [approver]}
      - {above: "1 USD", by: [king], people: 0}
limits:
  - {tools: [pay, fly], per: galaxy, per_day: -1}
  - {tools: [fly], per: person}
  - {tools: [look], per: person, per_day: 1, over: shrug}
other: 1
"""
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        FilePolicySource(path, [a_tool("pay"), a_tool("look", Effect.READ)])
    told = caught.value.mistakes
    for line, part in (
        (4, "arguments has no seats. There is: n, members."),
        (6, "tools.pay.refuse.1.reason: is missing."),
        (6, "person has no rank"),
        (8, "needs `above` or `when`"),
        (9, "tools.pay.approve.1.by.0"),
        (9, "tools.pay.approve.1.people"),
        (11, "limits.0.per:"),
        (11, "limits.0.per_day"),
        (12, "needs `per_day` or `money`"),
        (13, "limits.2.over"),
        (14, "other: is not known here"),
    ):
        fits = [one for one in told if one.startswith(f"{path}, line {line}: ") and part in one]
        assert fits, (line, part, told)


def test_a_changed_file_is_taken_up_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("tools: {pay: {confirm: true}}", encoding="utf-8")
    source = FilePolicySource(path, [a_tool()])
    first = source.current()
    assert not source.refresh()
    path.write_text("tools: {pay: {confirms: true}, fly: {}}", encoding="utf-8")
    assert not source.refresh()
    assert source.current() is first and len(source.mistakes) == 2
    assert "line 1" in source.mistakes[0]
    path.unlink()
    assert not source.refresh()
    assert source.current() is first and "cannot be read" in source.mistakes[0]
    path.write_text("tools: {pay: {confirm: false}}  # now", encoding="utf-8")
    assert source.refresh()
    assert source.current().version != first.version and not source.mistakes
    assert not source.refresh()


def test_two_hundred_rules_are_judged_within_a_millisecond(tmp_path: Path) -> None:
    rules = "\n".join(
        f"      - {{when: \"arguments.n > {1000 + i} && person.role == 'owner'\", reason: never}}"
        for i in range(200)
    )
    judge = Judge(tmp_path, f"tools:\n  pay:\n    refuse:\n{rules}\n")
    took = []
    for _ in range(50):
        began = time.process_time()
        assert judge(n=1).decision is Decision.CONFIRM
        took.append(time.process_time() - began)
    assert median(took) < 0.001
