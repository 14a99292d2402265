"""Which tools an audience gets, and what the core may know of accounts without tools."""

from collections.abc import Sequence

from agent_core.conversation import Audience
from agent_core.people import AccountId
from agent_core.ports import Clock
from agent_core.tooling import Tool, ToolName
from tools.accounts.gateway import AccountsGateway
from tools.actions import (
    add_seats,
    cancel_subscription,
    change_billing_contact,
    change_plan,
    get_usage,
    list_invoices,
    list_members,
    list_plans,
    look_up_account,
    pause_subscription,
    refund_invoice,
    remove_seats,
    request_status,
    reset_member_access,
    resume_subscription,
    undo,
)
from tools.actions.look_up_account import account_fields
from tools.actions.request_status import ReadLedger


class Catalog:
    """A ToolCatalog. The order is fixed, so that the prompt's prefix is the same each time.

    Every audience gets the same tools: what a shared room's readers may not have, a tool names
    itself (`Tool.private`), and the core keeps it from them.
    """

    def __init__(self, accounts: AccountsGateway, ledger: ReadLedger) -> None:
        self._all: tuple[Tool, ...] = (
            list_plans.tool(),
            look_up_account.tool(accounts),
            list_invoices.tool(accounts),
            get_usage.tool(accounts),
            list_members.tool(accounts),
            request_status.tool(ledger),
            change_plan.tool(accounts),
            add_seats.tool(accounts),
            remove_seats.tool(accounts),
            refund_invoice.tool(accounts),
            change_billing_contact.tool(accounts),
            reset_member_access.tool(accounts),
            pause_subscription.tool(accounts),
            resume_subscription.tool(accounts),
            cancel_subscription.tool(accounts),
        )
        # Taking back is for buttons and policy: the model does not call it.
        self._undo = tuple(undo.tool(accounts, each) for each in self._all if each.compensation)
        self._by_name = {tool.name: tool for tool in self.tools}

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Every tool, for whatever has to know them all."""
        return (*self._all, *self._undo)

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]:
        return self._all

    def get(self, name: ToolName) -> Tool | None:
        return self._by_name.get(name)


class GatewayDirectory:
    """An AccountDirectory over the account system."""

    def __init__(self, accounts: AccountsGateway, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        """Raises ToolError where the account is unknown or cannot be read."""
        state = await self._accounts.state(account_id, self._clock.now())
        return tuple((each.label, each.value) for each in account_fields(state))

    async def search(self, query: str, limit: int = 20) -> Sequence[tuple[AccountId, str]]:
        found = await self._accounts.search(query, limit)
        return [(account.id, account.name) for account in found]
