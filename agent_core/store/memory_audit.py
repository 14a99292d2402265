"""The audit log, in memory."""

from collections.abc import Mapping, Sequence

from agent_core.audit import GENESIS, NO_ACCOUNT, AuditDraft, AuditEntry
from agent_core.ports import Seal
from agent_core.store.audit_chain import chained, opened, person_of
from agent_core.store.memory_tables import Kept, Undo
from agent_core.tooling import Json


class MemoryAudit:
    """`ports.Audit`."""

    def __init__(self, undo: Undo, seal: Seal) -> None:
        self._seal = seal
        self._rows = Kept[AuditEntry](AuditEntry, undo)
        self._heads = Kept[int](int, undo)
        self._keys = Kept[str](str, undo)

    def reference(self, person_key: str) -> str:
        return self._seal.reference(person_key)

    def check(self) -> None:
        """One process, one master key."""

    def append(self, draft: AuditDraft) -> None:
        chain = draft.chain or NO_ACCOUNT
        seq = self._heads.get(chain) or 0
        last = self._rows.get((chain, seq))
        person = person_of(draft, self._seal)
        if person:
            self._keys.add(person, self._seal.new_key())
        entry = chained(
            draft,
            seq=seq + 1,
            previous=last.hash if last else GENESIS,
            key=self._keys.get(person) or "",
            seal=self._seal,
        )
        self._rows.put((chain, entry.seq), entry)
        self._heads.put(chain, entry.seq)

    def entries(self, chain: str, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        end = min(self._heads.get(chain) or 0, after + limit)
        found = (self._rows.get((chain, seq)) for seq in range(after + 1, end + 1))
        return [row for row in found if row is not None]

    def chains(self) -> Sequence[str]:
        return sorted(chain for chain, _ in self._heads.items())

    def opened(self, entries: Sequence[AuditEntry]) -> Sequence[Json | None]:
        return opened(entries, self._keys_of, self._seal)

    def destroy_key(self, reference: str) -> bool:
        known = self._keys.get(reference) is not None
        self._keys.remove(reference)
        return known

    def _keys_of(self, references: set[str]) -> Mapping[str, str]:
        found = {each: self._keys.get(each) for each in references}
        return {each: key for each, key in found.items() if key is not None}
