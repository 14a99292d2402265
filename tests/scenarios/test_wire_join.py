"""A person joins their Slack and Teams accounts by a one-time code, over the wire."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_core.messages import PlatformIdentity
from bots.demo.environment import example_configuration
from playground import people
from tests.scenarios.test_wire_teams import says
from tests.scenarios.wire import Wire, wired

RITA = people.SUPPORT_RITA.user_id
RITA_IN_TEAMS = people.TEAMS_SUPPORT.teams_id
SLACK = PlatformIdentity.parse(f"slack:{people.VENDOR_TEAM.team_id}/{RITA}")


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    """Rita is known in Slack alone."""
    folder = tmp_path / "config"
    shutil.copytree(example_configuration(), folder)
    path = folder / "agent.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    rita = next(i for i, line in enumerate(lines) if "Rita Vance" in line)
    teams = next(i for i in range(rita, len(lines)) if "teams:" in lines[i])
    del lines[teams]
    path.write_text("\n".join(lines), encoding="utf-8")
    async with wired(tmp_path, configuration=folder) as wire:
        yield wire


async def code_shown(wire: Wire) -> str:
    """The code that Rita's click shows her, and nobody else."""
    room = wire.slack.open_direct(RITA)
    wire.slack.say(RITA, room.channel_id, "join")

    def offered() -> str | None:
        messages = wire.slack.state.channels[room.channel_id].messages.values()
        return next((str(m["ts"]) for m in messages if "join.code" in str(m)), None)

    card = await wire.until(offered)
    await wire.slack.click(RITA, "join.code", channel_id=room.channel_id, ts=card)

    def shown() -> str | None:
        texts = [str(e.message) for e in wire.slack.state.ephemerals if e.user_id == RITA]
        found = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", " ".join(texts))
        return found.group() if found else None

    code: str = await wire.until(shown)
    return code


async def test_a_code_from_slack_joins_the_one_who_enters_it_in_teams(wire: Wire) -> None:
    code = await code_shown(wire)
    chat = wire.teams.open_chat(RITA_IN_TEAMS).id
    wire.teams.post(RITA_IN_TEAMS, chat, f"join {code}")
    await says(wire, chat, "would make you one person with Rita Vance")
    wire.teams.post(RITA_IN_TEAMS, chat, f"join {code} yes")
    await says(wire, chat, "Done: you are Rita Vance")
    rita = await wire.service.store.run(lambda tx: tx.people.find(SLACK))
    assert rita is not None
    assert sorted(one.platform for one in rita.identities) == ["slack", "teams"]
    spoken = await wire.service.store.run(lambda tx: tx.inbox.unfinished())
    assert spoken == []  # no turn, no transcript: the code is kept nowhere
