"""What retention removes in every store, and what it leaves because it is still open."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from agent_core.conversation import Audience, ConversationId, ConversationStatus
from agent_core.escalations import EscalationId, EscalationStatus
from agent_core.journal import InboxKind, TurnId, TurnStatus
from agent_core.messages import DestinationId, OutgoingId
from agent_core.outgoing import OutgoingStatus
from agent_core.people import PersonId
from agent_core.ports import Store, UnitOfWork
from agent_core.proposals import Outcome, ProposalId, ProposalStatus
from agent_core.retention import Kept, Retention
from agent_core.retention_sweep import RetentionSweep
from tests.builders import (
    NOON,
    a_conversation,
    a_destination,
    a_journal_entry,
    a_ledger_entry,
    a_participant,
    a_proposal,
    a_thread,
    a_turn,
    an_entry,
    an_escalation,
    an_identity,
    an_outgoing_row,
)

YEARS_LATER = NOON + timedelta(days=4000)


class _At:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def finished(tx: UnitOfWork) -> None:
    """One conversation in which everything is over, with all that belongs to it."""
    tx.conversations.add(a_conversation(), a_thread())
    tx.outgoing.put_destination(a_destination())
    tx.outgoing.put_destination(a_destination("des_support"))
    seq = tx.transcript.append(an_entry())
    tx.inbox.take("message:1", NOON)
    tx.people.note_told(an_identity(), NOON)
    row = tx.inbox.add(
        a_conversation().id,
        InboxKind.MESSAGE,
        author=a_participant(),
        author_key="per_ada",
        at=NOON,
        transcript_seq=seq,
    )
    tx.turns.add(a_turn())
    tx.turns.append(a_turn().id, "token-1", [a_journal_entry()])
    tx.inbox.claim([row.seq], a_turn().id)
    tx.inbox.finish([row.seq])
    tx.turns.close(a_turn().id, "token-1", TurnStatus.FINISHED)
    tx.proposals.add(a_proposal(status=ProposalStatus.CONSUMED))
    tx.ledger.intend(a_ledger_entry())
    tx.ledger.settle(a_ledger_entry(outcome=Outcome.SUCCEEDED, settled_at=NOON))
    tx.outgoing.add(an_outgoing_row(status=OutgoingStatus.SENT))
    tx.escalations.add(
        an_escalation(
            status=EscalationStatus.RESOLVED,
            closed_at=NOON,
            destination=DestinationId("des_support"),
        )
    )


def left(tx: UnitOfWork) -> set[str]:
    """What there is of it."""
    con = a_conversation().id
    found: dict[str, Any] = {
        "conversation": tx.conversations.get(con),
        "thread": tx.conversations.of_thread(a_thread()),
        "words": tx.transcript.last(con, 5),
        "journal": tx.turns.journal(a_turn().id),
        "inbox": tx.inbox.of_turn(a_turn().id),
        "proposal": tx.proposals.get(a_proposal().id),
        "effect": tx.ledger.get(a_ledger_entry().key),
        "outgoing": tx.outgoing.get(an_outgoing_row().id),
        "destination": tx.outgoing.destination(a_destination().id),
        "case": tx.escalations.get(an_escalation().id),
        "support thread": tx.outgoing.destination(DestinationId("des_support")),
        "told": tx.people.was_told(an_identity()),
    }
    return {name for name, value in found.items() if value}


EVERYTHING = {
    "conversation", "thread", "words", "journal", "inbox", "proposal", "effect", "outgoing",
    "destination", "case", "support thread", "told",
}  # fmt: skip
BOOKS = {"proposal", "effect"}


async def swept(store: Store, at: datetime, retention: Retention | None = None) -> set[str]:
    """What is left after as many sweeps as could matter."""
    job = RetentionSweep(store, clock=_At(at), retention=retention or Retention())
    for _ in range(3):
        await job.sweep()
    return await store.run(left)


STAYS: dict[str, set[str]] = {
    "case": {"case", "outgoing"},
    "support": set(),
    "proposal": {"proposal", "outgoing"},
    "unknown": {"effect"},
    "unsettled": {"effect"},
    "message": set(),
    "turn": {"journal"},
    "post": {"outgoing"},
}


def leave_open(tx: UnitOfWork, what: str) -> None:
    """A conversation in which one thing is not over; all is named after it."""
    con, des = ConversationId(what), f"des_{what}"
    held = {"status": ConversationStatus.WITH_SUPPORT, "support_person": PersonId("per_rita")}
    tx.conversations.add(
        a_conversation(what, **(held if what == "support" else {})), a_thread(what)
    )
    tx.outgoing.put_destination(a_destination(des))
    tx.transcript.append(an_entry(what))
    sent = an_outgoing_row(
        what, destination=DestinationId(des), conversation_id=con, status=OutgoingStatus.SENT
    )
    if what in ("case", "proposal", "post"):
        tx.outgoing.add(replace(sent, status=OutgoingStatus.READY) if what == "post" else sent)
    if what == "case":
        tx.outgoing.put_destination(a_destination("des_support"))
        support = DestinationId("des_support")
        tx.escalations.add(an_escalation(what, conversation_id=con, destination=support))
    if what == "proposal":
        tx.proposals.add(a_proposal(what, conversation_id=con))
    if what in ("unknown", "unsettled"):
        effect = a_ledger_entry(what, conversation_id=con)
        tx.ledger.intend(effect)
        if what == "unknown":
            tx.ledger.settle(replace(effect, outcome=Outcome.UNKNOWN, settled_at=NOON))
    if what in ("message", "turn"):
        row = tx.inbox.add(
            con, InboxKind.MESSAGE, author=a_participant(), author_key="per_ada", at=NOON
        )
        if what == "turn":
            turn = a_turn(what, what)
            tx.turns.add(turn)
            tx.turns.append(turn.id, "token-1", [a_journal_entry(0, what)])
            tx.inbox.claim([row.seq], turn.id)


def left_open(tx: UnitOfWork, what: str) -> set[str]:
    """What there still is of it."""
    found: dict[str, Any] = {
        "conversation": tx.conversations.get(ConversationId(what)),
        "words": tx.transcript.last(ConversationId(what), 5),
        "outgoing": tx.outgoing.get(OutgoingId(what)),
        "case": tx.escalations.get(EscalationId(what)),
        "proposal": tx.proposals.get(ProposalId(what)),
        "effect": tx.ledger.get(ProposalId(what)),
        "journal": tx.turns.journal(TurnId(what)),
    }
    return {name for name, value in found.items() if value}


class RetentionContract:
    """The retention job on one kind of store."""

    async def test_each_kind_goes_at_its_own_time(self, store: Store) -> None:
        await store.run(finished)
        assert await swept(store, NOON + timedelta(days=29)) == EVERYTHING
        assert await swept(store, NOON + timedelta(days=31)) == EVERYTHING - {"journal", "inbox"}
        half = EVERYTHING - {"journal", "inbox", "outgoing"}
        assert await swept(store, NOON + timedelta(days=91)) == half
        assert await swept(store, NOON + timedelta(days=366)) == BOOKS
        assert await swept(store, YEARS_LATER) == set()

    async def test_a_delivery_is_known_again_within_its_time(self, store: Store) -> None:
        await store.run(finished)
        await swept(store, NOON + timedelta(days=13))
        assert not await store.run(lambda tx: tx.inbox.take("message:1", NOON))
        await swept(store, NOON + timedelta(days=15))
        assert await store.run(lambda tx: tx.inbox.take("message:1", NOON))

    async def test_what_is_kept_for_good_is_kept(self, store: Store) -> None:
        await store.run(finished)
        kept = Retention(
            conversations=None, journals=None, outgoing=None, deliveries=None, ledger=None
        )
        assert await swept(store, YEARS_LATER, kept) == EVERYTHING

    async def test_what_is_open_is_never_removed(self, store: Store) -> None:
        def leave_all(tx: UnitOfWork) -> None:
            for what in STAYS:
                leave_open(tx, what)

        await store.run(leave_all)
        job = RetentionSweep(store, clock=_At(YEARS_LATER), retention=Retention())
        for _ in range(3):
            await job.sweep()
        for what, stays in STAYS.items():
            found = await store.run(lambda tx, what=what: left_open(tx, what))  # type: ignore[misc]
            assert found == stays | {"conversation", "words"}, what

    async def test_a_conversation_is_as_old_as_its_last_word(self, store: Store) -> None:
        def begin(tx: UnitOfWork) -> None:
            tx.conversations.add(a_conversation(), a_thread())
            tx.outgoing.put_destination(a_destination())
            tx.transcript.append(an_entry(at=NOON + timedelta(days=300)))

        await store.run(begin)
        assert "conversation" in await swept(store, NOON + timedelta(days=600))
        assert await swept(store, NOON + timedelta(days=666)) == set()

    async def test_where_we_posted_goes_with_what_was_posted(self, store: Store) -> None:
        """An answer without a conversation, an approval's thread, and a direct chat's address."""
        answered = DestinationId(f"thread:{a_thread('T9')}")
        going_on = DestinationId(f"thread:{a_thread('T8')}")
        approval = DestinationId("approval:pro_9")
        chat = DestinationId(f"room:{a_conversation().room}")

        def post(tx: UnitOfWork) -> None:
            for number, where in enumerate((answered, going_on, approval)):
                tx.outgoing.put_destination(a_destination(where))
                row = an_outgoing_row(f"tell:{number}", destination=where)
                alone = replace(row, conversation_id=None, status=OutgoingStatus.SENT)
                tx.outgoing.add(alone)
            talk = a_conversation("con_8", destination=going_on)
            tx.conversations.add(talk, a_thread("T8"))
            tx.transcript.append(an_entry("con_8", at=NOON + timedelta(days=90)))
            tx.outgoing.put_destination(a_destination(chat))
            old = a_conversation("con_9", audience=Audience.PRIVATE)
            tx.conversations.add(old, a_thread("T7"))

        def still(tx: UnitOfWork) -> list[DestinationId]:
            all_of_them = (answered, going_on, approval, chat)
            return [one for one in all_of_them if tx.outgoing.destination(one) is not None]

        await store.run(post)
        await swept(store, NOON + timedelta(days=89))
        assert await store.run(still) == [answered, going_on, approval, chat]
        await swept(store, NOON + timedelta(days=91))
        assert await store.run(still) == [going_on, chat]
        await swept(store, NOON + timedelta(days=366))
        assert await store.run(still) == [going_on]
        await swept(store, NOON + timedelta(days=500))
        assert await store.run(still) == []

    async def test_a_sweep_is_bounded_and_the_next_goes_on(self, store: Store) -> None:
        def take_many(tx: UnitOfWork) -> None:
            for number in range(25):
                tx.inbox.take(f"event-{number:02}", NOON)

        await store.run(take_many)
        before = NOON + timedelta(days=1)
        place: object = None
        for removed in (10, 10, 5):
            walked = await store.run(
                lambda tx, place=place: tx.upkeep.expire(Kept.DELIVERIES, before, place, 10)  # type: ignore[misc]
            )
            assert walked.removed == removed
            place = walked.next
        assert place is None
