"""The sample company with payments that fail on demand, for plans and for undoing."""

from typing import cast

from agent_core.blocks import Buttons
from agent_core.conversation import ConversationId
from agent_core.errors import ActionOutcomeUnknown
from agent_core.messages import OutboundMessage, OutgoingId
from agent_core.people import Person
from agent_core.ports import UnitOfWork
from agent_core.proposals import PlanId, Proposal
from tests.core.test_sample_company import Company, olive
from tools.accounts.gateway import Payment, PaymentRequest
from tools.accounts.memory_gateway import MemoryAccounts, MemoryPayments


class Payments(MemoryPayments):
    """Does to the n-th charge or refund what `faults` says."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[int, Exception] = {}
        self.sent = 0
        self.asked: list[PaymentRequest] = []
        self.dark = False

    async def charge(self, request: PaymentRequest) -> Payment:
        self._break(request)
        return await super().charge(request)

    async def refund(self, request: PaymentRequest) -> Payment:
        self._break(request)
        return await super().refund(request)

    async def look_up(self, key: str) -> Payment | None:
        if self.dark:
            raise ActionOutcomeUnknown("no answer")
        return await super().look_up(key)

    def _break(self, request: PaymentRequest) -> None:
        self.sent += 1
        self.asked.append(request)
        if (fault := self.faults.get(self.sent)) is not None:
            raise fault


class Faulty(Company):
    """Northwind's room; `bank` can be told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = Payments()
        self.payments = self.bank
        self.gateway = MemoryAccounts(self.bank, self.clock.now)

    async def card(self, row_id: str) -> OutboundMessage:
        """A card as it looks now: as posted, or as its last update says."""
        rows = [row for row in await self.posted() if row_id in (row.id, row.updates)]
        return rows[-1].message

    async def steps(self) -> list[Proposal]:
        """The steps of every plan that was shown here."""

        def read(tx: UnitOfWork) -> list[Proposal]:
            rows = [tx.outgoing.get(OutgoingId(row_id)) for row_id in self.outbox.ids]
            shown = [row.id for row in rows if row and row.updates is None]
            plans = [one.removeprefix("plan:") for one in shown if one.startswith("plan:")]
            return [step for plan in plans for step in tx.proposals.of_plan(PlanId(plan))]

        return cast("list[Proposal]", await self.tx(read))

    async def one_yes(self) -> None:
        """To the first open proposal; and what follows."""
        first, *_ = await self.open_proposals()
        await self.confirm(first)
        await self.run()


async def faulty(*people: Person) -> Faulty:
    made = Faulty()
    await made.open(*(people or (olive(),)))
    made.bank.sent = 0
    return made


def actions(message: OutboundMessage) -> list[str]:
    """The actions of a message's buttons."""
    rows = (block for block in message.blocks if isinstance(block, Buttons))
    return [button.action for row in rows for button in row.buttons]


CONVERSATION = ConversationId("con_1")
