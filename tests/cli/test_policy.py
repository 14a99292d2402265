"""`handrail policy`: what would happen and which rule decides; a file's mistakes by line."""

import json
from typing import Any

import pytest

from bots import bootstrap
from tests.cli.conftest import Machine
from tests.rules.test_yaml_policy import EXAMPLE

OLIVE = "slack:T0NORTH/U0OLIVE"
ROOM = "slack:T0ACME/C0NORTH"
POLICY = """tools:
  add_seats:
    roles: [owner]
    approve:
      - {above: "1.00 USD", by: [approver, lead], people: 2}
    refuse:
      - when: account.plan == 'starter' && arguments.seats > 3
        reason: Not on this plan.
limits:
  - {tools: [add_seats], per: account, per_day: 2, money: "5,000.00 USD", over: escalate}
"""
AGENT = """company: Acme
agent: Acme Assistant
instructions: Help.
"""


@pytest.fixture
def told(ready: Machine) -> Machine:
    """With a configuration folder, and a room whose owner is Olive."""
    folder = ready.folder / "config"
    folder.mkdir()
    (folder / "agent.yaml").write_text(AGENT, encoding="utf-8")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    ready.set("HANDRAIL_CONFIG", str(folder))
    linked = ready.run("link", ROOM, "northwind", "--owner", OLIVE, "--no-check")
    assert linked.exit_code == 0, linked.stderr
    return ready


def explain(machine: Machine, *words: str, tool: str = "add_seats", seats: int = 1) -> Any:
    arguments = json.dumps({"seats": seats}) if tool == "add_seats" else "{}"
    spoken = ("--as", OLIVE, "--in", ROOM, "--tool", tool, "--args", arguments, "--json")
    result = machine.run("policy", "explain", *spoken, *words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_explain_names_the_decision_its_rule_and_what_is_left(told: Machine) -> None:
    found = explain(told)
    assert (found["decision"], found["confirm"]) == ("approve", True)
    assert found["approval"] == {"by": ["approver", "lead"], "people": 2}
    assert found["where"] == "policy.yaml:5"
    assert found["rule"].startswith("tools.add_seats.approve.0 ")
    (limit,) = found["limits"]
    assert (limit["count"], limit["used_count"], limit["where"]) == (2, 0, "policy.yaml:10")
    spoken = told.run(
        "policy", "explain", "--as", OLIVE, "--in", ROOM, "--tool", "add_seats",
        "--args", '{"seats": 1}',
    ).stdout  # fmt: skip
    assert "2 different people" in spoken and "policy.yaml:5" in spoken and "0 used" in spoken


def test_explain_changes_with_the_file(told: Machine) -> None:
    path = told.folder / "config" / "policy.yaml"
    before = explain(told)
    path.write_text(POLICY.replace('"1.00 USD"', '"900,000.00 USD"'), encoding="utf-8")
    after = explain(told)
    assert (before["decision"], after["decision"]) == ("approve", "confirm")
    assert before["version"] != after["version"]
    other = told.folder / "other.yaml"
    other.write_text("tools: {add_seats: {roles: []}}", encoding="utf-8")
    refused = explain(told, "--policy", str(other))
    assert (refused["decision"], refused["where"]) == ("refuse", "other.yaml:1")


def test_explain_tells_those_without_rights_too(told: Machine) -> None:
    stranger = ("--as", "slack:T0NORTH/U0NOBODY", "--in", ROOM, "--tool", "look_up_account")
    result = told.run("policy", "explain", *stranger, "--json")
    found = json.loads(result.stdout)
    assert found["decision"] == "refuse" and "no role" in found["reason"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--as", "olive", "--in", ROOM, "--tool", "add_seats"), "--as"),
        (("--as", OLIVE, "--in", "slack:T0ACME/C9", "--tool", "add_seats"), "is not linked"),
        (("--as", OLIVE, "--in", ROOM, "--tool", "fly"), "There is no tool 'fly'"),
        (("--as", OLIVE, "--in", ROOM, "--tool", "add_seats", "--args", "[1]"), "--args"),
        (("--as", OLIVE, "--in", ROOM, "--tool", "add_seats", "--args", '{"n": 1}'), "seats"),
        (("--as", OLIVE, "--in", ROOM, "--tool", "look_up_account", "--account", "globex"),
         "is about northwind"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_said(told: Machine, words: tuple[str, ...], part: str) -> None:
    result = told.run("policy", "explain", *words)
    assert result.exit_code in (1, 2) and part in result.stderr


def test_check_tells_every_mistake_by_line(told: Machine) -> None:
    assert told.run("policy", "check").exit_code == 0
    path = told.folder / "config" / "policy.yaml"
    path.write_text(POLICY.replace("owner", "king") + "\nother: 1\n", encoding="utf-8")
    result = told.run("policy", "check")
    assert result.exit_code == 2
    assert "line 3: tools.add_seats.roles.0" in result.stderr and "line 12: other" in result.stderr
    assert told.run("policy", "check", "nowhere.yaml").exit_code == 2


def test_a_currency_that_a_limit_does_not_name_is_told_and_the_policy_stays_valid(
    told: Machine,
) -> None:
    file = told.folder / "config" / "policy.yaml"
    checked = told.run("policy", "check")
    assert checked.exit_code == 0 and "No mistakes." in checked.stdout
    assert f"{file}, line 10: limits.0.money: names no EUR and no JPY" in checked.stdout
    found = json.loads(told.run("doctor", "--json").stdout)["findings"]
    notes = [one for one in found if one["name"] == "policy.yaml" and one["status"] == "note"]
    assert [one["message"] for one in notes] == [
        line.removeprefix("Mind: ") for line in checked.stdout.splitlines()[1:]
    ]
    assert not any(one["status"] == "wrong" for one in found if one["name"] == "policy.yaml")
    # A currency that only an approval names counts too; one without money is no money limit.
    file.write_text(
        POLICY.replace('"1.00 USD"', '["1.00 USD", "1.00 CHF"]').replace(
            '"5,000.00 USD"', '["5,000.00 USD", "5,000.00 EUR", "900,000 JPY"]'
        )
        + "  - {tools: [remove_seats], per: person, per_day: 2}\n",
        encoding="utf-8",
    )
    checked = told.run("policy", "check")
    assert checked.stdout.splitlines()[1:] == [
        f"Mind: {file}, line 10: limits.0.money: names no CHF, so such amounts are not "
        "limited by this. Name a limit for each currency that you deal in."
    ]


def test_the_sample_policy_limits_every_currency() -> None:
    assert bootstrap.policy_gaps(EXAMPLE) == ()
