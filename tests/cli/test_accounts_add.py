"""`handrail accounts add`: an account without the demo."""

import json

import pytest

from tests.cli.conftest import Machine


def test_an_account_is_made_once(ready: Machine) -> None:
    words = ("accounts", "add", "initech", "--name", "Initech", "--plan", "team", "--seats", "7")
    made = ready.run(*words, "--billing-email", "pay@initech.example")
    assert made.exit_code == 0, made.output
    assert "handrail people set PERSON --account initech --role owner" in made.stdout
    shown = json.loads(ready.run("accounts", "show", "initech", "--json").stdout)
    assert (shown["name"], shown["plan"], shown["seats"]) == ("Initech", "team", 7)
    assert shown["billing_email"] == "pay@initech.example" and shown["invoices"] == []
    again = ready.run(*words)
    assert again.exit_code == 1 and "already, and nothing was changed" in again.stderr
    owner = ("people", "set", "slack:T0NORTH/U1", "--account", "initech", "--role", "owner")
    assert ready.run(*owner).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Initech!", "--name", "Initech"), "begin with a letter or digit"),
        (("initech", "--name", " "), "--name is empty"),
        (("initech", "--name", "I", "--plan", "business", "--seats", "2"), "has 5 to 500 seats"),
        (("initech", "--name", "I", "--currency", "XYZ"), "sold in EUR, JPY, USD"),
        (("initech", "--name", "I", "--billing-email", "nowhere"), "no e-mail address"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    ready: Machine, words: tuple[str, ...], said: str
) -> None:
    result = ready.run("accounts", "add", *words)
    assert result.exit_code == 2 and said in result.stderr
    assert ready.run("accounts", "show", "initech").exit_code == 1
