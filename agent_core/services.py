"""What a turn works with: the ports, the clock and the limits, in one value."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from agent_core.conversation import Audience
from agent_core.core_tools import core_tools
from agent_core.different import Houses
from agent_core.errors import ConversationChanged
from agent_core.limits import Limits
from agent_core.people import AccountId
from agent_core.ports import (
    AccountDirectory,
    ChatModel,
    Clock,
    Engine,
    Ids,
    Outbox,
    PolicySource,
    Store,
    SupportDesk,
    ToolCatalog,
    UnitOfWork,
)
from agent_core.telemetry import SILENT, Telemetry
from agent_core.tooling import Tool, ToolName

T = TypeVar("T")

_REDO = 4  # how often a transaction is done again because somebody changed a row first


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything outside the turn."""

    store: Store
    engine: Engine
    outbox: Outbox
    model: ChatModel
    catalog: ToolCatalog
    policy_source: PolicySource
    desk: SupportDesk
    directory: AccountDirectory
    clock: Clock
    ids: Ids
    limits: Limits
    instructions: str
    houses: Houses = field(default_factory=Houses)
    telemetry: Telemetry = SILENT

    @property
    def instructions_version(self) -> str:
        """A short hash that names the instructions in journals."""
        return hashlib.sha256(self.instructions.encode()).hexdigest()[:12]

    async def transact(self, fn: Callable[[UnitOfWork], T]) -> T:
        """One transaction; reloaded and redone where somebody else was first."""
        for _ in range(_REDO - 1):
            try:
                return await self.store.run(fn)
            except ConversationChanged:
                continue
        return await self.store.run(fn)

    def tools(self, audience: Audience) -> tuple[Tool, ...]:
        """What the model may call in such a room."""
        return (*self.catalog.for_audience(audience), *core_tools(audience))

    def tool(self, audience: Audience, name: str) -> Tool | None:
        """The tool of this name, if this audience has it."""
        return next((tool for tool in self.tools(audience) if tool.name == ToolName(name)), None)

    async def account_name(self, account_id: AccountId) -> str:
        """The account's name; its id where the directory does not know it."""
        found = await self.directory.search(str(account_id))
        return next((name for known, name in found if known == account_id), str(account_id))
