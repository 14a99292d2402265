"""What the reads tell, the catalog by audience, and the directory."""

from datetime import UTC, datetime

import pytest

from agent_core.conversation import Audience, ConversationId
from agent_core.errors import ActionRefused
from agent_core.people import AccountId, Role
from agent_core.proposals import LedgerEntry, Outcome, ProposalId
from agent_core.tooling import Standing, ToolName
from tests.contracts.accounts_suite import NOW
from tests.tools.test_actions import SAM, Desk
from tools.accounts.seed import GLOBEX, NORTHWIND, seed
from tools.catalog import Catalog, GatewayDirectory


class FixedClock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await seed(desk.accounts, desk.payments, NOW)
    return desk


async def test_look_up_account(desk: Desk) -> None:
    content = (await desk.read("look_up_account")).content
    assert content["Plan"] == "Team"
    assert content["Seats"] == "12, 9 in use"
    assert content["Monthly price"] == "$240.00 a month ($20.00 a seat)"
    assert content["Billing period"] == "1 March 2026 to 31 March 2026"


async def test_invoices_are_the_accounts_own_newest_first(desk: Desk) -> None:
    content = (await desk.read("list_invoices", limit=2)).content
    assert [each["invoice"] for each in content["invoices"]] == ["INV-1042", "INV-1038"]
    assert content["more"] == 1
    others = (await desk.read("list_invoices", GLOBEX, limit=None)).content
    assert [each["invoice"] for each in others["invoices"]] == ["INV-1041", "INV-1032"]


async def test_a_refund_shows_on_the_invoice(desk: Desk) -> None:
    shown = await desk.preview("refund_invoice", invoice="INV-1038", amount_minor=500)
    await desk.run("refund_invoice", shown)
    content = (await desk.read("list_invoices", limit=None)).content
    invoice = next(each for each in content["invoices"] if each["invoice"] == "INV-1038")
    assert (invoice["status"], invoice["left_to_refund"]) == ("partly refunded", "$15.00")


async def test_usage_and_members(desk: Desk) -> None:
    assert (await desk.read("get_usage")).content["Seats in use"] == "9 of 12"
    content = (await desk.read("list_members")).content
    assert content["free_seats"] == 3
    milo = next(each for each in content["members"] if each["name"] == "Milo Novak")
    assert milo["access"] == "locked out"


async def test_plans_are_for_anybody_and_need_no_account(desk: Desk) -> None:
    content = (await desk.read("list_plans", AccountId(""))).content
    assert [each["plan"] for each in content["plans"]] == ["starter", "team", "business"]
    tools = desk.catalog.for_audience(Audience.SHARED)
    assert [tool.name for tool in tools if tool.standing is Standing.ANYBODY] == ["list_plans"]


def _entry(key: str, account: AccountId, outcome: Outcome | None, minute: int) -> LedgerEntry:
    return LedgerEntry(
        key=ProposalId(key),
        conversation_id=ConversationId("c"),
        account_id=account,
        tool=ToolName("add_seats"),
        arguments={},
        amount=None,
        requester=SAM.identity,
        person_id=None,
        intended_at=datetime(2026, 3, 16, 9, minute, tzinfo=UTC),
        outcome=outcome,
        title="Added 5 seats" if outcome is Outcome.SUCCEEDED else "",
    )


async def test_request_status_reads_the_accounts_ledger_only(desk: Desk) -> None:
    entries = [
        _entry("prop_aa11", NORTHWIND, Outcome.SUCCEEDED, 1),
        _entry("prop_bb22", NORTHWIND, Outcome.UNKNOWN, 2),
        _entry("prop_cc33", NORTHWIND, None, 3),
        _entry("prop_dd44", GLOBEX, Outcome.SUCCEEDED, 4),
    ]
    asked: list[AccountId] = []

    async def ledger(account_id: AccountId):
        asked.append(account_id)
        return entries

    desk.catalog = Catalog(desk.accounts, ledger)
    found = (await desk.read("request_status", reference=None)).content["requests"]
    assert [each["reference"] for each in found] == ["ROP_CC33", "ROP_BB22", "ROP_AA11"]
    assert [each["outcome"].split(":")[0] for each in found] == [
        "under way",
        "not known yet",
        "done",
    ]
    one = (await desk.read("request_status", reference="#AA11")).content["requests"]
    assert [each["what"] for each in one] == ["Added 5 seats"]
    assert (await desk.read("request_status", reference="dd44")).content["requests"] == []
    assert set(asked) == {NORTHWIND}


def test_every_audience_gets_the_same_tools_in_a_stable_order(desk: Desk) -> None:
    shared = [tool.name for tool in desk.catalog.for_audience(Audience.SHARED)]
    private = [tool.name for tool in desk.catalog.for_audience(Audience.PRIVATE)]
    assert private == shared
    assert desk.catalog.for_audience(Audience.INTERNAL) == desk.catalog.for_audience(
        Audience.PRIVATE
    )
    assert shared == [tool.name for tool in Desk().catalog.for_audience(Audience.SHARED)]
    assert desk.catalog.get(ToolName("drop_tables")) is None


@pytest.mark.parametrize(
    ("name", "roles", "staff"),
    [
        ("refund_invoice", {Role.OWNER, Role.BILLING_ADMIN}, True),
        ("change_plan", {Role.OWNER, Role.BILLING_ADMIN}, True),
        ("add_seats", {Role.OWNER, Role.BILLING_ADMIN, Role.ADMIN}, True),
        ("reset_member_access", {Role.OWNER, Role.ADMIN}, True),
        ("cancel_subscription", {Role.OWNER}, False),
        ("look_up_account", set(Role), True),
    ],
)
def test_who_may_by_default(desk: Desk, name: str, roles: set[Role], staff: bool) -> None:
    policy = desk.tool(name).policy
    assert (policy.roles, policy.staff) == (frozenset(roles), staff)


async def test_directory(desk: Desk) -> None:
    directory = GatewayDirectory(desk.accounts, FixedClock())
    assert ("Plan", "Team") in await directory.summary(NORTHWIND)
    assert await directory.search("north") == [(NORTHWIND, "Northwind Traders")]
    with pytest.raises(ActionRefused):
        await directory.summary(AccountId("hooli"))
