"""How a turn's cost grows with what is stored, and how much of a prompt begins like the last one.

The sample company's tools, policy and instructions; in one thread of a shared channel a customer
and, each third time, a colleague of theirs ask for one of six things at a time. Bytes stand for
tokens: of tools and messages, as they go to the model's endpoint.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import mean, median
from typing import Final

from agent_core.clock import SystemClock
from agent_core.compacting import Compacting
from agent_core.context import REQUESTER
from agent_core.conversation import ConversationId
from agent_core.limits import Limits
from agent_core.models.openai_model import wire_messages, wire_tool
from agent_core.models.scripted_model import LABEL, call, calls, says
from agent_core.people import AccountId
from agent_core.ports import ModelReply, ModelRequest
from agent_core.proposals import LedgerEntry
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store.sql_store import make_engine
from agent_core.tooling import ToolCall
from bots.configuration import load_configuration
from bots.demo.environment import example_configuration
from bots.instructions import instructions_of
from tests.benchmarks.core_costs import counting
from tests.benchmarks.our_house import ACCOUNT, OWNER, ROOM, Business, OurHouse, open_house
from tests.benchmarks.processes import Json
from tests.benchmarks.stored import fill, talk
from tools.accounts.memory_gateway import MemoryAccounts, MemoryPayments
from tools.accounts.seed import seed
from tools.catalog import Catalog, GatewayDirectory

MESSAGES: Final = (10, 100, 1_000)  # of one conversation
STORED: Final = (10, 1_000, 100_000)  # of its account
_WARM: Final = 2

# What is asked for, and the calls that it takes: a model call each, and one for the answer.
WISHES: Final[Mapping[str, Sequence[ToolCall]]] = {
    "Which plan are we on, and who has a seat?": (call("look_up_account"), call("list_members")),
    "Show me our last three invoices, please.": (call("list_invoices", limit=3),),
    "Please add 2 seats, we are growing.": (call("add_seats", seats=2),),
    "How much storage do we use, and what would more cost?": (
        call("get_usage"),
        call("list_plans"),
    ),
    "What happened to the seats that I asked for?": (call("request_status", reference=None),),
    "Thanks! And what does the Business plan cost?": (call("list_plans"),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One call's: its size, and how much of it is the beginning of the call before. In bytes."""

    size: int
    same: int


class Asker:
    """A ChatModel that makes the calls of a wish, answers, and measures what it was given."""

    is_language_model: Final = False
    label: Final = LABEL

    def __init__(self) -> None:
        self._prompts: list[Prompt] = []
        self._before = b""

    async def reply(self, request: ModelRequest) -> ModelReply:
        self._measure(request)
        asked = max(n for n, one in enumerate(request.messages) if one.name == REQUESTER)
        wish = WISHES[request.messages[asked].content]
        done = sum(one.role == "tool" for one in request.messages[asked:])
        if done < len(wish):
            return calls(wish[done])
        return says(f"That is what I found for you ({done} look-ups). Is there anything else?")

    def take(self) -> list[Prompt]:
        """The prompts since the last `take`."""
        taken, self._prompts = self._prompts, []
        return taken

    def _measure(self, request: ModelRequest) -> None:
        body = {
            "tools": [wire_tool(tool, strict=False) for tool in request.tools],
            "messages": wire_messages(request.messages),
        }
        sent = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        same = _same(self._before, sent)
        self._prompts.append(Prompt(size=len(sent), same=same))
        self._before = sent

    async def close(self) -> None:
        return None


def _same(before: bytes, now: bytes) -> int:
    """How many bytes both begin with."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(before), len(now)))


@dataclass(slots=True)
class Cost:
    """Of six turns, one of each wish."""

    prompts: list[list[Prompt]] = field(default_factory=list)  # by turn
    statements: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of the process, all threads

    @property
    def size(self) -> float:
        """Bytes of a turn's prompts together, in the mean."""
        return mean(sum(one.size for one in turn) for turn in self.prompts)

    @property
    def same(self) -> float:
        """Per cent of all the bytes that were the beginning of the call before."""
        every = list(chain(*self.prompts))
        return 100 * sum(one.same for one in every) / sum(one.size for one in every)

    @property
    def worst(self) -> float:
        """The same of the turn where it is least: the one after the border has moved."""
        shares = (sum(p.same for p in turn) / sum(p.size for p in turn) for turn in self.prompts)
        return 100 * min(shares)


async def _no_ledger(_: AccountId) -> Sequence[LedgerEntry]:
    return ()


async def _sample_company() -> Business:
    clock, payments = SystemClock(), MemoryPayments()
    accounts = MemoryAccounts(payments, clock.now)
    await accounts.prepare()
    await seed(accounts, payments, clock.now())
    catalog = Catalog(accounts, _no_ledger)
    folder = example_configuration()
    return Business(
        catalog=catalog,
        directory=GatewayDirectory(accounts, clock),
        policy_source=FilePolicySource(folder / "policy.yaml", catalog.tools),
        instructions=instructions_of(load_configuration(folder)),
    )


class Street:
    """One house, in whose account so many messages are stored."""

    def __init__(self, house: OurHouse, model: Asker, url: str) -> None:
        self.house, self.model = house, model
        self._database = make_engine(url)
        limits = Limits()
        self._compacting = Compacting(
            store=house.store, model=model, clock=SystemClock(), limits=limits
        )

    def fill(self, messages: int) -> None:
        fill(self._database, messages, account=str(ACCOUNT), room=str(ROOM))

    async def at_message(self, number: int, *, counted: bool) -> Cost:
        """A fresh conversation's six turns around its message `number`. Statements are counted,
        or time is taken: counting costs time."""
        thread = await self._say(0)
        found = await self.house.store.run(lambda tx: tx.inbox.unfinished())
        [conversation] = found
        await self._turn(conversation)
        newest = await self.house.store.run(lambda tx: tx.transcript.last(conversation, 1))
        older = 2 * (number - 3 - _WARM - 1)
        talk(self._database, conversation, older, identity=str(OWNER), seq=newest[0].seq)
        await self._compacting.compact(conversation)
        cost = Cost()
        for n in range(_WARM + len(WISHES)):
            await self._say(n + 1 - _WARM, thread)
            if n < _WARM:
                await self._turn(conversation)
            else:
                await self._measured(conversation, cost, counted=counted)
            await self._compacting.compact(conversation)
        return cost

    async def _measured(self, conversation: ConversationId, cost: Cost, *, counted: bool) -> None:
        self.model.take()  # what it was given before
        if counted:
            with counting() as tally:
                await self._turn(conversation)
                cost.statements.append(tally.take()[1])
        else:
            began, cpu_began = time.perf_counter(), time.process_time()
            await self._turn(conversation)
            cost.milliseconds.append((time.perf_counter() - began) * 1e3)
            cost.cpu.append((time.process_time() - cpu_began) * 1e3)
        cost.prompts.append(self.model.take())

    async def _turn(self, conversation: ConversationId) -> None:
        await self.house.driver.run(conversation, "")

    async def _say(self, number: int, thread: str | None = None) -> str:
        wishes = list(WISHES)
        wish = wishes[number % len(wishes)]
        return await self.house.receive(wish, thread, colleague=number % 3 == 2)

    async def close(self) -> None:
        self._database.dispose()
        await self.house.close(started=False)


@asynccontextmanager
async def street(stored: int) -> AsyncIterator[Street]:
    with tempfile.TemporaryDirectory() as folder:
        model = Asker()
        house = await open_house(
            Path(folder), model, durable=False, business=await _sample_company()
        )
        await house.delivery.stop(0)  # else it would send while a turn is measured
        found = Street(house, model, f"sqlite:///{Path(folder) / 'handrail.db'}")
        try:
            await asyncio.to_thread(found.fill, stored)
            yield found
        finally:
            await found.close()


async def costs_at_messages(numbers: Sequence[int], rounds: int) -> dict[int, Cost]:
    """By the message's number in its conversation."""
    async with street(STORED[1]) as found:
        return await _rounds({number: (found, number) for number in numbers}, rounds)


async def costs_at_stored(stored: Sequence[int], rounds: int) -> dict[int, Cost]:
    """At message 10, by the number of messages stored in the account."""
    async with _streets(stored) as found:
        return await _rounds({one: (found[one], MESSAGES[0]) for one in stored}, rounds)


@asynccontextmanager
async def _streets(stored: Sequence[int]) -> AsyncIterator[dict[int, Street]]:
    if not stored:
        yield {}
        return
    async with street(stored[0]) as first, _streets(stored[1:]) as others:
        yield {stored[0]: first, **others}


async def _rounds(points: Mapping[int, tuple[Street, int]], rounds: int) -> dict[int, Cost]:
    """Each point once with statements counted, then timed in turns, so that all share the noise."""
    costs = {}
    for point, (place, number) in points.items():
        costs[point] = await place.at_message(number, counted=True)
    for _ in range(rounds):
        for point, (place, number) in points.items():
            timed = await place.at_message(number, counted=False)
            costs[point].milliseconds += timed.milliseconds
            costs[point].cpu += timed.cpu
    return costs


def _rows(costs: Mapping[int, Cost], what: str, point: str) -> list[Json]:
    *others, last = costs
    rows = []
    for name, unit, figure in (
        ("latency without the model", "ms", lambda cost: median(cost.milliseconds)),
        ("CPU without the model", "ms", lambda cost: median(cost.cpu)),
        ("SQL statements", "statements", lambda cost: mean(cost.statements)),
        ("prompts", "kB", lambda cost: cost.size / 1e3),
    ):
        found = {one: round(figure(costs[one]), 2) for one in costs}
        rows.append(
            {
                "name": f"turn {what}: {name}",
                "unit": unit,
                "ours": found[last],
                "peers": {point.format(one): found[one] for one in others},
                "ratio": round(found[last] / found[others[0]], 2),
            }
        )
    return rows


def measure(
    messages: Sequence[int] = MESSAGES, stored: Sequence[int] = STORED, rounds: int = 5
) -> list[Json]:
    """`ratio`: the last of each to the first."""
    of_talk = asyncio.run(costs_at_messages(messages, rounds))
    of_account = asyncio.run(costs_at_stored(stored, rounds))
    rows = _rows(of_talk, f"at message {messages[-1]:,} of a conversation", "message {:,}")
    rows += _rows(of_account, f"with {stored[-1]:,} messages stored in its account", "{:,} stored")
    for number, cost in of_talk.items():
        rows.append(
            {
                "name": f"share of a prompt that is the beginning of the one before, message "
                f"{number:,}",
                "unit": "% of the bytes",
                "ours": round(cost.same, 1),
                "peers": {"the turn where it is least": round(cost.worst, 1)},
                "ratio": None,
            }
        )
    return rows
