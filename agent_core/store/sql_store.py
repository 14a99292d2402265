"""The store on SQLite and Postgres: one transaction for each `run`.

SQLite: one writer thread with its own connection, `BEGIN IMMEDIATE`. Postgres: a pool, READ
COMMITTED, the conversation that a decision rests on is read FOR UPDATE, before what belongs to it
(agent_core/held.py), and every write compares and sets.
So two transactions on one conversation follow each other as on SQLite, each sees what the other
committed, and a function runs once; REPEATABLE READ would have to run it again after each clash.
Only a deadlock, which Postgres ends by refusing one of the two, runs a function again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

import sqlalchemy as sa

from agent_core import ports
from agent_core.errors import ConfigurationError, StoreError
from agent_core.open_connections import OpenConnections
from agent_core.ports import Seal, UnitOfWork
from agent_core.store.audit_seal import AesSeal
from agent_core.store.records import SqlRecords
from agent_core.store.sql import Sql
from agent_core.store.sql_actions import SqlLedger, SqlProposals
from agent_core.store.sql_audit import SqlAudit
from agent_core.store.sql_brakes import SqlBrakes
from agent_core.store.sql_conversations import SqlConversations, SqlTranscript
from agent_core.store.sql_outgoing import SqlEscalations, SqlOutgoing
from agent_core.store.sql_people import SqlPeople, SqlRooms
from agent_core.store.sql_turns import SqlInbox, SqlTurns
from agent_core.store.tables import Stored
from agent_core.store.upkeep import StoreUpkeep

T = TypeVar("T")
BUSY_SECONDS = 30
CONNECT_SECONDS = 10  # psycopg's own would be two minutes, for each try
CLOSE_SECONDS = 5.0
POSTGRES_THREADS = 8
DEADLOCK_TRIES = 5
# The row count of an INSERT is kept on request only, and `Sql.add` reads it.
_OPTIONS = {"preserve_rowcount": True}


def database_url(url: str) -> sa.URL:
    """The URL with the driver that we use. Raises ConfigurationError for another database."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigurationError(
            ["HANDRAIL_DATABASE_URL is not a URL: write sqlite:///FILE or postgresql://…"]
        ) from None
    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
    name = "postgresql" if parsed.get_backend_name() == "postgres" else parsed.get_backend_name()
    if name not in drivers:
        raise ConfigurationError(
            [f"HANDRAIL_DATABASE_URL names {name}: only sqlite and postgresql are served"]
        )
    return parsed.set(drivername=drivers[name])


def postgres_wishes(parsed: sa.URL) -> dict[str, int]:
    """For `connect_args`: a server that says nothing is given up, soon enough to be told of."""
    return {} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT_SECONDS}


def make_engine(url: str, *, threads: int = POSTGRES_THREADS) -> sa.Engine:
    """A SQLAlchemy engine with the settings that the store relies on."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(
            parsed, pool_size=threads, max_overflow=0, pool_pre_ping=True,
            isolation_level="READ COMMITTED", execution_options=_OPTIONS,
            connect_args=postgres_wishes(parsed),
        )  # fmt: skip
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError(
            ["HANDRAIL_DATABASE_URL names no file: write sqlite:///FILE, or use the memory store"]
        )
    engine = sa.create_engine(
        parsed, poolclass=sa.pool.StaticPool, connect_args={"timeout": BUSY_SECONDS,
        "check_same_thread": False}, execution_options=_OPTIONS,
    )  # fmt: skip
    sa.event.listen(engine, "connect", _prepare_sqlite)
    # An event of the engine would do it too, but makes every statement look for listeners.
    engine.dialect.do_begin = _begin_immediate  # type: ignore[method-assign]
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    # FULL: what was acknowledged to a platform is on the disk, also when the power goes.
    # What is erased is overwritten, and not only let go of.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(dbapi_connection: Any) -> None:
    # The write lock first: a transaction that reads and then writes never has to be refused.
    dbapi_connection.execute("BEGIN IMMEDIATE").close()


def in_a_line(problem: sa.exc.DBAPIError) -> str:
    """What the database said, without the statement's parameters: customers wrote those."""
    kind = type(problem.orig).__name__
    if isinstance(problem, sa.exc.DataError):
        return kind  # its text repeats the value
    return f"{kind}: {next(iter(str(problem.orig).splitlines()), '')}"


class SqlUnit:
    """One transaction of SqlStore; see ports.UnitOfWork."""

    def __init__(self, connection: sa.Connection, seal: Seal) -> None:
        sql = Sql(connection)
        self.connection = connection
        self.callbacks: list[Callable[[], None]] = []
        self.rooms: ports.Rooms = SqlRooms(sql)
        self.people: ports.People = SqlPeople(sql)
        self.conversations: ports.Conversations = SqlConversations(sql)
        self.transcript: ports.Transcript = SqlTranscript(sql)
        self.inbox: ports.Inbox = SqlInbox(sql)
        self.turns: ports.Turns = SqlTurns(sql)
        self.proposals: ports.Proposals = SqlProposals(sql)
        self.ledger: ports.Ledger = SqlLedger(sql)
        self.outgoing: ports.Outgoing = SqlOutgoing(sql)
        self.escalations: ports.Escalations = SqlEscalations(sql)
        self.brakes: ports.Brakes = SqlBrakes(sql)
        self._audit = SqlAudit(sql, seal)
        self.audit: ports.Audit = self._audit
        self.upkeep: ports.Upkeep = StoreUpkeep(self, SqlRecords(connection))

    def before_commit(self) -> None:
        self._audit.flush()

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


class SqlStore:
    """`ports.Store`. The tables must be there: `migrations.migrate(url)` makes them.

    `seal` None: people's keys of the audit log lie in the database unprotected.
    """

    def __init__(
        self, url: str, *, threads: int = POSTGRES_THREADS, seal: Seal | None = None
    ) -> None:
        self._seal = seal or AesSeal()
        self._engine = make_engine(url, threads=threads)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._connections = OpenConnections()
        if not self.is_sqlite:
            sa.event.listen(self._engine, "connect", self._connections.add)
        workers = 1 if self.is_sqlite else threads
        # One more than run, so that no thread waits for the event loop.
        self.transactions_at_once = workers + 1
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="handrail-store")

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T:
        """One transaction. It is carried to its end also where the caller is cancelled."""
        loop = asyncio.get_running_loop()
        held = copy_context()  # rows keep the trace in force
        return await loop.run_in_executor(self._threads, held.run, self._run, fn, loop)

    async def scrub(self) -> bool:
        """Lets the database let go of what was erased; False where others keep it from that.

        SQLite: what was overwritten goes from the write-ahead file into the database, and the
        former is emptied. Postgres: dead rows are vacuumed away, beside whoever is at work.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._scrub)

    async def close(self) -> None:
        """Waits for running transactions, then closes every connection.

        Postgres may say nothing for as long as somebody holds a lock: after a while the connections
        are cut, and what was under way is redone, as after a crash.
        """
        patience = None if self.is_sqlite else CLOSE_SECONDS
        await self._connections.end(self._threads, patience, "the database")
        self._engine.dispose()

    def _scrub(self) -> bool:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self.is_sqlite:
                driver = connection.connection.driver_connection
                busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]  # type: ignore[union-attr]
                return not busy
            for table in Stored.metadata.sorted_tables:
                connection.execute(sa.text(f"VACUUM {table.name}"))
        return True

    def _run(self, fn: Callable[[UnitOfWork], T], loop: asyncio.AbstractEventLoop) -> T:
        for attempt in range(1, DEADLOCK_TRIES + 1):
            try:
                return self._once(fn, loop)
            except sa.exc.DBAPIError as problem:
                deadlock = getattr(problem.orig, "sqlstate", None) == "40P01"
                if not deadlock or attempt == DEADLOCK_TRIES:
                    raise StoreError(f"the database refused: {in_a_line(problem)}") from None
        raise AssertionError("the last attempt returns or raises")

    def _once(self, fn: Callable[[UnitOfWork], T], loop: asyncio.AbstractEventLoop) -> T:
        with self._engine.begin() as connection:
            unit = SqlUnit(connection, self._seal)
            result = fn(unit)
            unit.before_commit()
        for callback in unit.callbacks:
            # Before `run` returns to its caller, and also where nobody waits for it any more.
            loop.call_soon_threadsafe(callback)
        return result
