"""`handrail forget`: erases, says what it could not reach, and refuses what is not over."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_proposal
from agent_core.conversation import Speaker
from agent_core.escalations import EscalationStatus
from agent_core.journal import InboxKind
from agent_core.messages import Participant, Platform
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, ProposalStatus
from agent_core.store.audit_seal import KEY_FILE, AesSeal, key_of_file
from agent_core.store.sql_store import SqlStore
from tests.builders import NOON, a_ledger_entry, a_proposal, an_entry, an_escalation
from tests.cli.conftest import Machine
from tests.fakes.platform import MemoryPlatform
from tests.store.population import ANNA, BERT, RITA, Shape, populate

PERSON = str(ANNA.identity)
CON = f"con_{ANNA.account}_0"


def opened(machine: Machine) -> SqlStore:
    """The store as the command opens it."""
    data = machine.folder / "data"
    return SqlStore(f"sqlite:///{data / 'handrail.db'}", seal=AesSeal(key_of_file(data / KEY_FILE)))


def in_store(machine: Machine, work: Callable[[UnitOfWork], object]) -> None:
    async def run() -> None:
        store = opened(machine)
        await store.run(work)
        await store.close()

    asyncio.run(run())


@pytest.fixture
def full(ready: Machine) -> Machine:
    """Everything there can be of two people; the support person's tools are not needed."""

    async def fill() -> None:
        store = opened(ready)
        await populate(store, MemoryPlatform(platform=Platform.SLACK), Shape())
        await store.close()

    asyncio.run(fill())
    return ready


def bytes_of(machine: Machine) -> bytes:
    return b"".join(path.read_bytes() for path in (machine.folder / "data").glob("handrail.db*"))


def test_a_dry_run_counts_and_erases_nothing(full: Machine) -> None:
    before = full.run("audit", "verify").stdout
    result = full.run("forget", PERSON, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    receipt = json.loads(result.stdout)
    assert receipt["dry_run"] and receipt["erased"]["hr_transcript"] > 0
    assert receipt["posts"]["deleted"] > 0
    told = full.run("forget", PERSON, "--dry-run").stdout
    assert f"{receipt['posts']['deleted']} to be deleted" in told
    assert full.run("audit", "verify").stdout == before
    assert ANNA.word.encode() in bytes_of(full)


def test_a_person_is_forgotten_and_the_receipt_says_what_is_left(full: Machine) -> None:
    result = full.run("forget", PERSON, "--yes")
    assert result.exit_code == 0, result.stderr
    # No platform is set up on this machine: the posts are named, to be deleted by hand.
    assert "- still there, delete it by hand: slack:T1/C1!p-reply:turn" in result.stdout
    assert "backups and replicas of the database. Ask: whoever keeps them." in result.stdout
    assert ANNA.word.encode() not in bytes_of(full)
    assert BERT.word.encode() in bytes_of(full)
    assert full.run("audit", "verify").exit_code == 0
    shown = json.loads(full.run("audit", "show", "-", "--json").stdout)
    (told,) = [row for row in shown if row["kind"] == "forgotten"]
    assert told["facts"]["erased"]["hr_people"] == 1
    again = full.run("forget", PERSON, "--yes")
    assert again.exit_code == 0 and "Erased: nothing." in again.stdout


def test_an_account_is_forgotten_by_its_id(full: Machine) -> None:
    result = full.run("forget", str(ANNA.account), "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["subject"] == "account"
    rows = json.loads(full.run("audit", "show", str(ANNA.account), "--json").stdout)
    assert rows[-1]["kind"] == "forgotten"
    assert full.run("audit", "verify").exit_code == 0


def test_what_staff_did_for_an_account_stays_readable_and_the_receipt_says_so(
    full: Machine,
) -> None:
    def by_staff(tx: UnitOfWork) -> None:
        wish = a_proposal(
            "by_staff", account_id=ANNA.account, arguments={"email": ANNA.word},
            requester=RITA.identities[0], requester_key=str(RITA.id), requester_name=RITA.name,
        )  # fmt: skip
        note_proposal(tx, wish, AuditKind.PROPOSED, NOON)

    in_store(full, by_staff)
    result = full.run("forget", str(ANNA.account), "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    shown = full.run("audit", "show", str(ANNA.account), "--json").stdout
    assert ANNA.word in shown  # it lies under the key of one who is not forgotten
    told = [one["what"] for one in json.loads(result.stdout)["unreached"]]
    assert "what the audit log says of requests by people of other accounts and your own" in told
    assert full.run("audit", "erase", str(RITA.id), "--yes").exit_code == 0
    assert ANNA.word not in full.run("audit", "show", str(ANNA.account), "--json").stdout


def test_their_name_in_what_others_were_told_stays_and_the_receipt_says_so(full: Machine) -> None:
    told = f"Approved by {ANNA.person.name}."
    con = f"con_{BERT.account}_0"
    entry = an_entry(con, told, speaker=Speaker.CODE, name="Handrail", identity=None)
    in_store(full, lambda tx: tx.transcript.append(entry))
    result = full.run("forget", PERSON, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert told.encode() in bytes_of(full)  # what BERT was told is BERT's
    unreached = [one["what"] for one in json.loads(result.stdout)["unreached"]]
    assert (
        "their name in what others were told: who approved, gave access or took over" in unreached
    )


def test_nobody_of_that_name_is_said_to_be(full: Machine) -> None:
    result = full.run("forget", "nobody", "--yes")
    assert result.exit_code == 1
    assert "no person and no account has that id" in result.stderr


def test_it_asks_and_a_no_erases_nothing(full: Machine) -> None:
    result = full.run("forget", PERSON)
    assert result.exit_code == 1 and "Would erase: " in result.stdout
    assert ANNA.word.encode() in bytes_of(full)


def open_case(tx: UnitOfWork) -> None:
    number = tx.escalations.next_number()
    tx.escalations.add(an_escalation("open", number, conversation_id=CON))


def open_action(tx: UnitOfWork) -> None:
    tx.proposals.add(a_proposal("open", conversation_id=CON, requester=ANNA.identity))


def new_message(tx: UnitOfWork) -> None:
    who = Participant(identity=ANNA.identity, name=ANNA.person.name)
    tx.inbox.add(CON, InboxKind.MESSAGE, author=who, author_key=ANNA.requester.key, at=NOON)  # type: ignore[arg-type]


def doubt(tx: UnitOfWork) -> None:
    changes = {"conversation_id": CON, "account_id": ANNA.account, "requester": ANNA.identity}
    tx.proposals.add(a_proposal("doubt", status=ProposalStatus.CONSUMED, **changes))
    tx.ledger.intend(a_ledger_entry("doubt", **changes))
    unknown = {"outcome": Outcome.UNKNOWN, "settled_at": NOON}
    tx.ledger.settle(a_ledger_entry("doubt", **changes, **unknown))


@pytest.mark.parametrize("who", [PERSON, str(ANNA.account)])
@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (open_case, "is open: resolve it first"),
        (open_action, "an action waits for a yes: decide it, or wait until it expires"),
        (new_message, "the agent is at work in it: wait a minute"),
        (doubt, "the outcome of add_seats (doubt) is not known: find out first"),
    ],
)
def test_what_is_not_over_is_in_the_way(
    full: Machine, leave: Callable[[UnitOfWork], None], said: str, who: str
) -> None:
    in_store(full, leave)
    for words in (("--yes",), ("--dry-run",)):
        result = full.run("forget", who, *words)
        assert result.exit_code == 1
        assert result.stderr.startswith("Nothing was erased. First:\n- ")
        assert said in result.stderr
    if leave is not doubt:  # only an effect in doubt can be left behind
        assert full.run("forget", who, "--yes", "--force").exit_code == 1
    assert ANNA.word.encode() in bytes_of(full)


def test_money_in_doubt_stays_findable_by_force(full: Machine) -> None:
    in_store(full, doubt)
    result = full.run("forget", PERSON, "--yes", "--force")
    assert "the effect doubt is in doubt and was kept as it is" in result.stdout

    def look(tx: UnitOfWork) -> None:
        entry, proposal = tx.ledger.get("doubt"), tx.proposals.get("doubt")  # type: ignore[arg-type]
        assert entry is not None and entry.requester == ANNA.identity and entry.arguments
        assert proposal is not None and proposal.requester == ANNA.identity
        done = [one for one in tx.ledger.of_account(ANNA.account) if one.key != "doubt"]
        assert all(one.requester.tenant_id == "erased" and one.amount for one in done)

    in_store(full, look)


def test_who_is_named_in_the_configuration_would_come_back(full: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "agent.yaml").write_text(
        "company: A\nagent: B\ninstructions: C\n"
        f"people:\n- {{name: Anna, can: [staff], ids: ['{PERSON}']}}\n"
    )
    full.set("HANDRAIL_CONFIG", str(folder))
    result = full.run("forget", PERSON, "--yes")
    assert result.exit_code == 1 and "take them out there" in result.stderr


def test_a_closed_case_of_theirs_keeps_its_number(full: Machine) -> None:
    full.run("forget", PERSON, "--yes")

    def look(tx: UnitOfWork) -> None:
        case = tx.escalations.get("case0")  # type: ignore[arg-type]
        assert case is None or (case.asked, case.status) == ("", EscalationStatus.RESOLVED)

    in_store(full, look)
