"""CPU per turn of four model calls and three reads, beside other agent libraries."""

import asyncio
import json
from collections import defaultdict
from contextlib import AsyncExitStack
from statistics import median

from tests.benchmarks.peers import PEERS
from tests.benchmarks.processes import Json, child
from tests.benchmarks.script import MODEL_CALLS
from tests.benchmarks.turn_contender import AT_ONCE, OURS

CONTENDERS = (*OURS, *PEERS)
Figures = dict[str, dict[str, float]]  # by contender: milliseconds of intake and of turn


async def _measure(names: tuple[str, ...], rounds: int, turns: int) -> Figures:
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in names}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(child("tests.benchmarks.model_server"))
        contenders = {
            name: await stack.enter_async_context(
                child("tests.benchmarks.turn_contender", name, server.hello["url"])
            )
            for name in names
        }
        for contender in contenders.values():
            await contender.ask(turns=min(turns, 2 * AT_ONCE))  # warm-up
        for _ in range(rounds):
            for name, contender in contenders.items():  # in turns: a busy moment hits all
                before = (await server.ask())["calls"]
                answer = await contender.ask(turns=turns)
                calls = (await server.ask())["calls"] - before
                if calls != MODEL_CALLS * turns:
                    raise AssertionError(f"{name} called the model {calls} times in {turns} turns")
                for what, milliseconds in answer.items():
                    found[name][what].append(milliseconds)
    return {
        name: {what: median(several) for what, several in parts.items()}
        for name, parts in found.items()
    }


def measure(rounds: int = 5, turns: int = 75, names: tuple[str, ...] = CONTENDERS) -> list[Json]:
    """Rows of {name, unit, ours, peers, ratio}. `ratio`: ours to openai-agents'; less is less."""
    figures = asyncio.run(_measure(names, rounds, turns))
    peers = {name: round(figures[name]["turn"], 2) for name in names if name not in OURS}
    rows: list[Json] = []
    for name in (name for name in OURS if name in figures):
        turn = figures[name]["turn"]
        agents = figures.get("openai-agents")
        rows.append(
            {
                "name": f"turn of 4 model calls and 3 reads ({name})",
                "unit": "CPU ms per turn of the client process",
                "ours": round(turn, 2),
                "peers": peers,
                "ratio": round(turn / agents["turn"], 2) if agents else None,
            }
        )
        rows.append(
            {
                "name": f"intake of such a turn ({name})",
                "unit": "CPU ms per message",
                "ours": round(figures[name]["intake"], 2),
                "peers": {},
                "ratio": None,
            }
        )
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
