"""Whoever is forgotten long after they asked is still found, although the work for them is gone."""

from datetime import timedelta

import pytest

from agent_core import presses
from agent_core.clock import ManualClock
from agent_core.conversation import Speaker
from agent_core.forget import Forgetting, person_to_forget
from agent_core.messages import Platform
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.retention import Retention
from agent_core.retention_sweep import RetentionSweep
from agent_core.store.memory_store import MemoryStore
from tests.builders import ACME, NOON, an_identity
from tests.core.desk import World, ada, milo
from tests.fakes.house import CUSTOMER_ROOM, MEMBER, OWNER, House
from tests.fakes.platform import MemoryPlatform
from tests.store.population import ANNA, BERT, Shape, dump, populate


@pytest.mark.parametrize("days", [40, 100])  # without the turns, and without the posts' rows too
async def test_what_the_agent_told_them_among_others_goes_also_after_its_turns(days: int) -> None:
    store, platform = MemoryStore(), MemoryPlatform(platform=Platform.SLACK)
    await populate(store, platform, Shape(solo=0, shared=1, case=False))
    clock = ManualClock(NOON + timedelta(days=days))
    sweep = RetentionSweep(store, clock=clock, retention=Retention())
    await sweep.sweep()
    rows = dump(store)
    assert not any(row.startswith("hr_turns") for row in rows)
    assert any(row.startswith("hr_transcript") and "answer to QZANNA" in row for row in rows)
    them = await store.run(lambda tx: person_to_forget(tx, ANNA.identity))
    assert them is not None
    job = Forgetting(store, removers={Platform.SLACK: platform}, clock=clock)
    receipt = await job.forget(them)
    assert receipt.left == []
    assert [row for row in dump(store) if ANNA.word in row] == []
    if days == 40:  # after that nothing tells where they were posted
        assert [post for post in platform.posts if ANNA.word in post.message.fallback] == []
    assert sum(f"answer to {BERT.word}" in row for row in dump(store)) >= 2


async def test_what_a_turn_says_names_whom_it_is_for() -> None:
    steps = [says("Hello Ada."), calls(call("add_seats", seats=5)), says("")]
    world = await World(ScriptModel(steps)).set_up(ada(), milo(), account_id=ACME)
    await world.say("hi")
    await world.say("add 5 seats", "U2", "Milo")
    talk = (await world.conversation()).id
    entries = await world.tx(lambda tx: tx.transcript.last(talk, 50))
    ours = [(one.text.split("\n")[0], one.told) for one in entries if one.identity is None]
    assert [told for _, told in ours] == [an_identity("U1"), an_identity("U2")], ours


async def test_what_is_said_while_words_are_taken_in_names_whom_it_is_for() -> None:
    house = await House().open()
    thread = await house.says(OWNER, "hello", mention=True)
    talk = await house.conversation(thread)
    await house.presses(OWNER, presses.ASK_SUPPORT, talk.id, CUSTOMER_ROOM, thread)
    await house.says(MEMBER, "me too", thread=thread)
    entries = await house.store.run(lambda tx: list(tx.transcript.last(talk.id, 50)))
    told = {one.told: one.text for one in entries if one.speaker is Speaker.CODE}
    assert "passed this on" in told[OWNER.identity] and "added to" in told[MEMBER.identity]
    await house.close()
