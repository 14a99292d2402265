"""The library's brakes, and its people in the audit log under a key of the product's own."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from agent_core.audit import NO_ACCOUNT, AuditKind
from agent_core.embed import Agent, Brief, ConfigurationError, ToolContext, action, person
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.people import AccountId
from agent_core.store.audit_seal import AesSeal
from agent_core.store.sql_store import SqlStore

ANA = person("ana", name="Ana", roles={"acme": "owner"})
LEA = person("lea", name="Lea", capabilities=["lead"])
KEY = base64.b64encode(os.urandom(32)).decode()


async def no_hand_over(_: Brief) -> None:
    """Nobody is called here."""


@action(roles=["owner"])
async def move(context: ToolContext, number: str) -> None:
    """Deliver elsewhere."""


def an_agent(model: ScriptModel, **more: Any) -> Agent:
    return Agent(
        tools=[move], instructions="Parcels.", model=model, on_hand_over=no_hand_over, **more
    )


async def test_a_lead_pauses_and_lets_go_again() -> None:
    model = ScriptModel([calls(call("move", number="P-1")), says("Hello.")])
    async with an_agent(model) as agent:
        with pytest.raises(PermissionError):
            await agent.pause("all", by=ANA)
        assert "Paused" in await agent.pause("account", "acme", by=LEA, reason="Migration")
        reply = await agent.send("Send P-1", by=ANA, account="acme", conversation="1")
        assert not reply.proposals
        assert "Going on" in await agent.resume("account", "acme", by=LEA)
        assert "was not paused" in (await agent.resume("account", "acme", by=LEA)).casefold()
        reply = await agent.send("Send P-1", by=ANA, account="acme", conversation="2")
        assert reply.proposals


async def test_what_cannot_be_paused_is_said() -> None:
    async with an_agent(ScriptModel([])) as agent:
        for scope, target in (("tool", "moove"), ("planet", "x"), ("account", "")):
            with pytest.raises(ValueError, match=r"."):
                await agent.pause(scope, target, by=LEA)
        assert "Paused" in await agent.pause("room", "1", by=LEA)
        assert "Paused" in await agent.pause("tool", "move", by=LEA)


async def test_people_are_in_the_audit_log_under_the_products_key(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'agent.db'}"
    async with an_agent(ScriptModel([says("Hello.")]), database_url=url, audit_key=KEY) as agent:
        await agent.send("Hi", by=ANA, account="acme", conversation="1")
        await agent.pause("tool", "move", by=LEA)
    store = SqlStore(url, seal=AesSeal(base64.b64decode(KEY)))
    roles = await store.run(lambda tx: tx.audit.entries(AccountId("acme")))
    assert AuditKind.ROLE_GIVEN in [one.kind for one in roles]
    vendors = await store.run(lambda tx: tx.audit.entries(NO_ACCOUNT))
    kinds = [one.kind for one in vendors]
    assert AuditKind.CAPABILITY_GIVEN in kinds and AuditKind.BRAKE_SET in kinds
    await store.close()


async def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'agent.db'}"
    with pytest.raises(ConfigurationError, match="audit_key"):
        async with an_agent(ScriptModel([]), database_url=url, audit_key="short"):
            pass
