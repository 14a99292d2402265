"""`handrail audit`: a tampered database is told row by row, and an erased person is erased."""

import json
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_core.audit import AuditEntry
from bots.commands.audit_file import read_file, write_file
from tests.cli.conftest import Machine

OLIVE = "slack:T0NORTH/U0OLIVE"
ROOM = "slack:T0ACME/C0NORTH"


@pytest.fixture
def noted(ready: Machine) -> Machine:
    """Six rows of northwind: a room with its owner, and roles."""
    link = ("link", ROOM, "northwind", "--no-check", "--owner", OLIVE)
    for words in (
        link,
        link,  # changes nothing, and is not noted
        ("people", "set", OLIVE, "--name", "Olive Marsh"),
        *(
            ("people", "set", OLIVE, "--account", "northwind", "--role", role)
            for role in ("member", "owner", "none")
        ),
        ("unlink", ROOM),
        ("people", "set", OLIVE, "--can", "staff"),
    ):
        result = ready.run(*words)
        assert result.exit_code == 0, result.stderr
    return ready


def tamper(machine: Machine, *statements: str) -> None:
    """What somebody does who may write to the database."""
    with sqlite3.connect(machine.folder / "data" / "handrail.db") as database:
        database.execute("DROP TRIGGER IF EXISTS hr_audit_no_update")
        database.execute("DROP TRIGGER IF EXISTS hr_audit_no_delete")
        for statement in statements:
            database.execute(statement)
    database.close()


def head_of(machine: Machine) -> str:
    result = machine.run("audit", "verify", "--account", "northwind", "--json")
    (chain,) = json.loads(result.stdout)["chains"]
    return str(chain["head"])


def test_a_whole_log_is_said_to_be(noted: Machine) -> None:
    result = noted.run("audit", "verify")
    assert result.exit_code == 0, result.stderr
    first, second = result.stdout.splitlines()
    assert first.startswith("-: 1 entry, whole. Head: ")
    assert second == f"northwind: 6 entries, whole. Head: {head_of(noted)}"
    assert noted.run("audit", "verify", "--account", "northwind").exit_code == 0


def test_an_empty_log_is_whole(ready: Machine) -> None:
    result = ready.run("audit", "verify")
    assert (result.exit_code, result.stdout) == (0, "The audit log is empty.\n")


ACME = "chain = 'northwind' AND seq ="


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            (f"UPDATE hr_audit SET facts = replace(facts, 'member', 'owner') WHERE {ACME} 3",),
            ["row 3: changed"],
        ),
        ((f"DELETE FROM hr_audit WHERE {ACME} 2",), ["row 2: missing: it is gone"]),
        (
            (
                f"UPDATE hr_audit SET seq = 99 WHERE {ACME} 2",
                f"UPDATE hr_audit SET seq = 2 WHERE {ACME} 3",
                f"UPDATE hr_audit SET seq = 3 WHERE {ACME} 99",
            ),
            ["row 2: moved: it was written as row 3", "row 3: moved: it was written as row 2"],
        ),
        ((f"UPDATE hr_audit SET seq = 'x' WHERE {ACME} 2",), ["row 2: missing"]),
        ((f"UPDATE hr_audit SET facts = x'00' WHERE {ACME} 2",), ["row 2: changed"]),
        ((f"UPDATE hr_audit SET kind = 'made_up' WHERE {ACME} 5",), ["row 5: changed"]),
    ],
    ids=["changed", "dropped", "swapped", "no-number", "no-text", "kind"],
)
def test_a_tampered_row_is_named(
    noted: Machine, statements: tuple[str, ...], said: list[str]
) -> None:
    tamper(noted, *statements)
    result = noted.run("audit", "verify")
    assert result.exit_code == 1
    assert "-: 1 entry, whole." in result.stdout
    assert "northwind: 6 entries, not whole." in result.stderr or "DELETE" in statements[0]
    for each in said:
        assert f"- northwind, {each}" in result.stderr
    assert noted.run("audit", "show", "northwind").exit_code == 0


def test_rows_that_were_cut_off_are_found_by_the_head(noted: Machine) -> None:
    head = head_of(noted)
    verify = ("audit", "verify", "--account", "northwind", "--head", head)
    assert noted.run(*verify).exit_code == 0
    tamper(noted, f"DELETE FROM hr_audit WHERE {ACME} 6")
    assert noted.run("audit", "verify").exit_code == 0
    result = noted.run(*verify)
    assert result.exit_code == 1
    assert "row 5: cut: no row has the noted head" in result.stderr


def test_a_head_needs_its_account(noted: Machine) -> None:
    result = noted.run("audit", "verify", "--head", "0" * 64)
    assert result.exit_code == 2
    assert "give --account too" in result.stderr


def test_an_account_without_rows_is_told(noted: Machine) -> None:
    for words in (("show", "nobody"), ("verify", "--account", "nobody"), ("export", "nobody", "f")):
        result = noted.run("audit", *words)
        assert result.exit_code == 1
        assert "no row of 'nobody'. Known are: -, northwind." in result.stderr
    assert not (noted.folder / "f").exists()


def test_what_happened_is_shown_with_names(noted: Machine) -> None:
    lines = noted.run("audit", "show", "northwind").stdout.splitlines()
    assert [line.split("  ")[1:4] for line in lines] == [
        ["1", "room_linked", "operator"],
        ["2", "role_given", "operator"],
        ["3", "role_given", "operator"],
        ["4", "role_given", "operator"],
        ["5", "role_taken", "operator"],
        ["6", "room_unlinked", "operator"],
    ]
    assert "of Olive Marsh" in lines[2]
    assert "role=member" in lines[2]
    shown = json.loads(noted.run("audit", "show", "northwind", "--json").stdout)
    assert shown[2]["personal"] == {"name": "Olive Marsh", "identities": [OLIVE]}
    assert shown[2]["facts"] == {"role": "member", "before": "owner"}
    assert shown[2]["erased"] is False


def test_from_a_time_on(noted: Machine) -> None:
    rows = json.loads(noted.run("audit", "show", "northwind", "--json").stdout)
    later = noted.run("audit", "show", "northwind", "--json", "--since", rows[3]["at"])
    assert [row["seq"] for row in json.loads(later.stdout)] == [4, 5, 6]
    assert (
        "Nothing is noted"
        in noted.run("audit", "show", "northwind", "--since", "2999-01-01").stdout
    )
    result = noted.run("audit", "show", "northwind", "--since", "yesterday")
    assert result.exit_code == 2
    assert "is not a time" in result.stderr


def test_a_file_that_is_no_export_is_told_in_words(noted: Machine) -> None:
    file = noted.folder / "northwind.jsonl"
    for content, said in (
        (b"\xff\xfe\x00", "is not UTF-8 text: export it again."),
        (b"person,name\n", "line 1: this is not JSON."),
        (b"", "has no last line with the head: export it again."),
    ):
        file.write_bytes(content)
        result = noted.run("audit", "verify", "--file", str(file))
        assert result.exit_code == 2
        assert said in result.stderr


def test_an_export_holds_the_rows_and_the_head(noted: Machine) -> None:
    file = noted.folder / "northwind.jsonl"
    result = noted.run("audit", "export", "northwind", str(file))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith(f"Head: {head_of(noted)}\n")
    text = file.read_text(encoding="utf-8")
    assert "Olive" not in text
    *rows, last = map(json.loads, text.splitlines())
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert last == {"chain": "northwind", "entries": 6, "head": rows[-1]["hash"]}
    whole = noted.run("audit", "verify", "--file", str(file))
    assert (whole.exit_code, whole.stdout) == (
        0,
        f"northwind: 6 entries, whole. Head: {rows[-1]['hash']}\n",
    )
    again = noted.run("audit", "export", "northwind", str(file))
    assert again.exit_code == 1
    assert "exists" in again.stderr
    tamper(noted, f"DELETE FROM hr_audit WHERE {ACME} 2")
    spoilt = noted.run("audit", "export", "northwind", str(noted.folder / "other"))
    assert spoilt.exit_code == 1
    assert "row 2: missing" in spoilt.stderr
    assert not (noted.folder / "other").exists()


def test_an_export_keeps_every_kind_of_character(tmp_path: Path) -> None:
    row = AuditEntry(
        chain="northwind",
        seq=1,
        at="2026-03-02T12:00:00.000000Z",
        actor="operator",
        kind="room_linked",
        subject="a\u2028b\x85c\x0cd",
        person="",
        facts='{"name":"a\\nb\u2029c"}',
        sealed="",
        salt="00",
        previous="",
        hash="11",
    )
    file = tmp_path / "northwind.jsonl"
    write_file(file, "northwind", [row])
    assert read_file(file) == ("northwind", [row], "11")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda lines: [*lines[:1], *lines[2:]], 1, "row 2: missing"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 1, "row 2: moved"),
        (lambda lines: [*lines[:5], lines[6]], 1, "row 5: cut"),
        (
            lambda lines: [lines[0].replace("room_linked", "room_lost"), *lines[1:]],
            1,
            "row 1: changed",
        ),
        (lambda lines: lines[:6], 2, "no last line with the head"),
        (lambda lines: ["{}", *lines], 2, "line 1: this is no row"),
        (lambda lines: ["x", *lines], 2, "line 1: this is not JSON"),
    ],
    ids=["dropped", "swapped", "cut", "changed", "no-head", "no-row", "no-json"],
)
def test_an_export_that_was_changed_is_told(
    noted: Machine, spoil: Callable[[list[str]], list[str]], code: int, said: str
) -> None:
    file = noted.folder / "northwind.jsonl"
    assert noted.run("audit", "export", "northwind", str(file)).exit_code == 0
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(spoil(lines)) + "\n", encoding="utf-8")
    result = noted.run("audit", "verify", "--file", str(file))
    assert result.exit_code == code
    assert said in result.stderr


def test_an_erased_person_is_shown_as_erased_and_the_chain_is_whole(noted: Machine) -> None:
    result = noted.run("audit", "erase", OLIVE, "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"Erased: {OLIVE} (1 key destroyed).\n"
    assert noted.run("audit", "verify").exit_code == 0
    shown = noted.run("audit", "show", "northwind").stdout
    assert "Olive" not in shown
    assert shown.count("(personal part erased)") == 4
    assert [row["erased"] for row in json.loads(
        noted.run("audit", "show", "northwind", "--json").stdout
    )] == [False, True, True, True, True, False]  # fmt: skip
    assert "erased  operator  p:" in noted.run("audit", "show", "-").stdout
    assert "nothing personal" in noted.run("audit", "erase", OLIVE, "--yes").stdout


def test_erasing_is_asked_about(noted: Machine) -> None:
    assert noted.run("audit", "erase", OLIVE).exit_code == 1  # nobody says yes
    assert "Olive" in noted.run("audit", "show", "northwind").stdout


def test_people_who_were_joined_are_erased_together(noted: Machine) -> None:
    other = "teams:0ace/ab12"
    words = ("people", "set", other, "--account", "northwind", "--role", "member")
    assert noted.run(*words, "--name", "O. Marsh").exit_code == 0
    assert noted.run("people", "join", OLIVE, other).exit_code == 0
    assert "2 keys destroyed" in noted.run("audit", "erase", OLIVE, "--yes").stdout
    for account in ("northwind", "-"):
        assert "Marsh" not in noted.run("audit", "show", account).stdout
    assert noted.run("audit", "verify").exit_code == 0


def test_the_key_lies_in_the_data_folder_unless_it_is_set(noted: Machine) -> None:
    path = noted.folder / "data" / "audit.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    noted.set("HANDRAIL_AUDIT_KEY", "A" * 43 + "=")
    assert noted.run("audit", "verify").exit_code == 0  # needs no key
    shown = noted.run("audit", "show", "northwind")
    assert shown.exit_code == 0
    assert "another HANDRAIL_AUDIT_KEY" in shown.stdout
    refused = noted.run("people", "set", OLIVE, "--account", "northwind", "--role", "owner")
    assert refused.exit_code == 1
    assert "another HANDRAIL_AUDIT_KEY" in refused.stderr
    noted.set("HANDRAIL_AUDIT_KEY", "short")
    wrong = noted.run("audit", "verify")
    assert wrong.exit_code == 2
    assert "openssl rand -base64 32" in wrong.stderr
    noted.set("HANDRAIL_AUDIT_KEY", path.read_text().strip())
    assert "Olive Marsh" in noted.run("audit", "show", "northwind").stdout
