"""What happens in a conversation is in the audit log: each proposal and each effect, in order."""

import json

from agent_core.audit import AuditEntry
from agent_core.audit_check import verify
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome
from tests.core.test_sample_company import Company, olive
from tools.accounts.seed import NORTHWIND


async def trail(company: Company) -> list[AuditEntry]:
    """The account's rows, whole, with every proposal and effect among them."""

    def look(tx: UnitOfWork) -> list[AuditEntry]:
        rows = list(tx.audit.entries(NORTHWIND))
        assert verify(rows) == ()
        done = tx.ledger.of_account(NORTHWIND)
        for kind, keys in (
            ("intended", {entry.key for entry in done}),
            ("settled", {entry.key for entry in done if entry.outcome is not None}),
        ):
            assert {row.subject for row in rows if row.kind == kind} == keys
        for key in {entry.key for entry in done}:
            assert any(row.kind == "proposed" and row.subject == key for row in rows)
        return rows

    rows: list[AuditEntry] = await company.tx(look)
    return rows


async def test_an_action_is_noted_from_the_wish_to_its_outcome() -> None:
    company = await Company().open(olive())
    await company.say("Hi! Could you add 3 seats please?")
    await company.yes()
    rows = await trail(company)
    assert [row.kind for row in rows] == ["proposed", "confirmed", "intended", "settled"]
    assert len({row.subject for row in rows}) == 1
    proposed, confirmed, intended, settled = rows
    assert proposed.actor == confirmed.actor == intended.person
    assert intended.actor == settled.actor == "agent"
    facts = json.loads(proposed.facts)
    assert (facts["tool"], facts["confirmation"]) == ("add_seats", True)
    assert json.loads(settled.facts)["outcome"] == Outcome.SUCCEEDED.value
    assert not any("Olive" in str(row) for row in rows)
    assert not any("seats to" in str(row) for row in rows)

    def personal(tx: UnitOfWork) -> list[object]:
        return [part and part.get("name") for part in tx.audit.opened(rows[:2])]

    assert await company.tx(personal) == ["Olive Marsh"] * 2


async def test_what_was_asked_for_anew_is_noted_as_withdrawn_by_the_agent() -> None:
    company = await Company().open(olive())
    await company.say("add 4 seats")
    await company.say("make that 6")
    rows = await trail(company)
    assert sorted(row.kind for row in rows) == ["cancelled", "proposed", "proposed"]
    (cancelled,) = [row for row in rows if row.kind == "cancelled"]
    assert cancelled.actor == "agent"


async def test_a_refund_that_waits_for_an_approval_has_no_effect_in_the_log() -> None:
    company = await Company().open(olive())
    await company.say("please refund INV-1042 in full")
    await company.yes()
    rows = await trail(company)
    assert [row.kind for row in rows] == ["proposed", "confirmed"]
    facts = json.loads(rows[0].facts)
    assert facts["amount"] == {"minor": 24_000, "currency": "USD"}
    assert facts["approval"] is True
