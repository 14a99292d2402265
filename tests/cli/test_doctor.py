"""`handrail doctor`: each thing, how it stands, what to do; 1 where something is wrong."""

import json
from pathlib import Path

from aiohttp import web

from playground import people as sample
from playground.loopback import serving
from playground.payments_api import app as payments_app
from playground.slack_api.app import running as slack_running
from playground.slack_api.world import SlackWorld
from playground.teams_api.server import running as teams_running
from playground.teams_api.world import TeamsWorld
from tests.cli.conftest import Machine

ACME = Path(__file__).parents[2] / "examples/acme"
SUPPORT = f"slack:{sample.VENDOR_TEAM.team_id}/{sample.SUPPORT_ROOM.channel_id}"


async def findings(machine: Machine, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = await machine.run_beside("doctor", "--json", *words)
    shown = json.loads(result.stdout)
    assert set(shown) == {"ok", "version", "findings"}
    for each in shown["findings"]:
        assert set(each) == {"area", "name", "status", "message", "remedy"}
        assert each["status"] in ("right", "wrong", "note", "unset")
    wrong = [each for each in shown["findings"] if each["status"] == "wrong"]
    assert shown["ok"] == (not wrong)
    assert result.exit_code == (1 if wrong else 0)
    return result.exit_code, {each["name"]: each for each in shown["findings"]}


def slack(machine: Machine, address: str) -> None:
    machine.set("SLACK_BOT_TOKEN", sample.SLACK_BOT_TOKEN)
    machine.set("SLACK_SIGNING_SECRET", sample.SLACK_SIGNING_SECRET)
    machine.set("SLACK_API_URL", f"{address}/api/")
    machine.set("HANDRAIL_SUPPORT_ROOM", SUPPORT)


async def test_an_empty_machine_is_told_what_to_do(machine: Machine) -> None:
    code, found = await findings(machine)
    assert code == 1
    assert "handrail migrate" in found["database"]["message"]
    assert "handrail demo" in found["platform"]["message"]
    assert found["HANDRAIL_SUPPORT_ROOM"]["status"] == "wrong"
    assert "audit.key" in found["HANDRAIL_AUDIT_KEY"]["message"]
    assert found["support people"]["status"] == "wrong"
    assert found["model"]["status"] == "note" and "rules" in found["model"]["message"]
    assert found["accounts"]["status"] == "note" and "is made" in found["accounts"]["message"]
    # Nothing was made that might belong to another account than the service's.
    assert not (machine.folder / "data").exists()


async def test_a_whole_set_up_is_right(ready: Machine) -> None:
    ready.set("HANDRAIL_CONFIG", str(ACME))
    world = TeamsWorld(
        messaging_endpoint="http://127.0.0.1:1/api/messages",
        app_id=sample.TEAMS_APP_ID,
        app_password=sample.TEAMS_APP_PASSWORD,
        tenant_id=sample.TEAMS_TENANT_ID,
    )
    book = payments_app.running(ready.folder / "book.db", port=0, api_key="key")
    slack_side, teams_side = slack_running(SlackWorld()), teams_running(world)
    async with slack_side as slack_at, teams_side as teams_at, book as (_, payments_at):
        slack(ready, slack_at)
        ready.set("MICROSOFT_APP_ID", sample.TEAMS_APP_ID)
        ready.set("MICROSOFT_APP_PASSWORD", sample.TEAMS_APP_PASSWORD)
        ready.set("MICROSOFT_APP_TENANT_ID", sample.TEAMS_TENANT_ID)
        token_url = f"{teams_at}/{sample.TEAMS_TENANT_ID}/oauth2/v2.0/token"
        ready.set("MICROSOFT_TOKEN_URL", token_url)
        metadata_url = f"{teams_at}/.well-known/openidconfiguration"
        ready.set("MICROSOFT_OPENID_METADATA_URL", metadata_url)
        ready.set("HANDRAIL_PAYMENTS_URL", payments_at)
        await ready.run_beside("link", SUPPORT, "--support")
        code, found = await findings(ready)
    assert code == 0, [each for each in found.values() if each["status"] == "wrong"]
    for name in (
        "Slack",
        "Slack support room",
        "Teams",
        "Teams signing keys",
        "payments",
        "support room",
        "support people",
        "database",
        "accounts",
        "agent.yaml",
        "policy.yaml",
        "data folder",
    ):
        assert found[name]["status"] == "right", found[name]
    assert "T0ACME" in found["Slack"]["message"]


async def test_what_does_not_answer_is_wrong_and_nothing_secret_is_shown(ready: Machine) -> None:
    async with slack_running(SlackWorld()) as address:
        slack(ready, address)
        ready.set("SLACK_BOT_TOKEN", "xoxb-s3cret-revoked")
        ready.set("HANDRAIL_PAYMENTS_URL", "http://127.0.0.1:1")
        ready.set("HANDRAIL_ACCOUNTS_URL", "postgresql://u:s3cret@127.0.0.1:1/x")
        for name in ("ID", "PASSWORD", "TENANT_ID"):
            ready.set(f"MICROSOFT_APP_{name}", "s3cret")
        ready.set("MICROSOFT_TOKEN_URL", "http://127.0.0.1:1/token")
        ready.set("MICROSOFT_OPENID_METADATA_URL", "http://127.0.0.1:1/keys")
        _, found = await findings(ready)
    for name in ("Slack", "Teams", "Teams signing keys", "payments", "accounts"):
        assert found[name]["status"] == "wrong", found[name]
        assert found[name]["remedy"]
    assert "s3cret" not in json.dumps(found)


async def test_a_support_room_that_others_read_is_wrong(ready: Machine) -> None:
    async with slack_running(SlackWorld()) as address:
        slack(ready, address)
        shared = f"slack:{sample.VENDOR_TEAM.team_id}/{sample.NORTHWIND_ROOM.channel_id}"
        ready.set("HANDRAIL_SUPPORT_ROOM", shared)
        _, found = await findings(ready)
    assert found["Slack support room"]["status"] == "wrong"
    assert "shared with other companies" in found["Slack support room"]["message"]


async def test_mistakes_in_both_files_of_the_folder_are_found(ready: Machine) -> None:
    folder = ready.folder / "config"
    folder.mkdir()
    (folder / "agent.yaml").write_text("company: A\n")
    (folder / "policy.yaml").write_text("tools:\n  make_coffee:\n    roles: [owner]\n")
    ready.set("HANDRAIL_CONFIG", str(folder))
    _, found = await findings(ready)
    assert found["agent.yaml"]["status"] == found["policy.yaml"]["status"] == "wrong"
    assert "make_coffee" in found["policy.yaml"]["message"]


async def test_the_model_is_called_only_when_asked_to(machine: Machine) -> None:
    asked: list[str] = []

    async def models(_: web.Request) -> web.Response:
        asked.append("models")
        return web.json_response({"data": [{"id": "tiny"}]})

    async def complete(request: web.Request) -> web.Response:
        asked.append((await request.json())["model"])
        return web.json_response({"choices": [{"message": {"content": "OK"}}]})

    app = web.Application()
    app.add_routes([web.get("/v1/models", models), web.post("/v1/chat/completions", complete)])
    async with serving(app, port=0) as address:
        machine.set("OPENAI_BASE_URL", f"{address}/v1")
        _, found = await findings(machine)
        assert found["model"]["status"] == "right" and asked == []
        _, found = await findings(machine, "--live")
        assert found["model"]["status"] == "right" and asked == ["models", "tiny"]
        machine.set("OPENAI_BASE_URL", f"{address}/elsewhere")
        machine.set("OPENAI_MODEL", "tiny")
        _, found = await findings(machine, "--live")
        assert found["model"]["status"] == "wrong" and "404" in found["model"]["message"]


async def test_a_password_in_an_address_is_not_shown(machine: Machine) -> None:
    machine.set("OPENAI_BASE_URL", "http://us%40er:s3cret@127.0.0.1:1/v1")
    for flags in ((), ("--live",)):
        _, found = await findings(machine, *flags)
        assert "http://127.0.0.1:1/v1" in found["model"]["message"]
        assert "s3cret" not in json.dumps(found)


def test_people_read_words(machine: Machine) -> None:
    machine.set("HANDRAIL_SUPORT_ROOM", "slack:T/C")
    result = machine.run("doctor")
    assert result.exit_code == 1
    assert "Probably meant: HANDRAIL_SUPPORT_ROOM" in result.stdout
    assert "wrong  database: There is no database" in result.stdout
    assert result.stdout.rstrip().endswith("wrong.")
