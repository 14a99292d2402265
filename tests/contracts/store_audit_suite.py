"""What every store does, continued: the audit log."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agent_core.audit import AGENT, GENESIS, NO_ACCOUNT, OPERATOR, AuditDraft, AuditKind
from agent_core.audit_check import verify
from agent_core.ports import Store, UnitOfWork
from tests.builders import ACME, NOON
from tests.contracts.store_suite import do

ADA = "person_ada"
ADAS = {"name": "Ada Lovelace", "identity": "slack:T1/U1"}


def a_draft(subject: str = "pro_1", **changes: Any) -> AuditDraft:
    draft = AuditDraft(
        chain=ACME,
        at=NOON,
        actor=ADA,
        kind=AuditKind.CONFIRMED,
        subject=subject,
        facts={"tool": "add_seats", "amount": 4500},
        personal=ADAS,
    )
    return replace(draft, **changes)


async def write(store: Store, *drafts: AuditDraft) -> None:
    def append(tx: UnitOfWork) -> None:
        for draft in drafts:
            tx.audit.append(draft)

    await store.run(append)


class AuditContract:
    """One chain an account, append-only, personal fields under a key a person."""

    async def test_a_chain_begins_at_one_and_each_row_holds_the_one_before(
        self, store: Store
    ) -> None:
        await write(store, a_draft(), a_draft("pro_2", actor=AGENT, personal={}))
        await write(store, a_draft("pro_3", actor=OPERATOR, personal={}))
        rows = await do(store, lambda tx: tx.audit.entries(ACME))
        assert [row.seq for row in rows] == [1, 2, 3]
        assert [row.subject for row in rows] == ["pro_1", "pro_2", "pro_3"]
        assert [row.previous for row in rows] == [GENESIS, rows[0].hash, rows[1].hash]
        assert [row.actor for row in rows][1:] == ["agent", "operator"]
        assert rows[0].at == "2026-03-04T12:00:00.000000+00:00"
        assert rows[0].kind == "confirmed"
        assert rows[0].facts == '{"amount":4500,"tool":"add_seats"}'
        assert verify(rows) == ()

    async def test_chains_are_apart(self, store: Store) -> None:
        await write(store, a_draft(), a_draft(chain="acc_2"), a_draft(chain=NO_ACCOUNT), a_draft())
        assert await do(store, lambda tx: list(tx.audit.chains())) == ["-", "acc_2", ACME]
        for chain, length in ((ACME, 2), ("acc_2", 1), ("-", 1)):
            rows = await do(store, lambda tx, chain=chain: tx.audit.entries(chain))
            assert len(rows) == length
            assert verify(rows) == ()

    async def test_a_page_at_a_time(self, store: Store) -> None:
        await write(store, *(a_draft(f"pro_{number}") for number in range(5)))
        rows = await do(store, lambda tx: tx.audit.entries(ACME, after=2, limit=2))
        assert [row.seq for row in rows] == [3, 4]
        assert list(await do(store, lambda tx: tx.audit.entries(ACME, after=5))) == []
        assert list(await do(store, lambda tx: tx.audit.entries("acc_none"))) == []

    async def test_a_transaction_sees_its_own_and_a_raise_leaves_nothing(
        self, store: Store
    ) -> None:
        def append_and_fail(tx: UnitOfWork) -> None:
            tx.audit.append(a_draft())
            assert [row.seq for row in tx.audit.entries(ACME)] == [1]
            raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            await store.run(append_and_fail)
        assert list(await do(store, lambda tx: tx.audit.chains())) == []
        await write(store, a_draft())
        assert verify(await do(store, lambda tx: tx.audit.entries(ACME))) == ()

    async def test_no_name_and_no_id_of_a_person_is_in_clear(self, store: Store) -> None:
        await write(store, a_draft(actor="slack:T1/U1"))
        (row,) = await do(store, lambda tx: tx.audit.entries(ACME))
        # Words that no salt or cipher text can hold by chance.
        for word in ("Ada Lovelace", "Lovelace", "slack:T1/U1"):
            assert word not in str(row)
        assert row.actor == row.person
        assert row.actor.startswith("p:") and len(row.actor) == 18
        reference = await do(store, lambda tx: tx.audit.reference("slack:T1/U1"))
        assert reference == row.actor

    async def test_what_is_personal_is_opened_until_the_key_is_destroyed(
        self, store: Store
    ) -> None:
        others = {"name": "Bob"}
        about_bob = a_draft(actor=OPERATOR, whose="person_bob", personal=others)
        await write(store, a_draft(), about_bob, a_draft(personal={}))
        rows = await do(store, lambda tx: tx.audit.entries(ACME))
        assert list(await do(store, lambda tx: tx.audit.opened(rows))) == [ADAS, others, {}]

        assert await do(store, lambda tx: tx.audit.destroy_key(tx.audit.reference(ADA)))
        assert not await do(store, lambda tx: tx.audit.destroy_key(tx.audit.reference(ADA)))
        rows = await do(store, lambda tx: tx.audit.entries(ACME))
        assert verify(rows) == ()
        assert list(await do(store, lambda tx: tx.audit.opened(rows))) == [None, others, {}]

    async def test_who_comes_back_after_an_erasure_begins_anew(self, store: Store) -> None:
        await write(store, a_draft())
        await do(store, lambda tx: tx.audit.destroy_key(tx.audit.reference(ADA)))
        await write(store, a_draft("pro_2"))
        rows = await do(store, lambda tx: tx.audit.entries(ACME))
        assert list(await do(store, lambda tx: tx.audit.opened(rows))) == [None, ADAS]

    async def test_many_appenders_leave_no_gap_and_no_fork(self, store: Store) -> None:
        async def several(number: int) -> None:
            first, second = (ACME, "acc_2") if number % 2 else ("acc_2", ACME)
            await write(
                store,
                a_draft(f"first_{number}", chain=first, actor=f"person_{number % 5}"),
                a_draft(f"second_{number}", chain=second, actor=f"person_{number % 5}"),
            )

        await asyncio.gather(*(several(number) for number in range(40)))
        for chain in (ACME, "acc_2"):
            rows = await do(store, lambda tx, chain=chain: tx.audit.entries(chain))
            assert [row.seq for row in rows] == list(range(1, 41))
            assert len({row.subject for row in rows}) == 40
            assert verify(rows) == ()
            opened = await do(store, lambda tx, rows=rows: tx.audit.opened(rows))
            assert list(opened) == [ADAS] * 40
