"""What every store does: transactions, rooms, people, conversations, the transcript, turns."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent_core.conversation import Audience, ConversationStatus, RoomMode, Speaker
from agent_core.errors import ConversationChanged, StoreError, TurnLost
from agent_core.journal import InboxKind, InboxStatus, TurnStatus
from agent_core.people import AccountId, Capability, PersonId, Role
from agent_core.ports import Store, UnitOfWork
from tests.builders import (
    ACME,
    NOON,
    a_binding,
    a_conversation,
    a_journal_entry,
    a_message_ref,
    a_participant,
    a_person,
    a_room,
    a_summary,
    a_thread,
    a_turn,
    an_entry,
    an_identity,
)

CONVERSATION = a_conversation().id
ANY_BUT_SHARED = Audience.INTERNAL


async def do(store: Store, fn: Callable[..., Any]) -> Any:
    """`fn` in a transaction of its own, so that what it reads was stored."""
    return await store.run(fn)


class TransactionContract:
    """One `run` is one transaction."""

    async def test_a_raise_leaves_nothing(self, store: Store) -> None:
        def write_and_fail(tx: UnitOfWork) -> None:
            tx.conversations.add(a_conversation(), a_thread())
            tx.transcript.append(an_entry())
            tx.inbox.take("event-1", NOON)
            tx.people.put(a_person())
            assert tx.escalations.next_number() == 1
            raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            await store.run(write_and_fail)

        def look(tx: UnitOfWork) -> None:
            assert tx.conversations.of_thread(a_thread()) is None
            assert tx.people.all() == []
            assert tx.inbox.take("event-1", NOON)
            assert tx.escalations.next_number() == 1

        await do(store, look)

    async def test_callbacks_run_on_the_loop_after_the_commit_only(self, store: Store) -> None:
        loop, seen = asyncio.get_running_loop(), []

        def note() -> None:
            seen.append(asyncio.get_running_loop() is loop)

        await do(store, lambda tx: tx.after_commit(note))
        assert seen == [True]

        def fail(tx: UnitOfWork) -> None:
            tx.after_commit(note)
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await store.run(fail)
        await do(store, lambda tx: None)
        assert seen == [True]

    async def test_fifty_at_once_take_an_event_once(self, store: Store) -> None:
        took = await asyncio.gather(
            *(store.run(lambda tx: tx.inbox.take("event-1", NOON)) for _ in range(50))
        )
        assert sorted(took) == [False] * 49 + [True]

    async def test_fifty_that_read_and_then_write_lose_nothing(self, store: Store) -> None:
        await do(store, lambda tx: tx.conversations.add(a_conversation(epoch=0), a_thread()))

        def grow(tx: UnitOfWork) -> None:
            conversation = tx.conversations.get(a_conversation().id)
            assert conversation is not None
            time.sleep(0.001)  # lets the others read meanwhile, where a store would let them
            grown = replace(conversation, epoch=conversation.epoch + 1)
            tx.conversations.save(grown, expected_epoch=conversation.epoch)

        await asyncio.gather(*(store.run(grow) for _ in range(50)))
        stored = await do(store, lambda tx: tx.conversations.get(a_conversation().id))
        assert stored.epoch == 50


class PeopleContract:
    """Rooms and people."""

    async def test_a_room_is_put_replaced_and_removed(self, store: Store) -> None:
        await do(store, lambda tx: tx.rooms.put(a_binding()))
        changed = a_binding(mode=RoomMode.SILENT, account_id=None)
        await do(store, lambda tx: tx.rooms.put(changed))
        await do(store, lambda tx: tx.rooms.put(a_binding(room=a_room("C2"))))
        assert await do(store, lambda tx: tx.rooms.get(a_room())) == changed
        rooms = await do(store, lambda tx: tx.rooms.all())
        assert list(rooms) == [changed, a_binding(room=a_room("C2"))]
        await do(store, lambda tx: tx.rooms.remove(a_room()))
        assert await do(store, lambda tx: tx.rooms.get(a_room())) is None

    async def test_a_person_is_replaced_whole(self, store: Store) -> None:
        first = a_person(
            capabilities=frozenset({Capability.SUPPORT, Capability.LEAD}),
            roles={ACME: Role.OWNER, AccountId("acc_2"): Role.MEMBER},
            identities=(an_identity("U2"), an_identity("U1")),
        )
        await do(store, lambda tx: tx.people.put(first))
        assert await do(store, lambda tx: tx.people.find(an_identity("U1"))) == first
        second = a_person(name="Ada B", roles={}, identities=(an_identity("U1"),))
        await do(store, lambda tx: tx.people.put(second))
        assert await do(store, lambda tx: tx.people.get(PersonId("per_ada"))) == second
        assert await do(store, lambda tx: tx.people.find(an_identity("U2"))) is None
        assert await do(store, lambda tx: tx.people.get(PersonId("nobody"))) is None

    async def test_an_identity_belongs_to_one_person(self, store: Store) -> None:
        await do(store, lambda tx: tx.people.put(a_person(identities=(an_identity("U1"),))))
        thief = a_person("per_eve", "Eve", identities=(an_identity("U9"), an_identity("U1")))
        with pytest.raises(ConversationChanged, match="slack:T1/U1"):
            await store.run(lambda tx: tx.people.put(thief))
        assert await do(store, lambda tx: tx.people.find(an_identity("U9"))) is None

    async def test_people_are_found_by_role_and_by_capability(self, store: Store) -> None:
        ada = a_person()
        bob = a_person("per_bob", "Bob", roles={ACME: Role.MEMBER})
        sue = a_person("per_sue", "Sue", roles={}, capabilities=frozenset({Capability.SUPPORT}))
        for person in (ada, bob, sue):
            await do(store, lambda tx, person=person: tx.people.put(person))

        def look(tx: UnitOfWork) -> None:
            assert list(tx.people.all()) == [ada, bob, sue]
            assert list(tx.people.with_role(ACME, frozenset({Role.OWNER}))) == [ada]
            assert list(tx.people.with_role(ACME, frozenset(Role))) == [ada, bob]
            assert list(tx.people.with_role(ACME, frozenset())) == []
            assert list(tx.people.with_capability(Capability.SUPPORT)) == [sue]

        await do(store, look)

    async def test_the_disclosure_is_remembered_by_identity(self, store: Store) -> None:
        for _ in range(2):
            await do(store, lambda tx: tx.people.note_told(an_identity(), NOON))
        assert await do(store, lambda tx: tx.people.was_told(an_identity()))
        assert not await do(store, lambda tx: tx.people.was_told(an_identity("U2")))


class ConversationContract:
    """Conversations, threads and the transcript."""

    async def test_threads_lead_to_their_conversation(self, store: Store) -> None:
        conversation = a_conversation(opened_at=NOON + timedelta(microseconds=7))
        await do(store, lambda tx: tx.conversations.add(conversation, a_thread()))
        other = a_thread("17.2", a_room("C#%23!"))
        await do(store, lambda tx: tx.conversations.attach(conversation.id, other))
        await do(store, lambda tx: tx.conversations.attach(conversation.id, other))
        for thread in (a_thread(), other):
            found = await do(store, lambda tx, thread=thread: tx.conversations.of_thread(thread))
            assert found == conversation
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.conversations.add(a_conversation("con_2"), other))
        assert await do(store, lambda tx: tx.conversations.get(a_conversation("con_2").id)) is None

    async def test_saving_asks_for_the_epoch(self, store: Store) -> None:
        await do(store, lambda tx: tx.conversations.add(a_conversation(), a_thread()))
        moved = a_conversation().moved(ConversationStatus.WITH_SUPPORT, to=PersonId("per_sue"))
        await do(store, lambda tx: tx.conversations.save(moved, expected_epoch=1))
        assert await do(store, lambda tx: tx.conversations.get(moved.id)) == moved
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.conversations.save(moved, expected_epoch=1))

    async def test_the_transcript_counts_from_one_without_gaps(self, store: Store) -> None:
        for name in ("con_1", "con_2"):
            conversation, thread = a_conversation(name), a_thread(name)
            await do(store, lambda tx, c=conversation, t=thread: tx.conversations.add(c, t))
        seqs = await asyncio.gather(
            *(store.run(lambda tx: tx.transcript.append(an_entry())) for _ in range(20))
        )
        assert sorted(seqs) == list(range(1, 21))
        assert await do(store, lambda tx: tx.transcript.append(an_entry("con_2"))) == 1
        last = await do(store, lambda tx: tx.transcript.last(a_conversation().id, 3))
        assert [entry.seq for entry in last] == [18, 19, 20]
        early = await do(store, lambda tx: tx.transcript.last(a_conversation().id, 3, upto=2))
        assert [entry.seq for entry in early] == [1, 2]
        with pytest.raises(StoreError):
            await store.run(lambda tx: tx.transcript.append(an_entry("con_3")))

    async def test_edits_and_deletions_find_their_message(self, store: Store) -> None:
        await do(store, lambda tx: tx.conversations.add(a_conversation(), a_thread()))
        entry = an_entry(message=a_message_ref(), text="my card is 4242 – ✓")
        await do(store, lambda tx: tx.transcript.append(entry))
        stored = await do(store, lambda tx: tx.transcript.of_message(a_message_ref()))
        assert stored == replace(entry, seq=1)
        assert await do(store, lambda tx: tx.transcript.edit(a_message_ref(), "hi", NOON))
        assert not await do(store, lambda tx: tx.transcript.edit(a_message_ref("x"), "hi", NOON))
        assert await do(store, lambda tx: tx.transcript.delete(a_message_ref(), NOON))
        stored = await do(store, lambda tx: tx.transcript.get(a_conversation().id, 1))
        assert (stored.text, stored.edited_at, stored.deleted_at) == ("", NOON, NOON)
        assert not await do(store, lambda tx: tx.transcript.edit(a_message_ref(), "back", NOON))
        assert await do(store, lambda tx: tx.transcript.get(a_conversation().id, 2)) is None

    async def test_the_newest_entry_of_a_speaker_is_found(self, store: Store) -> None:
        await do(store, lambda tx: tx.conversations.add(a_conversation(), a_thread()))
        for speaker in (Speaker.STAFF, Speaker.AGENT, Speaker.STAFF, Speaker.AGENT):
            await do(store, lambda tx, s=speaker: tx.transcript.append(an_entry(speaker=s)))
        for speaker, seq in ((Speaker.STAFF, 3), (Speaker.AGENT, 4), (Speaker.CUSTOMER, 0)):
            found = await do(store, lambda tx, s=speaker: tx.transcript.newest_by(CONVERSATION, s))
            assert found == seq
        assert await do(store, lambda tx: tx.transcript.newest_by("con_9", Speaker.STAFF)) == 0

    async def test_summaries_are_kept_by_what_they_cover_and_for_whom(self, store: Store) -> None:
        for upto, audience in (
            (12, Audience.INTERNAL),
            (24, Audience.INTERNAL),
            (24, Audience.SHARED),
        ):
            made = a_summary(upto, audience=audience)
            assert await do(store, lambda tx, s=made: tx.transcript.add_summary(s))
            assert not await do(store, lambda tx, s=made: tx.transcript.add_summary(s))

        async def newest(upto: int, audience: Audience) -> Any:
            return await do(store, lambda tx: tx.transcript.summary(CONVERSATION, upto, audience))

        assert await newest(23, Audience.INTERNAL) == a_summary(12, audience=Audience.INTERNAL)
        assert await newest(99, Audience.SHARED) == a_summary(24)
        assert (
            await newest(23, Audience.SHARED) is None and await newest(11, ANY_BUT_SHARED) is None
        )
        assert (
            await do(store, lambda tx: tx.transcript.summary("con_9", 99, ANY_BUT_SHARED)) is None
        )
        erased = await do(store, lambda tx: tx.transcript.erase_summaries(CONVERSATION, since=13))
        assert erased == 2 and await newest(99, ANY_BUT_SHARED) is not None
        assert await do(store, lambda tx: tx.transcript.erase_summaries(CONVERSATION)) == 1
        assert await newest(99, ANY_BUT_SHARED) is None

    @pytest.mark.parametrize("how", ["edit", "delete"])
    async def test_a_changed_message_takes_the_summaries_of_it_along(
        self, store: Store, how: str
    ) -> None:
        await do(store, lambda tx: tx.conversations.add(a_conversation(), a_thread()))
        for n in range(1, 5):
            entry = an_entry(message=a_message_ref(str(n)))
            await do(store, lambda tx, e=entry: tx.transcript.append(e))
        for upto in (2, 3, 4):
            await do(store, lambda tx, n=upto: tx.transcript.add_summary(a_summary(n)))
        third = a_message_ref("3")
        if how == "edit":
            await do(store, lambda tx: tx.transcript.edit(third, "new words", NOON))
        else:
            await do(store, lambda tx: tx.transcript.delete(third, NOON))
        left = await do(store, lambda tx: tx.transcript.summary(CONVERSATION, 9, Audience.SHARED))
        assert left is not None and left.upto == 2


class TurnContract:
    """The inbox, turns and their journals."""

    @staticmethod
    def ask(tx: UnitOfWork, conversation: str = "con_1") -> int:
        row = tx.inbox.add(
            a_conversation(conversation).id,
            InboxKind.MESSAGE,
            author=a_participant(),
            author_key="per_ada",
            at=NOON,
            transcript_seq=4,
        )
        return row.seq

    async def test_rows_go_from_new_to_claimed_to_done(self, store: Store) -> None:
        first, second = [await do(store, self.ask) for _ in range(2)]
        other = await do(store, lambda tx: self.ask(tx, "con_2"))
        assert first < second < other
        con_1, con_2, turn = a_conversation().id, a_conversation("con_2").id, a_turn().id

        def claim(tx: UnitOfWork) -> None:
            assert [row.seq for row in tx.inbox.new_rows(con_1)] == [first, second]
            assert [row.seq for row in tx.inbox.new_rows(con_1, limit=1)] == [first]
            tx.inbox.claim([first], turn)
            tx.inbox.claim([first], turn)

        await do(store, claim)
        (mine,) = await do(store, lambda tx: tx.inbox.of_turn(turn))
        assert (mine.status, mine.turn_id, mine.author) == (
            InboxStatus.CLAIMED, turn, a_participant(),
        )  # fmt: skip
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.inbox.claim([first, second], a_turn("tur_2").id))
        assert list(await do(store, lambda tx: tx.inbox.unfinished())) == [con_1, con_2]
        await do(store, lambda tx: tx.inbox.finish([first, second]))
        assert list(await do(store, lambda tx: tx.inbox.new_rows(con_1))) == []
        assert list(await do(store, lambda tx: tx.inbox.unfinished())) == [con_2]
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.inbox.claim([second], turn))

    async def test_what_waits_is_counted_by_conversation(self, store: Store) -> None:
        for name, account in (("con_1", "acme"), ("con_2", None), ("con_3", "acme")):
            conversation = replace(
                a_conversation(name), account_id=AccountId(account) if account else None
            )
            thread = replace(a_thread(), thread_id=name)
            await do(store, lambda tx, c=conversation, t=thread: tx.conversations.add(c, t))
        rows = [await do(store, lambda tx, n=n: self.ask(tx, n)) for n in ("con_2", "con_1")]
        rows += [await do(store, lambda tx: self.ask(tx, "con_2"))]
        await do(store, lambda tx: tx.inbox.finish([self.ask(tx, "con_3")]))
        await do(store, lambda tx: tx.inbox.claim(rows[:1], a_turn().id))

        def seen(tx: UnitOfWork, limit: int = 10) -> list[tuple[str, str, int]]:
            found = tx.inbox.backlog(limit)
            return sorted((str(one.conversation_id), one.share, one.rows) for one in found)

        room = str(a_conversation().room)
        assert await do(store, seen) == [("con_1", "acme", 1), ("con_2", room, 2)]
        assert await do(store, lambda tx: seen(tx, 1)) == [("con_2", room, 2)]
        await do(store, lambda tx: tx.inbox.finish(rows))
        assert await do(store, seen) == []

    async def test_who_lost_the_turn_can_write_nothing(self, store: Store) -> None:
        turn = a_turn()
        await do(store, lambda tx: tx.turns.add(turn))
        await do(store, lambda tx: tx.turns.append(turn.id, "token-1", [a_journal_entry()]))
        taken = await do(store, lambda tx: tx.turns.take_over(turn.id, "token-2"))
        assert taken == replace(turn, attempts=2, token="token-2")
        writes: list[Callable[[UnitOfWork], object]] = [
            lambda tx: tx.turns.assert_owner(turn.id, "token-1"),
            lambda tx: tx.turns.append(turn.id, "token-1", [a_journal_entry(1)]),
            lambda tx: tx.turns.close(turn.id, "token-1", TurnStatus.FINISHED),
        ]
        for write in writes:
            with pytest.raises(TurnLost):
                await store.run(write)
        assert await do(store, lambda tx: tx.turns.running(turn.conversation_id)) == taken
        journal = await do(store, lambda tx: tx.turns.journal(turn.id))
        assert list(journal) == [a_journal_entry()]

    async def test_an_attempt_that_was_cut_off_is_given_back_by_its_owner(
        self, store: Store
    ) -> None:
        turn = a_turn()
        await do(store, lambda tx: tx.turns.add(turn))
        taken = await do(store, lambda tx: tx.turns.take_over(turn.id, "token-2"))
        await do(store, lambda tx: tx.turns.give_back(turn.id, "token-2"))
        again = await do(store, lambda tx: tx.turns.running(turn.conversation_id))
        assert again == replace(taken, attempts=1)
        with pytest.raises(TurnLost):
            await store.run(lambda tx: tx.turns.give_back(turn.id, "token-1"))

    async def test_a_closed_turn_is_over_for_its_owner_too(self, store: Store) -> None:
        turn = a_turn()
        await do(store, lambda tx: tx.turns.add(turn))
        await do(store, lambda tx: tx.turns.close(turn.id, "token-1", TurnStatus.FINISHED))
        assert await do(store, lambda tx: tx.turns.running(turn.conversation_id)) is None
        with pytest.raises(TurnLost):
            await store.run(lambda tx: tx.turns.assert_owner(turn.id, "token-1"))
        with pytest.raises(TurnLost):
            await store.run(lambda tx: tx.turns.take_over(turn.id, "token-2"))

    async def test_a_conversation_runs_one_turn(self, store: Store) -> None:
        await do(store, lambda tx: tx.turns.add(a_turn()))
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.turns.add(a_turn("tur_2")))
        await do(store, lambda tx: tx.turns.close(a_turn().id, "token-1", TurnStatus.GIVEN_UP))
        await do(store, lambda tx: tx.turns.add(a_turn("tur_2")))

    async def test_the_journal_keeps_order_and_json(self, store: Store) -> None:
        body = {"text": 'é\n"x"', "n": 7, "deep": [{"a": None, "b": True}]}
        entries = [a_journal_entry(0, body=body), a_journal_entry(1, kind="reply")]
        await do(store, lambda tx: tx.turns.add(a_turn()))
        await do(store, lambda tx: tx.turns.append(a_turn().id, "token-1", entries))
        assert list(await do(store, lambda tx: tx.turns.journal(a_turn().id))) == entries
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.turns.append(a_turn().id, "token-1", entries[:1]))
