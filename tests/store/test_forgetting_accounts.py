"""An account is forgotten, and what is about another one in the same conversation stays."""

import pytest

from agent_core.clock import SystemClock
from agent_core.conversation import Audience, ConversationId, Speaker
from agent_core.escalations import EscalationStatus
from agent_core.forget import Forgetting, InTheWay, account_to_forget
from agent_core.messages import Platform
from agent_core.people import AccountId
from agent_core.ports import UnitOfWork
from agent_core.proposals import ProposalStatus
from agent_core.store.memory_store import MemoryStore
from tests.builders import NOON, a_conversation, a_proposal, a_thread, an_entry, an_escalation
from tests.fakes.platform import MemoryPlatform
from tests.store.population import ANNA, BERT, RITA, Populating, Shape, Someone, dump

TALK = "con_staff"


def colleague_asks(tx: UnitOfWork, platform: MemoryPlatform, last: AccountId) -> None:
    """One of the vendor's own people about two accounts, in one conversation; `last` is meant."""
    populating = Populating(tx, platform, Shape(solo=0, shared=0))
    populating.both()
    con = ConversationId(TALK)
    tx.conversations.add(
        a_conversation(TALK, audience=Audience.PRIVATE, account_id=None, subject=last),
        a_thread(TALK),
    )
    for one in (ANNA, BERT):
        about_account(tx, con, one)


def about_account(tx: UnitOfWork, con: ConversationId, one: Someone) -> None:
    tx.transcript.append(
        an_entry(
            TALK, f"staff asks of {one.account}", speaker=Speaker.STAFF, name=RITA.name,
            identity=RITA.identities[0],
        )
    )  # fmt: skip
    done = a_proposal(
        f"pro_{one.account}", conversation_id=con, account_id=one.account, title=one.word,
        requester=RITA.identities[0], requester_key=RITA.id, requester_name=RITA.name,
        status=ProposalStatus.CONSUMED,
    )  # fmt: skip
    tx.proposals.add(done)
    case = an_escalation(
        f"case_{one.account}", tx.escalations.next_number(), conversation_id=con,
        account_id=one.account, asked=f"case of {one.word}", asked_by=RITA.name,
        asker=RITA.identities[0], status=EscalationStatus.RESOLVED, closed_at=NOON,
    )  # fmt: skip
    tx.escalations.add(case)


@pytest.mark.parametrize("last", [ANNA.account, BERT.account])
async def test_what_staff_asked_of_another_account_stays_whichever_came_last(
    last: AccountId,
) -> None:
    store, platform = MemoryStore(), MemoryPlatform(platform=Platform.SLACK)
    await store.run(lambda tx: colleague_asks(tx, platform, last))
    them = await store.run(lambda tx: account_to_forget(tx, ANNA.account))
    job = Forgetting(store, removers={Platform.SLACK: platform}, clock=SystemClock())
    receipt = await job.forget(them)
    assert receipt.left == []
    rows = dump(store)
    assert [row for row in rows if "hr_audit" not in row and ANNA.word in row] == []
    assert any(f"case of {BERT.word}" in row for row in rows)
    words = [row for row in rows if row.startswith("hr_transcript")]
    assert any(f"staff asks of {BERT.account}" in row for row in words)


async def test_an_open_case_of_an_account_in_a_conversation_about_several_is_waited_for() -> None:
    store, platform = MemoryStore(), MemoryPlatform(platform=Platform.SLACK)

    def ask(tx: UnitOfWork) -> None:
        colleague_asks(tx, platform, BERT.account)
        case = an_escalation(
            "case_open", 77, conversation_id=ConversationId(TALK), account_id=ANNA.account,
            asked_by=RITA.name, asker=RITA.identities[0],
        )  # fmt: skip
        tx.escalations.add(case)

    await store.run(ask)
    them = await store.run(lambda tx: account_to_forget(tx, ANNA.account))
    job = Forgetting(store, removers={Platform.SLACK: platform}, clock=SystemClock())
    with pytest.raises(InTheWay, match="Case 77 is open: resolve it first"):
        await job.forget(them)
