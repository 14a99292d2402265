"""Rows of the audit log as people and scripts read them; what was erased is said to be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent_core.audit import AuditEntry, time_text
from agent_core.errors import StoreError
from agent_core.ports import Audit
from agent_core.tooling import Json

ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A row, opened. `personal` None: erased, or not to be opened, for the reason in `problem`."""

    entry: AuditEntry
    actor: str
    personal: Json | None
    problem: str = ""


def shown(
    audit: Audit, rows: Sequence[AuditEntry], names: Mapping[str, str], start: datetime | None
) -> list[Shown]:
    """Rows from `start` on. `names`: of the people who are known, by their reference."""
    # As text: all times are spelt alike, and a spoilt one is shown rather than refused.
    wanted = [row for row in rows if start is None or row.at >= time_text(start)]
    return [_shown(row, names, *opened) for row, opened in zip(wanted, _opened(audit, wanted),
            strict=True)]  # fmt: skip


def _opened(audit: Audit, rows: Sequence[AuditEntry]) -> list[tuple[Json | None, str]]:
    try:
        return [(personal, "") for personal in audit.opened(rows)]
    except StoreError:
        return [_opened_alone(audit, row) for row in rows]


def _opened_alone(audit: Audit, row: AuditEntry) -> tuple[Json | None, str]:
    try:
        return audit.opened([row])[0], ""
    except StoreError as problem:
        return None, str(problem)


def _shown(row: AuditEntry, names: Mapping[str, str], personal: Json | None, problem: str) -> Shown:
    actor = names.get(row.actor, row.actor)
    if row.person == row.actor:
        if personal is None:
            actor = "unreadable" if problem else ERASED
        else:
            actor = str(personal.get("name", actor))
    return Shown(entry=row, actor=actor, personal=personal, problem=problem)


def line(each: Shown) -> str:
    """One row in one line: when, number, what, by whom, on what, and the rest."""
    row = each.entry
    rest = [_pair(name, value) for name, value in _facts(row).items() if value not in (None, "")]
    if each.personal is None:
        rest.append(f"({each.problem or 'personal part ' + ERASED})")
    else:
        rest += [_pair(name, value) for name, value in each.personal.items() if name != "name"]
        if row.person != row.actor and "name" in each.personal:
            rest.insert(0, f"of {each.personal['name']}")
    when = row.at[:19].replace("T", " ")
    return f"{when}  {row.seq}  {row.kind}  {each.actor}  {row.subject}  {' '.join(rest)}".rstrip()


def as_json(each: Shown) -> dict[str, object]:
    """The stable form for scripts."""
    row = each.entry
    return {
        "seq": row.seq,
        "at": row.at,
        "kind": row.kind,
        "actor": row.actor,
        "name": each.actor,
        "subject": row.subject,
        "facts": _facts(row),
        "personal": each.personal,
        "erased": each.personal is None and not each.problem,
        "problem": each.problem,
        "hash": row.hash,
    }


def _facts(row: AuditEntry) -> Json:
    try:
        facts = json.loads(row.facts)
    except (TypeError, ValueError):
        facts = None
    return facts if isinstance(facts, dict) else {"unreadable": str(row.facts)}


def _pair(name: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{name}={json.dumps(text, ensure_ascii=False) if ' ' in text else text}"
