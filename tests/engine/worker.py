"""A process that the kill tests start: commits one entry, and runs it until it is killed.

`python -m tests.engine.worker URL enqueue|run`: says "enqueued", or "running SLOT", and waits.
"""

import asyncio
import sys

from agent_core.clock import SystemClock
from agent_core.engine.dbos_engine import DbosEngine
from agent_core.ports import EngineKind
from agent_core.store.sql_store import SqlStore


async def main(url: str, mode: str) -> None:
    store, engine = SqlStore(url), DbosEngine(url, clock=SystemClock(), poll_seconds=0.05)

    async def run_until_killed(key: str, ref: str) -> None:
        print(f"running {engine.executor_id}", flush=True)
        await asyncio.Event().wait()

    if mode == "run":
        await engine.start(dict.fromkeys(EngineKind, run_until_killed))
    else:
        engine.prepare()
    await store.run(lambda tx: engine.submit(tx, kind=EngineKind.TURN, key="con_1", ref="con_1:1"))
    print("enqueued", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
