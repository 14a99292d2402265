"""The account system on its own SQL database: SQLite in WAL mode, or Postgres."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, or_, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlmodel import Session, col, select

from agent_core.errors import (
    ActionFailed,
    ActionOutcomeUnknown,
    ConfigurationError,
    ToolError,
)
from agent_core.open_connections import OpenConnections
from agent_core.people import AccountId
from tools.accounts.effects import Clock, Effect, EffectStatus, Unit
from tools.accounts.gateway import AccountsAway, PaymentService
from tools.accounts.planned import Planned
from tools.accounts.stored_gateway import StoredAccounts
from tools.accounts.tables import (
    AccountRow,
    CounterRow,
    EffectRow,
    InvoiceRow,
    MemberRow,
    Tables,
    account_of,
    account_row,
    effect_of,
    effect_row,
    invoice_of,
    invoice_row,
    member_of,
    member_row,
)
from tools.accounts.types import Account, AccountState, Meters

T = TypeVar("T")
_INVOICES = "invoices"
_FIRST_INVOICE = 1001
_BUSY_SECONDS = 30
_POSTGRES_THREADS = 4
_CONNECT_SECONDS = 10
CLOSE_SECONDS = 5.0
_READS = "hr_reads"
# What a server that is there says while it takes nobody.
_FOR_NOW = (
    "starting up", "shutting down", "accepting connections", "recovery mode", "too many",
    "connection slots",
)  # fmt: skip
_SCHEMA_LOCK = 0x48524143  # any fixed number: processes that create the schema take turns


class _Lock(Enum):
    """What a transaction holds against others."""

    NONE = "it reads only"
    FILE = "the whole SQLite file, from its first statement"
    ROW = "the rows it asks for, on Postgres"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SqlAccounts(StoredAccounts):
    """The embedded default. `url` is its own database, never the core's transaction.

    `sqlite:///path` or `postgresql://…`. Call `prepare()` once before use and `close()` at the end.
    """

    def __init__(self, url: str, payments: PaymentService, clock: Clock = _utc_now) -> None:
        super().__init__(SqlStorage(url), payments, clock)


class SqlStorage:
    """Transactions in threads of its own: one for SQLite, a few for Postgres."""

    def __init__(self, url: str, *, close_seconds: float = CLOSE_SECONDS) -> None:
        self._url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._is_sqlite = self._url.startswith("sqlite")
        self._close_seconds = close_seconds
        self._connections = OpenConnections()
        self._engine: Engine | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def prepare(self) -> None:
        """Raises ConfigurationError where the database cannot be opened, and AccountsAway of that
        where its server does not answer."""
        try:
            if self._engine is None:
                self._engine = _sqlite(self._url) if self._is_sqlite else self._postgres()
                self._threads = ThreadPoolExecutor(
                    max_workers=1 if self._is_sqlite else _POSTGRES_THREADS,
                    thread_name_prefix="accounts",
                )
            await self._in_thread(lambda engine: _create_schema(engine, self._is_sqlite))
        except SQLAlchemyError as problem:
            if not self._is_sqlite and _is_away(problem):
                raise AccountsAway(
                    [
                        "HANDRAIL_ACCOUNTS_URL: the account database's server does not answer. Is "
                        "it running, and can it be reached from here?"
                    ]
                ) from problem
            # The address may hold a password, so it is not repeated.
            raise ConfigurationError(
                [
                    f"HANDRAIL_ACCOUNTS_URL: the account database cannot be opened "
                    f"({type(problem).__name__}). Use sqlite:///FILE or "
                    "postgresql://USER:PASSWORD@HOST/DATABASE."
                ]
            ) from problem

    async def run(self, work: Callable[[Unit], T]) -> T:
        lock = _Lock.FILE if self._is_sqlite else _Lock.ROW
        return await self._in_thread(lambda engine: _transaction(engine, work, lock))

    async def read(self, work: Callable[[Unit], T]) -> T:
        return await self._in_thread(lambda engine: _transaction(engine, work, _Lock.NONE))

    async def close(self) -> None:
        """Lets what is under way end. A database that says nothing keeps no process from its end:
        after a while its connections are cut, and what came of an action is looked up later."""
        engine, threads = self._engine, self._threads
        self._engine = self._threads = None
        if engine is None or threads is None:
            return
        patience = None if self._is_sqlite else self._close_seconds
        await self._connections.end(threads, patience, "the account database")
        await asyncio.to_thread(engine.dispose)

    def _postgres(self) -> Engine:
        wanted = {} if "connect_timeout" in self._url else {"connect_timeout": _CONNECT_SECONDS}
        engine = create_engine(
            self._url,
            pool_size=_POSTGRES_THREADS,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args=wanted,
        )
        event.listen(engine, "connect", self._connections.add)
        return engine

    async def _in_thread(self, work: Callable[[Engine], T]) -> T:
        engine, threads = self._engine, self._threads
        if engine is None or threads is None:
            raise RuntimeError("call prepare() first")
        return await asyncio.get_running_loop().run_in_executor(threads, work, engine)


def _is_away(problem: SQLAlchemyError) -> bool:
    """No server answered, or one that is on its way up or down. It says no to a name or a password
    with FATAL too, and no code comes with that: libpq hands on the text alone."""
    said = str(problem.orig) if isinstance(problem, OperationalError) else "FATAL"
    if "resolve host" in said or "translate host" in said:
        return False  # more likely misspelt than away
    return "FATAL" not in said or any(one in said for one in _FOR_NOW)


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: object, _: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # Locks before it reads: a transaction that reads and then writes loses no update.
        reads = connection.get_execution_options().get(_READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _create_schema(engine: Engine, is_sqlite: bool) -> None:
    with engine.begin() as connection:
        if not is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _SCHEMA_LOCK})
        Tables.metadata.create_all(connection)
        with Session(connection) as session:
            if session.get(CounterRow, _INVOICES) is None:
                session.add(CounterRow(name=_INVOICES, value=_FIRST_INVOICE))
                session.commit()


def _transaction(engine: Engine, work: Callable[[Unit], T], lock: _Lock) -> T:
    with Session(engine.execution_options(**{_READS: lock is _Lock.NONE})) as session:
        try:
            result = work(_SqlUnit(session, lock))
            session.flush()
        except ToolError:
            raise
        except SQLAlchemyError as problem:
            raise ActionFailed("The account system could not be reached.") from problem
        try:
            session.commit()
        except SQLAlchemyError as problem:
            raise ActionOutcomeUnknown("The account system did not confirm.") from problem
        return result


class _SqlUnit:
    """One transaction. Rows are locked in one order: account, then counter."""

    def __init__(self, session: Session, lock: _Lock) -> None:
        self._session = session
        self._lock = lock

    def state(self, account_id: AccountId) -> AccountState | None:
        row = self._locked(AccountRow, account_id)
        if row is None:
            return None
        invoices = self._session.exec(
            select(InvoiceRow)
            .where(InvoiceRow.account_id == account_id)
            .order_by(col(InvoiceRow.issued_on).desc(), col(InvoiceRow.id).desc())
        )
        members = self._session.exec(
            select(MemberRow)
            .where(MemberRow.account_id == account_id)
            .order_by(col(MemberRow.position))
        )
        return AccountState(
            account=account_of(row),
            invoices=tuple(invoice_of(each) for each in invoices),
            members=tuple(member_of(each) for each in members),
            meters=Meters(storage_mb=row.storage_mb, api_calls=row.api_calls),
        )

    def search(self, query: str, limit: int) -> list[Account]:
        wanted = query.strip().lower()
        rows = self._session.exec(
            select(AccountRow)
            .where(
                or_(
                    func.lower(AccountRow.name).contains(wanted, autoescape=True),
                    func.lower(AccountRow.id).contains(wanted, autoescape=True),
                )
            )
            .order_by(col(AccountRow.name))
            .limit(limit)
        )
        return [account_of(row) for row in rows]

    def effect(self, key: str) -> Effect | None:
        row = self._session.get(EffectRow, key)
        return effect_of(row) if row else None

    def started(self, account_id: AccountId) -> Effect | None:
        row = self._session.exec(
            select(EffectRow)
            .where(EffectRow.account_id == account_id)
            .where(EffectRow.status == EffectStatus.STARTED.value)
        ).first()
        return effect_of(row) if row else None

    def put_effect(self, effect: Effect) -> None:
        self._session.merge(effect_row(effect))

    def next_invoice_id(self) -> str:
        counter = self._locked(CounterRow, _INVOICES)
        if counter is None:
            raise ActionFailed("The account database is not prepared.")
        counter.value += 1
        return f"INV-{counter.value - 1}"

    def write(self, planned: Planned) -> None:
        row = self._session.get_one(AccountRow, planned.after.id)
        meters = Meters(storage_mb=row.storage_mb, api_calls=row.api_calls)
        self._session.merge(account_row(planned.after, meters))
        if planned.invoice:
            self._session.merge(invoice_row(planned.invoice))
        if planned.member:
            self._session.get_one(MemberRow, planned.member.id).access = planned.member.access.value

    def create(self, state: AccountState) -> bool:
        if self._locked(AccountRow, state.account.id):
            return False
        counter = self._locked(CounterRow, _INVOICES)
        if counter is None:
            raise ActionFailed("The account database is not prepared.")
        self._session.add(account_row(state.account, state.meters))
        self._session.flush()
        for invoice in state.invoices:
            self._session.add(invoice_row(invoice))
            counter.value = max(counter.value, int(invoice.id.removeprefix("INV-")) + 1)
        for position, member in enumerate(state.members):
            self._session.add(member_row(member, position))
        return True

    def _locked(self, table: type[T], key: str) -> T | None:
        if self._lock is not _Lock.ROW:
            return self._session.get(table, key)
        return self._session.get(table, key, with_for_update=True, populate_existing=True)
