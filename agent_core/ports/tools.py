"""What the core asks of tools, accounts and policy."""

from collections.abc import Sequence
from typing import Protocol

from agent_core.conversation import Audience
from agent_core.people import AccountId
from agent_core.policy import Policy
from agent_core.tooling import Tool, ToolName


class ToolCatalog(Protocol):
    """Which tools an audience gets: by audience, so that the prompt's prefix is stable."""

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]: ...
    def get(self, name: ToolName) -> Tool | None: ...


class AccountDirectory(Protocol):
    """What the core and the desk may know of accounts, without tools."""

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        """Label and value lines for a brief. Raises ToolError."""
        ...

    async def search(self, query: str, limit: int = 20) -> Sequence[tuple[AccountId, str]]:
        """Accounts by id or name, for staff's picker."""
        ...


class PolicySource(Protocol):
    """The policy in force."""

    def current(self) -> Policy: ...
