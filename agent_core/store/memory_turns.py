"""The inbox, turns, proposals and the ledger, in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from agent_core.conversation import ConversationId
from agent_core.errors import ConversationChanged, TurnLost
from agent_core.journal import (
    InboxKind,
    InboxRow,
    InboxStatus,
    JournalEntry,
    Turn,
    TurnId,
    TurnStatus,
    Waiting,
)
from agent_core.messages import Participant
from agent_core.people import AccountId
from agent_core.ports import Conversations
from agent_core.proposals import (
    LedgerEntry,
    Outcome,
    PlanId,
    Proposal,
    ProposalId,
    ProposalStatus,
)
from agent_core.store.memory_records import Drawer, deliveries, drawer
from agent_core.store.memory_tables import Kept, Undo
from agent_core.store.rows import INBOX, JOURNAL, LEDGER, PROPOSALS, TURNS
from agent_core.telemetry import trace_in_force
from agent_core.tooling import Amount, ToolName


class MemoryInbox:
    """`ports.Inbox`."""

    def __init__(self, undo: Undo, conversations: Conversations) -> None:
        self._conversations = conversations
        self._deliveries = Kept[datetime](datetime, undo)
        self._rows = Kept[InboxRow](InboxRow, undo)
        self._last_seq = Kept[int](int, undo)

    def take(self, key: str, at: datetime) -> bool:
        return self._deliveries.add(key, at)

    def add(
        self,
        conversation_id: ConversationId,
        kind: InboxKind,
        *,
        author: Participant,
        author_key: str,
        at: datetime,
        transcript_seq: int | None = None,
        proposal_id: ProposalId | None = None,
    ) -> InboxRow:
        row = InboxRow(
            seq=(self._last_seq.get("inbox") or 0) + 1,
            conversation_id=conversation_id,
            kind=kind,
            author=author,
            author_key=author_key,
            received_at=at,
            transcript_seq=transcript_seq,
            proposal_id=proposal_id,
            trace=trace_in_force(),
        )
        self._last_seq.put("inbox", row.seq)
        self._rows.put(row.seq, row)
        return row

    def new_rows(self, conversation_id: ConversationId, limit: int = 50) -> Sequence[InboxRow]:
        found = [
            row
            for row in self._rows
            if row.conversation_id == conversation_id and row.status is InboxStatus.NEW
        ]
        return sorted(found, key=lambda row: row.seq)[:limit]

    def of_turn(self, turn_id: TurnId) -> Sequence[InboxRow]:
        found = [row for row in self._rows if row.turn_id == turn_id]
        return sorted(found, key=lambda row: row.seq)

    def claim(self, seqs: Sequence[int], turn_id: TurnId) -> None:
        rows = [self._rows.get(seq) for seq in sorted(set(seqs))]
        for row in rows:
            mine = row is not None and row.turn_id in (None, turn_id)
            if row is None or row.status is InboxStatus.DONE or not mine:
                raise ConversationChanged("an inbox row is done or claimed by another turn")
        for row in rows:
            if row is not None:
                claimed = replace(row, status=InboxStatus.CLAIMED, turn_id=turn_id)
                self._rows.put(row.seq, claimed)

    def finish(self, seqs: Sequence[int]) -> None:
        for seq in seqs:
            row = self._rows.get(seq)
            if row is not None:
                self._rows.put(seq, replace(row, status=InboxStatus.DONE))

    def unfinished(self, limit: int = 1000) -> Sequence[ConversationId]:
        waiting = {row.conversation_id for row in self._rows if row.status is not InboxStatus.DONE}
        return sorted(waiting)[:limit]

    def drawers(self) -> dict[str, Drawer]:
        return {
            "hr_inbox": drawer(self._rows, INBOX),
            "hr_deliveries": deliveries(self._deliveries),
        }

    def backlog(self, limit: int) -> Sequence[Waiting]:
        rows = Counter(
            row.conversation_id for row in self._rows if row.status is not InboxStatus.DONE
        )
        found = ((self._conversations.get(one), count) for one, count in rows.items())
        return [
            Waiting(conversation_id=one.id, share=one.share, rows=count)
            for one, count in found
            if one is not None
        ][:limit]


class MemoryTurns:
    """`ports.Turns`."""

    def __init__(self, undo: Undo) -> None:
        self._turns = Kept[Turn](Turn, undo)
        self._journal = Kept[JournalEntry](JournalEntry, undo)

    def running(self, conversation_id: ConversationId) -> Turn | None:
        found = (
            turn
            for turn in self._turns
            if turn.conversation_id == conversation_id and turn.status is TurnStatus.RUNNING
        )
        return next(found, None)

    def add(self, turn: Turn) -> None:
        runs = turn.status is TurnStatus.RUNNING and self.running(turn.conversation_id)
        if runs or not self._turns.add(turn.id, turn):
            raise ConversationChanged(
                f"conversation {turn.conversation_id} has a running turn already"
            )

    def take_over(self, turn_id: TurnId, token: str) -> Turn:
        turn = self._turns.get(turn_id)
        if turn is None or turn.status is not TurnStatus.RUNNING:
            raise TurnLost(f"turn {turn_id} is over")
        taken = replace(turn, attempts=turn.attempts + 1, token=token)
        self._turns.put(turn_id, taken)
        return taken

    def give_back(self, turn_id: TurnId, token: str) -> None:
        turn = self._owned(turn_id, token)
        self._turns.put(turn_id, replace(turn, attempts=turn.attempts - 1))

    def assert_owner(self, turn_id: TurnId, token: str) -> None:
        self._owned(turn_id, token)

    def append(self, turn_id: TurnId, token: str, entries: Sequence[JournalEntry]) -> None:
        self._owned(turn_id, token)
        for entry in entries:
            if not self._journal.add((entry.turn_id, entry.position), entry):
                raise ConversationChanged(f"turn {turn_id} has an entry {entry.position} already")

    def journal(self, turn_id: TurnId) -> Sequence[JournalEntry]:
        found = [entry for entry in self._journal if entry.turn_id == turn_id]
        return sorted(found, key=lambda entry: entry.position)

    def close(self, turn_id: TurnId, token: str, status: TurnStatus) -> None:
        self._turns.put(turn_id, replace(self._owned(turn_id, token), status=status))

    def _owned(self, turn_id: TurnId, token: str) -> Turn:
        turn = self._turns.get(turn_id)
        if turn is None or turn.token != token or turn.status is not TurnStatus.RUNNING:
            raise TurnLost(f"turn {turn_id} has another owner or is over")
        return turn

    def drawers(self) -> dict[str, Drawer]:
        return {
            "hr_turns": drawer(self._turns, TURNS),
            "hr_journal": drawer(self._journal, JOURNAL),
        }


class MemoryProposals:
    """`ports.Proposals`."""

    def __init__(self, undo: Undo) -> None:
        self._proposals = Kept[Proposal](Proposal, undo)

    def add(self, proposal: Proposal) -> None:
        twins = self.twins(proposal.account_id, proposal.fingerprint)
        taken = any(twin.occurrence == proposal.occurrence for twin in twins)
        if taken or not self._proposals.add(proposal.id, proposal):
            raise ConversationChanged("this proposal exists already: reload its twins")

    def get(self, proposal_id: ProposalId) -> Proposal | None:
        return self._proposals.get(proposal_id)

    def save(self, proposal: Proposal, *, expected: ProposalStatus) -> None:
        stored = self._proposals.get(proposal.id)
        if stored is None or stored.status is not expected:
            raise ConversationChanged(f"proposal {proposal.id} is no longer {expected}")
        kept = replace(
            proposal,
            account_id=stored.account_id,
            fingerprint=stored.fingerprint,
            occurrence=stored.occurrence,
        )
        self._proposals.put(proposal.id, kept)

    def open_in(self, conversation_id: ConversationId) -> Sequence[Proposal]:
        found = [
            proposal
            for proposal in self._proposals
            if proposal.conversation_id == conversation_id and proposal.status.is_open
        ]
        return sorted(found, key=lambda proposal: (proposal.proposed_at, proposal.id))

    def twins(self, account_id: AccountId, fingerprint: str) -> Sequence[Proposal]:
        found = [
            proposal
            for proposal in self._proposals
            if (proposal.account_id, proposal.fingerprint) == (account_id, fingerprint)
        ]
        return sorted(found, key=lambda proposal: proposal.occurrence)

    def of_plan(self, plan_id: PlanId) -> Sequence[Proposal]:
        found = [proposal for proposal in self._proposals if proposal.plan_id == plan_id]
        return sorted(found, key=lambda proposal: proposal.step)

    def undoing(self, key: ProposalId) -> Sequence[Proposal]:
        found = [proposal for proposal in self._proposals if proposal.undoes == key]
        return sorted(found, key=lambda proposal: (proposal.proposed_at, proposal.id))

    def undecided(self, limit: int = 200) -> Sequence[Proposal]:
        waits = (ProposalStatus.AWAITING_CONFIRMATION, ProposalStatus.AWAITING_APPROVAL)
        found = [proposal for proposal in self._proposals if proposal.status in waits]
        return sorted(found, key=lambda proposal: (proposal.expires_at, proposal.id))[:limit]

    def drawers(self) -> dict[str, Drawer]:
        return {"hr_proposals": drawer(self._proposals, PROPOSALS)}


class MemoryLedger:
    """`ports.Ledger`."""

    def __init__(self, undo: Undo) -> None:
        self._entries = Kept[LedgerEntry](LedgerEntry, undo)

    def intend(self, entry: LedgerEntry) -> None:
        if not self._entries.add(entry.key, entry):
            raise ConversationChanged(f"the ledger has {entry.key} already")

    def get(self, key: ProposalId) -> LedgerEntry | None:
        return self._entries.get(key)

    def settle(self, entry: LedgerEntry) -> None:
        stored = self._entries.get(entry.key)
        if stored is None or stored.outcome not in (None, Outcome.UNKNOWN):
            raise ConversationChanged(f"the outcome of {entry.key} is known already")
        self._entries.put(entry.key, entry)

    def of_conversation(
        self, conversation_id: ConversationId, limit: int = 50
    ) -> Sequence[LedgerEntry]:
        return [one for one in self._in_order() if one.conversation_id == conversation_id][-limit:]

    def of_account(self, account_id: AccountId, limit: int = 50) -> Sequence[LedgerEntry]:
        return [one for one in self._in_order() if one.account_id == account_id][-limit:]

    def unsettled(self, limit: int = 100) -> Sequence[LedgerEntry]:
        return [one for one in self._in_order() if one.outcome is None][:limit]

    def hold(self, scopes: Sequence[str]) -> None:
        """Transactions in memory follow each other anyway."""

    def used(
        self,
        tools: frozenset[ToolName],
        since: datetime,
        *,
        account_id: AccountId | None = None,
        person: str | None = None,
        addresses: frozenset[str] = frozenset(),
    ) -> Sequence[tuple[Amount | None, int]]:
        counted = Counter(
            one.amount
            for one in self._entries
            if one.tool in tools
            and one.intended_at >= since
            and one.outcome not in (Outcome.REFUSED, Outcome.FAILED)
            and account_id in (None, one.account_id)
            and (
                person in (None, str(one.person_id or one.requester))
                or str(one.requester) in addresses
            )
        )
        return list(counted.items())

    def _in_order(self) -> list[LedgerEntry]:
        return sorted(self._entries, key=lambda entry: (entry.intended_at, entry.key))

    def drawers(self) -> dict[str, Drawer]:
        return {"hr_ledger": drawer(self._entries, LEDGER)}
