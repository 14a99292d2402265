"""The audit log in SQL: rows are written as a transaction's last statements, chain by chain.

So nobody waits long for a chain, and whoever holds one asks for no other lock afterwards. At most
two statements an entry: the chain's head with the keys of the people, and the row. Two
transactions that read the same head meet at the primary key: the second one's row is refused
without an error once the first has committed, and it reads again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from agent_core.audit import GENESIS, NO_ACCOUNT, AuditDraft, AuditEntry
from agent_core.errors import StoreError
from agent_core.ports import Seal
from agent_core.store import audit_tables
from agent_core.store.audit_chain import chained, opened, person_of
from agent_core.store.rows import AUDIT
from agent_core.store.sql import Sql, given, given_many
from agent_core.store.tables import table
from agent_core.tooling import Json

_MASTER = "master"  # a key of nobody: whoever can unwrap it has the right master key
TRIES = 1000  # each one lost means that another transaction has written

_TABLE = AUDIT.table
_KEYS = table(audit_tables.AuditKeyTable)
_LAST = (
    sa.select(sa.literal_column("''").label("person"), _TABLE.c.seq, _TABLE.c.hash.label("value"))
    .where(_TABLE.c.chain == given("chain"))
    .order_by(_TABLE.c.seq.desc())
    .limit(1)
    .subquery()
)
_KEYS_OF = sa.select(
    _KEYS.c.person, sa.literal_column("0").label("seq"), _KEYS.c.wrapped.label("value")
).where(_KEYS.c.person.in_(given_many("people")))
_HEAD_AND_KEYS = sa.union_all(sa.select(_LAST.c.person, _LAST.c.seq, _LAST.c.value), _KEYS_OF)
_ENTRIES = (
    AUDIT.select()
    .where(_TABLE.c.chain == given("chain"), _TABLE.c.seq > given("after"))
    .order_by(_TABLE.c.seq)
    .limit(given("limit"))
)
_CHAINS = sa.select(_TABLE.c.chain).distinct()
_DESTROY = sa.delete(_KEYS).where(_KEYS.c.person == given("person"))


class SqlAudit:
    """`ports.Audit`. `flush` is the store's: it is called before each commit."""

    def __init__(self, sql: Sql, seal: Seal) -> None:
        self._sql = sql
        self._seal = seal
        self._drafts: list[AuditDraft] = []

    def reference(self, person_key: str) -> str:
        return self._seal.reference(person_key)

    def check(self) -> None:
        self._ready("", set())

    def append(self, draft: AuditDraft) -> None:
        self._drafts.append(draft)

    def entries(self, chain: str, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        self.flush()
        rows = self._sql.all(_ENTRIES, b_chain=chain, b_after=after, b_limit=limit)
        return [AUDIT.from_row(row) for row in rows]

    def chains(self) -> Sequence[str]:
        self.flush()
        return sorted(row[0] for row in self._sql.all(_CHAINS))  # not by the database's collation

    def opened(self, entries: Sequence[AuditEntry]) -> Sequence[Json | None]:
        return opened(entries, self._keys_of, self._seal)

    def destroy_key(self, reference: str) -> bool:
        self.flush()  # what was appended before goes under the old key, and is erased with it
        return self._sql.change(_DESTROY, {"b_person": reference}) > 0

    def flush(self) -> None:
        """Writes what was appended; the chains in one order for all transactions."""
        drafts, self._drafts = self._drafts, []
        by_chain = defaultdict[str, list[AuditDraft]](list)
        for draft in drafts:
            by_chain[draft.chain or NO_ACCOUNT].append(draft)
        for chain in sorted(by_chain):
            self._write(chain, by_chain[chain])

    # --- inner ------------------------------------------------------------------------------

    def _write(self, chain: str, drafts: Sequence[AuditDraft]) -> None:
        people = {person for draft in drafts if (person := person_of(draft, self._seal))}
        seq, previous, keys = self._ready(chain, people)
        first, *others = drafts
        for _ in range(TRIES):
            entry = self._chained(first, seq, previous, keys)
            if self._sql.add(_TABLE, AUDIT.to_row(entry)):
                break
            seq, previous, keys = self._read(chain, people)
        else:
            raise StoreError(f"the audit log of {chain} is too busy: try again")
        for draft in others:  # the chain is ours until the commit: nobody sees our first row
            entry = self._chained(draft, entry.seq, entry.hash, keys)
            if not self._sql.add(_TABLE, AUDIT.to_row(entry)):
                raise StoreError(f"row {entry.seq} of the audit log of {chain} was there already")

    def _ready(self, chain: str, people: set[str]) -> tuple[int, str, dict[str, str]]:
        """As `_read`, with keys for all; refused where the log has another master key."""
        wanted = people | {_MASTER}
        head = self._read(chain, wanted)
        missing = sorted(wanted - head[2].keys())
        for person in missing:
            self._sql.add(_KEYS, {"person": person, "wrapped": self._seal.new_key()})
        if missing:
            head = self._read(chain, wanted)
        self._seal.check(head[2][_MASTER])
        return head

    def _chained(
        self, draft: AuditDraft, seq: int, previous: str, keys: Mapping[str, str]
    ) -> AuditEntry:
        key = keys.get(person_of(draft, self._seal), "")
        return chained(draft, seq=seq + 1, previous=previous, key=key, seal=self._seal)

    def _read(self, chain: str, people: set[str]) -> tuple[int, str, dict[str, str]]:
        """The newest row's number and hash, and the stored keys of these people."""
        seq, previous, keys = 0, GENESIS, {}
        for person, number, value in self._sql.all(
            _HEAD_AND_KEYS, b_chain=chain, b_people=sorted(people)
        ):
            if person:
                keys[person] = value
            else:
                seq, previous = number, value
        return seq, previous, keys

    def _keys_of(self, references: set[str]) -> Mapping[str, str]:
        rows = self._sql.all(_KEYS_OF, b_people=sorted(references)) if references else ()
        return {person: wrapped for person, _, wrapped in rows}
