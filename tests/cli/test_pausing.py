"""`handrail pause`: what it refuses, and what it sets."""

import json

from tests.cli.conftest import Machine


def test_an_account_is_paused_and_let_go(ready: Machine) -> None:
    result = ready.run("pause", "account", "globex", "--why", "odd bills")
    assert result.exit_code == 0, result.stderr
    (set_,) = json.loads(ready.run("pauses", "--json").stdout)
    assert (set_["scope"], set_["target"], set_["reason"]) == ("account", "globex", "odd bills")
    assert ready.run("resume", "account", "globex").exit_code == 0
    assert json.loads(ready.run("pauses", "--json").stdout) == []


def test_an_account_that_does_not_exist_is_told_and_nothing_is_paused(ready: Machine) -> None:
    result = ready.run("pause", "account", "glowbex")
    assert result.exit_code == 1
    assert "There is no account 'glowbex'" in result.stderr
    assert json.loads(ready.run("pauses", "--json").stdout) == []


def test_an_action_that_does_not_exist_is_told_and_nothing_is_paused(ready: Machine) -> None:
    for name, hint in (
        ("refund_invoise", "Do you mean refund_invoice"),
        ("list_invoices", "refund_invoice"),  # a read: it changes nothing
    ):
        result = ready.run("pause", "tool", name)
        assert result.exit_code == 1
        assert f"There is no action '{name}', so nothing was paused." in result.stderr
        assert hint in result.stderr
    assert json.loads(ready.run("pauses", "--json").stdout) == []
    for name in ("refund_invoice", "undo_add_seats"):
        assert ready.run("pause", "tool", name).exit_code == 0
    assert ready.run("resume", "tool", "refund_invoise").exit_code == 0
