"""What a sound policy.yaml leaves open that its author may not have meant, by file and line."""

from collections.abc import Collection, Sequence
from pathlib import Path

from agent_core.policy import DailyLimit
from agent_core.rules.policy_file import read_policy
from agent_core.tooling import Tool


def gaps(path: Path, tools: Sequence[Tool], currencies: Collection[str]) -> tuple[str, ...]:
    """A sentence each. `currencies`: those that actions may move, beside those the file names.

    Raises ConfigurationError for a file that is not sound.
    """
    rules = read_policy(path, tools).values()
    limits = {limit.where: limit for rule in rules for limit in rule.limits if limit.money}
    named = {currency for limit in limits.values() for currency in limit.money}
    named |= {currency for rule in rules for one in rule.approve for currency in one.amounts or ()}
    wanted = named | set(currencies)
    by_line = sorted(limits.values(), key=_line)
    return tuple(
        f"{path}, line {_line(limit)}: {limit.rule}.money: names no {_either(missing)}, so such "
        "amounts are not limited by this. Name a limit for each currency that you deal in."
        for limit in by_line
        if (missing := sorted(wanted - set(limit.money)))
    )


def _line(limit: DailyLimit) -> int:
    return int(limit.where.rpartition(":")[2])


def _either(names: Sequence[str]) -> str:
    return " and no ".join(names)
