"""What every store does, continued: proposals, the ledger, outgoing rows and cases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from agent_core import blocks
from agent_core.blocks import Change, Field
from agent_core.conversation import ConversationId
from agent_core.errors import ConversationChanged, StoreError
from agent_core.escalations import EscalationStatus
from agent_core.messages import DestinationId, OutgoingId, ReplyAddress
from agent_core.outgoing import OutgoingStatus
from agent_core.people import Capability, PersonId, Role
from agent_core.policy import ApprovalNeed
from agent_core.ports import Store, UnitOfWork
from agent_core.proposals import Outcome, PlanId, ProposalId, ProposalStatus
from tests.builders import (
    ACME,
    NOON,
    a_conversation,
    a_destination,
    a_ledger_entry,
    a_message_ref,
    a_proposal,
    a_room,
    a_thread,
    an_escalation,
    an_identity,
    an_outbound_message,
    an_outgoing_row,
)
from tests.contracts.store_suite import do

EVERY_BLOCK: Sequence[blocks.Block] = (
    blocks.Heading(text="Add 5 seats"),
    blocks.Text(markdown="*now*"),
    blocks.Note(text="automatic"),
    blocks.Fields(fields=(Field(label="Plan", value="Team"),)),
    blocks.Changes(changes=(Change(label="Seats", before="20", after="25"),)),
    blocks.Receipt(
        state=blocks.ReceiptState.UNKNOWN, title="?", fields=(), reference="PRO_1"
    ),
    blocks.Quote(speaker="Ada", text="a\nb", at="10:03"),
    blocks.Citation(title="Prices", url="https://example.com"),
    blocks.Buttons(
        buttons=(
            blocks.Button(
                action="proposal.confirm",
                label="Yes",
                value="pro_1",
                style=blocks.ButtonStyle.PRIMARY,
            ),
        )
    ),
    blocks.Mention(people=(("slack:T1/U1", "Ada"), ("slack:T1/U2", "Bob")), text="look"),
)  # fmt: skip


class ProposalContract:
    """Proposals and the ledger."""

    async def test_the_steps_of_a_plan_are_found_in_order(self, store: Store) -> None:
        plan = PlanId("pln_1")
        second = a_proposal("pro_1", plan_id=plan, step=2, arguments={"seats": 2})
        first = a_proposal("pro_2", plan_id=plan, step=1, arguments={"seats": 3})
        other = a_proposal("pro_3", plan_id=PlanId("pln_2"), step=1, arguments={"seats": 4})
        for proposal in (second, first, other, a_proposal("pro_4")):
            await do(store, lambda tx, one=proposal: tx.proposals.add(one))
        assert list(await do(store, lambda tx: tx.proposals.of_plan(plan))) == [first, second]

    async def test_what_takes_an_effect_back_is_found(self, store: Store) -> None:
        undo = a_proposal("pro_2", undoes=ProposalId("pro_1"), arguments={"key": "pro_1"})
        for proposal in (a_proposal("pro_1"), undo):
            await do(store, lambda tx, one=proposal: tx.proposals.add(one))
        assert list(await do(store, lambda tx: tx.proposals.undoing(undo.undoes))) == [undo]
        assert list(await do(store, lambda tx: tx.proposals.undoing(undo.id))) == []

    async def test_a_proposal_comes_back_as_it_was(self, store: Store) -> None:
        need = ApprovalNeed(
            roles=frozenset({Role.OWNER}),
            capabilities=frozenset({Capability.APPROVER, Capability.LEAD}),
        )
        proposal = a_proposal(
            changes=(Change(label="Seats", before="20", after="25"),),
            notes=("pro rata",),
            approval=need,
            approver=an_identity("U7"),
            approved_at=NOON,
            card=OutgoingId("out_1"),
        )
        await do(store, lambda tx: tx.proposals.add(proposal))
        assert await do(store, lambda tx: tx.proposals.get(proposal.id)) == proposal
        bare = a_proposal("pro_2", amount=None, arguments={"seats": 6})
        await do(store, lambda tx: tx.proposals.add(bare))
        assert await do(store, lambda tx: tx.proposals.get(bare.id)) == bare

    async def test_the_undecided_are_found_in_every_conversation_soonest_first(
        self, store: Store
    ) -> None:
        waits = [
            a_proposal("pro_late", expires_at=NOON + timedelta(hours=3), arguments={"seats": 1}),
            a_proposal(
                "pro_soon",
                conversation_id=ConversationId("con_2"),
                status=ProposalStatus.AWAITING_APPROVAL,
                arguments={"seats": 2},
            ),
        ]
        rest = set(ProposalStatus) - {one.status for one in waits}
        settled = [
            a_proposal(f"pro_{status}", status=status, arguments={"seats": seats})
            for seats, status in enumerate(sorted(rest), start=3)
        ]
        for proposal in (*waits, *settled):
            await do(store, lambda tx, proposal=proposal: tx.proposals.add(proposal))
        found = await do(store, lambda tx: tx.proposals.undecided())
        assert [one.id for one in found] == ["pro_soon", "pro_late"]
        assert len(await do(store, lambda tx: tx.proposals.undecided(1))) == 1

    async def test_a_twin_needs_an_occurrence_of_its_own(self, store: Store) -> None:
        await do(store, lambda tx: tx.proposals.add(a_proposal()))
        for twin in (a_proposal("pro_2"), a_proposal(occurrence=2)):
            with pytest.raises(ConversationChanged):
                await do(store, lambda tx, twin=twin: tx.proposals.add(twin))
        second = a_proposal("pro_2", occurrence=2)
        await do(store, lambda tx: tx.proposals.add(second))
        twins = await do(store, lambda tx: tx.proposals.twins(ACME, second.fingerprint))
        assert list(twins) == [a_proposal(), second]

    async def test_one_of_many_decisions_wins(self, store: Store) -> None:
        await do(store, lambda tx: tx.proposals.add(a_proposal()))
        decided = a_proposal(status=ProposalStatus.DECIDED)
        waiting = ProposalStatus.AWAITING_CONFIRMATION
        outcomes = await asyncio.gather(
            *(store.run(lambda tx: tx.proposals.save(decided, expected=waiting)) for _ in "12345"),
            return_exceptions=True,
        )
        assert outcomes.count(None) == 1
        assert sum(isinstance(one, ConversationChanged) for one in outcomes) == 4

    async def test_open_ones_are_listed_oldest_first(self, store: Store) -> None:
        later = a_proposal("pro_1", proposed_at=NOON + timedelta(minutes=1))
        sooner = a_proposal("pro_2", occurrence=2, status=ProposalStatus.DECIDED)
        over = a_proposal("pro_3", occurrence=3, status=ProposalStatus.EXPIRED)
        for proposal in (later, sooner, over):
            await do(store, lambda tx, one=proposal: tx.proposals.add(one))
        found = await do(store, lambda tx: tx.proposals.open_in(a_conversation().id))
        assert list(found) == [sooner, later]

    async def test_an_effect_is_intended_once_and_settled_once(self, store: Store) -> None:
        entry = a_ledger_entry()
        await do(store, lambda tx: tx.ledger.intend(entry))
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.ledger.intend(entry))
        assert list(await do(store, lambda tx: tx.ledger.unsettled())) == [entry]
        unknown = replace(entry, outcome=Outcome.UNKNOWN, reason="no answer")
        await do(store, lambda tx: tx.ledger.settle(unknown))
        done = replace(
            entry,
            outcome=Outcome.SUCCEEDED,
            settled_at=NOON,
            title="Added 5 seats",
            fields=(Field(label="Seats", value="25"),),
            content={"seats": 25},
        )
        await do(store, lambda tx: tx.ledger.settle(done))
        assert await do(store, lambda tx: tx.ledger.get(entry.key)) == done
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.ledger.settle(unknown))
        assert list(await do(store, lambda tx: tx.ledger.unsettled())) == []

    async def test_the_ledger_lists_the_newest_oldest_first(self, store: Store) -> None:
        entries = [
            a_ledger_entry(f"pro_{n}", intended_at=NOON + timedelta(minutes=n)) for n in range(4)
        ]
        for entry in entries:
            await do(store, lambda tx, one=entry: tx.ledger.intend(one))
        con = a_conversation().id
        assert list(await do(store, lambda tx: tx.ledger.of_account(ACME, 2))) == entries[2:]
        assert list(await do(store, lambda tx: tx.ledger.of_conversation(con))) == entries


class OutgoingContract:
    """Destinations and the rows on their way to them."""

    async def test_every_kind_of_block_comes_back(self, store: Store) -> None:
        message = an_outbound_message(blocks=tuple(EVERY_BLOCK), private_to=an_identity())
        row = an_outgoing_row(message=message, epoch=3, not_before=NOON)

        def write(tx: UnitOfWork) -> None:
            tx.outgoing.put_destination(a_destination())
            assert tx.outgoing.add(row)

        await do(store, write)
        assert await do(store, lambda tx: tx.outgoing.get(row.id)) == replace(row, seq=1)

    async def test_rows_leave_in_order_and_once(self, store: Store) -> None:
        place = a_destination()
        await do(store, lambda tx: tx.outgoing.put_destination(place))
        names = [f"out_{n:02d}" for n in range(20)]
        added = await asyncio.gather(
            *(
                do(store, lambda tx, name=name: tx.outgoing.add(an_outgoing_row(name)))
                for name in [*names, *names]
            )
        )
        assert added.count(True) == 20
        await do(store, lambda tx: tx.outgoing.put_destination(place))  # keeps its count
        seqs = []
        while (row := await do(store, lambda tx: tx.outgoing.next_row(place.id))) is not None:
            seqs.append(row.seq)
            sent = replace(
                row, status=OutgoingStatus.SENT, posted=a_message_ref(row.id), seq=99
            )  # fmt: skip
            await do(store, lambda tx, sent=sent: tx.outgoing.save(sent))
        assert seqs == sorted(set(seqs))
        assert len(seqs) == 20
        found = await do(store, lambda tx: tx.outgoing.of_message(a_message_ref("out_07")))
        assert found.id == "out_07"
        assert found.seq in seqs

    async def test_a_started_row_stays_first(self, store: Store) -> None:
        def write(tx: UnitOfWork) -> None:
            tx.outgoing.put_destination(a_destination())
            tx.outgoing.add(an_outgoing_row("out_1"))
            tx.outgoing.add(an_outgoing_row("out_2"))
            tx.outgoing.save(an_outgoing_row("out_1", status=OutgoingStatus.STARTED))

        await do(store, write)
        place = a_destination().id
        first = await do(store, lambda tx: tx.outgoing.next_row(place))
        assert (first.id, first.status) == ("out_1", OutgoingStatus.STARTED)
        assert list(await do(store, lambda tx: tx.outgoing.waiting())) == [place]
        for name, status in (("out_1", OutgoingStatus.DROPPED), ("out_2", OutgoingStatus.FAILED)):
            row = an_outgoing_row(name, status=status)
            await do(store, lambda tx, row=row: tx.outgoing.save(row))
        assert list(await do(store, lambda tx: tx.outgoing.waiting())) == []

    async def test_what_does_not_exist_is_said(self, store: Store) -> None:
        with pytest.raises(StoreError):
            await store.run(lambda tx: tx.outgoing.add(an_outgoing_row()))
        with pytest.raises(StoreError):
            await store.run(lambda tx: tx.outgoing.save(an_outgoing_row()))
        assert await do(store, lambda tx: tx.outgoing.destination(DestinationId("x"))) is None

    async def test_what_nobody_sends_is_found_and_a_dead_holders_is_freed(
        self, store: Store
    ) -> None:
        place, row = a_destination(), an_outgoing_row()
        until = NOON + timedelta(seconds=30)

        def unattended(tx: UnitOfWork, at: datetime = NOON) -> list[str | None]:
            return [holder for found, holder in tx.outgoing.unattended(at) if found == place.id]

        await do(store, lambda tx: tx.outgoing.put_destination(place))
        assert await do(store, unattended) == []
        await do(store, lambda tx: tx.outgoing.add(row))
        assert await do(store, unattended) == [None]
        assert await do(store, lambda tx: tx.outgoing.lease(place.id, "dead", NOON, until))
        assert await do(store, unattended) == ["dead"]
        assert await do(store, lambda tx: unattended(tx, until)) == [None]
        assert list(await do(store, lambda tx: tx.outgoing.release_all("other"))) == []
        assert list(await do(store, lambda tx: tx.outgoing.release_all("dead"))) == [place.id]
        assert await do(store, unattended) == [None]
        later = replace(row, not_before=until, status=OutgoingStatus.STARTED)
        await do(store, lambda tx: tx.outgoing.save(later))
        assert await do(store, unattended) == []
        assert await do(store, lambda tx: unattended(tx, until)) == [None]

    async def test_one_holder_leases_a_destination(self, store: Store) -> None:
        place = a_destination()
        await do(store, lambda tx: tx.outgoing.put_destination(place))
        until = late = NOON + timedelta(seconds=30)  # at its end a lease is over
        won = await asyncio.gather(
            *(
                do(store, lambda tx, who=f"w{n}": tx.outgoing.lease(place.id, who, NOON, until))
                for n in range(10)
            )
        )
        assert won.count(True) == 1
        holder = f"w{won.index(True)}"

        def look(tx: UnitOfWork) -> None:
            assert tx.outgoing.lease(place.id, holder, NOON, until)
            tx.outgoing.release(place.id, "somebody else")
            assert not tx.outgoing.lease(place.id, "next", NOON, until)
            assert tx.outgoing.lease(place.id, "next", late, late + timedelta(seconds=30))
            assert not tx.outgoing.lease(place.id, holder, late, late + timedelta(seconds=30))
            tx.outgoing.release(place.id, "next")
            assert tx.outgoing.lease(place.id, holder, late, late)
            assert not tx.outgoing.lease(DestinationId("unknown"), holder, NOON, until)

        await do(store, look)


class EscalationContract:
    """Cases."""

    async def test_numbers_never_collide(self, store: Store) -> None:
        numbers = await asyncio.gather(
            *(store.run(lambda tx: tx.escalations.next_number()) for _ in range(20))
        )
        assert sorted(numbers) == list(range(1, 21))

    async def test_a_case_is_found_by_its_thread_once_it_has_one(self, store: Store) -> None:
        room = a_room("C_support")
        closed = a_destination(
            "des_support", address=ReplyAddress(room=room, thread_id=None), opens_thread=True
        )
        case = an_escalation()

        def write(tx: UnitOfWork) -> None:
            tx.outgoing.put_destination(closed)
            tx.escalations.add(case)
            assert tx.escalations.of_thread(a_thread("", room)) is None

        await do(store, write)
        address = ReplyAddress(room=room, thread_id="17.5", delivery={"service_url": "https://x"})
        opened = replace(closed, address=address)
        await do(store, lambda tx: tx.outgoing.put_destination(opened))

        def look(tx: UnitOfWork) -> None:
            assert tx.outgoing.destination(opened.id) == opened
            assert tx.escalations.of_thread(a_thread("17.5", room)) == case
            assert tx.escalations.of_destination(opened.id) == case
            assert tx.escalations.open_in(case.conversation_id) == case
            assert list(tx.escalations.waiting()) == [case]
            with pytest.raises(ConversationChanged):
                tx.escalations.add(an_escalation("esc_2", number=1))

        await do(store, look)

    async def test_one_of_many_claims_wins(self, store: Store) -> None:
        case = an_escalation()
        await do(store, lambda tx: tx.escalations.add(case))

        def claim(tx: UnitOfWork, who: str) -> None:
            claimed = replace(case, status=EscalationStatus.CLAIMED, claimed_by=PersonId(who))
            tx.escalations.save(claimed, expected=case)

        outcomes = await asyncio.gather(
            *(do(store, lambda tx, who=f"per_{n}": claim(tx, who)) for n in range(10)),
            return_exceptions=True,
        )
        assert outcomes.count(None) == 1
        assert sum(isinstance(one, ConversationChanged) for one in outcomes) == 9
        stored = await do(store, lambda tx: tx.escalations.get(case.id))
        assert stored.claimed_by == f"per_{outcomes.index(None)}"
        assert list(await do(store, lambda tx: tx.escalations.waiting())) == []
        handed = replace(stored, status=EscalationStatus.HANDED_BACK)
        with pytest.raises(ConversationChanged):
            await store.run(lambda tx: tx.escalations.save(handed, expected=case))
        await do(store, lambda tx: tx.escalations.save(handed, expected=stored))
        assert await do(store, lambda tx: tx.escalations.open_in(case.conversation_id)) is None
