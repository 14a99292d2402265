"""The benchmarks run: our side of each, in small, gives rows of the promised shape."""

from typing import Any

from tests.benchmarks import __main__ as bench
from tests.benchmarks import core_costs, load, profile, slack_inbound, turns
from tests.benchmarks.slack_server import OURS as OUR_DOOR
from tests.benchmarks.turn_contender import OURS as OUR_TURNS


def is_a_row(row: dict[str, Any]) -> bool:
    return (
        set(row) == {"name", "unit", "ours", "peers", "ratio"}
        and row["ours"] > 0
        and all(figure > 0 for figure in row["peers"].values())
        and (row["ratio"] is None or row["ratio"] > 0)
    )


def test_our_turns_are_measured_and_intake_apart() -> None:
    rows = turns.measure(rounds=1, turns=4, names=OUR_TURNS[1:])
    assert [is_a_row(row) for row in rows] == [True, True]
    assert rows[1]["name"].startswith("intake")


def test_our_slack_door_takes_what_it_acknowledges() -> None:
    rows = slack_inbound.measure(requests=32, rounds=1, names=(OUR_DOOR,))
    assert [is_a_row(row) for row in rows] == [True] * 4


def test_a_turn_stays_within_its_budget_of_transactions() -> None:
    rows = core_costs.database_rows()
    assert all(is_a_row(row) for row in rows)
    assert rows[0]["ours"] <= core_costs.BUDGET


def test_every_ruling_is_timed_and_the_table_can_be_drawn() -> None:
    rows = core_costs.policy_rows(times=50, rounds=1)
    names = " ".join(row["name"] for row in rows)
    assert all(ruling in names for ruling in ("(allow)", "(confirm)", "(approve)"))
    assert bench.table_of(rows).row_count == len(rows) == 4


async def test_a_service_under_load_answers_everybody() -> None:
    found = await load.waiting(conversations=30, model_seconds=0.1)
    assert found["conversations answered"] == 30


def test_a_profile_names_the_part_that_each_sample_belongs_to() -> None:
    raw = [
        "run (asyncio/base.py:1);Driver.run (agent_core/driver.py:9);OpenAIModel.reply (m.py:2) 3",
        "queue_worker_thread (dbos/_queue.py:4) 1",
        "_find_and_load (<frozen importlib._bootstrap>:5) 50",
        " 7",
    ]
    found = dict(profile.shares(profile.samples_of(raw), profile.part_of))
    assert found == {
        "the model's client (openai, httpx, aiohttp)": 75.0,
        "the engine: taking work off its queues": 25.0,
    }
    assert "| 75.0 % |" in profile.page(profile.samples_of(raw))
