"""The tools, and the policy that is read against them."""

from collections.abc import Sequence
from pathlib import Path

from agent_core.errors import ConfigurationError
from agent_core.people import AccountId
from agent_core.policy import Policy
from agent_core.ports import Store
from agent_core.proposals import LedgerEntry
from agent_core.rules.gaps import gaps
from agent_core.rules.yaml_policy import FilePolicySource
from tools.accounts.gateway import AccountsGateway
from tools.accounts.no_payments import NoPayments
from tools.accounts.sql_gateway import SqlAccounts
from tools.accounts.types import PLANS
from tools.catalog import Catalog


def tools_by_name() -> Catalog:
    """Every tool, over no accounts: to name them, not to call them. Opens nothing."""

    async def nothing(_: AccountId) -> Sequence[LedgerEntry]:
        return ()

    return Catalog(SqlAccounts("", NoPayments()), nothing)


def policy_mistakes(path: Path) -> tuple[str, ...]:
    """What is wrong with a policy.yaml, one sentence each. Opens nothing else."""
    try:
        FilePolicySource(path, tools_by_name().tools)
    except ConfigurationError as error:
        return error.mistakes
    return ()


def policy_gaps(path: Path) -> tuple[str, ...]:
    """What a sound policy.yaml leaves open, one sentence each. Raises ConfigurationError."""
    sold = {currency for plan in PLANS.values() for currency, _ in plan.prices}
    return gaps(path, tools_by_name().tools, sold)


def catalog_of(store: Store, accounts: AccountsGateway) -> Catalog:
    """Every tool, over these accounts and the ledger of this store."""

    async def ledger(account_id: AccountId) -> Sequence[LedgerEntry]:
        return await store.run(lambda tx: tx.ledger.of_account(account_id))

    return Catalog(accounts, ledger)


def policy_in(path: Path | None, catalog: Catalog) -> Policy:
    """The policy of a file; None: the tools' own. Raises ConfigurationError with every mistake."""
    return FilePolicySource(path, catalog.tools).current()
