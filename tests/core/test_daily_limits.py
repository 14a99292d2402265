"""Daily limits: counted in the ledger, and never raced by conversations that run side by side."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_core.conversation import Audience
from agent_core.daily_limits import Counted, Planned, limit_text, used, within_limits
from agent_core.escalations import EscalationReason
from agent_core.messages import Platform
from agent_core.models.planner import PlannerModel
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.people import Person, PersonId, Requester
from agent_core.policy import DailyLimit, Decision, Per, Ruling
from agent_core.ports import ModelReply, ModelRequest, UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, ProposalId, ProposalStatus
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store import migrations
from agent_core.store.memory_store import MemoryStore
from agent_core.store.sql_store import SqlStore
from agent_core.tooling import Amount, Json, ToolCall, ToolName
from tests.builders import ACME, NOON, an_identity
from tests.core.desk import OTHER
from tests.core.faulty import Faulty, faulty
from tools.accounts.commands import AddSeats
from tools.accounts.seed import NORTHWIND

REFUND = ToolName("refund")
USD = "USD"


def a_limit(per: Per = Per.ACCOUNT, **changes: Any) -> DailyLimit:
    limit = DailyLimit(
        tools=frozenset({REFUND}),
        per=per,
        count=3,
        money={},
        over=Decision.REFUSE,
        reason="",
        rule="limits.0",
        where="policy.yaml:3",
    )
    return replace(limit, **changes)


def ruling(*limits: DailyLimit) -> Ruling:
    return Ruling(
        decision=Decision.CONFIRM, rule="tools.refund (v1)", reason="", confirm=True, limits=limits
    )


def an_intent(key: str, **changes: Any) -> LedgerEntry:
    entry = LedgerEntry(
        key=ProposalId(key),
        conversation_id=f"con_{key}",  # type: ignore[arg-type]
        account_id=ACME,
        tool=REFUND,
        arguments={},
        amount=Amount(minor=1_000, currency=USD),
        requester=an_identity("U1"),
        person_id=PersonId("per_ada"),
        intended_at=NOON,
    )
    return replace(entry, **changes)


def counted(**changes: Any) -> Counted:
    values: dict[str, Any] = {
        "account_id": ACME,
        "person": "per_ada",
        "amount": Amount(minor=1_000, currency=USD),
        "at": NOON,
    }
    return Counted(**{**values, **changes})


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    if request.param == "memory":
        return MemoryStore
    url = f"sqlite:///{tmp_path / 'core.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("fresh_database")()
    migrations.migrate(url)
    return lambda: SqlStore(url)


async def test_what_counts_and_for_whom(make_store: Callable[[], Any]) -> None:
    store = make_store()

    def fill(tx: UnitOfWork) -> None:
        for entry in (
            an_intent("a"),
            an_intent("b", outcome=Outcome.SUCCEEDED, amount=Amount(minor=500, currency="EUR")),
            an_intent("c", outcome=Outcome.UNKNOWN, account_id=OTHER),
            an_intent("d", outcome=Outcome.FAILED),
            an_intent("e", outcome=Outcome.REFUSED),
            an_intent("f", intended_at=NOON - timedelta(hours=13)),  # yesterday
            an_intent("g", tool=ToolName("look")),
            an_intent("h", person_id=None, requester=an_identity("U9"), amount=None),
        ):
            tx.ledger.intend(entry)

    def count(tx: UnitOfWork, per: Per, **about: Any) -> tuple[int, int]:
        use = used(tx, a_limit(per), counted(**about))
        return use.count, use.minor

    await store.run(fill)
    for per, about, expected in (
        (Per.ACCOUNT, {}, (3, 1_000)),
        (Per.ACCOUNT, {"amount": Amount(minor=1, currency="EUR")}, (3, 500)),
        (Per.ACCOUNT, {"account_id": OTHER}, (1, 1_000)),
        (Per.PERSON, {}, (3, 2_000)),
        (Per.PERSON, {"person": str(an_identity("U9"))}, (1, 0)),
        (Per.PERSON, {"person": "per_b", "addresses": {str(an_identity("U9"))}}, (1, 0)),
        (Per.PERSON, {"person": "per_b", "addresses": {str(an_identity("U1"))}}, (3, 2_000)),
        (Per.EVERYBODY, {"addresses": {"slack:T1/U0"}}, (4, 2_000)),
        (Per.EVERYBODY, {}, (4, 2_000)),
        (Per.EVERYBODY, {"at": NOON + timedelta(days=1)}, (0, 0)),
    ):
        found = await store.run(lambda tx, per=per, about=about: count(tx, per, **about))
        assert found == expected, (per, about)
    await store.close()


@pytest.mark.parametrize("per", list(Per))
async def test_twenty_conversations_at_once_keep_the_limit(
    make_store: Callable[[], Any], per: Per
) -> None:
    store = make_store()
    limit = a_limit(per, money={USD: 2_500})
    hard = ruling(limit, a_limit(Per.PERSON, count=15))

    def intend(tx: UnitOfWork, number: int) -> bool:
        decided = within_limits(tx, hard, counted(), holding=True)
        if decided.decision is not Decision.CONFIRM:
            return False
        tx.ledger.intend(an_intent(f"k{number}"))
        return True

    def settle(tx: UnitOfWork, number: int) -> None:
        tx.ledger.settle(an_intent(f"k{number}", outcome=Outcome.FAILED, settled_at=NOON))

    async def all_at_once(numbers: range) -> list[int]:
        done = await asyncio.gather(
            *(store.run(lambda tx, number=number: intend(tx, number)) for number in numbers)
        )
        return [number for number, ran in zip(numbers, done, strict=True) if ran]

    ran = await all_at_once(range(20))
    assert len(ran) == 2  # three would be allowed by their number, not by their money
    await store.run(lambda tx: settle(tx, ran[0]))  # what did not happen does not count
    assert len(await all_at_once(range(20, 40))) == 1
    await store.close()


async def test_over_the_limit_is_refused_or_handed_over_with_a_sentence() -> None:
    store = MemoryStore()

    def fill(tx: UnitOfWork) -> None:
        for key in ("a", "b", "c"):
            tx.ledger.intend(an_intent(key))

    await store.run(fill)

    def ask(tx: UnitOfWork, limit: DailyLimit, **about: Any) -> Ruling:
        return within_limits(tx, ruling(limit), counted(**about), holding=False)

    refused = await store.run(lambda tx: ask(tx, a_limit()))
    assert (refused.decision, refused.where) == (Decision.REFUSE, "policy.yaml:3")
    assert refused.rule == "limits.0 (v1)"
    assert refused.reason.startswith("At most 3 a day for one account. (3 done today, $30.00")
    money = a_limit(count=None, money={USD: 3_500}, over=Decision.ESCALATE, reason="Enough.")
    handed = await store.run(lambda tx: ask(tx, money))
    assert handed.decision is Decision.ESCALATE and handed.reason.startswith("Enough. (3 done")
    small = {"amount": Amount(minor=500, currency=USD)}
    assert (await store.run(lambda tx: ask(tx, money, **small))).decision is Decision.CONFIRM
    other = {"amount": Amount(minor=9_999, currency="EUR")}  # has no limit
    assert (await store.run(lambda tx: ask(tx, money, **other))).decision is Decision.CONFIRM
    assert limit_text(money) == "At most $35.00 a day for one account"
    both = replace(money, count=20, money={USD: 3_500, "EUR": 4_000, "JPY": 500})
    assert limit_text(both) == "At most 20 a day and $35.00, €40.00 or ¥500 a day for one account"


async def test_joining_ones_identities_starts_no_new_count() -> None:
    """The joined person has the id of whoever gave the code: what was begun under the other id, or
    before anybody knew them, is theirs as before."""
    store = MemoryStore()
    here, there = an_identity("U1"), an_identity("u-1", Platform.TEAMS)
    joined = Person(id=PersonId("per_new"), name="Ada", identities=(there, here))
    who = Requester(identity=here, name="Ada", person=joined)

    def ask(tx: UnitOfWork) -> Ruling:
        for key, person in (("a", PersonId("per_ada")), ("b", None), ("c", joined.id)):
            tx.ledger.intend(an_intent(key, person_id=person))
        about = counted(person=who.key, addresses=who.addresses)
        return within_limits(tx, ruling(a_limit(Per.PERSON)), about, holding=True)

    assert (await store.run(ask)).decision is Decision.REFUSE


# --- several steps of one plan ------------------------------------------------------------------

SEATS_AND_CONTACT = "add 2 seats; change the billing contact to Dana Fox, dana@northwind.example"


async def test_the_steps_before_it_in_a_plan_count_too() -> None:
    store = MemoryStore()
    await store.run(lambda tx: tx.ledger.intend(an_intent("a")))
    before = (
        Planned(tool=REFUND, amount=Amount(minor=500, currency=USD)),
        Planned(tool=REFUND, amount=Amount(minor=9_999, currency="EUR")),
        Planned(tool=ToolName("look"), amount=Amount(minor=9_999, currency=USD)),
    )

    def ask(tx: UnitOfWork, limit: DailyLimit, *planned: Planned) -> Ruling:
        return within_limits(tx, ruling(limit), counted(before=planned), holding=False)

    full = await store.run(lambda tx: ask(tx, a_limit(count=4), *before))
    assert full.decision is Decision.CONFIRM  # the fourth of four
    less = a_limit(count=3)
    full = await store.run(lambda tx: ask(tx, less, *before))
    assert full.decision is Decision.REFUSE
    assert "(3 today with the steps before this one, $15.00 together;" in full.reason
    assert (await store.run(lambda tx: ask(tx, less))).decision is Decision.CONFIRM
    money = a_limit(count=None, money={USD: 2_499})
    assert (await store.run(lambda tx: ask(tx, money, *before))).decision is Decision.REFUSE
    assert (await store.run(lambda tx: ask(tx, money))).decision is Decision.CONFIRM


class Heard(PlannerModel):
    """Remembers the results that it was shown last."""

    results: list[Json]

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.results = [json.loads(one.content) for one in request.messages if one.role == "tool"]
        return await super().reply(request)


async def limited(folder: Path, over: str) -> Faulty:
    """Of seats and billing contacts together, one change a day."""
    made = await faulty()
    policy = folder / "policy.yaml"
    tools = "[add_seats, change_billing_contact]"
    policy.write_text(
        f"limits: [{{tools: {tools}, per: account, per_day: 1, over: {over}, reason: One a day.}}]",
        encoding="utf-8",
    )
    made.policy_source = FilePolicySource(policy, made.catalog.for_audience(Audience.PRIVATE))
    return made


@pytest.mark.parametrize("over", ["refuse", "escalate"])
async def test_a_plan_says_before_the_yes_which_step_is_beyond_the_limit(
    tmp_path: Path, over: str
) -> None:
    made = await limited(tmp_path, over)
    made.model = model = Heard()
    await made.say(SEATS_AND_CONTACT)
    card = (await made.texts())[0]
    assert "One a day. (1 today with the steps before this one;" in card
    assert [one.status for one in await made.steps()] == [
        ProposalStatus.AWAITING_CONFIRMATION,
        ProposalStatus.REFUSED,
    ]
    handed = [EscalationReason.POLICY] if over == "escalate" else []
    assert [case["reason"] for case in made.desk.cases] == handed
    assert [one["status"] for one in model.results] == ["awaiting_confirmation", "refused"]
    assert model.results[1]["reason"].startswith("One a day.")
    await made.one_yes()
    assert await made.seats() == 14


async def test_a_step_that_is_left_out_is_so_also_when_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    made = await limited(tmp_path, "refuse")
    seats = call("add_seats", seats=2)
    wish = json.dumps({"name": "Dana Fox", "email": "dana@northwind.example"})
    contact = ToolCall(id="", name="change_billing_contact", arguments=wish)
    steps = [calls(seats, contact), calls(contact, seats), says("That is all.")]
    made.model = model = ScriptModel(steps)
    await made.say(SEATS_AND_CONTACT)
    shown = [one for one in model.requests[-1].messages if one.role == "tool"]
    assert [json.loads(one.content)["status"] for one in shown] == [
        "awaiting_confirmation",
        "refused",
        "refused",
        "awaiting_confirmation",
    ]
    assert json.loads(shown[2].content)["reason"].startswith("One a day.")
    assert [one.status for one in await made.steps()] == [
        ProposalStatus.AWAITING_CONFIRMATION,
        ProposalStatus.REFUSED,
    ]


async def test_a_plan_that_is_shown_anew_counts_its_steps_too(tmp_path: Path) -> None:
    made = await faulty()
    await made.say(SEATS_AND_CONTACT)
    await made.gateway.apply(
        NORTHWIND, AddSeats(count=1), key="other", expected_version=1, now=NOON
    )
    made.policy_source = (await limited(tmp_path, "refuse")).policy_source
    await made.one_yes()
    assert "Changed in between" in (await made.texts())[-1]
    assert "with the steps before this one" in (await made.texts())[-1]
    assert [one.title for one in await made.open_proposals()] == ["Add 2 seats"]
