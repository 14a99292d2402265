"""Opens what commands work on, and says what to do where it cannot be opened."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from agent_core.errors import ActionRefused, ToolError
from agent_core.people import AccountId
from agent_core.ports import DurableStore
from bots.commands.running import Refused
from bots.settings import Settings
from tools.accounts.gateway import AccountsGateway
from tools.accounts.types import AccountState


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[DurableStore]:
    """The store, ready to use. Raises Refused where it cannot be reached or is not migrated."""
    from bots import bootstrap  # builds on every adapter: loaded by the commands that need it

    problem = await asyncio.to_thread(bootstrap.database_problem, settings)
    if problem:
        raise Refused(problem)
    store = bootstrap.open_store(settings)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_accounts(settings: Settings) -> AsyncIterator[AccountsGateway]:
    """The account system."""
    from bots import bootstrap

    accounts = bootstrap.open_accounts(settings)
    try:
        await accounts.prepare()
        yield accounts
    finally:
        await accounts.close()


async def account_state(accounts: AccountsGateway, account: str) -> AccountState:
    """All of one account. Raises Refused with the reason."""
    try:
        return await accounts.state(AccountId(account), datetime.now(UTC))
    except ActionRefused:
        near = await accounts.search(account, 5) or await accounts.search("", 5)
        known = ", ".join(f"{each.id} ({each.name})" for each in near)
        hint = f" Known are: {known}." if known else " There are no accounts yet."
        raise Refused(f"There is no account {account!r}.{hint}") from None
    except ToolError as problem:
        raise Refused(f"The account system did not answer: {problem}") from None


async def unknown_accounts(settings: Settings, accounts: Iterable[str]) -> dict[str, str]:
    """Why each account that does not exist is refused, by its id."""
    refused: dict[str, str] = {}
    wanted = sorted(set(accounts))
    if not wanted:
        return refused
    async with opened_accounts(settings) as gateway:
        for account in wanted:
            try:
                await account_state(gateway, account)
            except Refused as problem:
                refused[account] = str(problem)
    return refused
