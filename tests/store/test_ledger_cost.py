"""What the ledger adds to an action: at most three statements."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from tests.core.desk import World, ada


async def test_an_action_asks_at_most_three_things_of_the_ledger(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    store = SqlStore(url)
    asked: list[str] = []

    def listen(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        if "hr_ledger" in statement:
            asked.append(statement)

    sa.event.listen(store._engine, "before_cursor_execute", listen)
    model = ScriptModel([calls(call("add_seats", seats=5)), says(""), says("Enjoy.")])
    world = await World(model, store=store).set_up(ada())
    await world.say("add 5 seats")
    [proposal] = await world.proposals()
    await world.confirm(proposal)
    asked.clear()
    await world.run()
    await store.close()
    assert len(asked) <= 3
