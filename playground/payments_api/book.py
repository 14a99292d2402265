"""The provider's book: charges, refunds and idempotency keys in one SQLite file."""

import hashlib
import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Effect = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS effects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
    idempotency_key TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    account TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    reference TEXT NOT NULL,
    note TEXT NOT NULL,
    charge TEXT REFERENCES effects (id),
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS effects_by_charge ON effects (charge);
CREATE INDEX IF NOT EXISTS effects_by_reference ON effects (account, reference);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Refused(Exception):
    """A request without effect: HTTP status, code, and what to do about it."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, **more}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeOrder:
    """Take `amount` minor units from an account."""

    account: str
    amount: int
    currency: str
    reference: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """Give `amount` minor units of one charge back; the charge by id or by its reference."""

    account: str
    charge: str | None
    reference: str | None
    amount: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An effect and whether it had been there before."""

    effect: Effect
    replayed: bool


class Book:
    """Every method is one transaction, on disk when it returns."""

    def __init__(self, file: Path | str) -> None:
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        # FULL: a commit is on disk before it returns, also in write-ahead mode.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA busy_timeout = 5000")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def charge(self, key: str, order: ChargeOrder) -> Booked:
        """Books a charge once per key."""
        fingerprint = _fingerprint("charge", order)
        with _Transaction(self._database):
            if known := self._known(key, fingerprint):
                return known
            return self._insert(
                key,
                fingerprint,
                kind="charge",
                account=order.account,
                amount=order.amount,
                currency=order.currency,
                reference=order.reference,
                note=order.description,
                charge=None,
            )

    def refund(self, key: str, order: RefundOrder) -> Booked:
        """Books a refund once per key, never more than what is left of the charge."""
        fingerprint = _fingerprint("refund", order)
        with _Transaction(self._database):
            if known := self._known(key, fingerprint):
                return known
            charge = self._charge_of(order)
            if charge["currency"] != order.currency:
                raise Refused(
                    422, "currency_mismatch", f"the charge was made in {charge['currency']}"
                )
            remaining = charge["amount"] - self._refunded(charge["id"])
            if order.amount > remaining:
                raise Refused(
                    422,
                    "refund_exceeds_charge",
                    f"{remaining} {order.currency} minor units are left of this charge",
                    remaining=remaining,
                )
            return self._insert(
                key,
                fingerprint,
                kind="refund",
                account=order.account,
                amount=order.amount,
                currency=order.currency,
                reference=charge["reference"],
                note=order.reason,
                charge=charge["id"],
            )

    def find(self, kind: Literal["charge", "refund"] | None, **filters: str | None) -> list[Effect]:
        """Effects that match every given column (id, account, reference, charge,
        idempotency_key), oldest first."""
        given = {name: value for name, value in filters.items() if value is not None}
        if kind is not None:
            given["kind"] = kind
        where = " AND ".join(f"{name} = ?" for name in given) or "1"
        rows = self._database.execute(
            f"SELECT * FROM effects WHERE {where} ORDER BY number",
            tuple(given.values()),
        )
        return [self._shown(row) for row in rows.fetchall()]

    def state(self) -> dict[str, Any]:
        """Counts, sums by currency, and the effects, newest first."""
        effects = self.find(None)
        sums: dict[str, dict[str, int]] = {"charge": {}, "refund": {}}
        for effect in effects:
            of_kind = sums[effect["object"]]
            of_kind[effect["currency"]] = of_kind.get(effect["currency"], 0) + effect["amount"]
        replays = self._database.execute("SELECT value FROM counts WHERE name = 'replays'")
        row = replays.fetchone()
        return {
            "charges": sum(effect["object"] == "charge" for effect in effects),
            "refunds": sum(effect["object"] == "refund" for effect in effects),
            "charged": sums["charge"],
            "refunded": sums["refund"],
            "replays": row["value"] if row else 0,
            "effects": effects[::-1],
        }

    def _known(self, key: str, fingerprint: str) -> Booked | None:
        query = "SELECT * FROM effects WHERE idempotency_key = ?"
        row = self._database.execute(query, (key,)).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise Refused(
                409,
                "idempotency_key_reused",
                "this key came before with other parameters; nothing was done now",
            )
        self._database.execute(
            "INSERT INTO counts VALUES ('replays', 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1"
        )
        return Booked(effect=self._shown(row), replayed=True)

    def _charge_of(self, order: RefundOrder) -> sqlite3.Row:
        column, value = ("id", order.charge) if order.charge else ("reference", order.reference)
        row: sqlite3.Row | None = self._database.execute(
            f"SELECT * FROM effects WHERE kind = 'charge' AND account = ? AND {column} = ? "
            "ORDER BY number LIMIT 1",
            (order.account, value),
        ).fetchone()
        if row is None:
            raise Refused(404, "charge_not_found", f"{order.account} has no charge {value}")
        return row

    def _refunded(self, charge_id: str) -> int:
        query = "SELECT coalesce(sum(amount), 0) AS total FROM effects WHERE charge = ?"
        return int(self._database.execute(query, (charge_id,)).fetchone()["total"])

    def _insert(self, key: str, fingerprint: str, **columns: Any) -> Booked:
        prefix = "ch_" if columns["kind"] == "charge" else "re_"
        row = {
            "id": prefix + secrets.token_hex(8),
            "idempotency_key": key,
            "fingerprint": fingerprint,
            "created_at": datetime.now(UTC).isoformat(),
            **columns,
        }
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self._database.execute(
            f"INSERT INTO effects ({names}) VALUES ({marks})",
            tuple(row.values()),
        )
        query = "SELECT * FROM effects WHERE id = ?"
        stored = self._database.execute(query, (row["id"],)).fetchone()
        return Booked(effect=self._shown(stored), replayed=False)

    def _shown(self, row: sqlite3.Row) -> Effect:
        common = {
            "object": row["kind"],
            "id": row["id"],
            "account": row["account"],
            "amount": row["amount"],
            "currency": row["currency"],
            "status": "succeeded",
            "idempotency_key": row["idempotency_key"],
            "created_at": row["created_at"],
        }
        if row["kind"] == "charge":
            return common | {
                "reference": row["reference"],
                "description": row["note"],
                "refunded": self._refunded(row["id"]),
            }
        return common | {
            "charge": row["charge"],
            "reference": row["reference"],
            "reason": row["note"],
        }


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK when the block raises."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")


def _fingerprint(kind: str, order: ChargeOrder | RefundOrder) -> str:
    fields = {name: getattr(order, name) for name in order.__slots__}
    text = json.dumps([kind, fields], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
