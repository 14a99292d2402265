"""`handrail people`: nothing is written where anything is wrong, and all mistakes are told."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Machine

OLIVE = "slack:T0NORTH/U0OLIVE"
HEADER = "person,name,account,role,can\n"


def listed(machine: Machine) -> dict[str, dict[str, object]]:
    result = machine.run("people", "list", "--json")
    assert result.exit_code == 0, result.stderr
    return {person["identities"][0]: person for person in json.loads(result.stdout)}


def csv_file(machine: Machine, text: str) -> str:
    path = machine.folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_role_is_given_changed_and_taken(ready: Machine) -> None:
    words = ("people", "set", OLIVE, "--account", "northwind", "--role")
    result = ready.run(*words, "owner", "--name", "Olive Marsh")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"Olive Marsh ({OLIVE}): owner of northwind\n"
    assert ready.run(*words, "member", "--json").exit_code == 0
    assert listed(ready)[OLIVE]["roles"] == {"northwind": "member"}
    assert ready.run(*words, "none").exit_code == 0
    assert listed(ready)[OLIVE]["roles"] == {}
    assert listed(ready)[OLIVE]["name"] == "Olive Marsh"


def test_capabilities_are_given_and_taken(ready: Machine) -> None:
    sam = "teams:0ACE/AB12"
    assert ready.run("people", "set", sam, "--can", "staff", "--can", "support").exit_code == 0
    assert listed(ready)[sam.lower()]["capabilities"] == ["staff", "support"]
    assert ready.run("people", "set", sam, "--cannot", "support").exit_code == 0
    assert listed(ready)[sam.lower()]["capabilities"] == ["staff"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Olive", "--can", "staff"), "is not of the form slack:TEAM/USER"),
        ((OLIVE,), "Nothing to set"),
        ((OLIVE, "--account", "northwind"), "--account and --role belong together"),
        ((OLIVE, "--can", "staff", "--cannot", "staff"), "both name staff"),
    ],
)
def test_a_wrong_command_line_is_refused(ready: Machine, words: list[str], said: str) -> None:
    result = ready.run("people", "set", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert listed(ready) == {}


def test_a_role_needs_an_account_that_exists(ready: Machine) -> None:
    result = ready.run("people", "set", OLIVE, "--account", "nortwind", "--role", "owner")
    assert result.exit_code == 1
    assert "There is no account 'nortwind'" in result.stderr
    assert "northwind (Northwind Traders)" in result.stderr
    assert listed(ready) == {}


def test_two_identities_are_joined(ready: Machine) -> None:
    teams = "teams:t/o"
    ready.run("people", "set", OLIVE, "--account", "northwind", "--role", "owner", "--name", "O")
    ready.run("people", "set", teams, "--can", "staff")
    result = ready.run("people", "join", OLIVE, teams)
    assert result.exit_code == 0, result.stderr
    (person,) = listed(ready).values()
    assert person["identities"] == [OLIVE, teams]
    assert person["roles"] == {"northwind": "owner"} and person["capabilities"] == ["staff"]
    again = ready.run("people", "join", OLIVE, teams)
    assert again.exit_code == 1 and "one person already" in again.stderr


def test_different_roles_are_not_joined_in_silence(ready: Machine) -> None:
    for person, role in ((OLIVE, "owner"), ("slack:T2/U2", "member")):
        ready.run("people", "set", person, "--account", "northwind", "--role", role)
    result = ready.run("people", "join", OLIVE, "slack:T2/U2")
    assert result.exit_code == 1 and "northwind (owner and member)" in result.stderr
    assert len(listed(ready)) == 2


def test_a_stranger_cannot_be_joined(ready: Machine) -> None:
    result = ready.run("people", "join", OLIVE, "slack:T2/U2")
    assert result.exit_code == 1 and f"Nobody is known as {OLIVE}" in result.stderr


def test_a_file_is_taken_whole_and_again_without_change(ready: Machine) -> None:
    rows = (
        f"{OLIVE},Olive Marsh,northwind,owner,\n"
        f"{OLIVE},,globex,member,\n"
        "slack:T0ACME/U0SAM,Sam Okafor,,,staff|approver\n\n"
    )
    path = csv_file(ready, HEADER + rows)
    trial = ready.run("people", "import", path, "--dry-run")
    assert trial.exit_code == 0, trial.stderr
    assert "2 new, 0 changed of 2 people. Nothing was written" in trial.stdout
    assert f"Olive Marsh ({OLIVE}): owner of northwind" not in listed(ready)
    assert listed(ready) == {}
    done = json.loads(ready.run("people", "import", path, "--json").stdout)
    assert [person["name"] for person in done["added"]] == ["Olive Marsh", "Sam Okafor"]
    assert listed(ready)[OLIVE]["roles"] == {"northwind": "owner", "globex": "member"}
    again = json.loads(ready.run("people", "import", path, "--json").stdout)
    assert again == {"dry_run": False, "added": [], "changed": [], "unchanged": 2}


def test_all_mistakes_of_a_file_come_at_once_and_nothing_is_written(ready: Machine) -> None:
    rows = (
        f"{OLIVE},Olive,northwind,owner,\n"
        "olive,,northwind,owner,\n"
        ",,northwind,owner,\n"
        f"{OLIVE},,northwind,member,\n"
        "slack:T/U,,northwind,boss,\n"
        "slack:T/U,,northwind,,\n"
        "slack:T/U,,,,king\n"
        "slack:T/U,,,,\n"
        "slack:T/U,a,b,c,d,e\n"
    )
    result = ready.run("people", "import", csv_file(ready, HEADER + rows))
    assert result.exit_code == 2
    for line, said in (
        (3, "person 'olive' is not of the form"),
        (4, "person is empty"),
        (5, f"{OLIVE} is owner of northwind in line 2"),
        (6, "role is 'boss': write owner, billing_admin, admin, member"),
        (7, "account and role belong together"),
        (8, "can is 'king': write staff, support, approver, lead"),
        (9, "gives nothing"),
        (10, "has more values than there are columns"),
    ):
        assert f"line {line}: {said}" in result.stderr
    assert len(result.stderr.splitlines()) == 9
    assert listed(ready) == {}


def test_accounts_of_a_file_have_to_exist(ready: Machine) -> None:
    path = csv_file(ready, f"{HEADER}{OLIVE},,northwind,owner,\nslack:T/U,,initech,member,\n")
    result = ready.run("people", "import", path, "--dry-run")
    assert result.exit_code == 2
    assert "line 3: There is no account 'initech'" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: write a first line with the columns"),
        ("name,account\nA,b\n", "line 1: write a first line"),
        ("person,email\nslack:T/U,x\n", "line 1: email: write a first line"),
        (HEADER, "names nobody"),
    ],
)
def test_a_file_of_another_form_is_refused(machine: Machine, text: str, said: str) -> None:
    result = machine.run("people", "import", csv_file(machine, text))
    assert result.exit_code == 2
    assert said in result.stderr


def test_semicolons_and_a_byte_order_mark_are_read(ready: Machine) -> None:
    path = Path(csv_file(ready, ""))
    path.write_text("person;account;role\r\nslack:T/U;globex;admin\r\n", encoding="utf-8-sig")
    assert ready.run("people", "import", str(path)).exit_code == 0
    assert listed(ready)["slack:T/U"]["roles"] == {"globex": "admin"}


def test_an_absent_or_binary_file_is_told_in_words(machine: Machine) -> None:
    absent = machine.run("people", "import", "absent.csv")
    assert absent.exit_code == 2 and "absent.csv cannot be read" in absent.stderr
    path = machine.folder / "binary.csv"
    path.write_bytes(b"\xff\xfe\x00")
    binary = machine.run("people", "import", str(path))
    assert binary.exit_code == 2 and "not UTF-8" in binary.stderr


def test_a_database_that_is_not_there_is_told_and_not_made(machine: Machine) -> None:
    result = machine.run("people", "list")
    assert result.exit_code == 1
    assert "run: handrail migrate" in result.stderr
    assert not (machine.folder / "data").exists()
