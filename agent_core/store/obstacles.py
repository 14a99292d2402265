"""What keeps somebody from being erased now, in words that say what to do."""

from typing import Final

from agent_core.escalations import EscalationStatus
from agent_core.forgetting import Place, Whom
from agent_core.journal import InboxStatus, TurnStatus
from agent_core.outgoing import OutgoingStatus
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, ProposalStatus
from agent_core.store.records import Records
from agent_core.store.their_posts import TheirPosts
from agent_core.store.their_rows import TheirRows

_RUNNING: Final = TurnStatus.RUNNING.value
_DONE: Final = InboxStatus.DONE.value
_UNSENT: Final = (OutgoingStatus.READY.value, OutgoingStatus.STARTED.value)
_DOUBTFUL: Final = (None, Outcome.UNKNOWN.value)
_ON_ITS_WAY: Final = "a message is on its way: wait until it is sent"

_NEEDS_THEIR_YES: Final = (
    "an action that they said yes to is not over: see it done, or wait until it expires"
)


class Obstacles:
    """What of theirs is not over."""

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records
        self._rows = TheirRows(records)
        self._posts = TheirPosts(tx, records)

    def doubtful(self, whom: Whom) -> list[str]:
        """Ledger keys of theirs whose outcome nobody knows."""
        rows = self._rows.actions("hr_ledger", whom)
        return sorted(row["key"] for row in rows if row["outcome"] in _DOUBTFUL)

    def unfinished(self, whom: Whom) -> list[str]:
        """What of theirs is not over anywhere, in words; cases that they work on too."""
        turns = [row for row in self._rows.work_of("hr_turns", whom) if row["status"] == _RUNNING]
        inbox = [row for row in self._rows.work_of("hr_inbox", whom) if row["status"] != _DONE]
        actions = self._rows.actions("hr_proposals", whom)
        if turns or inbox or any(ProposalStatus(row["status"]).is_open for row in actions):
            return ["the agent is at work for them: wait a minute"]
        if any(ProposalStatus(row["status"]).is_open for row in self._rows.approved(whom)):
            return [_NEEDS_THEIR_YES]
        if any(row["status"] in _UNSENT for row in self._posts.told_alone(whom)):
            return [_ON_ITS_WAY]
        claimed = self._records.rows("hr_escalations", "claimed_by", whom.keys)
        return [
            f"case {row['number']} is theirs: hand it back or resolve it first"
            for row in claimed
            if EscalationStatus(row["status"]).is_open
        ]

    def on_its_way(self, whom: Whom, place: Place) -> list[str]:
        """What of theirs is being posted, also in the support room, in words."""
        if any(row["status"] in _UNSENT for row in self._posts.outgoing(whom, place)):
            return [_ON_ITS_WAY]
        return []

    def in_the_way(self, whom: Whom, place: Place) -> list[str]:
        """What of theirs is not over in a conversation that others share, in words.

        A turn for anybody counts: it may have read their words already.
        """
        found = []
        conversation = place.conversation
        authors = [row.author for row in self._tx.inbox.new_rows(conversation)]
        if self._tx.turns.running(conversation) is not None or any(
            str(one.identity) in whom.addresses for one in authors
        ):
            found.append("the agent is at work in it: wait a minute")
        case = self._tx.escalations.open_in(conversation)
        theirs = {row["id"] for row in self._posts.cases(whom, place)}
        if case is not None and case.id in theirs:
            found.append(f"{case.label} is open: resolve it first")
        if any(
            str(one.requester) in whom.addresses or one.account_id == whom.account
            for one in self._tx.proposals.open_in(conversation)
        ):
            found.append("an action waits for a yes: decide it, or wait until it expires")
        return found
