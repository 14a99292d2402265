"""Verifies a chain of the audit log: finds and names each row that does not fit. Pure.

What it cannot find is in docs/adr/0004-audit-chain.md: above all the newest rows cut off, unless
the chain's head was noted elsewhere and is given.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from agent_core.audit import GENESIS, AuditEntry, entry_hash

_TRIED = 200  # so many rows out of place are told apart; beyond it they count as changed


class Fault(StrEnum):
    """What does not fit."""

    CHANGED = "changed"  # the row is not as it was written
    MISSING = "missing"  # no row has this number
    MOVED = "moved"  # the row was written under another number
    INSERTED = "inserted"  # the row was not there when the next one was written
    REPLACED = "replaced"  # fits in itself, but the next row was written after another one
    FOREIGN = "foreign"  # belongs to another chain
    CUT = "cut"  # the head that was noted is not in the chain: its newest rows are gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A row that does not fit, by chain and number, and why, in a sentence."""

    chain: str
    seq: int
    fault: Fault
    sentence: str


def head_of(entries: Sequence[AuditEntry]) -> str:
    """The hash of the newest row: noted elsewhere, it pins all that came before it."""
    return entries[-1].hash if entries else GENESIS


def verify(
    entries: Iterable[AuditEntry], *, chain: str | None = None, head: str | None = None
) -> tuple[Finding, ...]:
    """All that does not fit in one chain; () where it is whole.

    `entries`: all rows in the order in which they are stored or were exported. `chain`: which one
    they are said to be; unless given, the first row's. `head`: the hash of a row that was the
    newest once; it must still be there.
    """
    rows = tuple(entries)
    name = chain if chain is not None else (rows[0].chain if rows else "")
    found = [*_in_itself(rows, name), *_in_line(rows, name)]
    if head is not None and head != GENESIS and head not in {row.hash for row in rows}:
        last = _number(rows[-1]) if rows else 0
        found.append(
            Finding(
                chain=name,
                seq=last,
                fault=Fault.CUT,
                sentence=f"no row has the noted head {head[:16]}…: rows after {last} were cut off, "
                "or that row was changed",
            )
        )
    return tuple(sorted(found, key=lambda one: (one.seq, one.fault)))


def _number(row: AuditEntry) -> int:
    seq: Any = row.seq  # what a database holds may have been changed to anything
    return seq if isinstance(seq, int) else 0


def _in_itself(rows: Sequence[AuditEntry], name: str) -> Iterator[Finding]:
    """Rows whose own hash does not fit, or that are another chain's."""
    spoilt = [row for row in rows if entry_hash(row) != row.hash]
    numbers = [_number(row) for row in spoilt] if len(spoilt) <= _TRIED else []
    for first, last in _gaps(sorted({0, *map(_number, rows)})):
        numbers += range(first, min(last, first + _TRIED - len(numbers)) + 1)
    written_as: dict[int, int] = {}
    for row in spoilt:
        seq = _number(row)
        true = _true_number(row, [seq - 1, seq + 1, *numbers])
        if true is None:
            yield Finding(
                chain=name, seq=seq, fault=Fault.CHANGED,
                sentence="its content does not fit its hash: it is not as it was written",
            )  # fmt: skip
            continue
        written_as[seq] = true
        yield Finding(
            chain=name, seq=seq, fault=Fault.MOVED, sentence=f"it was written as row {true}"
        )
    for row in rows:
        if row.chain != name and entry_hash(row) == row.hash:
            yield Finding(
                chain=name, seq=_number(row), fault=Fault.FOREIGN,
                sentence=f"it belongs to the chain {row.chain!r}",
            )  # fmt: skip
    for seq, true in written_as.items():
        # The first of a run that was pushed one place on: what took its place was put in.
        if seq == true + 1 and true not in written_as and any(_number(row) == true for row in rows):
            yield Finding(
                chain=name, seq=true, fault=Fault.INSERTED,
                sentence=f"it was put in: row {seq} was written as row {true}",
            )  # fmt: skip


def _true_number(row: AuditEntry, tried: Iterable[int]) -> int | None:
    """The number under which this row's hash fits, if it is one of these."""
    for seq in tried:
        if seq != row.seq and entry_hash(replace(row, seq=seq)) == row.hash:
            return seq
    return None


def _in_line(rows: Sequence[AuditEntry], name: str) -> Iterator[Finding]:
    """Numbers missing, twice or out of order, and links that do not fit."""
    whole = {id(row): entry_hash(row) == row.hash for row in rows}
    if rows and whole[id(rows[0])] and _number(rows[0]) == 1 and rows[0].previous != GENESIS:
        yield Finding(
            chain=name, seq=1, fault=Fault.REPLACED,
            sentence="it does not begin the chain: something was before it",
        )  # fmt: skip
    yield from _numbers(rows, name)
    for before, row in pairwise(rows):
        follows = _number(row) == _number(before) + 1
        if follows and whole[id(before)] and whole[id(row)] and row.previous != before.hash:
            yield Finding(
                chain=name, seq=_number(before), fault=Fault.REPLACED,
                sentence=f"row {row.seq} was written after another row {before.seq}",
            )  # fmt: skip


def _numbers(rows: Sequence[AuditEntry], name: str) -> Iterator[Finding]:
    highest, seen = 0, set[int]()
    for row in rows:
        seq = _number(row)
        if seq in seen or seq < 1:
            yield Finding(
                chain=name, seq=seq, fault=Fault.INSERTED,
                sentence="there is more than one row with this number"
                if seq in seen else "rows are counted from 1",
            )  # fmt: skip
        elif seq < highest:
            yield Finding(
                chain=name, seq=seq, fault=Fault.MOVED, sentence=f"it stands after row {highest}"
            )
        seen.add(seq)
        highest = max(highest, seq)
    for first, last in _gaps(sorted(seen | {0})):
        many = f"rows {first} to {last} are gone" if last > first else "it is gone"
        yield Finding(chain=name, seq=first, fault=Fault.MISSING, sentence=many)


def _gaps(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    for before, after in pairwise(numbers):
        if after > before + 1 and before >= 0:
            yield before + 1, after - 1
