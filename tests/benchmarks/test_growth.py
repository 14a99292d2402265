"""A turn asks the database and the model for as much in a long conversation as in a short one."""

from tests.benchmarks.growth import Cost, costs_at_messages, costs_at_stored

MOST = 1.2  # times what a turn costs at message 10, or with 10 messages stored


def grown(costs: dict[int, Cost]) -> tuple[float, float]:
    """Statements and bytes of prompts: the last of them to the first."""
    first, *_, last = costs.values()
    return sum(last.statements) / sum(first.statements), last.size / first.size


async def test_a_turn_late_in_a_conversation_costs_what_an_early_one_does() -> None:
    costs = await costs_at_messages((10, 100), rounds=0)
    assert max(grown(costs)) <= MOST
    for cost in costs.values():
        assert cost.same >= 90 and cost.worst >= 85  # the worst: when the border moves


async def test_a_turn_costs_the_same_however_much_its_account_has_stored() -> None:
    statements, size = grown(await costs_at_stored((10, 2_000), rounds=0))
    assert statements <= 1.05 and size <= 1.05
