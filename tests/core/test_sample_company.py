"""The sample company on the memory store: planner, real tools, real accounts, real policy."""

from typing import Any

from agent_core.conversation import Audience, ConversationId
from agent_core.errors import ActionFailed
from agent_core.escalations import EscalationReason
from agent_core.messages import OutgoingId
from agent_core.models.planner import PlannerModel
from agent_core.people import AccountId, Capability, Person, Role
from agent_core.ports import UnitOfWork
from agent_core.presses import CONFIRM
from agent_core.proposals import LedgerEntry, Proposal, ProposalStatus
from agent_core.rules.yaml_policy import FilePolicySource
from tests.builders import NOON, a_person, an_identity
from tests.core.desk import World
from tests.rules.test_yaml_policy import EXAMPLE
from tools.accounts.memory_gateway import MemoryAccounts, MemoryPayments
from tools.accounts.seed import GLOBEX, NORTHWIND, seed
from tools.catalog import Catalog, GatewayDirectory


class Company(World):
    """Northwind's room, with Acme Cloud's tools and policy."""

    def __init__(self) -> None:
        super().__init__(PlannerModel())
        self.payments = MemoryPayments()
        self.gateway = MemoryAccounts(self.payments, self.clock.now)

    async def open(self, *people: Person, **conversation: Any) -> "Company":
        await self.gateway.prepare()
        await seed(self.gateway, self.payments, NOON)
        self.paid = len(self.payments.effects)

        async def ledger(account: AccountId) -> list[LedgerEntry]:
            found: list[LedgerEntry] = await self.tx(lambda tx: list(tx.ledger.of_account(account)))
            return found

        catalog = Catalog(self.gateway, ledger)
        self.catalog = catalog
        self.directory = GatewayDirectory(self.gateway, self.clock)
        self.policy_source = FilePolicySource(EXAMPLE, catalog.for_audience(Audience.PRIVATE))
        await self.set_up(*people, **{"account_id": NORTHWIND, **conversation})
        return self

    async def open_proposals(self) -> list[Proposal]:
        def read(tx: UnitOfWork) -> list[Proposal]:
            return list(tx.proposals.open_in(ConversationId("con_1")))

        found: list[Proposal] = await self.tx(read)
        return found

    async def yes(self) -> None:
        """Confirms every open card, and runs."""
        for proposal in await self.open_proposals():
            await self.confirm(proposal)
        await self.run()

    async def seats(self, account: AccountId = NORTHWIND) -> int:
        return (await self.gateway.state(account, NOON)).account.seats

    @property
    def moved(self) -> int:
        """Payments since the start."""
        return len(self.payments.effects) - self.paid


def olive() -> Person:
    return a_person(
        "olive", "Olive Marsh", roles={NORTHWIND: Role.OWNER}, identities=(an_identity(),)
    )


def milo() -> Person:
    who = (an_identity(),)
    return a_person("milo", "Milo Novak", roles={NORTHWIND: Role.MEMBER}, identities=who)


def sam() -> Person:
    staff = frozenset({Capability.STAFF})
    who = (an_identity(),)
    return a_person("sam", "Sam Okafor", roles={}, capabilities=staff, identities=who)


async def test_seats_are_added_once_and_charged_once() -> None:
    company = await Company().open(olive())
    await company.say("Hi! Could you add 3 seats please?")
    assert await company.seats() == 12
    await company.yes()
    assert (await company.seats(), company.moved) == (15, 1)
    texts = await company.texts()
    assert texts[0].startswith("Add 3 seats?") and "Account: Northwind Traders" in texts[0]
    assert texts[1].startswith("Done: Added 3 seats")
    assert company.desk.cases == []


async def test_a_yes_of_which_the_account_system_lets_nothing_come_reaches_a_person() -> None:
    """Its breaker opens after several failures only, and a service starts without the system."""

    async def no_answer(*_: Any, **__: Any) -> Any:
        raise ActionFailed("The account system could not be reached.")

    company = await Company().open(olive())
    await company.say("add 3 seats please")
    [proposal] = await company.open_proposals()
    await company.confirm(proposal)
    gateway: Any = company.gateway
    gateway.quote = no_answer
    await company.run()
    [case] = company.desk.cases
    assert case["reason"] is EscalationReason.TOOL_FAILURE
    assert "had every yes and was not begun" in case["suggestion"]
    assert company.moved == 0


async def test_several_wishes_in_one_message_become_a_card_each() -> None:
    company = await Company().open(olive())
    await company.say("upgrade us to Business and remove 2 seats")
    titles = [proposal.title for proposal in await company.open_proposals()]
    assert titles == ["Change to the Business plan", "Remove 2 seats"]


async def test_a_refund_above_the_limit_waits_for_approval_and_below_it_does_not() -> None:
    company = await Company().open(olive())
    await company.say("please refund INV-1042 in full")
    await company.yes()
    [waiting] = await company.open_proposals()
    assert waiting.status is ProposalStatus.AWAITING_APPROVAL
    assert [p.arguments["amount_minor"] for p in company.desk.approvals] == [24_000]
    assert company.moved == 0

    company = await Company().open(olive())
    await company.say("give us $20 back on invoice INV-1042")
    await company.yes()
    assert company.moved == 1
    assert "Refunded 20" in (await company.texts())[1] or "20.00" in (await company.texts())[1]


async def test_the_card_says_that_an_invoice_was_looked_up() -> None:
    company = await Company().open(olive())
    await company.say("refund our last invoice")
    assert "they were looked up" in (await company.texts())[-1]


async def test_a_member_reads_usage_and_is_refused_the_invoices() -> None:
    company = await Company().open(milo())
    await company.say("how much storage do we use?")
    assert "Storage: 41,300" in (await company.texts())[-1]
    await company.say("show our invoices")
    assert "an owner, a billing admin or an admin" in (await company.texts())[-1]


async def test_something_is_missing_and_the_next_message_brings_it() -> None:
    company = await Company().open(olive())
    await company.say("we need more seats")
    assert (await company.texts())[-1].startswith("How many seats")
    await company.say("4")
    assert [p.title for p in await company.open_proposals()] == ["Add 4 seats"]
    await company.say("make that 6")
    assert [p.title for p in await company.open_proposals()] == ["Add 6 seats"]


async def test_staff_act_on_the_account_they_name() -> None:
    company = await Company().open(sam(), audience=Audience.INTERNAL, account_id=None)
    await company.say("Add 2 seats for Globex")
    [card] = [row for row in await company.posted() if "Globex" in row.message.fallback]
    assert any(
        button.action == CONFIRM
        for block in card.message.blocks
        for button in getattr(block, "buttons", ())
    )
    await company.yes()
    assert (await company.seats(GLOBEX), await company.seats()) == (22, 12)


async def test_staff_in_a_shared_channel_are_told_where_they_can_ask() -> None:
    company = await Company().open(sam(), audience=Audience.SHARED)
    await company.say("refund INV-1042")
    told = (await company.texts())[-1]
    assert "in a direct chat with me or in an internal channel" in told
    assert "Talk to support" in told and "Ask for access" not in told


async def test_what_is_not_understood_reaches_a_person() -> None:
    company = await Company().open(olive())
    await company.say("please export our audit log")
    [case] = company.desk.cases
    assert "export our audit log" in case["asked"]


async def test_every_row_of_a_turn_names_its_cause() -> None:
    company = await Company().open(olive())
    await company.say("add 3 seats")
    await company.yes()
    [proposal] = await company.tx(lambda tx: [tx.ledger.of_account(NORTHWIND)[0].key])
    assert await company.tx(lambda tx: tx.outgoing.get(OutgoingId(f"receipt:{proposal}")))
