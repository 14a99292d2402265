"""The composition root of the service: its files build every object and join ports to adapters."""

from bots.bootstrap.accounts import open_accounts
from bots.bootstrap.assembly import build
from bots.bootstrap.catalogs import (
    catalog_of,
    policy_gaps,
    policy_in,
    policy_mistakes,
    tools_by_name,
)
from bots.bootstrap.channels import opened_removers
from bots.bootstrap.databases import (
    backup,
    database_problem,
    has_no_accounts_yet,
    migrate,
    open_store,
    traced,
)
from bots.bootstrap.running import application, serve

__all__ = [
    "application",
    "backup",
    "build",
    "catalog_of",
    "database_problem",
    "has_no_accounts_yet",
    "migrate",
    "open_accounts",
    "open_store",
    "opened_removers",
    "policy_gaps",
    "policy_in",
    "policy_mistakes",
    "serve",
    "tools_by_name",
    "traced",
]
