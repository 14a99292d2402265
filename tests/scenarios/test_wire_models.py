"""Over the wire: what a customer sees of a model that is down, with and without a second one."""

import json
from pathlib import Path
from time import monotonic

from agent_core.escalations import EscalationReason
from agent_core.ports import UnitOfWork
from agent_core.store import tables
from playground import people
from tests.core.endpoint import says
from tests.core.endpoint import serving as endpoint_serving
from tests.scenarios.wire import wired

GLOBEX = people.GLOBEX_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id
DEAD = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "first"}


async def test_the_second_model_answers_and_the_journal_says_so(tmp_path: Path) -> None:
    async with endpoint_serving() as second:
        second.will(says("Our office opens at nine."))
        more = {
            **DEAD,
            "OPENAI_FALLBACK_MODEL": "second",
            "OPENAI_FALLBACK_BASE_URL": second.url,
        }
        async with wired(tmp_path, more=more) as wire:
            thread = wire.slack_thread(OWNER, GLOBEX, "when does your office open?")
            await thread.until_says("opens at nine")
            await wire.settled()
            bodies = await wire.service.store.run(_reply_bodies)
    assert [body["model"] for body in bodies] == ["second"]
    assert second.asked[0]["model"] == "second"


async def test_with_both_down_people_take_over_within_seconds(tmp_path: Path) -> None:
    more = {
        **DEAD,
        "OPENAI_FALLBACK_MODEL": "second",
        "OPENAI_FALLBACK_BASE_URL": "http://127.0.0.1:9/v1",
    }
    async with wired(tmp_path, more=more) as wire:
        began = monotonic()
        threads = [wire.slack_thread(OWNER, GLOBEX, f"question {n}?") for n in range(8)]
        for thread in threads:
            await thread.until_says("A person from the support team takes over")
            await thread.until_says("passed this on to the support team as Case")
        assert monotonic() - began < 15
        cases = await wire.service.store.run(lambda tx: list(tx.escalations.waiting()))
        assert [case.reason for case in cases] == [EscalationReason.MODEL_FAILURE] * 8
        await wire.support_thread("question")


def _reply_bodies(tx: UnitOfWork) -> list[dict[str, object]]:
    journal = tables.table(tables.JournalTable)
    rows = tx.connection.execute(  # type: ignore[attr-defined]
        journal.select().where(journal.c.kind == "reply")
    )
    return [json.loads(row.body) for row in rows]
