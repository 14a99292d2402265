"""Whoever is forgotten is nowhere any more, and nobody else loses a word."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core import presses
from agent_core.audit_check import verify
from agent_core.audit_notes import all_entries
from agent_core.clock import SystemClock
from agent_core.compacting import digest
from agent_core.conversation import ConversationId
from agent_core.errors import NotPermitted, RateLimited
from agent_core.escalations import EscalationId, EscalationStatus
from agent_core.forget import Forgetting, InTheWay, account_to_forget, person_to_forget
from agent_core.forgetting import PostOutcome, Receipt, Whom
from agent_core.journal import InboxKind
from agent_core.messages import (
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Participant,
    Platform,
    ReplyAddress,
    RoomRef,
)
from agent_core.outgoing import Destination, OutgoingStatus
from agent_core.people import Person, PersonId
from agent_core.ports import Store, UnitOfWork
from agent_core.proposals import Approval, ProposalId, ProposalStatus
from agent_core.store.memory_store import MemoryStore
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from bots.commands import people_changes
from tests.builders import (
    NOON,
    a_conversation,
    a_proposal,
    a_summary,
    a_thread,
    an_escalation,
    an_identity,
    an_outgoing_row,
)
from tests.fakes.house import ADA, CUSTOMER_ROOM, MEMBER, OWNER, House
from tests.fakes.platform import MemoryPlatform
from tests.store.population import ANNA, BERT, RITA, Shape, Someone, dump, populate

shapes = st.builds(
    Shape,
    solo=st.integers(0, 2),
    shared=st.integers(0, 2),
    turns=st.integers(1, 2),
    case=st.booleans(),
    approves=st.booleans(),
    known=st.booleans(),
)
whole = st.booleans()  # whether an account is forgotten, or a person
RICH = Shape(solo=2, shared=2)


def a_platform() -> MemoryPlatform:
    return MemoryPlatform(platform=Platform.SLACK)


def forgetting(store: Store, platform: MemoryPlatform) -> Forgetting:
    return Forgetting(store, removers={Platform.SLACK: platform}, clock=SystemClock())


async def whom(store: Store, one: Someone, *, account: bool) -> Whom:
    def ask(tx: UnitOfWork) -> Whom:
        found = (
            account_to_forget(tx, one.account) if account else person_to_forget(tx, one.identity)
        )
        assert found is not None
        return found

    return await store.run(ask)


async def check(
    store: Store, shape: Shape, url: str = "", *, account: bool = False
) -> tuple[Receipt, MemoryPlatform]:
    platform = a_platform()
    await populate(store, platform, shape)
    before = dump(store, url)
    posts = [post for post in platform.posts if BERT.word in post.message.fallback]
    receipt = await forgetting(store, platform).forget(await whom(store, ANNA, account=account))
    after = dump(store, url)
    assert receipt.left == []
    if not account or shape.known or shape.shared == 0:  # strangers' words elsewhere are theirs
        assert [row for row in after if ANNA.word in row] == []
        named = [row for row in after if f"Company of {ANNA.account}" in row]
        assert bool(named) == (not account and bool(shape.solo + shape.shared))
        assert [post for post in platform.posts if ANNA.word in post.message.fallback] == []
    theirs = {row for row in before if BERT.word in row and ANNA.word not in row}
    assert theirs - after == set()
    assert [post for post in platform.posts if BERT.word in post.message.fallback] == posts
    await check_books(store, before, shape)
    return receipt, platform


async def check_books(store: Store, before: set[str], shape: Shape) -> None:
    """Amounts and keys stay, and the chain of every account is whole."""

    def look(tx: UnitOfWork) -> None:
        count = shape.turns * (shape.solo + shape.shared)
        for one in (ANNA, BERT):
            effects = tx.ledger.of_account(one.account, 100)
            assert len(effects) == count
            assert all(each.amount is not None for each in effects)
        for chain in tx.audit.chains():
            assert verify(list(all_entries(tx, chain)), chain=chain) == ()
        assert tx.people.get(RITA.id) == RITA

    await store.run(look)


@settings(max_examples=30, deadline=None)
@given(shape=shapes, account=whole)
def test_one_is_forgotten_and_the_other_is_not_touched(shape: Shape, account: bool) -> None:
    # Of an unknown person, only their words about an account tell that they belong to it.
    by_account = account and (shape.known or (shape.shared == 0 and shape.solo > 0))
    asyncio.run(check(MemoryStore(), shape, account=by_account))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "handrail.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.mark.parametrize("account", [False, True])
async def test_nothing_of_them_is_in_the_bytes_of_the_file(
    template: Path, tmp_path: Path, account: bool
) -> None:
    path = tmp_path / "handrail.db"
    shutil.copy(template, path)
    url = f"sqlite:///{path}"
    store = SqlStore(url)
    shape = Shape(solo=12, shared=0 if account else 6)
    try:
        await check(store, shape, url, account=account)
        assert await store.scrub()
        for file in sorted(tmp_path.glob("handrail.db*")):
            assert ANNA.word.encode() not in file.read_bytes(), file.name
    finally:
        await store.close()
    assert BERT.word.encode() in path.read_bytes()


@pytest.mark.postgres
@pytest.mark.parametrize("account", [False, True])
async def test_nothing_of_them_is_in_any_row_of_postgres(
    fresh_database: Callable[[], str], account: bool
) -> None:
    url = fresh_database()
    migrate(url)
    store = SqlStore(url)
    try:
        await check(store, replace(RICH, shared=0 if account else 2), url, account=account)
        assert await store.scrub()
    finally:
        await store.close()


async def test_whoever_works_on_an_open_case_is_not_forgotten() -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape())

    def claimed(tx: UnitOfWork) -> None:
        case = an_escalation(
            "open", 77, status=EscalationStatus.CLAIMED, claimed_by=RITA.id, claimed_by_name="Rita"
        )
        tx.escalations.add(case)

    await store.run(claimed)
    rita = await store.run(lambda tx: person_to_forget(tx, RITA.id))
    assert rita is not None
    with pytest.raises(InTheWay, match="case 77 is theirs: hand it back or resolve it first"):
        await forgetting(store, platform).forget(rita)


async def test_a_support_person_is_forgotten_and_what_they_said_to_customers_stays() -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape())
    rita = await store.run(lambda tx: person_to_forget(tx, RITA.id))
    assert rita is not None
    posts = list(platform.posts)
    receipt = await forgetting(store, platform).forget(rita)
    rows = dump(store)
    assert receipt.left == [] and platform.posts == posts
    assert [row for row in rows if "Rita" in row or "U_RITA" in row or "per_rita" in row] == []
    assert sum("support to" in row for row in rows) == 8  # of each of the eight cases


async def test_the_record_that_was_joined_to_theirs_goes_with_it() -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape(shared=0))
    elsewhere = an_identity("U_ELSEWHERE")
    other = Person(id=PersonId("per_elsewhere"), name="Anna Q.", identities=(elsewhere,))

    def joined(tx: UnitOfWork) -> None:
        tx.people.put(other)
        case = an_escalation(
            "theirs", 77, status=EscalationStatus.RESOLVED, claimed_by=other.id,
            claimed_by_name=other.name,
        )  # fmt: skip
        tx.escalations.add(case)
        people_changes.join(tx, str(ANNA.identity), str(elsewhere), NOON)

    await store.run(joined)
    await forgetting(store, platform).forget(await whom(store, ANNA, account=False))
    found = [row for row in dump(store) if "Anna Q." in row or "per_elsewhere" in row]
    assert found == []


@pytest.mark.parametrize("name", ["", "Colleague"])
async def test_a_colleague_whom_nobody_named_is_forgotten_as_who_had_a_case(name: str) -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape(shared=0))
    colleague = an_identity("U_COLLEAGUE")

    def took_over(tx: UnitOfWork) -> None:
        case = an_escalation(
            "theirs", 77, status=EscalationStatus.CLAIMED, claimed_by=PersonId(str(colleague)),
            claimed_by_name="Colleague",
        )  # fmt: skip
        tx.escalations.add(case)
        if name:  # named since, under an id of their own
            person = Person(id=PersonId("per_colleague"), name=name, identities=(colleague,))
            tx.people.put(person)

    await store.run(took_over)
    them = await store.run(lambda tx: person_to_forget(tx, colleague))
    assert them is not None
    with pytest.raises(InTheWay, match="case 77 is theirs: hand it back or resolve it first"):
        await forgetting(store, platform).forget(them)

    def resolve(tx: UnitOfWork) -> None:
        case = tx.escalations.get(EscalationId("theirs"))
        assert case is not None
        tx.escalations.save(replace(case, status=EscalationStatus.RESOLVED), expected=case)

    await store.run(resolve)
    await forgetting(store, platform).forget(them)
    found = [row for row in dump(store) if "U_COLLEAGUE" in row or "Colleague" in row]
    assert found == []


async def test_what_they_were_told_without_a_conversation_is_erased() -> None:
    """As the answer to “join CODE”, which names both accounts and is in no transcript."""
    house = await House().open()
    for person in (OWNER, MEMBER):
        room = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id=f"D{person.name}")
        await house.intake.receive(house.message(person, "join", room=room, direct=True))
    await house.settle()
    address = str(OWNER.identity)
    told = {row for row in dump(house.store) if row.startswith("hr_outgoing") and "join" in row}
    assert len(told) == 2
    them = await house.store.run(lambda tx: person_to_forget(tx, OWNER.identity))
    assert them is not None
    shown = len(house.slack.posts)
    dry = await forgetting(house.store, house.slack).forget(them, dry_run=True)
    assert dry.posts == {PostOutcome.DELETED: 1} and len(house.slack.posts) == shown
    receipt = await forgetting(house.store, house.slack).forget(them)
    assert receipt.left == [] and receipt.erased["hr_outgoing"] == 1
    assert receipt.posts == {PostOutcome.DELETED: 1} and len(house.slack.posts) == shown - 1
    left = {row for row in dump(house.store) if row.startswith("hr_outgoing") and "join" in row}
    assert left < told and not any(address in row for row in left)
    places = [row for row in dump(house.store) if row.startswith("hr_destinations")]
    assert sum("thread:" in row for row in places) == 1


def told_alone(tx: UnitOfWork, number: int, status: OutgoingStatus) -> None:
    """An answer to OWNER that belongs to no conversation."""
    room = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id="D1")
    row = an_outgoing_row(f"tell:{room}!{number}:{OWNER.identity}", conversation_id=None)
    address = ReplyAddress(room=room, thread_id=None)
    tx.outgoing.put_destination(
        Destination(id=row.destination, address=address, opens_thread=False)
    )
    tx.outgoing.add(row)
    posted = MessageRef(room=room, message_id=str(number))
    is_sent = status is OutgoingStatus.SENT
    tx.outgoing.save(replace(row, status=status, posted=posted if is_sent else None))


async def test_an_answer_without_a_conversation_that_is_on_its_way_is_waited_for() -> None:
    """Erased before it is posted, it would stay on the platform, and nothing would say so."""
    store, platform = MemoryStore(), a_platform()
    them = Whom(addresses=frozenset({str(OWNER.identity)}))
    await store.run(lambda tx: told_alone(tx, 1, OutgoingStatus.STARTED))
    with pytest.raises(InTheWay, match="a message is on its way"):
        await forgetting(store, platform).forget(them)


async def test_an_answer_that_is_posted_while_somebody_is_forgotten_is_not_lost() -> None:
    store, platform = MemoryStore(), Answering(platform=Platform.SLACK)
    them = Whom(addresses=frozenset({str(OWNER.identity)}))
    platform.store = store
    await store.run(platform.answer)
    receipt = await forgetting(store, platform).forget(them)
    assert "run it again" in receipt.left[0] and receipt.erased["hr_outgoing"] == 0
    again = await forgetting(store, platform).forget(them)
    assert again.left == [] and again.erased["hr_outgoing"] == 2
    assert again.posts[PostOutcome.GONE] == 2


@pytest.mark.parametrize("briefed", [True, False])
async def test_their_words_in_the_case_of_somebody_else_are_erased(briefed: bool) -> None:
    """In its brief, in a further reason for it, and in its suggestion where that came first."""
    house = await House().open()
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    talk = await house.conversation(thread)
    await house.says(MEMBER, "mine too, says ZQ-WORD", thread=thread)
    if not briefed:  # nothing that was asked of the engine happens yet
        await house.engine.drain(1)
    for one in (OWNER, MEMBER):
        await house.presses(one, presses.ASK_SUPPORT, talk.id, CUSTOMER_ROOM, thread)
    case = await house.store.run(lambda tx: tx.escalations.open_in(talk.id))
    assert case is not None and ("ZQ-WORD" in case.suggestion) == (not briefed)
    await house.presses(ADA, presses.RESOLVE, case.id)
    finished = await house.store.run(lambda tx: [row.seq for row in tx.inbox.new_rows(talk.id)])
    await house.store.run(lambda tx: tx.inbox.finish(finished))
    them = await house.store.run(lambda tx: person_to_forget(tx, MEMBER.identity))
    assert them is not None
    receipt = await forgetting(house.store, house.slack).forget(them)
    assert receipt.left == []
    rows = dump(house.store)
    assert [row for row in rows if "ZQ-WORD" in row] == []
    assert [post for post in house.slack.posts if "ZQ-WORD" in post.message.fallback] == []
    assert any("my invoices are wrong" in row for row in rows if row.startswith("hr_escalations"))
    await house.close()


async def test_a_yes_among_several_is_found() -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape(shared=0))

    def approve(tx: UnitOfWork) -> None:
        proposal = tx.proposals.get(ProposalId("pro_many"))
        assert proposal is None
        yeses = tuple(
            Approval(identity=one.identity, key=str(one.person.id), name=one.person.name, at=NOON)
            for one in (ANNA, BERT)
        )
        done = a_proposal(
            "pro_many",
            requester=RITA.identities[0],
            requester_key=RITA.id,
            status=ProposalStatus.CONSUMED,
            approver=BERT.identity,
            approvals=yeses,
        )
        tx.proposals.add(done)

    await store.run(approve)
    await forgetting(store, platform).forget(await whom(store, ANNA, account=False))
    assert [row for row in dump(store) if ANNA.word in row] == []


def with_two_yeses(tx: UnitOfWork, name: str, status: ProposalStatus) -> None:
    """What Rita asked for, and first Anna and then Bert said yes to."""
    yeses = tuple(
        Approval(identity=one.identity, key=str(one.person.id), name=one.person.name, at=NOON)
        for one in (ANNA, BERT)
    )
    asked = a_proposal(
        name, requester=RITA.identities[0], requester_key=RITA.id, status=status,
        approver=BERT.identity, approver_name=BERT.person.name, approvals=yeses,
    )  # fmt: skip
    tx.proposals.add(asked)


async def test_the_yes_of_somebody_else_stays_beside_the_one_that_is_erased() -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape(shared=0))
    await store.run(lambda tx: with_two_yeses(tx, "pro_two", ProposalStatus.CONSUMED))
    await forgetting(store, platform).forget(await whom(store, ANNA, account=False))
    kept = await store.run(lambda tx: tx.proposals.get(ProposalId("pro_two")))
    assert kept is not None
    assert [one.identity for one in kept.approvals] == [BERT.identity]
    assert (kept.approver, kept.approver_name) == (BERT.identity, BERT.person.name)


@pytest.mark.parametrize("status", [ProposalStatus.AWAITING_APPROVAL, ProposalStatus.DECIDED])
async def test_an_action_of_somebody_else_that_needs_their_yes_is_waited_for(
    status: ProposalStatus,
) -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape(shared=0))
    await store.run(lambda tx: with_two_yeses(tx, "pro_two", status))
    them = await whom(store, ANNA, account=False)
    with pytest.raises(InTheWay, match="that they said yes to is not over"):
        await forgetting(store, platform).forget(them)
    kept = await store.run(lambda tx: tx.proposals.get(ProposalId("pro_two")))
    assert kept is not None and len(kept.approvals) == 2


async def test_a_message_that_comes_in_meanwhile_is_not_lost() -> None:
    store = MemoryStore()
    platform = WritesMeanwhile(platform=Platform.SLACK, store=store)
    await populate(store, platform, Shape(shared=0))
    receipt = await forgetting(store, platform).forget(await whom(store, ANNA, account=False))
    assert receipt.left == ["the agent is at work for them: wait a minute"]
    rows = await store.run(lambda tx: tx.inbox.new_rows(ConversationId("con_new")))
    assert len(rows) == 1
    assert await store.run(lambda tx: tx.people.get(ANNA.person.id)) is not None


@dataclass
class WritesMeanwhile(MemoryPlatform):
    """While our first post is taken back, they write in a new thread."""

    store: MemoryStore | None = None
    wrote: bool = False

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        def write(tx: UnitOfWork) -> None:
            tx.conversations.add(a_conversation("con_new"), a_thread("new"))
            tx.inbox.add(
                ConversationId("con_new"),
                InboxKind.MESSAGE,
                author=Participant(identity=ANNA.identity, name="Anna"),
                author_key=ANNA.requester.key,
                at=NOON,
            )

        if not self.wrote and self.store is not None:
            self.wrote = True
            await self.store.run(write)
        return await MemoryPlatform.remove(self, address, posted, message, outgoing_id)


async def test_a_summary_that_is_made_meanwhile_keeps_none_of_their_words() -> None:
    store = MemoryStore()
    platform = SumsUpMeanwhile(platform=Platform.SLACK, store=store)
    await populate(store, platform, Shape(solo=0, shared=2, case=False))
    await forgetting(store, platform).forget(await whom(store, ANNA, account=False))
    assert len(platform.summed_up) > 1
    assert [row for row in dump(store) if ANNA.word in row] == []


@dataclass
class SumsUpMeanwhile(MemoryPlatform):
    """While our posts are taken back, old history is summed up wherever they wrote."""

    store: MemoryStore | None = None
    summed_up: list[ConversationId] = field(default_factory=list)

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        def sum_up(tx: UnitOfWork) -> None:
            for conversation in ("con_shared_0", "con_shared_1"):
                entries = tx.transcript.last(ConversationId(conversation), 100)
                text = digest("", entries, 5_000)
                upto, here = entries[-1].seq, ConversationId(conversation)
                tx.transcript.add_summary(a_summary(upto, text, conversation_id=here))
                self.summed_up.append(ConversationId(conversation))

        if self.store is not None:
            await self.store.run(sum_up)
        return await MemoryPlatform.remove(self, address, posted, message, outgoing_id)


@dataclass(slots=True)
class Answering(MemoryPlatform):
    """While its first post is taken back, one more answer is posted to the same person."""

    store: Store | None = None
    answers: int = 0

    def answer(self, tx: UnitOfWork) -> None:
        self.answers += 1
        told_alone(tx, self.answers, OutgoingStatus.SENT)

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        if self.store is not None and self.answers == 1:
            await self.store.run(self.answer)
        return await MemoryPlatform.remove(self, address, posted, message, outgoing_id)


async def test_a_platform_that_limits_is_waited_for_and_one_that_refuses_is_named() -> None:
    store, platform = MemoryStore(), a_platform()
    await populate(store, platform, Shape(shared=0, turns=1, case=False))
    platform.faults += [RateLimited("slow down", retry_after_seconds=7), NotPermitted("no")]
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    job = Forgetting(store, removers={Platform.SLACK: platform}, clock=SystemClock(), wait=wait)
    receipt = await job.forget(await whom(store, ANNA, account=False))
    assert waited == [7]
    assert receipt.posts == {PostOutcome.LEFT: 1, PostOutcome.DELETED: 1}
    assert len(receipt.posts_left) == 1
