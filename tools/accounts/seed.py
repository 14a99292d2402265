"""The sample company's customer accounts: the same every time, with dates around a given now."""

from datetime import date, datetime, timedelta

from agent_core.people import AccountId
from tools.accounts.gateway import PaymentRequest, PaymentService
from tools.accounts.periods import today
from tools.accounts.stored_gateway import StoredAccounts
from tools.accounts.types import (
    Access,
    Account,
    AccountState,
    AccountStatus,
    Invoice,
    InvoiceLine,
    Member,
    Meters,
    PlanId,
)

NORTHWIND = AccountId("northwind")
GLOBEX = AccountId("globex")
INITECH = AccountId("initech")


async def seed(accounts: StoredAccounts, payments: PaymentService, now: datetime) -> None:
    """Pays the sample invoices and stores the sample accounts. Again: changes nothing.

    The payment comes first: an account that is there has its invoices paid.
    """
    for state in sample_accounts(now):
        for invoice in reversed(state.invoices):
            await payments.charge(
                PaymentRequest(
                    key=f"seed:{invoice.id}",
                    account_id=state.account.id,
                    amount=invoice.money(invoice.paid_minor),
                    reference=invoice.id,
                )
            )
        await accounts.create(state)


def sample_accounts(now: datetime) -> tuple[AccountState, ...]:
    """Northwind Traders, Globex and Initech, each in the middle of a period of 30 days."""
    start = today(now) - timedelta(days=15)
    return _northwind(start), _globex(start), _initech(start)


def _account(
    account_id: AccountId,
    name: str,
    plan: PlanId,
    seats: int,
    currency: str,
    billing: tuple[str, str],
    start: date,
) -> Account:
    return Account(
        id=account_id,
        name=name,
        plan=plan,
        seats=seats,
        currency=currency,
        billing_name=billing[0],
        billing_email=billing[1],
        status=AccountStatus.ACTIVE,
        period_start=start,
        period_end=start + timedelta(days=30),
        credit_minor=0,
        version=1,
    )


def _invoice(account: Account, number: int, issued_on: date, text: str, minor: int) -> Invoice:
    return Invoice(
        id=f"INV-{number}",
        account_id=account.id,
        issued_on=issued_on,
        currency=account.currency,
        lines=(InvoiceLine(text=text, minor=minor),),
        paid_minor=minor,
    )


def _members(account: Account, domain: str, people: str) -> tuple[Member, ...]:
    """From `Name:role` lines; the address is the first name at the domain. `!`: locked out."""
    members = []
    for line in people.split(","):
        name, role = line.strip().split(":")
        first = name.split()[0].lower()
        members.append(
            Member(
                id=f"{account.id}-{first}",
                account_id=account.id,
                name=name,
                email=f"{first}@{domain}",
                role=role.removesuffix("!"),
                access=Access.LOCKED if role.endswith("!") else Access.ACTIVE,
            )
        )
    return tuple(members)


def _northwind(start: date) -> AccountState:
    billing = ("Ben Carter", "ben@northwind.example")
    account = _account(NORTHWIND, "Northwind Traders", PlanId.TEAM, 12, "USD", billing, start)
    before = start - timedelta(days=30)
    people = (
        "Olive Marsh:owner, Ben Carter:billing_admin, Anika Rao:admin, Milo Novak:member!, "
        "Nora Lindqvist:member, Tariq Aziz:member, Elena Popescu:member, Jonas Weber:member, "
        "Priya Nair:member"
    )
    return AccountState(
        account=account,
        invoices=(
            _invoice(account, 1042, start, "Team plan, 12 seats, 30 days", 24_000),
            _invoice(
                account, 1038, before + timedelta(days=15), "2 seats added, 15 of 30 days", 2_000
            ),
            _invoice(account, 1031, before, "Team plan, 10 seats, 30 days", 20_000),
        ),
        members=_members(account, "northwind.example", people),
        meters=Meters(storage_mb=41_300, api_calls=18_452),
    )


def _globex(start: date) -> AccountState:
    billing = ("Felix Moreau", "felix@globex.example")
    account = _account(GLOBEX, "Globex", PlanId.BUSINESS, 20, "USD", billing, start)
    before = start - timedelta(days=30)
    people = (
        "Greta Holm:owner, Felix Moreau:billing_admin, Aida Haddad:admin, Paul Jensen:member, "
        "Yuki Tanaka:member, Rosa Jimenez:member, Idris Bello:member!"
    )
    return AccountState(
        account=account,
        invoices=(
            _invoice(account, 1041, start, "Business plan, 20 seats, 30 days", 70_000),
            _invoice(account, 1032, before, "Business plan, 20 seats, 30 days", 70_000),
        ),
        members=_members(account, "globex.example", people),
        meters=Meters(storage_mb=212_800, api_calls=403_117),
    )


def _initech(start: date) -> AccountState:
    billing = ("Bill Lumberg", "bill@initech.example")
    account = _account(INITECH, "Initech", PlanId.STARTER, 6, "EUR", billing, start)
    people = "Bill Lumberg:owner, Samira Naidu:admin, Milan Waters:member, Joanna Quill:member"
    return AccountState(
        account=account,
        invoices=(_invoice(account, 1040, start, "Starter plan, 6 seats, 30 days", 4_800),),
        members=_members(account, "initech.example", people),
        meters=Meters(storage_mb=2_950, api_calls=610),
    )
