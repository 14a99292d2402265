"""The commands from outside: what they print, where, and with which exit code."""

import json
import os
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from bots.configuration import load_configuration
from tests.cli.conftest import Machine


def handrail(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with these variables alone."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    if "PYTHONPATH" in os.environ:
        environ["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return subprocess.run(
        [sys.executable, "-m", "bots.cli", *words],
        cwd=folder,
        env={**environ, "PYTHONPATH": os.pathsep.join(filter(None, _paths(environ)))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _paths(environ: dict[str, str]) -> tuple[str, ...]:
    return (str(Path(__file__).parents[2]), environ.get("PYTHONPATH", ""))


def test_serve_lists_the_mistakes_of_settings_and_files_at_once(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "agent.yaml").write_text("company: A\nagent: B\ninstructons: C\n")
    (config / "policy.yaml").write_text("tools:\n  make_coffee:\n    roles: [owner]\n")
    done = handrail(
        tmp_path,
        "serve",
        "--host",
        "0.0.0.0",
        HANDRAIL_CONFIG=str(config),
        HANDRAIL_DATABASE_URL="mysql://u:s3cret@h/d",
        SLACK_BOT_TOKEN="xapp-s3cret",
        HANDRAIL_SUPPORT_ROOM="support",
        TEAMS_AUTH="off",
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr and "s3cret" not in done.stderr
    for said in (
        "HANDRAIL_DATABASE_URL names mysql",
        "SLACK_BOT_TOKEN holds an app-level token",
        "SLACK_SIGNING_SECRET is missing",
        "HANDRAIL_SUPPORT_ROOM is wrong",
        "TEAMS_AUTH=off is accepted only on a loopback address",
        "agent.yaml, line 1: instructions is missing",
        "agent.yaml, line 3: instructons is not known here",
        "make_coffee",
    ):
        assert said in done.stderr
    assert not (tmp_path / ".local").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "999.1.1.1"])
def test_an_address_that_cannot_be_had_is_told_in_words(host: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = handrail(
            tmp_path,
            "serve",
            "--host",
            host,
            "--port",
            port,
            SLACK_BOT_TOKEN="xoxb-1",
            SLACK_SIGNING_SECRET="1",
            HANDRAIL_SUPPORT_ROOM="slack:T1/C1",
            OPENAI_BASE_URL="http://127.0.0.1:1/v1",
            OPENAI_MODEL="tiny",
        )
    assert done.returncode == 1
    assert f"Cannot listen on {host}, port {port}" in done.stderr
    assert "Choose another with --port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("migrate",), ("people", "list"), ("rooms",)])
def test_every_command_refuses_wrong_settings(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = handrail(tmp_path, *words, HANDRAIL_LOG="loud", OPENAI_BASE_URL="localhost")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3


def test_a_database_that_cannot_be_reached_is_told_in_words(tmp_path: Path) -> None:
    url = "postgresql://u:s3cret@127.0.0.1:1/x"
    for words in (("migrate",), ("people", "list")):
        done = handrail(tmp_path, *words, HANDRAIL_DATABASE_URL=url)
        assert done.returncode in (1, 2)
        assert "cannot be " in done.stderr and "Connection refused" in done.stderr
        assert "Traceback" not in done.stderr and "s3cret" not in done.stderr


def test_the_version(machine: Machine) -> None:
    result = machine.run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("handrail ")


def test_migrate_makes_the_database_and_may_be_repeated(machine: Machine) -> None:
    for _ in range(2):
        result = machine.run("migrate")
        assert result.exit_code == 0, result.stderr
    assert (machine.folder / "data/handrail.db").is_file()


def test_init_writes_a_folder_that_can_be_used_and_overwrites_nothing(machine: Machine) -> None:
    result = machine.run("init", "mine")
    assert result.exit_code == 0, result.stderr
    folder = machine.folder / "mine"
    configuration = load_configuration(folder)
    assert configuration.company == "Example Company" and configuration.policy_path is not None
    before = (folder / "agent.yaml").read_text()
    (folder / "policy.yaml").unlink()
    again = machine.run("init", "mine")
    assert again.exit_code == 1
    assert "mine/agent.yaml" in again.stderr
    assert (folder / "agent.yaml").read_text() == before
    assert not (folder / "policy.yaml").exists()


def test_every_line_that_init_comments_out_can_be_used(machine: Machine) -> None:
    """What stands behind a # with a value is an example: with the # taken away it fits."""
    machine.run("init", "mine")
    path = machine.folder / "mine/agent.yaml"
    lines = path.read_text().splitlines()
    examples = [line[1:].removeprefix(" ") if _is_example(line) else line for line in lines]
    path.write_text("\n".join(examples))
    configuration = load_configuration(path.parent)
    assert configuration.support_hours and configuration.tenants
    assert [person.name for person in configuration.people] == ["Rita Example"]
    # The limits that are shown are the defaults.
    assert configuration.limits == type(configuration.limits)()


def _is_example(line: str) -> bool:
    text = line.removeprefix("#").strip()
    starts = ("support_hours:", "tenants:", "slack:", "teams:", "limits:", "- name:", "can: [")
    names = ("ids:", "- slack:", "- teams:", "model_", "tool_", "turn_", "tokens:", "output_")
    others = ("confirmation_minutes:", "approval_")
    return line.startswith("#") and text.startswith((*starts, *names, *others))


def test_an_account_is_shown_with_all_that_belongs_to_it(ready: Machine) -> None:
    shown = json.loads(ready.run("accounts", "show", "northwind", "--json").stdout)
    assert (shown["id"], shown["plan"], shown["seats"]) == ("northwind", "team", 12)
    assert date.fromisoformat(shown["period_start"]) < date.fromisoformat(shown["period_end"])
    assert shown["members"][0]["name"] == "Milo Novak" and shown["invoices"] == []
    words = ready.run("accounts", "show", "northwind").stdout
    assert "Northwind Traders (northwind)" in words and "12 at $20.00 each" in words


def test_an_absent_account_names_those_that_are_there(ready: Machine) -> None:
    result = ready.run("accounts", "show", "nobody", "--json")
    assert result.exit_code == 1 and result.stdout == ""
    assert "globex (Globex), northwind (Northwind Traders)" in result.stderr


def test_manifests_name_the_address(machine: Machine) -> None:
    slack = machine.run("manifest", "slack", "--url", "https://h.example")
    made = yaml.safe_load(slack.stdout)
    address = made["settings"]["event_subscriptions"]["request_url"]
    assert address == "https://h.example/slack/events"
    socket = yaml.safe_load(machine.run("manifest", "slack").stdout)
    assert socket["settings"]["socket_mode_enabled"] is True
    teams = machine.run("manifest", "teams", "--url", "https://h.example", "--app-id", "a-1")
    assert json.loads(teams.stdout)["bots"][0]["botId"] == "a-1"


def test_manifests_need_https_and_an_app(machine: Machine) -> None:
    for words in (
        ("slack", "--url", "http://h.example"),
        ("teams", "--url", "h.example", "--app-id", "a"),
        ("teams", "--url", "https://h.example"),
    ):
        assert machine.run("manifest", *words).exit_code == 2
