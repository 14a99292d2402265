"""A support lead changes policy.yaml while the service runs: over the wire, on a live account."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.demo.environment import example_configuration
from playground import people
from tests.scenarios.test_wire import seats
from tests.scenarios.wire import Wire, wired

GLOBEX = people.GLOBEX_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id
SEATS = "  add_seats:\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    shutil.copytree(example_configuration(), folder)
    return folder / "policy.yaml"


@pytest.fixture
async def wire(tmp_path: Path, policy: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path, configuration=policy.parent) as wire:
        yield wire


async def taken_up(wire: Wire) -> None:
    """Looks at the file, as the service does each second by itself."""
    assert wire.service.policy is not None
    await wire.service.policy.look()


async def test_a_rule_that_came_after_the_card_counts_when_it_is_confirmed(
    wire: Wire, policy: Path
) -> None:
    before = await seats(wire)
    thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
    card = await thread.card("proposal.confirm")
    text = policy.read_text(encoding="utf-8")
    rule = "    refuse: [{when: arguments.seats > 1, reason: Not this week.}]\n"
    policy.write_text(text.replace(SEATS, SEATS + rule), encoding="utf-8")
    await taken_up(wire)
    await thread.click(OWNER, card, "proposal.confirm")
    await thread.until_says("Not this week. Nothing was changed.")
    assert await seats(wire) == before
    policy.write_text(text.replace(SEATS, SEATS + "    confirms: 1\n"), encoding="utf-8")
    await taken_up(wire)  # refused: the rule of this week goes on
    again = wire.slack_thread(OWNER, GLOBEX, "add 3 seats please")
    await again.until_says("Not this week.")
    policy.write_text(text, encoding="utf-8")
    await taken_up(wire)
    last = wire.slack_thread(OWNER, GLOBEX, "add 4 seats please")
    await last.click(OWNER, await last.card("proposal.confirm"), "proposal.confirm")
    await last.until_says("Done")
    assert (await seats(wire))[0] == before[0] + 4


async def test_the_limit_of_a_day_is_kept_and_told(wire: Wire, policy: Path) -> None:
    text = policy.read_text(encoding="utf-8")
    limit = "  - {tools: [add_seats], per: account, per_day: 1}\n"
    policy.write_text(text.replace("limits:\n", "limits:\n" + limit), encoding="utf-8")
    await taken_up(wire)
    first = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
    card = await first.card("proposal.confirm")
    second = wire.slack_thread(OWNER, GLOBEX, "add 3 seats please")
    other = await second.card("proposal.confirm")
    await first.click(OWNER, card, "proposal.confirm")
    await first.until_says("Done")
    await second.click(OWNER, other, "proposal.confirm")  # shown while there was room
    await second.until_says("At most 1 a day for one account. (1 done today")
    third = wire.slack_thread(OWNER, GLOBEX, "add 4 seats please")
    await third.until_says("At most 1 a day for one account.")
    assert (await seats(wire))[0] == 22
