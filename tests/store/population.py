"""Two people of two accounts with everything a store can hold of them, told apart by a word."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_case, note_effect, note_person, note_proposal
from agent_core.conversation import Audience, ConversationId, Speaker
from agent_core.delivery import room_destination
from agent_core.escalations import EscalationStatus
from agent_core.journal import InboxKind, TurnStatus
from agent_core.messages import (
    DestinationId,
    OutgoingId,
    Participant,
    PlatformIdentity,
    Posted,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.outgoing import Destination, OutgoingStatus
from agent_core.people import AccountId, Capability, JoinCode, Person, PersonId, Requester, Role
from agent_core.ports import Store, UnitOfWork
from agent_core.proposals import Approval, Outcome, PlanId, ProposalStatus
from agent_core.store import audit_tables  # noqa: F401 - its tables belong to the store
from agent_core.store.memory_store import MemoryStore
from agent_core.store.sql_store import make_engine
from agent_core.store.tables import Stored
from tests.builders import (
    NOON,
    a_conversation,
    a_journal_entry,
    a_ledger_entry,
    a_message_ref,
    a_proposal,
    a_room,
    a_summary,
    a_turn,
    an_entry,
    an_escalation,
    an_identity,
    an_outbound_message,
    an_outgoing_row,
)
from tests.fakes.platform import MemoryPlatform, Post

SUPPORT = RoomRef(platform=a_room().platform, tenant_id="T1", room_id="C_SUPPORT")
RITA = Person(
    id=PersonId("per_rita"),
    name="Rita",
    capabilities=frozenset({Capability.SUPPORT}),
    identities=(an_identity("U_RITA"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """`word` is in everything of theirs, and in nothing of anybody else's."""

    word: str
    account: AccountId

    @property
    def identity(self) -> PlatformIdentity:
        return an_identity(f"U{self.word}")

    @property
    def person(self) -> Person:
        return Person(
            id=PersonId(f"per_{self.word}"),
            name=f"Name {self.word}",
            roles={self.account: Role.OWNER},
            identities=(self.identity,),
        )

    @property
    def requester(self) -> Requester:
        return Requester(identity=self.identity, name=self.person.name, person=self.person)


ANNA = Someone(word="QZANNA", account=AccountId("acc_one"))
BERT = Someone(word="QZBERT", account=AccountId("acc_two"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much there is of each."""

    solo: int = 1
    shared: int = 1
    turns: int = 2
    case: bool = True
    approves: bool = True
    known: bool = True


class Populating:
    """Writes a population, and what of it is posted."""

    def __init__(self, tx: UnitOfWork, platform: MemoryPlatform, shape: Shape) -> None:
        self.tx = tx
        self.platform = platform
        self.shape = shape
        self.count = 0

    def at(self) -> datetime:
        self.count += 1
        return NOON + timedelta(minutes=self.count)

    def both(self) -> None:
        self.tx.people.put(RITA)
        for one in (ANNA, BERT):
            self.known(one)
        for number in range(self.shape.solo):
            for one in (ANNA, BERT):
                con = f"con_{one.account}_{number}"
                room = a_room(f"D{one.word}{number}")
                self.begin(con, room, Audience.PRIVATE, one.account)
                for _ in range(self.shape.turns):
                    self.talk(one, con)
                self.sum_up(con, one)
        for number in range(self.shape.shared):
            con = f"con_shared_{number}"
            self.begin(con, a_room("C_SHARED"), Audience.INTERNAL, None)
            for _ in range(self.shape.turns):
                self.talk(ANNA, con)
                self.talk(BERT, con)
            self.sum_up(con, ANNA, BERT)

    def sum_up(self, con: str, *who: Someone) -> None:
        """What the model is told of the older part of the conversation."""
        text = " and ".join(f"{one.person.name} spoke of {one.word}" for one in who)
        self.tx.transcript.add_summary(a_summary(1, text, conversation_id=ConversationId(con)))

    def known(self, one: Someone) -> None:
        if self.shape.known:
            self.tx.people.put(one.person)
            note_person(self.tx, None, one.person, self.at())
        self.tx.people.note_told(one.identity, NOON)
        self.tx.people.put_join_code(
            JoinCode(
                selector=f"sel_{one.account}",
                digest="d",
                identity=one.identity,
                name=one.person.name,
                expires_at=NOON,
            )
        )

    def begin(self, con: str, room: RoomRef, audience: Audience, account: Any) -> None:
        destination = DestinationId(f"thread:{room}#{con}")
        address = ReplyAddress(room=room, thread_id=con)
        self.tx.outgoing.put_destination(
            Destination(id=destination, address=address, opens_thread=False)
        )
        alone = ReplyAddress(room=room, thread_id=None, delivery={"x": "y"})
        self.tx.outgoing.put_destination(
            Destination(id=room_destination(alone), address=alone, opens_thread=True)
        )
        self.tx.conversations.add(
            a_conversation(
                con, room=room, destination=destination, audience=audience, account_id=account
            ),
            ThreadRef(room=room, thread_id=con),
        )

    def talk(self, one: Someone, con: str) -> None:
        """A message, the turn for it, an action with its receipt, and a case that is over."""
        number, at = self.count, self.at()
        word = f"{one.word} {number}"
        conversation = ConversationId(con)
        requester = (
            one.requester
            if self.shape.known
            else Requester(identity=one.identity, name=one.person.name, person=None)
        )
        author = Participant(identity=one.identity, name=one.person.name)
        seq = self.tx.transcript.append(
            an_entry(
                con, f"words of {word}", name=author.name, identity=one.identity, at=at,
                message=a_message_ref(f"m{number}"),
            )
        )  # fmt: skip
        row = self.tx.inbox.add(
            conversation, InboxKind.MESSAGE, author=author, author_key=requester.key, at=at,
            transcript_seq=seq,
        )  # fmt: skip
        turn = a_turn(f"turn{number}", con, author=author, author_key=requester.key)
        self.tx.turns.add(turn)
        body = {"text": f"thought of {word}"}
        self.tx.turns.append(turn.id, "token-1", [a_journal_entry(0, turn.id, body=body)])
        self.tx.inbox.claim([row.seq], turn.id)
        self.tx.inbox.finish([row.seq])
        self.tx.turns.close(turn.id, "token-1", TurnStatus.FINISHED)
        self.say(con, f"reply:{turn.id}:0", f"answer to {word}", Speaker.AGENT, told=one.identity)
        self.act(one, requester, con, number, word)
        if self.shape.case:
            self.case(one, con, number, seq, word)

    def act(self, one: Someone, who: Requester, con: str, number: int, word: str) -> None:
        other = BERT if one is ANNA else ANNA
        approval = Approval(
            identity=other.identity, key=str(other.person.id), name=other.person.name, at=NOON
        )
        approved = {
            "approver": other.identity,
            "approver_name": other.person.name,
            "approvals": (approval,),
        }
        proposal = a_proposal(
            f"pro{number}",
            conversation_id=ConversationId(con),
            account_id=one.account,
            arguments={"email": word},
            title=f"Write to {word}",
            notes=(word,),
            requester=one.identity,
            requester_key=who.key,
            requester_name=who.name,
            status=ProposalStatus.CONSUMED,
            account_name=f"Company of {one.account}",
            plan_id=PlanId(f"plan{number}"),
            **(approved if self.shape.approves else {}),
        )
        self.tx.proposals.add(proposal)
        note_proposal(self.tx, proposal, AuditKind.PROPOSED, self.at())
        entry = a_ledger_entry(
            proposal.id,
            conversation_id=ConversationId(con),
            account_id=one.account,
            arguments={"email": word},
            requester=one.identity,
            person_id=who.person.id if who.person else None,
        )
        self.tx.ledger.intend(entry)
        settled = a_ledger_entry(
            proposal.id, conversation_id=entry.conversation_id, account_id=one.account,
            requester=one.identity, person_id=entry.person_id, arguments=entry.arguments,
            outcome=Outcome.SUCCEEDED, settled_at=NOON, title=f"Wrote to {word}",
            content={"sent": word}, reason=word,
        )  # fmt: skip
        self.tx.ledger.settle(settled)
        note_effect(self.tx, settled, AuditKind.SETTLED, self.at())
        self.say(con, f"plan:plan{number}", f"card of {word}", Speaker.CODE, told=one.identity)
        self.say(con, f"alone:x{number}", f"secret of {word}", None, private_to=one.identity)

    def case(self, one: Someone, con: str, number: int, seq: int, word: str) -> None:
        opened = self.at()
        destination = DestinationId(f"case:case{number}")
        address = ReplyAddress(room=SUPPORT, thread_id=f"s{number}")
        self.tx.outgoing.put_destination(
            Destination(id=destination, address=address, opens_thread=True)
        )
        for row_id, text in (
            (f"case:case{number}:card", f"brief about {word}"),
            (f"relay:case{number}:{seq}", f"relayed: {word}"),
        ):
            self.post(row_id, destination, None, text, address)
        said = an_entry(
            con, f"support to {word}", speaker=Speaker.SUPPORT, name="Rita",
            identity=RITA.identities[0], at=self.at(),
        )  # fmt: skip
        self.tx.transcript.append(said)
        case = an_escalation(
            f"case{number}",
            self.tx.escalations.next_number(),
            conversation_id=ConversationId(con),
            account_id=one.account,
            asked=f"please, {word}",
            asked_by=one.person.name,
            suggestion=f"call {word}",
            destination=destination,
            opened_at=opened,
            closed_at=self.at(),
            status=EscalationStatus.RESOLVED,
            claimed_by=RITA.id,
            claimed_by_name="Rita",
        )
        self.tx.escalations.add(case)
        note_case(self.tx, case, AuditKind.ESCALATED, opened)

    def say(
        self,
        con: str,
        row_id: str,
        text: str,
        speaker: Speaker | None,
        told: PlatformIdentity | None = None,
        **changes: Any,
    ) -> None:
        at = self.at()
        conversation = self.tx.conversations.get(ConversationId(con))
        assert conversation is not None
        address = ReplyAddress(room=conversation.room, thread_id=con)
        self.post(row_id, conversation.destination, con, text, address, at=at, **changes)
        if speaker is not None:
            self.tx.transcript.append(
                an_entry(
                    con, text, speaker=speaker, name="Handrail", identity=None, at=at, told=told
                )
            )

    def post(
        self,
        row_id: str,
        destination: DestinationId,
        con: str | None,
        text: str,
        address: ReplyAddress,
        at: datetime = NOON,
        **changes: Any,
    ) -> None:
        posted = a_message_ref(f"p-{row_id}")
        message = an_outbound_message(text, **changes)
        self.tx.outgoing.add(
            an_outgoing_row(
                row_id, destination=destination, message=message, created_at=at, posted=posted,
                conversation_id=ConversationId(con) if con else None, status=OutgoingStatus.SENT,
            )
        )  # fmt: skip
        if message.private_to is None:
            thread = ThreadRef(room=address.room, thread_id=address.thread_id or "")
            where = Posted(message=posted, thread=thread, address=address)
            self.platform.posts.append(
                Post(posted=where, message=message, outgoing_id=OutgoingId(row_id))
            )


async def populate(store: Store, platform: MemoryPlatform, shape: Shape) -> None:
    """Everything in one transaction."""
    await store.run(lambda tx: Populating(tx, platform, shape).both())


def dump(store: Store, url: str = "") -> set[str]:
    """Every row of every table as text."""
    return set(_memory_rows(store) if isinstance(store, MemoryStore) else _sql_rows(url))


def _sql_rows(url: str) -> Iterator[str]:
    engine = make_engine(url)
    with engine.connect() as connection:
        for table in Stored.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                yield f"{table.name} {json.dumps(dict(row), default=str, sort_keys=True)}"
    engine.dispose()


def _memory_rows(store: MemoryStore) -> Iterator[str]:
    unit = store._unit
    drawers = unit.upkeep._records._drawers  # type: ignore[attr-defined]
    for table, held in drawers.items():
        for key, value in held.kept.items():
            yield f"{table} {json.dumps(dict(held.row(key, value)), default=str, sort_keys=True)}"
    for person in unit.people.all():
        yield f"hr_people {person}"
    for chain in unit.audit.chains():
        for entry in unit.audit.entries(chain):
            yield f"hr_audit {entry}"
