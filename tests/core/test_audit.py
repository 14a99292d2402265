"""The chain of the audit log: whatever one does to one row is found and named."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.audit import (
    GENESIS,
    NO_ACCOUNT,
    AuditDraft,
    AuditEntry,
    AuditKind,
    entry_hash,
    time_text,
)
from agent_core.audit_check import Fault, head_of, verify
from agent_core.audit_notes import (
    erase,
    note_case,
    note_effect,
    note_joined,
    note_person,
    note_proposal,
    person_keys,
)
from agent_core.people import AccountId, Capability, PersonId, Role
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, ProposalId
from agent_core.store.memory_store import MemoryStore
from tests.builders import (
    ACME,
    NOON,
    a_ledger_entry,
    a_person,
    a_proposal,
    a_requester,
    an_escalation,
    an_identity,
)


def a_row(seq: int = 1, previous: str = GENESIS, **changes: Any) -> AuditEntry:
    row = AuditEntry(
        chain=ACME,
        seq=seq,
        at=time_text(NOON),
        actor="agent",
        kind=AuditKind.PROPOSED.value,
        subject=f"pro_{seq}",
        person="p:0011223344556677",
        facts=f'{{"number":{seq}}}',
        sealed=f"c2VhbGVk{seq}",
        salt=f"{seq:032x}",
        previous=previous,
        hash="",
    )
    return hashed(replace(row, **changes))


def hashed(row: AuditEntry) -> AuditEntry:
    return replace(row, hash=entry_hash(row))


def a_chain(length: int) -> list[AuditEntry]:
    rows: list[AuditEntry] = []
    for seq in range(1, length + 1):
        rows.append(a_row(seq, rows[-1].hash if rows else GENESIS))
    return rows


def named(rows: list[AuditEntry], **given_: Any) -> dict[int, set[Fault]]:
    found: dict[int, set[Fault]] = {}
    for one in verify(rows, **given_):
        assert one.sentence and one.chain == ACME
        found.setdefault(one.seq, set()).add(one.fault)
    return found


lengths = st.integers(min_value=3, max_value=12)
texts = [field.name for field in fields(AuditEntry) if field.name != "seq"]


@given(length=st.integers(min_value=0, max_value=12))
def test_an_untouched_chain_is_whole(length: int) -> None:
    rows = a_chain(length)
    assert verify(rows) == ()
    assert verify(rows, head=head_of(rows)) == ()
    if length > 2:  # a head that was noted earlier is still there
        assert verify(rows, head=rows[1].hash) == ()


@given(st.data(), lengths, st.sampled_from(texts), st.text(min_size=1))
@settings(max_examples=300)
def test_a_changed_row_is_named(data: st.DataObject, length: int, field: str, text: str) -> None:
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 1))
    change: dict[str, Any] = {field: text}
    changed = replace(rows[place], **change)
    if changed == rows[place]:
        return
    rows[place] = changed
    assert named(rows, chain=ACME) == {place + 1: {Fault.CHANGED}}


@given(st.data(), lengths, st.integers(min_value=-5, max_value=10**6))
def test_a_renumbered_row_is_named(data: st.DataObject, length: int, seq: int) -> None:
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 1))
    if seq == place + 1:
        return
    rows[place] = replace(rows[place], seq=seq)
    found = named(sorted(rows, key=lambda row: row.seq))
    assert found[seq] & {Fault.MOVED, Fault.CHANGED, Fault.INSERTED}
    if place < length - 1:  # the newest row leaves no gap
        assert any(Fault.MISSING in faults for faults in found.values())


@given(st.data(), lengths)
def test_a_changed_row_with_a_hash_made_to_fit_is_named(data: st.DataObject, length: int) -> None:
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 2))
    rows[place] = hashed(replace(rows[place], facts='{"amount":1}'))
    assert named(rows) == {place + 1: {Fault.REPLACED}}


@given(st.data(), lengths)
def test_a_dropped_row_is_named(data: st.DataObject, length: int) -> None:
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 2))
    del rows[place]
    assert named(rows) == {place + 1: {Fault.MISSING}}


@given(st.data(), lengths)
def test_a_dropped_row_whose_gap_is_closed_is_named(data: st.DataObject, length: int) -> None:
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 2))
    kept = rows[:place] + [replace(row, seq=row.seq - 1) for row in rows[place + 1 :]]
    found = named(kept)
    assert set(found) == set(range(place + 1, length))
    assert all(faults == {Fault.MOVED} for faults in found.values())


@given(st.data(), lengths)
def test_two_rows_that_changed_their_numbers_are_named(data: st.DataObject, length: int) -> None:
    rows = a_chain(length)
    places = st.integers(min_value=0, max_value=length - 1)
    one, other = data.draw(st.lists(places, min_size=2, max_size=2, unique=True))
    rows[one], rows[other] = (
        replace(rows[other], seq=one + 1),
        replace(rows[one], seq=other + 1),
    )
    assert named(rows) == {one + 1: {Fault.MOVED}, other + 1: {Fault.MOVED}}


@given(st.data(), lengths)
def test_two_rows_that_changed_places_are_named(data: st.DataObject, length: int) -> None:
    """As in an exported file whose lines were swapped."""
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 2))
    rows[place], rows[place + 1] = rows[place + 1], rows[place]
    assert named(rows) == {place + 1: {Fault.MOVED}}


@given(st.data(), lengths, st.booleans())
def test_an_inserted_row_is_named(data: st.DataObject, length: int, linked: bool) -> None:
    """Put before a row, with everything after it pushed on by one."""
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 1))
    previous = rows[place].previous if linked else "f" * 64
    forged = a_row(place + 1, previous, subject="pro_forged")
    pushed = [replace(row, seq=row.seq + 1) for row in rows[place:]]
    found = named([*rows[:place], forged, *pushed])
    assert Fault.INSERTED in found[place + 1]
    assert set(range(place + 2, length + 2)) <= set(found)


@given(st.data(), lengths)
def test_a_second_row_with_the_same_number_is_named(data: st.DataObject, length: int) -> None:
    rows = a_chain(length)
    place = data.draw(st.integers(min_value=0, max_value=length - 1))
    rows.insert(place + 1, a_row(place + 1, rows[place].previous, subject="pro_forged"))
    assert Fault.INSERTED in named(rows)[place + 1]


@given(st.data(), lengths)
def test_newest_rows_that_were_cut_off_are_found_by_the_head(
    data: st.DataObject, length: int
) -> None:
    rows = a_chain(length)
    left = data.draw(st.integers(min_value=0, max_value=length - 1))
    assert verify(rows[:left]) == ()  # which is why the head is noted elsewhere
    assert named(rows[:left], chain=ACME, head=head_of(rows)) == {left: {Fault.CUT}}


def test_a_chain_made_anew_from_a_row_on_is_found_by_the_head() -> None:
    rows = a_chain(5)
    head = head_of(rows)
    forged = rows[:2]
    for seq in range(3, 6):
        forged.append(a_row(seq, forged[-1].hash, facts='{"amount":1}'))
    assert verify(forged) == ()
    assert named(forged, head=head) == {5: {Fault.CUT}}


def test_a_row_of_another_chain_is_named() -> None:
    rows = a_chain(3)
    rows.append(a_row(4, rows[-1].hash, chain="acc_2"))
    assert named(rows) == {4: {Fault.FOREIGN}}


@pytest.mark.parametrize("value", [None, 1.5, b"x", "two"])
def test_a_value_of_another_type_is_named(value: object) -> None:
    rows = a_chain(3)
    rows[1] = replace(rows[1], facts=value)  # type: ignore[arg-type]
    assert named(rows) == {2: {Fault.CHANGED}}


def test_the_construction_is_the_documented_one() -> None:
    """As in docs/adr/0004-audit-chain.md: chains that were written stay verifiable."""

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    zeros, salt = "0" * 64, "0" * 31 + "1"
    facts, sealed = sha(f'{salt}\n{{"number":1}}'), sha(f"{salt}\nc2VhbGVk1")
    covered = (
        f'["handrail-audit-1","{zeros}",1,"acc_acme","2026-03-04T12:00:00.000000+00:00","agent",'
        f'"proposed","pro_1","p:0011223344556677","{facts}","{sealed}"]'
    )
    assert a_row().hash == sha(covered)
    assert a_row().hash == "273923c989661d1d4cbe687a57eacd2944332827917357abaef560e8142c61a1"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        time_text(datetime(2026, 1, 1))  # noqa: DTZ001


# --- what is noted ----------------------------------------------------------------------------


async def noted(fn: Callable[[UnitOfWork], object], chain: str = ACME) -> list[Any]:
    """The rows that `fn` left, each with its personal part."""
    store = MemoryStore()
    await store.run(fn)

    def look(tx: UnitOfWork) -> list[Any]:
        rows = tx.audit.entries(chain)
        assert verify(rows) == ()
        return list(zip(rows, tx.audit.opened(rows), strict=True))

    return await store.run(look)


async def test_a_proposal_keeps_names_and_arguments_sealed() -> None:
    proposal = a_proposal(requester_name="Ada Lovelace", arguments={"email": "ada@acme.example"})
    ((row, personal),) = await noted(
        lambda tx: note_proposal(tx, proposal, AuditKind.PROPOSED, NOON)
    )
    assert (row.kind, row.subject, row.chain) == ("proposed", proposal.id, ACME)
    assert row.actor == row.person
    for word in ("Lovelace", "ada@", proposal.fingerprint, str(proposal.requester)):
        assert word not in str(row)
    assert personal["name"] == "Ada Lovelace"
    assert personal["arguments"] == {"email": "ada@acme.example"}


async def test_an_approval_is_its_approvers_and_an_expiry_the_agents() -> None:
    proposal, sam = a_proposal(), a_requester(a_person("per_sam", "Sam"))

    def work(tx: UnitOfWork) -> None:
        note_proposal(tx, proposal, AuditKind.APPROVED, NOON, who=sam)
        note_proposal(tx, proposal, AuditKind.EXPIRED, NOON)
        note_proposal(tx, proposal, AuditKind.CANCELLED, NOON, by_agent=True)
        note_effect(tx, a_ledger_entry(outcome=Outcome.SUCCEEDED), AuditKind.SETTLED, NOON)
        note_case(tx, an_escalation(account_id=ACME), AuditKind.CLAIMED, NOON, who=sam)

    rows = await noted(work)
    assert rows[0][1]["name"] == rows[4][1]["name"] == "Sam"
    assert rows[0][0].actor == rows[4][0].actor
    assert [row.actor for row, _ in rows[1:4]] == ["agent"] * 3
    assert '"outcome":"succeeded"' in rows[3][0].facts


async def test_an_effect_that_was_taken_back_is_noted_once_that_succeeded() -> None:
    def work(tx: UnitOfWork) -> None:
        for outcome in (Outcome.FAILED, Outcome.SUCCEEDED):
            entry = a_ledger_entry("pro_2", outcome=outcome)
            note_effect(tx, entry, AuditKind.SETTLED, NOON, undoes=ProposalId("pro_1"))

    rows = [row for row, _ in await noted(work)]
    assert [(row.kind, row.subject) for row in rows] == [
        ("settled", "pro_2"),
        ("settled", "pro_2"),
        ("undone", "pro_1"),
    ]


async def test_each_role_is_noted_in_its_account() -> None:
    other = AccountId("acc_2")
    before = a_person(roles={ACME: Role.MEMBER, other: Role.OWNER})
    after = replace(before, roles={ACME: Role.OWNER}, capabilities=frozenset({Capability.LEAD}))

    def work(tx: UnitOfWork) -> None:
        note_person(tx, before, after, NOON)
        note_person(tx, after, after, NOON)

    ((row, _),) = await noted(work)
    assert (row.kind, row.facts) == ("role_given", '{"before":"member","role":"owner"}')
    ((row, _),) = await noted(work, other)
    assert (row.kind, row.facts) == ("role_taken", '{"before":"owner","role":null}')
    ((row, _),) = await noted(work, NO_ACCOUNT)
    assert (row.kind, row.facts) == ("capability_given", '{"capability":"lead"}')


async def test_an_erased_person_is_erased_under_every_key() -> None:
    """As known, as unknown before that, and as the record that was joined to theirs."""
    ada = a_person(identities=(an_identity("U1"),))
    twin = replace(ada, id=PersonId("person_twin"), identities=(an_identity("U2"),))
    store = MemoryStore()
    personal = {"name": "Ada"}

    def work(tx: UnitOfWork) -> None:
        for actor in ("slack:T1/U1", str(ada.id), "person_twin", "slack:T1/U2", "person_bob"):
            draft = AuditDraft(
                chain=ACME, at=NOON, actor=actor, kind=AuditKind.CONFIRMED, subject="pro_1",
                personal=personal,
            )  # fmt: skip
            tx.audit.append(draft)
        note_joined(tx, ada, twin, NOON)
        assert erase(tx, person_keys(ada), NOON) == 4

    await store.run(work)

    def look(tx: UnitOfWork) -> None:
        rows = tx.audit.entries(ACME)
        assert verify(rows) == ()
        assert list(tx.audit.opened(rows)) == [None] * 4 + [personal]
        others = tx.audit.entries(NO_ACCOUNT)
        assert verify(others) == ()
        assert [row.kind for row in others] == ["people_joined"] + ["erased"] * 4

    await store.run(look)
