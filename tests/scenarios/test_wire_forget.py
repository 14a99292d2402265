"""Somebody is forgotten while the service runs: in its rows and bytes, and on the platform."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_core.audit_check import verify
from agent_core.audit_notes import all_entries
from agent_core.clock import SystemClock
from agent_core.forget import Forgetting, InTheWay, account_to_forget, person_to_forget
from agent_core.forgetting import PostOutcome, Receipt, Whom
from agent_core.messages import PlatformIdentity
from agent_core.people import AccountId, Role
from agent_core.ports import UnitOfWork
from bots import bootstrap
from bots.configuration import load_configuration
from playground import people
from tests.scenarios.test_wire import GLOBEX, MEMBER, OWNER, RITA
from tests.scenarios.wire import Wire, wired

HERS, THEIRS = "PURPLEGIRAFFE", "ORANGEZEBRA"
GRETA = PlatformIdentity.parse(f"slack:{people.GLOBEX_OWNER.team_id}/{OWNER}")


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


async def forget(wire: Wire, account: AccountId | None = None) -> Receipt:
    """As the command does it, beside the service."""
    configuration = load_configuration(wire.settings.configuration_folder)
    store = bootstrap.open_store(wire.settings)
    try:
        async with bootstrap.opened_removers(wire.settings, configuration) as removers:
            if account is not None:
                whom: Whom | None = await store.run(lambda tx: account_to_forget(tx, account))
            else:
                whom = await store.run(lambda tx: person_to_forget(tx, GRETA))
            assert whom is not None
            receipt = await Forgetting(store, removers=removers, clock=SystemClock()).forget(whom)
            assert await store.scrub()
            return receipt
    finally:
        await store.close()


def in_bytes(wire: Wire, word: str) -> bool:
    path = Path(wire.settings.database_url.get_secret_value().removeprefix("sqlite:///"))
    return any(word.encode() in one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


def shown(wire: Wire, word: str) -> list[str]:
    """Our own posts with this word, in all channels."""
    return [
        str(message)
        for channel in wire.slack.state.channels.values()
        for message in channel.messages.values()
        if message.get("bot_id") and word in str(message)
    ]


async def test_a_customer_is_forgotten_beside_the_running_service(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, f"{HERS} add 2 seats please")
    card = await thread.card("proposal.confirm")
    with pytest.raises(InTheWay, match="an action waits for a yes"):
        await forget(wire)
    await thread.click(OWNER, card, "proposal.confirm")
    await thread.until_says("Done")
    thread.say(MEMBER, f"what plan are we on? {THEIRS}")
    await wire.until_worked_off()
    own = wire.slack_thread(OWNER, GLOBEX, f"I want to talk to a human about {HERS}")
    await own.until_says("Case")
    support = await wire.support_thread(HERS)
    with pytest.raises(InTheWay, match="resolve it first"):
        await forget(wire)
    await support.click(RITA, await support.card("case.claim"), "case.claim")
    await support.click(RITA, await support.card("case.resolve"), "case.resolve")
    await wire.until_worked_off()
    await wire.settled()
    assert in_bytes(wire, HERS) and in_bytes(wire, "Greta Holm") and shown(wire, HERS)

    receipt = await forget(wire)

    assert receipt.left == [] and receipt.posts[PostOutcome.DELETED] > 3
    assert receipt.posts_left == []
    for word in (HERS, "Greta Holm", OWNER):
        assert not in_bytes(wire, word), word
        assert word == OWNER or shown(wire, word) == [], (
            word
        )  # Slack itself says whose thread it is
    assert in_bytes(wire, THEIRS)

    def look(tx: UnitOfWork) -> None:
        (entry,) = tx.ledger.of_account(AccountId("globex"))
        assert entry.amount is not None and entry.requester.tenant_id == "erased"
        for chain in tx.audit.chains():
            assert verify(list(all_entries(tx, chain)), chain=chain) == ()

    await wire.service.store.run(look)
    again = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
    await again.until_says("nobody has given you a role in this account yet")
    assert "proposal.confirm" not in str(again.messages())


async def test_an_account_is_forgotten_and_its_room_is_nobody_s(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, f"{HERS} what plan are we on?")
    await thread.until_says("Plan: Business")
    thread.say(MEMBER, f"how many seats do we have? {THEIRS}")
    await wire.until_worked_off()
    await wire.settled()
    globex = AccountId("globex")
    receipt = await forget(wire, globex)
    assert receipt.left == [] and receipt.erased["hr_rooms"] == 1
    for word in (HERS, THEIRS, "Greta Holm", OWNER, MEMBER):
        assert not in_bytes(wire, word), word
    assert (
        await wire.service.store.run(lambda tx: tx.people.with_role(globex, frozenset(Role))) == []
    )
    again = wire.slack_thread(MEMBER, GLOBEX, "what plan are we on?")
    await again.until_says("not linked to an account")
