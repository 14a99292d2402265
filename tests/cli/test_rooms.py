"""`handrail link`: what a room is, checked with Slack where a token is set."""

import json

import pytest

from playground import people as sample
from playground.slack_api.app import running
from playground.slack_api.world import SlackWorld
from tests.cli.conftest import Machine

NORTHWIND = f"slack:{sample.VENDOR_TEAM.team_id}/{sample.NORTHWIND_ROOM.channel_id}"
SUPPORT = f"slack:{sample.VENDOR_TEAM.team_id}/{sample.SUPPORT_ROOM.channel_id}"
OLIVE = "slack:T0NORTH/U0OLIVE"


def linked(machine: Machine) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(machine.run("rooms", "--json").stdout)
    return found


def test_a_room_is_linked_with_its_owner_and_unlinked(ready: Machine) -> None:
    result = ready.run("link", NORTHWIND, "northwind", "--mode", "always", "--owner", OLIVE)
    assert result.exit_code == 0, result.stderr
    assert linked(ready) == [
        {
            "room": NORTHWIND,
            "name": "",
            "account": "northwind",
            "audience": "shared",
            "mode": "always",
            "support": False,
        }
    ]
    (owner,) = json.loads(ready.run("people", "list", "--json").stdout)
    assert owner["roles"] == {"northwind": "owner"} and owner["identities"] == [OLIVE]
    assert ready.run("unlink", NORTHWIND).exit_code == 0
    assert linked(ready) == []
    assert ready.run("unlink", NORTHWIND).exit_code == 1


def test_a_room_does_not_change_its_account_in_silence(ready: Machine) -> None:
    assert ready.run("link", NORTHWIND, "northwind").exit_code == 0
    result = ready.run("link", NORTHWIND, "globex", "--owner", OLIVE)
    assert result.exit_code == 1
    assert f"handrail unlink {NORTHWIND}" in result.stderr
    assert linked(ready)[0]["account"] == "northwind"
    assert json.loads(ready.run("people", "list", "--json").stdout) == []
    assert ready.run("link", NORTHWIND, "northwind", "--mode", "silent").exit_code == 0
    assert linked(ready)[0]["mode"] == "silent"


def test_the_configuration_chooses_the_mode(ready: Machine) -> None:
    (ready.folder / "config").mkdir()
    agent = "company: A\nagent: B\ninstructions: C\nrooms: {shared: silent}\n"
    (ready.folder / "config/agent.yaml").write_text(agent)
    ready.set("HANDRAIL_CONFIG", "config")
    assert ready.run("link", "teams:T1/19:x@thread.tacv2", "globex").exit_code == 0
    (room,) = linked(ready)
    assert room["mode"] == "silent" and room["room"] == "teams:t1/19:x@thread.tacv2"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("C0NORTH", "northwind"), 2, "slack:TEAM/CHANNEL or teams:TENANT/CONVERSATION"),
        ((NORTHWIND,), 2, "ACCOUNT is missing"),
        ((NORTHWIND, "northwind", "--support"), 2, "belongs to no account"),
        ((NORTHWIND, "--support", "--audience", "shared"), 2, "for your own people"),
        ((NORTHWIND, "northwind", "--owner", "Olive"), 2, "--owner 'Olive' is not of the form"),
        ((NORTHWIND, "--audience", "internal", "--owner", OLIVE), 2, "--owner needs ACCOUNT"),
        ((NORTHWIND, "initech"), 1, "There is no account 'initech'"),
    ],
)
def test_what_does_not_fit_is_refused(
    ready: Machine, words: list[str], code: int, said: str
) -> None:
    result = ready.run("link", *words)
    assert result.exit_code == code
    assert said in result.stderr
    assert linked(ready) == []


async def test_slack_is_asked_for_the_channel_and_its_workspaces(ready: Machine) -> None:
    ready.set("SLACK_BOT_TOKEN", sample.SLACK_BOT_TOKEN)
    ready.set("SLACK_SIGNING_SECRET", sample.SLACK_SIGNING_SECRET)
    async with running(SlackWorld()) as address:
        ready.set("SLACK_API_URL", f"{address}/api/")
        result = await ready.run_beside("link", NORTHWIND, "northwind", "--json")
        assert result.exit_code == 0, result.stderr
        shown = json.loads(result.stdout)
        assert shown["name"] == sample.NORTHWIND_ROOM.name
        assert set(shown["connected_teams"]) == set(sample.NORTHWIND_ROOM.connected_team_ids)
        for words, said in (
            (("slack:T0ACME/C0ABSENT", "globex"), "invite the app to the channel"),
            (("slack:T0NORTH/C0NORTH", "northwind"), "belongs to the workspace T0ACME"),
            ((NORTHWIND, "--support"), "linked as --audience shared only"),
        ):
            refused = await ready.run_beside("link", *words)
            assert refused.exit_code == 1
            assert said in refused.stderr
        support = await ready.run_beside("link", SUPPORT, "--support")
        assert support.exit_code == 0, support.stderr
    unseen = await ready.run_beside("link", "slack:T0ACME/C0GLOBEX", "globex", "--no-check")
    assert unseen.exit_code == 0, unseen.stderr
    known = json.loads((await ready.run_beside("rooms", "--json")).stdout)
    assert {each["account"] for each in known} == {"northwind", "globex", None}
