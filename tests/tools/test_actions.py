"""Every action by its tool: preview, run, receipt, refusals, and what the model may send."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import BaseModel

from agent_core.conversation import Audience
from agent_core.errors import ActionRefused, ArgumentsRejected
from agent_core.messages import Platform, PlatformIdentity
from agent_core.people import AccountId, Requester
from agent_core.proposals import canonical, fingerprint
from agent_core.tooling import Effect, Preview, Tool, ToolContext, ToolName, ToolResult
from tests.contracts.accounts_suite import NOW, FaultyPayments
from tools.accounts.memory_gateway import MemoryAccounts
from tools.accounts.seed import GLOBEX, INITECH, NORTHWIND, seed
from tools.catalog import Catalog

SAM = Requester(
    identity=PlatformIdentity(platform=Platform.SLACK, tenant_id="T", user_id="U"),
    name="Sam",
    person=None,
)


class Desk:
    """The sample accounts and a catalog over them, called as the core calls it."""

    def __init__(self) -> None:
        async def ledger(_: AccountId):
            return ()

        self.payments = FaultyPayments()
        self.accounts = MemoryAccounts(self.payments)
        self.catalog = Catalog(self.accounts, ledger)

    def tool(self, name: str) -> Tool:
        tool = self.catalog.get(ToolName(name))
        assert tool is not None
        return tool

    def context(self, account: AccountId = NORTHWIND, **more) -> ToolContext:
        known = ToolContext(account_id=account, requester=SAM, audience=Audience.PRIVATE, now=NOW)
        return replace(known, **more)

    async def preview(self, name: str, account: AccountId = NORTHWIND, /, **arguments) -> Preview:
        tool = self.tool(name)
        assert tool.preview is not None
        return await tool.preview(self.context(account), _arguments(tool, arguments))

    async def run(
        self, name: str, shown: Preview, account: AccountId = NORTHWIND, key: str = "k"
    ) -> ToolResult:
        tool = self.tool(name)
        context = self.context(account, key=key, expected_version=shown.version)
        return await tool.handler(context, _arguments(tool, dict(shown.arguments)))

    async def read(self, name: str, account: AccountId = NORTHWIND, /, **arguments) -> ToolResult:
        tool = self.tool(name)
        return await tool.handler(self.context(account), _arguments(tool, arguments))


def _arguments(tool: Tool, raw: dict) -> BaseModel:
    return tool.arguments.model_validate_json(canonical(raw))


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await seed(desk.accounts, desk.payments, NOW)
    return desk


# name, arguments, title shown, amount, title of the receipt, values that the receipt must have
HAPPY = [
    (
        "change_plan",
        {"plan": "business"},
        "Change to the Business plan",
        9_000,
        "Changed to the Business plan",
        {"Plan": "Business", "Charged": "$90.00", "Invoice": "INV-1043"},
    ),
    ("add_seats", {"seats": 5}, "Add 5 seats", 5_000, "Added 5 seats", {"Charged": "$50.00"}),
    ("add_seats", {"seats": 1}, "Add 1 seat", 1_000, "Added 1 seat", {"Seats": "13"}),
    (
        "remove_seats",
        {"seats": 2},
        "Remove 2 seats",
        None,
        "Removed 2 seats",
        {"Seats": "10", "Credited": "$20.00", "Credit in total": "$20.00"},
    ),
    (
        "refund_invoice",
        {"invoice": "inv-1042", "amount_minor": None},
        "Refund $240.00 of invoice INV-1042",
        24_000,
        "Refunded $240.00 of invoice INV-1042",
        {"Refunded now": "$240.00"},
    ),
    (
        "refund_invoice",
        {"invoice": "INV-1038", "amount_minor": 1_250},
        "Refund $12.50 of invoice INV-1038",
        1_250,
        "Refunded $12.50 of invoice INV-1038",
        {"Refunded in total": "$12.50", "Invoice total": "$20.00"},
    ),
    (
        "change_billing_contact",
        {"name": "Nora Lindqvist", "email": "nora@northwind.example"},
        "Change the billing contact",
        None,
        "Changed the billing contact",
        {"Email": "nora@northwind.example"},
    ),
    (
        "reset_member_access",
        {"member": "Milo Novak"},
        "Reset the access of Milo Novak",
        None,
        "Reset the access of Milo Novak",
        {"Email": "milo@northwind.example"},
    ),
    (
        "pause_subscription",
        {},
        "Pause the subscription",
        None,
        "Paused the subscription",
        {"Subscription": "paused since 16 March 2026"},
    ),
    (
        "cancel_subscription",
        {},
        "Cancel the subscription",
        None,
        "Cancelled the subscription",
        {"Works until": "31 March 2026"},
    ),
]


@pytest.mark.parametrize(("name", "wish", "title", "amount", "done", "values"), HAPPY)
async def test_happy(desk: Desk, name, wish, title, amount, done, values) -> None:
    shown = await desk.preview(name, **wish)
    assert shown.title == title
    assert (shown.amount.minor if shown.amount else None) == amount
    assert shown.changes
    assert all(change.before != change.after for change in shown.changes)
    result = await desk.run(name, shown)
    assert result.title == done
    assert values.items() <= {field.label: field.value for field in result.fields}.items()
    look_up = desk.tool(name).look_up
    assert look_up is not None
    assert await look_up(desk.context(key="k"), shown.arguments) == result
    assert await look_up(desk.context(key="other"), shown.arguments) is None


@pytest.mark.parametrize(("name", "wish"), [each[:2] for each in HAPPY])
async def test_ten_runs_of_one_proposal_are_one_effect(desk: Desk, name, wish) -> None:
    shown = await desk.preview(name, **wish)
    results = await asyncio.gather(*(desk.run(name, shown) for _ in range(10)))
    assert all(result == results[0] for result in results)
    moved = [key for key in desk.payments.effects if not key.startswith("seed:")]
    assert len(moved) == (1 if shown.amount else 0)
    assert (await desk.accounts.state(NORTHWIND, NOW)).account.version == 2


@pytest.mark.parametrize(("name", "wish"), [each[:2] for each in HAPPY])
async def test_a_yes_to_what_has_changed_since_runs_nothing(desk: Desk, name, wish) -> None:
    shown = await desk.preview(name, **wish)
    other = await desk.preview("change_billing_contact", name="A", email="a@b.example")
    await desk.run("change_billing_contact", other, key="other")
    with pytest.raises(ActionRefused, match="has changed"):
        await desk.run(name, shown)


@pytest.mark.parametrize(("name", "wish"), [each[:2] for each in HAPPY])
async def test_canonical_arguments_are_a_fixed_point(desk: Desk, name, wish) -> None:
    shown = await desk.preview(name, **wish)
    again = await desk.preview(name, **dict(shown.arguments))
    assert again == shown
    tool = desk.tool(name).name
    prints = {fingerprint(NORTHWIND, tool, each.arguments) for each in (shown, again)}
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("name", "wish", "words"),
    [
        ("change_plan", {"plan": "team"}, "already"),
        ("change_plan", {"plan": "starter"}, "1 to 10 seats"),
        ("add_seats", {"seats": 39}, "2 to 50 seats"),
        ("remove_seats", {"seats": 4}, "at most 3 can be removed"),
        ("refund_invoice", {"invoice": "INV-1042", "amount_minor": 24_001}, r"At most \$240\.00"),
        ("refund_invoice", {"invoice": "INV-1041", "amount_minor": None}, "no invoice INV-1041"),
        ("refund_invoice", {"invoice": "INV-7", "amount_minor": None}, "no invoice INV-7"),
        (
            "change_billing_contact",
            {"name": "Ben Carter", "email": "ben@northwind.example"},
            "already",
        ),
        ("reset_member_access", {"member": "greta@globex.example"}, "no member"),
        ("resume_subscription", {}, "nothing to resume"),
    ],
)
async def test_impossible_wishes_are_refused_before_anybody_is_asked(
    desk: Desk, name, wish, words
) -> None:
    with pytest.raises(ActionRefused, match=words):
        await desk.preview(name, **wish)


async def test_resume_after_pause_and_after_cancel(desk: Desk) -> None:
    for at, name in enumerate(("pause", "resume", "cancel", "resume")):
        shown = await desk.preview(f"{name}_subscription")
        await desk.run(f"{name}_subscription", shown, key=f"k{at}")
    account = (await desk.accounts.state(NORTHWIND, NOW)).account
    assert (account.status, account.version) == ("active", 5)


async def test_a_lower_plan_is_set_for_the_periods_end_and_can_be_taken_back(desk: Desk) -> None:
    shown = await desk.preview("change_plan", GLOBEX, plan="team")
    assert (shown.title, shown.amount) == ("Change to the Team plan on 31 March 2026", None)
    result = await desk.run("change_plan", shown, GLOBEX)
    assert result.title == "The Team plan is set for 31 March 2026"
    back = await desk.preview("change_plan", GLOBEX, plan="business")
    assert back.title == "Stay on the Business plan"
    await desk.run("change_plan", back, GLOBEX, key="k2")
    assert (await desk.accounts.state(GLOBEX, NOW)).account.plan_next is None


async def test_euros_are_written_as_euros(desk: Desk) -> None:
    shown = await desk.preview("add_seats", INITECH, seats=1)
    assert shown.amount is not None
    assert (shown.amount.minor, shown.amount.currency) == (400, "EUR")
    assert "€4.00 is charged today" in shown.notes[0]


async def test_the_price_that_was_shown_is_the_price_a_day_later(desk: Desk) -> None:
    shown = await desk.preview("add_seats", seats=5)
    tool = desk.tool("add_seats")
    later = desk.context(key="k", expected_version=1, now=NOW.replace(day=17))
    result = await tool.handler(later, shown.arguments)
    assert {field.label: field.value for field in result.fields}["Charged"] == "$50.00"


@pytest.mark.parametrize("minor", [0, 9_999, 10_000])
async def test_a_price_that_the_model_sends_changes_nothing(desk: Desk, minor: int) -> None:
    shown = await desk.preview("add_seats", seats=5, agreed_minor=minor)
    assert shown.amount is not None
    assert shown.amount.minor == shown.arguments["agreed_minor"] == 5_000


async def test_a_run_below_the_price_is_refused(desk: Desk) -> None:
    shown = await desk.preview("add_seats", seats=5)
    cheap = replace(shown, arguments={**shown.arguments, "agreed_minor": 1})
    with pytest.raises(ActionRefused, match="price has changed"):
        await desk.run("add_seats", cheap)


async def test_two_members_with_one_name_are_told_apart_by_address(desk: Desk) -> None:
    with pytest.raises(ActionRefused):
        await desk.preview("reset_member_access", GLOBEX, member="Milo")
    shown = await desk.preview("reset_member_access", GLOBEX, member=" greta ")
    assert shown.arguments == {"member": "greta@globex.example"}


# --- arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("add_seats", '{"seats": 0}', "seats: .*greater than or equal to 1"),
        ("add_seats", '{"seats": "five"}', "seats: .*integer"),
        ("add_seats", '{"seats": 1.5}', "seats"),
        ("add_seats", '{"seats": true}', "seats"),
        ("add_seats", "{}", "seats: Field required"),
        ("add_seats", "not json", "arguments: Invalid JSON"),
        ("add_seats", '{"seats": 1, "account_id": "globex"}', "account_id: Extra"),
        ("change_plan", '{"plan": "gold"}', "plan: .*'starter', 'team' or 'business'"),
        ("refund_invoice", '{"invoice": "INV-1042"}', "amount_minor: Field required"),
        ("refund_invoice", '{"invoice": "INV-1042", "amount_minor": -5}', "amount_minor"),
        ("change_billing_contact", '{"name": "A", "email": "nobody"}', "email"),
    ],
)
async def test_wrong_arguments_are_told_in_words(desk: Desk, name, raw, words) -> None:
    preview = desk.tool(name).preview
    assert preview is not None
    with pytest.raises(ArgumentsRejected, match=words):
        await preview(desk.context(), raw)


def _everything() -> tuple[Tool, ...]:
    return Desk().catalog.for_audience(Audience.PRIVATE)


@pytest.mark.parametrize("tool", _everything(), ids=lambda tool: tool.name)
def test_no_model_names_an_account_and_every_schema_is_strict(tool: Tool) -> None:
    schema = tool.arguments.model_json_schema()
    properties = schema.get("properties", {})
    assert schema["additionalProperties"] is False
    assert sorted(schema.get("required", [])) == sorted(properties)
    for name in (*properties, *tool.arguments.model_fields):
        assert "account" not in name
        assert "price" not in name
    for described in properties.values():
        assert described["description"]
        assert "default" not in described
    assert "agreed_minor" not in str(schema)
    assert tool.description.endswith(".")
    assert tool.examples


@pytest.mark.parametrize("tool", _everything(), ids=lambda tool: tool.name)
def test_every_action_can_be_shown_and_found_and_needs_a_yes(tool: Tool) -> None:
    if tool.effect is Effect.READ:
        assert not tool.policy.confirm
        return
    assert tool.preview is not None
    assert tool.look_up is not None
    assert tool.policy.confirm
    assert tool.policy.roles
    assert "member" not in tool.policy.roles


def test_the_account_is_the_contexts_alone(desk: Desk) -> None:
    for tool in _everything():
        with pytest.raises(ValueError, match="account"):
            tool.arguments.model_validate({"account": "globex"})
