"""policy.yaml: what it decides, and every mistake in it, told at once."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agent_core.conversation import Audience
from agent_core.errors import ConfigurationError
from agent_core.people import AccountId, Capability, Person, PersonId, Requester, Role
from agent_core.policy import Decision, Question, Ruling
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
    pass


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


@pytest.mark.parametrize("when", ["arguments.missing > 1", "arguments.n", "arguments.n > 'a'"])
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
