"""The tables of the audit log: rows that are only ever added, and the keys of people.

A trigger refuses every UPDATE and DELETE of a row (see the migration). The key of a person is
deleted when the person is erased. Times are text, so that a spoilt one can still be shown.
"""

import sqlalchemy as sa
from sqlmodel import Field

from agent_core.store.tables import Stored


class AuditTable(Stored, table=True):
    __tablename__ = "hr_audit"
    chain: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    at: str
    actor: str
    kind: str
    subject: str
    person: str
    facts: str = Field(sa_type=sa.Text)
    sealed: str = Field(sa_type=sa.Text)
    salt: str
    previous: str
    hash: str


class AuditKeyTable(Stored, table=True):
    __tablename__ = "hr_audit_keys"
    person: str = Field(primary_key=True)
    wrapped: str
