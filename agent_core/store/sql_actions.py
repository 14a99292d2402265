"""Proposals and the ledger, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent_core.conversation import ConversationId
from agent_core.errors import ConversationChanged
from agent_core.people import AccountId
from agent_core.proposals import LedgerEntry, PlanId, Proposal, ProposalId, ProposalStatus
from agent_core.store import codec, tables
from agent_core.store.rows import LEDGER, PROPOSALS
from agent_core.store.sql import Sql, given, given_many
from agent_core.tooling import Amount, ToolName

_PROPOSALS = PROPOSALS.table
# Without a lock: it is changed under its conversation's (agent_core/held.py), comparing the status.
_GET = PROPOSALS.select().where(_PROPOSALS.c.id == given("id"))
# What a proposal is of never changes: another wish is another proposal.
_FIXED = frozenset({"account_id", "fingerprint", "occurrence"})
_SAVE = sa.update(_PROPOSALS).where(
    _PROPOSALS.c.id == given("id"), _PROPOSALS.c.status == given("expected")
)
_OPEN = (
    PROPOSALS.select()
    .where(_PROPOSALS.c.conversation_id == given("id"), sa.text(tables.OPEN_PROPOSAL))
    .order_by(_PROPOSALS.c.proposed_at, _PROPOSALS.c.id)
)
_TWINS = (
    PROPOSALS.select()
    .where(
        _PROPOSALS.c.account_id == given("account"),
        _PROPOSALS.c.fingerprint == given("fingerprint"),
    )
    .order_by(_PROPOSALS.c.occurrence)
)
_OF_PLAN = (
    PROPOSALS.select()
    .where(_PROPOSALS.c.plan_id == given("plan"))
    .order_by(_PROPOSALS.c.step)
    .with_for_update()
)
_UNDOING = (
    PROPOSALS.select()
    .where(_PROPOSALS.c.undoes == given("key"))
    .order_by(_PROPOSALS.c.proposed_at, _PROPOSALS.c.id)
)
_UNDECIDED = (
    PROPOSALS.select()
    .where(sa.text(tables.UNDECIDED_PROPOSAL))
    .order_by(_PROPOSALS.c.expires_at, _PROPOSALS.c.id)
    .limit(given("limit"))
)

_LEDGER = LEDGER.table
_ENTRY = LEDGER.select().where(_LEDGER.c.key == given("key")).with_for_update()
_SETTLE = sa.update(_LEDGER).where(
    _LEDGER.c.key == given("key"),
    sa.or_(_LEDGER.c.outcome.is_(None), _LEDGER.c.outcome == "unknown"),
)
_NEWEST = LEDGER.select().order_by(_LEDGER.c.intended_at.desc(), _LEDGER.c.key.desc())
_OF_CONVERSATION = _NEWEST.where(_LEDGER.c.conversation_id == given("id")).limit(given("limit"))
_OF_ACCOUNT = _NEWEST.where(_LEDGER.c.account_id == given("id")).limit(given("limit"))
_UNSETTLED = (
    LEDGER.select()
    .where(sa.text(tables.UNSETTLED))
    .order_by(_LEDGER.c.intended_at, _LEDGER.c.key)
    .limit(given("limit"))
)
# Its row is locked by the change, and what others committed before is seen by the next statement.
_COUNTERS = tables.table(tables.CounterTable)
_USED = (
    sa.select(_LEDGER.c.amount, sa.func.count())
    .where(
        _LEDGER.c.tool.in_(given_many("tools")),
        _LEDGER.c.intended_at >= sa.bindparam("b_since", type_=tables.UtcTime()),
        sa.or_(_LEDGER.c.outcome.is_(None), _LEDGER.c.outcome.in_(("succeeded", "unknown"))),
    )
    .group_by(_LEDGER.c.amount)
)
_USED_IN_ACCOUNT = _USED.where(_LEDGER.c.account_id == given("account"))
_BY_PERSON = sa.or_(
    sa.func.coalesce(_LEDGER.c.person_id, _LEDGER.c.requester) == given("person"),
    _LEDGER.c.requester.in_(given_many("addresses")),
)


class SqlProposals:
    """`ports.Proposals`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, proposal: Proposal) -> None:
        """Raises ConversationChanged where the id or (account, fingerprint, occurrence) exists."""
        if not self._sql.add(_PROPOSALS, PROPOSALS.to_row(proposal)):
            raise ConversationChanged("this proposal exists already: reload its twins")

    def get(self, proposal_id: ProposalId) -> Proposal | None:
        row = self._sql.one(_GET, b_id=proposal_id)
        return PROPOSALS.from_row(row) if row else None

    def save(self, proposal: Proposal, *, expected: ProposalStatus) -> None:
        row = PROPOSALS.to_row(proposal)
        params = {name: value for name, value in row.items() if name not in _FIXED}
        params |= {"b_id": proposal.id, "b_expected": expected.value}
        if not self._sql.change(_SAVE, params):
            raise ConversationChanged(f"proposal {proposal.id} is no longer {expected}")

    def open_in(self, conversation_id: ConversationId) -> Sequence[Proposal]:
        return [PROPOSALS.from_row(row) for row in self._sql.all(_OPEN, b_id=conversation_id)]

    def twins(self, account_id: AccountId, fingerprint: str) -> Sequence[Proposal]:
        rows = self._sql.all(_TWINS, b_account=account_id, b_fingerprint=fingerprint)
        return [PROPOSALS.from_row(row) for row in rows]

    def of_plan(self, plan_id: PlanId) -> Sequence[Proposal]:
        return [PROPOSALS.from_row(row) for row in self._sql.all(_OF_PLAN, b_plan=plan_id)]

    def undoing(self, key: ProposalId) -> Sequence[Proposal]:
        return [PROPOSALS.from_row(row) for row in self._sql.all(_UNDOING, b_key=key)]

    def undecided(self, limit: int = 200) -> Sequence[Proposal]:
        return [PROPOSALS.from_row(row) for row in self._sql.all(_UNDECIDED, b_limit=limit)]


class SqlLedger:
    """`ports.Ledger`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def intend(self, entry: LedgerEntry) -> None:
        if not self._sql.add(_LEDGER, LEDGER.to_row(entry)):
            raise ConversationChanged(f"the ledger has {entry.key} already")

    def get(self, key: ProposalId) -> LedgerEntry | None:
        row = self._sql.one(_ENTRY, b_key=key)
        return LEDGER.from_row(row) if row else None

    def settle(self, entry: LedgerEntry) -> None:
        """Raises ConversationChanged where there is no such entry, or its outcome is known."""
        if not self._sql.change(_SETTLE, {**LEDGER.to_row(entry), "b_key": entry.key}):
            raise ConversationChanged(f"the outcome of {entry.key} is known already")

    def of_conversation(
        self, conversation_id: ConversationId, limit: int = 50
    ) -> Sequence[LedgerEntry]:
        """The newest `limit`, oldest first."""
        rows = self._sql.all(_OF_CONVERSATION, b_id=conversation_id, b_limit=limit)
        return [LEDGER.from_row(row) for row in reversed(rows)]

    def of_account(self, account_id: AccountId, limit: int = 50) -> Sequence[LedgerEntry]:
        """The newest `limit`, oldest first."""
        rows = self._sql.all(_OF_ACCOUNT, b_id=account_id, b_limit=limit)
        return [LEDGER.from_row(row) for row in reversed(rows)]

    def hold(self, scopes: Sequence[str]) -> None:
        for scope in sorted(set(scopes)):  # in one order, so that no two wait for each other
            self._sql.put(_COUNTERS, {"name": f"hold:{scope}", "value": 0}, ("value",))

    def used(
        self,
        tools: frozenset[ToolName],
        since: datetime,
        *,
        account_id: AccountId | None = None,
        person: str | None = None,
        addresses: frozenset[str] = frozenset(),
    ) -> Sequence[tuple[Amount | None, int]]:
        params: dict[str, Any] = {"b_tools": sorted(tools), "b_since": since}
        statement = _USED
        if account_id is not None:
            statement, params["b_account"] = _USED_IN_ACCOUNT, account_id
        if person is not None:
            statement, params["b_person"] = statement.where(_BY_PERSON), person
            params["b_addresses"] = sorted(addresses)
        rows = self._sql.all(statement, **params)
        return [(codec.decode(Amount, amount) if amount else None, count) for amount, count in rows]

    def unsettled(self, limit: int = 100) -> Sequence[LedgerEntry]:
        """Intended, and no outcome written, oldest first."""
        return [LEDGER.from_row(row) for row in self._sql.all(_UNSETTLED, b_limit=limit)]
