"""The databases as commands and the service open, migrate, check and copy them."""

from collections.abc import Sequence
from pathlib import Path

from agent_core.audit import parse_key
from agent_core.clock import SystemClock
from agent_core.engine.dbos_engine import DbosEngine
from agent_core.errors import StoreError
from agent_core.store import health, migrations
from agent_core.store.audit_seal import KEY_FILE, AesSeal, key_of_file
from agent_core.store.backup import copy_file, file_of
from agent_core.store.sql_store import SqlStore
from agent_core.store.traced import Traced
from agent_core.store.traced import traced as rows_of_trace
from bots.settings import Settings


def migrate(settings: Settings) -> None:
    """Brings our tables and the engine's to this version. Raises ConfigurationError."""
    url = settings.database_url.get_secret_value()
    make_folder(url)
    migrations.migrate(url)
    DbosEngine(url, clock=SystemClock()).prepare()


def database_problem(settings: Settings) -> str | None:
    """Why the database cannot be used as it is, and what to do; None where it can."""
    return health.database_problem(settings.database_url.get_secret_value())


def has_no_accounts_yet(settings: Settings) -> bool:
    """Whether the accounts will lie in a SQLite file that is not there yet."""
    file = file_of(settings.accounts_url.get_secret_value())
    return file is not None and not file.exists()


def make_folder(url: str) -> None:
    """The folder of a SQLite file, so that the file can be made."""
    if url.startswith("sqlite"):
        Path(url.partition(":///")[2]).parent.mkdir(parents=True, exist_ok=True)


def open_store(settings: Settings) -> SqlStore:
    """The store alone, for commands. The caller awaits `close()`."""
    return SqlStore(settings.database_url.get_secret_value(), seal=_seal(settings))


def traced(settings: Settings, trace_id: str) -> Sequence[Traced]:
    """What our rows hold of one trace. Raises StoreError."""
    return rows_of_trace(settings.database_url.get_secret_value(), trace_id)


def backup(settings: Settings, target: Path) -> list[Path]:
    """Copies our SQLite files into the new folder `target`. Raises StoreError, OSError."""
    urls = (settings.database_url.get_secret_value(), settings.accounts_url.get_secret_value())
    files = [file_of(url) for url in urls]
    if files[0] is None:
        raise StoreError("the database is Postgres: use pg_dump (docs/operations.md)")
    found = [file for file in files if file is not None and file.is_file()]
    target.mkdir(mode=0o700, parents=True)
    for file in found:
        copy_file(file, target / file.name)
    return [target / file.name for file in found]


def _seal(settings: Settings) -> AesSeal:
    """What protects the personal part of the audit log. Raises ConfigurationError."""
    if settings.audit_key is not None:
        return AesSeal(parse_key(settings.audit_key.get_secret_value()))
    return AesSeal(key_of_file(settings.data_folder / KEY_FILE))
