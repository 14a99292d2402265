"""The product's tools and accounts, as the core asks for them."""

from collections.abc import Mapping, Sequence

from agent_core.conversation import Audience
from agent_core.people import AccountId
from agent_core.tooling import Tool, ToolName


class FixedCatalog:
    """The ToolCatalog port: every audience has the same tools; policy decides who may."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tuple(tools)

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]:
        return self._tools

    def get(self, name: ToolName) -> Tool | None:
        return next((tool for tool in self._tools if tool.name == name), None)


class NamedAccounts:
    """The AccountDirectory port over names by account id; an account without a name shows its id.

    Nothing can be searched for beyond these, so staff pick among accounts that have a name.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {AccountId(account): name for account, name in names.items()}

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        name = self._names.get(account_id)
        lines = [("Account", str(account_id))]
        return (("Name", name), *lines) if name else tuple(lines)

    async def search(self, query: str, limit: int = 20) -> Sequence[tuple[AccountId, str]]:
        sought = query.casefold()
        found = [
            (account, name)
            for account, name in self._names.items()
            if sought in f"{account} {name}".casefold()
        ]
        return found[:limit]
