"""Delivery under faults: in order, once each, nothing stuck, nothing lost, nobody talked over."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from agent_core import delivery_starts
from agent_core.blocks import Note, Text
from agent_core.clock import ManualClock
from agent_core.conversation import ConversationId, ConversationStatus
from agent_core.delivery import MARK_OF_A_SECOND_TRY, Delivery
from agent_core.delivery_pace import Pace, Rate
from agent_core.delivery_starts import LEASE
from agent_core.embedded.room import EmbeddedRoom, Pulses
from agent_core.engine.memory_engine import MemoryEngine
from agent_core.errors import (
    ConversationChanged,
    DestinationGone,
    NotPermitted,
    PlatformUnavailable,
    RateLimited,
)
from agent_core.messages import Author, DestinationId, OutboundMessage, OutgoingId, Platform
from agent_core.outgoing import ALONE, TOLD_ALONE, OutgoingRow, OutgoingStatus
from agent_core.people import PersonId
from agent_core.ports import EngineKind, UnitOfWork
from agent_core.store.memory_store import MemoryStore
from tests.builders import (
    a_conversation,
    a_destination,
    a_participant,
    a_thread,
    an_outbound_message,
    an_outgoing_row,
)
from tests.fakes.platform import MemoryPlatform

PLACE = DestinationId("des_con_1")
SUPPORT = DestinationId("approval:pro_1")
AGENT = an_outbound_message("I am on it.", author=Author.AGENT)


class Faulty(MemoryPlatform):
    """Also raises what no adapter should raise, for rows that `breaks` names."""

    breaks: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__(Platform.SLACK)
        self.called = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def post(self, address, message, outgoing_id):
        self.called.set()
        await self.open.wait()
        if outgoing_id in self.breaks:
            self.calls += 1
            raise RuntimeError("a defect")
        return await super().post(address, message, outgoing_id)

    async def update(self, address, posted, message):
        if self.faults:
            raise self.faults.popleft()
        await super().update(address, posted, message)


@dataclass
class Works:
    """A store, an engine and deliveries of one or more processes."""

    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    slack: Faulty = field(default_factory=Faulty)
    undelivered: list[tuple[str, str]] = field(default_factory=list)
    conflicts: int = 0

    def __post_init__(self) -> None:
        self.engine = MemoryEngine(self.clock)
        self.delivery = self.process("one")

    def process(self, holder: str, pace: Pace | None = None) -> Delivery:
        return Delivery(
            store=self.store,
            engine=self.engine,
            adapters={Platform.SLACK: self.slack},
            clock=self.clock,
            holder=holder,
            pace=pace or Pace({}),
            undeliverable=self._undeliverable,
        )

    async def open(self) -> "Works":
        await self.engine.start({EngineKind.DELIVER: self._deliver})

        def furnish(tx: UnitOfWork) -> None:
            tx.conversations.add(a_conversation(), a_thread())
            tx.outgoing.put_destination(a_destination())
            tx.outgoing.put_destination(a_destination(SUPPORT))

        await self.store.run(furnish)
        return self

    async def _deliver(self, key: str, ref: str) -> None:
        await self.delivery.handle(key, ref)

    def _undeliverable(self, tx: UnitOfWork, row: OutgoingRow, reason: str) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise ConversationChanged("somebody was first")
        self.undelivered.append((row.id, row.status.value))

    async def send(self, row_id: str, message: OutboundMessage | None = None, **more: object):
        row = an_outgoing_row(row_id, message=message or an_outbound_message(row_id), **more)
        await self.store.run(lambda tx: self.delivery.queue(tx, row))

    async def settle(self) -> None:
        for _ in range(3):
            await self.engine.idle()
            await self.delivery.idle()

    async def later(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))
        await self.settle()

    async def row(self, row_id: str) -> OutgoingRow:
        found = await self.store.run(lambda tx: tx.outgoing.get(OutgoingId(row_id)))
        assert found is not None
        return found

    async def claimed(self) -> None:
        def claim(tx: UnitOfWork) -> None:
            conversation = tx.conversations.get(ConversationId("con_1"))
            assert conversation is not None
            owned = conversation.moved(ConversationStatus.WITH_SUPPORT, to=PersonId("per_ada"))
            tx.conversations.save(owned, expected_epoch=conversation.epoch)

        await self.store.run(claim)


@pytest.fixture
async def works() -> AsyncIterator[Works]:
    works = await Works().open()
    yield works
    await works.engine.drain(1)
    await works.delivery.stop(1)


async def test_rows_of_one_thread_arrive_in_order_and_wait_for_the_first(works: Works) -> None:
    works.slack.faults.append(RateLimited("slow", retry_after_seconds=30))
    for row_id in ("a", "b", "c"):
        await works.send(row_id)
    await works.settle()
    assert works.slack.texts() == []
    await works.later(seconds=31)
    assert works.slack.texts() == ["a", "b", "c"]


# --- a person takes over ----------------------------------------------------------------------


async def test_agent_words_not_started_before_a_claim_are_never_posted(works: Works) -> None:
    works.slack.faults.append(RateLimited("slow", retry_after_seconds=30))
    await works.send("reply", AGENT, epoch=1)
    await works.settle()
    await works.claimed()
    await works.later(seconds=31)
    assert works.slack.texts() == []
    assert works.undelivered == [("reply", "dropped")]  # and people are told that it is missing


async def test_an_ambiguous_agent_post_is_not_sent_again_after_a_claim(works: Works) -> None:
    cut = PlatformUnavailable("cut", maybe_accepted=True)
    works.slack.faults.extend([cut, cut])
    await works.send("reply", AGENT, epoch=1)
    await works.settle()
    works.slack.posts.clear()  # it had not arrived
    await works.claimed()
    await works.later(seconds=5)
    assert works.slack.texts() == []
    assert (await works.row("reply")).status is OutgoingStatus.DROPPED


async def test_an_agent_post_that_did_arrive_before_the_claim_is_known_as_sent(
    works: Works,
) -> None:
    works.slack.faults.append(PlatformUnavailable("cut", maybe_accepted=True))
    await works.send("reply", AGENT, epoch=1)
    await works.settle()
    await works.claimed()
    await works.later(seconds=5)
    assert works.slack.texts() == ["I am on it."]
    assert (await works.row("reply")).status is OutgoingStatus.SENT


async def test_nothing_is_started_while_it_waits_for_the_rooms_pace(works: Works) -> None:
    works.delivery = works.process("paced", Pace({Platform.SLACK: Rate(burst=1, per_second=20.0)}))
    await works.send("first")
    await works.send("reply", AGENT, epoch=1)
    await works.slack.called.wait()
    await works.claimed()  # the reply's turn in the room has not come
    await works.settle()
    assert works.slack.texts() == ["first"]


# --- nothing blocks what is behind it ---------------------------------------------------------


async def test_a_row_that_no_code_can_send_ends_with_a_person_and_lets_others_by(
    works: Works,
) -> None:
    works.slack.breaks = frozenset({"broken"})
    await works.send("broken")
    await works.send("next")
    for _ in range(10):
        await works.later(minutes=5)
    assert works.undelivered == [("broken", "failed")]
    assert works.slack.texts() == ["next"]


@pytest.mark.parametrize("place", [PLACE, SUPPORT])
async def test_an_update_of_a_deleted_post_blocks_nobody_and_opens_no_case(
    works: Works, place: DestinationId
) -> None:
    inside = {"conversation_id": None} if place == SUPPORT else {}
    await works.send("card", destination=place, **inside)
    await works.settle()
    works.slack.faults.append(DestinationGone("message_not_found"))
    await works.send("card:2", destination=place, updates=OutgoingId("card"), **inside)
    await works.send("next", destination=place, **inside)
    await works.settle()
    assert "next" in works.slack.texts()
    assert works.undelivered == []


async def test_a_private_hint_that_nobody_can_get_does_not_hold_up_a_case(works: Works) -> None:
    works.slack.faults.append(DestinationGone("user_not_in_channel"))
    hint = an_outbound_message("only you", private_to=a_participant().identity)
    await works.send("hint", hint, destination=SUPPORT, conversation_id=None)
    await works.send("relay", destination=SUPPORT, conversation_id=None)
    await works.settle()
    assert works.slack.texts() == ["relay"]


@pytest.mark.parametrize("problem", [DestinationGone("uninstalled"), NotPermitted("no")])
async def test_an_answer_without_a_conversation_is_given_up_where_it_cannot_arrive(
    works: Works, problem: Exception
) -> None:
    """As support's own it would be tried for ever: an alarm that never ends, and no forgetting."""
    works.slack.faults.extend([problem] * 1000)  # type: ignore[list-item]
    await works.send(f"{TOLD_ALONE}slack:T1/D1#1:slack:T1/U1", conversation_id=None)
    for _ in range(12):
        await works.later(minutes=6)
    row = await works.row(f"{TOLD_ALONE}slack:T1/D1#1:slack:T1/U1")
    assert row.status is OutgoingStatus.FAILED and row.attempts <= 8


async def test_details_that_cannot_be_shown_in_private_are_not_just_gone(works: Works) -> None:
    works.slack.faults.append(DestinationGone("user_not_in_channel"))
    secret = an_outbound_message("felix@globex.example", private_to=a_participant().identity)
    await works.send(f"{ALONE}turn_1:call_1", secret)
    await works.send("reply")
    await works.settle()
    first, second = sorted(works.slack.texts(), key=lambda text: text != "reply")
    assert first == "reply" and "ask me again in a direct chat" in second
    assert "felix@" not in second and works.undelivered == []


async def test_an_approval_card_is_tried_until_support_is_reached(works: Works) -> None:
    works.slack.faults.extend(NotPermitted("not_in_channel") for _ in range(12))
    await works.send("desk-approval", destination=SUPPORT, conversation_id=None)
    for _ in range(14):
        await works.later(minutes=6)
    assert works.slack.texts() == ["desk-approval"]
    assert works.undelivered == []


async def test_a_form_that_is_refused_late_is_made_plain_too(works: Works) -> None:
    gone, refused = DestinationGone("is_archived"), NotPermitted("invalid_blocks")
    works.slack.faults.extend([*[gone] * 8, *[refused] * 2])
    long = OutboundMessage(
        blocks=(Text(markdown="A case"), Note(text="n")), fallback="A case", author=Author.CODE
    )
    await works.send("case", long, destination=SUPPORT, conversation_id=None)
    for _ in range(12):
        await works.later(minutes=6)
    assert [one.message.blocks for one in works.slack.posts] == [(Text(markdown="A case"),)]


@pytest.mark.parametrize("seconds", [86_400.0, 1e300, float("inf")])
async def test_a_platform_that_asks_for_hours_of_silence_is_asked_again_before(
    works: Works, seconds: float
) -> None:
    works.slack.faults.append(RateLimited("slow", retry_after_seconds=seconds))
    await works.send("a")
    await works.settle()
    assert works.slack.texts() == [] and works.slack.calls == 1
    await works.later(minutes=6)
    assert works.slack.texts() == ["a"]


# --- once each --------------------------------------------------------------------------------


async def test_the_last_quick_try_for_support_is_looked_up_as_any_other(works: Works) -> None:
    refused = NotPermitted("not_in_channel")
    cut = PlatformUnavailable("cut", maybe_accepted=True)
    works.slack.faults.extend([*[refused] * 7, cut])  # the eighth may have arrived
    await works.send("case", destination=SUPPORT, conversation_id=None)
    async with asyncio.timeout(10):
        while (row := await works.row("case")).attempts < 8:
            await works.later(minutes=6)
    assert row.status is OutgoingStatus.STARTED


async def test_without_look_up_an_ambiguous_post_is_sent_again_once_and_marked(
    works: Works,
) -> None:
    works.slack.can_look_up = False
    cut = PlatformUnavailable("cut", maybe_accepted=True)
    works.slack.faults.extend([cut] * 6)
    await works.send("receipt")
    for _ in range(10):
        await works.later(minutes=5)
    assert len(works.slack.posts) == 2
    assert MARK_OF_A_SECOND_TRY in works.slack.texts()[1]
    assert works.undelivered == [("receipt", "failed")]


async def test_what_one_person_alone_sees_is_in_no_history_and_sent_again_once(
    works: Works,
) -> None:
    cut = PlatformUnavailable("cut", maybe_accepted=True)
    works.slack.faults.extend([cut] * 6)
    alone = an_outbound_message("your invoices", private_to=a_participant().identity)
    await works.send("hint", alone)
    for _ in range(10):
        await works.later(minutes=5)
    assert works.slack.texts() == ["your invoices", f"your invoices\n{MARK_OF_A_SECOND_TRY}"]


async def test_what_one_person_alone_sees_is_looked_for_where_the_platform_can_tell(
    works: Works,
) -> None:
    works.slack.can_look_up_private = True
    works.slack.faults.append(PlatformUnavailable("cut", maybe_accepted=True))
    alone = an_outbound_message("your invoices", private_to=a_participant().identity)
    await works.send("hint", alone)
    for _ in range(3):
        await works.later(minutes=5)
    assert works.slack.texts() == ["your invoices"]
    assert (await works.row("hint")).status is OutgoingStatus.SENT


async def test_the_librarys_room_can_tell_of_every_post_whether_it_took_effect() -> None:
    """It takes effect with delivery's commit: a row that is found started was seen by nobody."""
    room = EmbeddedRoom(MemoryStore(), Pulses())
    assert room.can_look_up and room.can_look_up_private


async def test_giving_up_is_one_commit_with_the_case_that_tells_of_it(works: Works) -> None:
    works.conflicts = 2
    works.slack.faults.append(NotPermitted("is_archived"))
    await works.send("receipt")
    await works.settle()
    assert works.undelivered == [("receipt", "failed")]
    works.conflicts = 9
    works.slack.faults.append(NotPermitted("is_archived"))
    await works.send("another")
    await works.settle()
    assert (await works.row("another")).status is OutgoingStatus.STARTED  # not lost: tried again
    works.conflicts = 0
    await works.delivery.handle(PLACE, "sweep")
    await works.settle()
    assert (await works.row("another")).status is OutgoingStatus.SENT


# --- processes come and go --------------------------------------------------------------------


async def test_a_row_that_a_killed_process_had_started_is_looked_up_by_the_next(
    works: Works,
) -> None:
    def killed(tx: UnitOfWork) -> None:
        row = an_outgoing_row("a", message=an_outbound_message("a"))
        tx.outgoing.add(row)
        tx.outgoing.lease(PLACE, "killed", works.clock.now(), works.clock.now() + LEASE)
        stored = tx.outgoing.get(OutgoingId("a"))
        assert stored is not None
        tx.outgoing.save(replace(stored, status=OutgoingStatus.STARTED, attempts=1))

    await works.store.run(killed)
    works.delivery.kick(PLACE)
    await works.settle()
    assert works.slack.texts() == []  # it may still be alive
    works.clock.advance(LEASE)
    works.delivery.kick(PLACE)
    await works.settle()
    assert works.slack.texts() == ["a"]


async def test_a_stopped_process_leaves_its_destinations_free(works: Works) -> None:
    works.slack.open.clear()
    await works.send("a")
    await works.send("b")
    await works.slack.called.wait()
    stopping = asyncio.create_task(works.delivery.stop(5))
    await asyncio.sleep(0)
    works.delivery.kick(PLACE)  # during the stop: starts nothing
    works.slack.open.set()
    await stopping
    assert works.slack.texts() == ["a"]
    works.delivery = works.process("two")
    works.delivery.kick(PLACE)
    await works.settle()
    assert works.slack.texts() == ["a", "b"]


async def test_a_send_that_hangs_ends_before_its_place_is_anothers(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_starts, "SEND_SECONDS", 0.05)
    works.slack.open.clear()
    await works.send("a")
    await works.slack.called.wait()
    async with asyncio.timeout(5):
        await works.delivery.idle()
    assert (await works.row("a")).status is OutgoingStatus.STARTED  # looked up before the next try
    works.slack.open.set()
    works.clock.advance(LEASE)
    works.process("two").kick(PLACE)
    await works.settle()
    await works.later(minutes=1)
    assert works.slack.texts() == ["a"]


async def test_a_send_that_hangs_does_not_keep_the_process_from_stopping(works: Works) -> None:
    works.slack.open.clear()
    await works.send("a")
    await works.slack.called.wait()
    await works.delivery.stop(0.01)
    await works.delivery.idle()
    assert (await works.row("a")).status is OutgoingStatus.STARTED
