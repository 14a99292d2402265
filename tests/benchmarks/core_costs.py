"""What one turn asks of the database, and what one ruling of the policy costs."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import sqlalchemy as sa

from agent_core.conversation import Audience
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.people import AccountId, Person, PersonId, Requester, Role
from agent_core.policy import Policy, Question
from agent_core.proposals import LedgerEntry
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.tooling import Amount, ToolName
from bots.demo.environment import example_configuration
from tests.benchmarks.our_house import ACCOUNT, OWNER, OurHouse, open_house
from tests.benchmarks.processes import Json
from tests.benchmarks.script import ANSWER, TOOLS
from tools.accounts.memory_gateway import MemoryAccounts
from tools.accounts.no_payments import NoPayments
from tools.catalog import Catalog

BUDGET: Final = 6  # transactions of a turn: docs/architecture.md, "The durable engine", rule 3


# --- the database ---------------------------------------------------------------------------


class Tally:
    """Transactions and statements since the last `take`."""

    def __init__(self) -> None:
        self.transactions = 0
        self.statements = 0

    def take(self) -> tuple[int, int]:
        taken = (self.transactions, self.statements)
        self.transactions = self.statements = 0
        return taken


@contextmanager
def counting() -> Iterator[Tally]:
    tally = Tally()

    def began(_: Any) -> None:
        tally.transactions += 1

    def executed(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        tally.statements += not statement.startswith("BEGIN")

    sa.event.listen(sa.Engine, "begin", began)
    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    try:
        yield tally
    finally:
        sa.event.remove(sa.Engine, "begin", began)
        sa.event.remove(sa.Engine, "before_cursor_execute", executed)


async def _database(folder: Path) -> dict[str, tuple[int, int]]:
    """(transactions, statements) of intake, turn and delivery, for a person who has been told
    before that this is an AI."""
    reads = [calls(call(name, period="2026-03")) for name, *_ in TOOLS]
    model = ScriptModel([*reads, says(ANSWER)] * 2)
    found = {}
    with counting() as tally:
        async with _opened(folder, model) as house:
            await house.receive()
            await house.driver.run(await _waiting(house), "")
            await house.delivery.idle()
        async with _opened(folder, model) as house:
            house.messages = 1
            await house.delivery.stop(0)  # else it would send while the turn is counted
            tally.take()
            await house.receive()
            found["intake"] = tally.take()
            conversation = await _waiting(house)
            tally.take()
            await house.driver.run(conversation, "")
            found["turn"] = tally.take()
        async with _opened(folder, model) as house:
            [destination] = await house.store.run(lambda tx: list(tx.outgoing.waiting()))
            tally.take()
            house.delivery.kick(destination)
            await house.delivery.idle()
            found["delivery"] = tally.take()
    return found


@asynccontextmanager
async def _opened(folder: Path, model: ScriptModel) -> AsyncIterator[OurHouse]:
    house = await open_house(folder, model, durable=False)
    try:
        yield house
    finally:
        await house.close(started=False)


async def _waiting(house: OurHouse) -> str:
    [conversation] = await house.store.run(lambda tx: list(tx.inbox.unfinished()))
    return conversation


def database_rows() -> list[Json]:
    """Counts, which do not depend on the machine. `ratio`: to the budget."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_database(Path(folder)))
    rows: list[Json] = [
        {
            "name": "transactions of a turn (4 model calls, 3 reads)",
            "unit": "transactions",
            "ours": found["turn"][0],
            "peers": {"budget": BUDGET},
            "ratio": round(found["turn"][0] / BUDGET, 2),
        }
    ]
    for part in ("intake", "delivery"):
        rows.append(_count_row(f"transactions of its {part}", "transactions", found[part][0]))
    for part in ("intake", "turn", "delivery"):
        rows.append(_count_row(f"SQL statements, {part}", "statements", found[part][1]))
    return rows


def _count_row(name: str, unit: str, ours: int) -> Json:
    return {"name": name, "unit": unit, "ours": ours, "peers": {}, "ratio": None}


# --- the policy -----------------------------------------------------------------------------


async def _no_ledger(_: AccountId) -> Sequence[LedgerEntry]:
    return ()


def _questions(catalog: Catalog) -> dict[str, Question]:
    """Of an owner, in the customer's channel."""
    owner = Person(
        id=PersonId("person-olive"), name="Olive", identities=(OWNER,), roles={ACCOUNT: Role.OWNER}
    )
    wishes: dict[str, tuple[str, Json, int | None]] = {
        "a read": ("look_up_account", {}, None),
        "a change of seats": ("add_seats", {"seats": 5}, 12_500),
        "a refund": ("refund_invoice", {"invoice": "INV-1", "amount_minor": 90_000}, 90_000),
    }
    questions = {}
    for name, (tool_name, arguments, minor) in wishes.items():
        tool = catalog.get(ToolName(tool_name))
        assert tool is not None
        questions[name] = Question(
            tool=tool,
            arguments=arguments,
            requester=Requester(identity=OWNER, name="Olive", person=owner),
            audience=Audience.SHARED,
            account_id=ACCOUNT,
            amount=Amount(minor=minor, currency="USD") if minor else None,
        )
    return questions


def _microseconds(policy: Policy, question: Question, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        policy.decide(question)
    return (time.process_time() - began) * 1e6 / times


def _two_hundred_rules(catalog: Catalog) -> Policy:
    """None of them holds, so that each is judged."""
    rules = "".join(
        f"""
      - when: arguments.seats > {1000 + i} && person.role == 'owner' && audience == 'shared'
        reason: Too many."""
        for i in range(200)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        path.write_text(f"tools:\n  add_seats:\n    refuse:{rules}\n", encoding="utf-8")
        return FilePolicySource(path, catalog.tools).current()


def policy_rows(times: int = 5_000, rounds: int = 5) -> list[Json]:
    """CPU of one ruling over the example's policy.yaml."""
    catalog = Catalog(MemoryAccounts(NoPayments()), _no_ledger)
    policy = FilePolicySource(example_configuration() / "policy.yaml", catalog.tools).current()
    many = _two_hundred_rules(catalog)
    wish = _questions(catalog)["a change of seats"]
    return [
        {
            "name": "policy ruling by 200 conditions on one tool",
            "unit": "CPU µs per ruling",
            "ours": round(median(_microseconds(many, wish, times // 10) for _ in range(rounds)), 1),
            "peers": {},
            "ratio": None,
        },
    ] + [
        {
            "name": f"policy ruling on {name} ({policy.decide(question).decision.value})",
            "unit": "CPU µs per ruling",
            "ours": round(median(_microseconds(policy, question, times) for _ in range(rounds)), 1),
            "peers": {},
            "ratio": None,
        }
        for name, question in _questions(catalog).items()
    ]


if __name__ == "__main__":
    print(json.dumps([*database_rows(), *policy_rows()], indent=2))
