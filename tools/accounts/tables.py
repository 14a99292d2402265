"""The account database's tables, and how rows become values and back."""

from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, BigInteger, Column, DateTime, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from agent_core.people import AccountId
from tools.accounts.effects import Effect, EffectStatus
from tools.accounts.types import (
    Access,
    Account,
    AccountStatus,
    Invoice,
    InvoiceLine,
    Member,
    Meters,
    PlanId,
)

_EFFECT = TypeAdapter(Effect)


class Tables(SQLModel, registry=registry()):
    """Their own registry and metadata: another database's tables may bear the same names."""


class AccountRow(Tables, table=True):
    """One company's subscription."""

    __tablename__ = "accounts"
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    plan: str
    seats: int
    currency: str
    billing_name: str
    billing_email: str
    status: str
    period_start: date
    period_end: date
    credit_minor: int = Field(sa_type=BigInteger)
    version: int
    plan_next: str | None = None
    paused_on: date | None = None
    storage_mb: int = Field(sa_type=BigInteger, default=0)
    api_calls: int = Field(sa_type=BigInteger, default=0)


class InvoiceRow(Tables, table=True):
    """One invoice with its lines."""

    __tablename__ = "invoices"
    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", index=True)
    issued_on: date
    currency: str
    lines: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    credit_used_minor: int = Field(sa_type=BigInteger)
    paid_minor: int = Field(sa_type=BigInteger)
    refunded_minor: int = Field(sa_type=BigInteger)


class MemberRow(Tables, table=True):
    """One person with a seat."""

    __tablename__ = "members"
    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", index=True)
    position: int
    name: str
    email: str
    role: str
    access: str


class EffectRow(Tables, table=True):
    """One change under its key: the gateway's idempotency record."""

    __tablename__ = "effects"
    key: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", index=True)
    status: str
    at: datetime = Field(sa_type=DateTime(timezone=True))
    payment_id: str
    body: str = Field(sa_type=Text)


class CounterRow(Tables, table=True):
    """The next invoice number, across all accounts."""

    __tablename__ = "counters"
    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


def account_of(row: AccountRow) -> Account:
    return Account(
        id=AccountId(row.id),
        name=row.name,
        plan=PlanId(row.plan),
        seats=row.seats,
        currency=row.currency,
        billing_name=row.billing_name,
        billing_email=row.billing_email,
        status=AccountStatus(row.status),
        period_start=row.period_start,
        period_end=row.period_end,
        credit_minor=row.credit_minor,
        version=row.version,
        plan_next=PlanId(row.plan_next) if row.plan_next else None,
        paused_on=row.paused_on,
    )


def account_row(account: Account, meters: Meters) -> AccountRow:
    return AccountRow(
        id=account.id,
        name=account.name,
        plan=account.plan.value,
        seats=account.seats,
        currency=account.currency,
        billing_name=account.billing_name,
        billing_email=account.billing_email,
        status=account.status.value,
        period_start=account.period_start,
        period_end=account.period_end,
        credit_minor=account.credit_minor,
        version=account.version,
        plan_next=account.plan_next.value if account.plan_next else None,
        paused_on=account.paused_on,
        storage_mb=meters.storage_mb,
        api_calls=meters.api_calls,
    )


def invoice_of(row: InvoiceRow) -> Invoice:
    return Invoice(
        id=row.id,
        account_id=AccountId(row.account_id),
        issued_on=row.issued_on,
        currency=row.currency,
        lines=tuple(InvoiceLine(text=line["text"], minor=line["minor"]) for line in row.lines),
        credit_used_minor=row.credit_used_minor,
        paid_minor=row.paid_minor,
        refunded_minor=row.refunded_minor,
    )


def invoice_row(invoice: Invoice) -> InvoiceRow:
    return InvoiceRow(
        id=invoice.id,
        account_id=invoice.account_id,
        issued_on=invoice.issued_on,
        currency=invoice.currency,
        lines=[{"text": line.text, "minor": line.minor} for line in invoice.lines],
        credit_used_minor=invoice.credit_used_minor,
        paid_minor=invoice.paid_minor,
        refunded_minor=invoice.refunded_minor,
    )


def member_of(row: MemberRow) -> Member:
    return Member(
        id=row.id,
        account_id=AccountId(row.account_id),
        name=row.name,
        email=row.email,
        role=row.role,
        access=Access(row.access),
    )


def member_row(member: Member, position: int) -> MemberRow:
    return MemberRow(
        id=member.id,
        account_id=member.account_id,
        position=position,
        name=member.name,
        email=member.email,
        role=member.role,
        access=member.access.value,
    )


def effect_of(row: EffectRow) -> Effect:
    return _EFFECT.validate_json(row.body)


def effect_row(effect: Effect) -> EffectRow:
    return EffectRow(
        key=effect.key,
        account_id=effect.account_id,
        status=EffectStatus(effect.status).value,
        at=effect.at,
        payment_id=effect.payment_id,
        body=_EFFECT.dump_json(effect).decode(),
    )
