"""What the page's drawer shows of the service's databases, as JSON. Changes nothing."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent_core.clock import SystemClock
from agent_core.errors import StoreError
from agent_core.proposals import LedgerEntry, Proposal
from agent_core.store.inspection import recent_ledger, recent_proposals
from bots.settings import Settings
from tools.accounts.no_payments import NoPayments
from tools.accounts.sql_gateway import SqlAccounts
from tools.catalog import GatewayDirectory

_ALL_ACCOUNTS = 100
_NAMES_FROM = 200


class Inspection:
    """Reads the service's database and the accounts. Raises StoreError and ToolError."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url.get_secret_value()
        self._accounts = SqlAccounts(settings.accounts_url.get_secret_value(), NoPayments())
        self._directory = GatewayDirectory(self._accounts, SystemClock())

    async def open(self) -> None:
        await self._accounts.prepare()

    async def close(self) -> None:
        await self._accounts.close()

    async def proposals(self, limit: int) -> list[dict[str, Any]]:
        """The newest first; times are ISO 8601."""
        found = await asyncio.to_thread(recent_proposals, self._url, limit)
        return [_proposal(each) for each in found]

    async def ledger(self, limit: int) -> list[dict[str, Any]]:
        """The newest first; `outcome` null: intended, and not known yet."""
        found = await asyncio.to_thread(recent_ledger, self._url, limit)
        proposals = await asyncio.to_thread(recent_proposals, self._url, _NAMES_FROM)
        names = {str(each.id): each.requester_name for each in proposals}
        return [_entry(each, names) for each in found]

    async def has_history(self) -> bool:
        """Whether anything was ever done with these data."""
        try:
            return bool(await asyncio.to_thread(recent_ledger, self._url, 1))
        except StoreError:
            return False

    async def accounts(self) -> list[dict[str, Any]]:
        """Every account with the fields that people read, `version` last."""
        found = []
        for account_id, name in await self._directory.search("", _ALL_ACCOUNTS):
            fields = dict(await self._directory.summary(account_id))
            state = await self._accounts.state(account_id, datetime.now(UTC))
            fields["Version"] = str(state.account.version)
            found.append({"id": account_id, "name": name, "fields": fields})
        return found


def _proposal(each: Proposal) -> dict[str, Any]:
    return {
        "id": each.id,
        "title": each.title,
        "account": each.account_id,
        "tool": each.tool,
        "arguments": each.arguments,
        "status": each.status.value,
        "rule": each.rule,
        "requester": each.requester_name,
        "approver": each.approver_name or None,
        "proposed_at": each.proposed_at.isoformat(),
        "expires_at": each.expires_at.isoformat(),
    }


def _entry(each: LedgerEntry, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key": each.key,
        "account": each.account_id,
        "tool": each.tool,
        "arguments": each.arguments,
        "amount_minor": each.amount.minor if each.amount else None,
        "currency": each.amount.currency if each.amount else None,
        "outcome": each.outcome.value if each.outcome else None,
        "intended_at": each.intended_at.isoformat(),
        "settled_at": each.settled_at.isoformat() if each.settled_at else None,
        "requester": names.get(each.key) or str(each.requester),
        "reason": each.reason,
    }
