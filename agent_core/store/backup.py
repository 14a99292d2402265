"""Copies a SQLite database while the service writes to it: one moment of it, whole and checked."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from agent_core.errors import StoreError
from agent_core.store.sql_store import database_url

BUSY_SECONDS = 30


def file_of(url: str) -> Path | None:
    """The file of a SQLite URL; None for another database."""
    parsed = database_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def copy_file(source: Path, target: Path) -> None:
    """Blocks. `target` must not be there yet; only its owner may read it.

    The copy is one moment of the source: writers go on meanwhile, and what is in the write-ahead
    log is in it. Raises StoreError where it cannot be made; nothing is left then.
    """
    if target.exists():
        raise StoreError(f"{target.name} is there already")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        # Made before SQLite writes into it, so that it is never readable by others.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        file = quote(str(source.absolute()))
        live = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        try:
            live.execute("VACUUM INTO ?", (str(part),))
        finally:
            live.close()
        _check(part)
        part.rename(target)
    except (sqlite3.Error, OSError) as problem:
        raise StoreError(f"{source.name} cannot be copied: {problem}") from None
    finally:
        part.unlink(missing_ok=True)


def _check(copy: Path) -> None:
    opened = sqlite3.connect(copy)
    try:
        said = opened.execute("PRAGMA quick_check").fetchone()
    finally:
        opened.close()
    if said is None or said[0] != "ok":
        raise StoreError(f"the copy {copy.name} is not sound")
