"""An account's rows of the audit log as a file: JSON lines, the last one with their head."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from agent_core.audit import AuditEntry
from agent_core.audit_check import head_of
from agent_core.errors import ConfigurationError

_NAMES = {field.name for field in fields(AuditEntry)}
_LAST = {"chain", "entries", "head"}


def write_file(file: Path, chain: str, rows: Sequence[AuditEntry]) -> None:
    """Makes the file. Raises FileExistsError: what was exported once is not overwritten."""
    last = {"chain": chain, "entries": len(rows), "head": head_of(rows)}
    with file.open("x", encoding="utf-8") as out:
        for line in (*map(asdict, rows), last):
            out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def read_file(file: Path) -> tuple[str, list[AuditEntry], str]:
    """The chain, its rows as they stand in the file, and the head of its last line.

    Raises OSError, and ConfigurationError where a line is no row, or the last one is missing.
    """
    try:
        # JSON leaves other line separators (U+2028, …) as they are: only these end a line here.
        lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise ConfigurationError([f"{file} is not UTF-8 text: export it again."]) from None
    found = [_object(file, number, line) for number, line in enumerate(lines, 1) if line]
    if not found or found[-1].keys() != _LAST:
        raise ConfigurationError([f"{file} has no last line with the head: export it again."])
    *rows, last = found
    for number, row in enumerate(rows, start=1):
        if row.keys() != _NAMES:
            raise ConfigurationError([f"{file}, line {number}: this is no row of the audit log."])
    entries = [AuditEntry(**row) for row in rows]  # type: ignore[arg-type]
    return str(last["chain"]), entries, str(last["head"])


def _object(file: Path, number: int, line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError([f"{file}, line {number}: this is not JSON."])
    return found
