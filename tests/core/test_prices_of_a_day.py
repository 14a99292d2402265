"""The price of a day binds the yes, and is no part of what makes two wishes the same wish."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from agent_core.conversation import Audience, ConversationStatus
from agent_core.errors import ActionOutcomeUnknown
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, Proposal, ProposalStatus, canonical
from agent_core.tooling import Effect, PolicyDefaults, Preview, Tool, ToolName
from agent_core.wishes import Wish
from tests.core.faulty import CONVERSATION, Faulty, faulty
from tools.accounts.memory_gateway import MemoryAccounts, MemoryPayments
from tools.accounts.seed import NORTHWIND
from tools.actions import add_seats
from tools.actions.building import PRICED


async def with_agent_again(made: Faulty) -> None:
    """Support hands the conversation back."""

    def move(tx: UnitOfWork) -> None:
        conversation = tx.conversations.get(CONVERSATION)
        assert conversation is not None
        moved = conversation.moved(ConversationStatus.WITH_AGENT)
        tx.conversations.save(moved, expected_epoch=conversation.epoch)

    await made.tx(move)


async def in_doubt(wish: str) -> tuple[Faulty, Proposal]:
    """It was begun shortly before midnight, UTC, and nobody knows what became of it."""
    made = await faulty()
    made.clock.advance(timedelta(hours=11, minutes=50))
    made.bank.dark = True
    made.bank.faults = dict.fromkeys(range(1, 20), ActionOutcomeUnknown("lost"))
    await made.say(wish)
    (proposal,) = await made.open_proposals()
    await made.one_yes()
    await with_agent_again(made)
    return made, proposal


@pytest.mark.parametrize("wish", ["add 3 seats", "upgrade us to Business"])
async def test_the_day_after_it_is_still_the_wish_that_nobody_knows_the_outcome_of(
    wish: str,
) -> None:
    made, first = await in_doubt(wish)
    sent = made.bank.sent
    made.clock.advance(timedelta(hours=12))
    made.bank.faults = {}  # the bank answers again: a second one would be done and charged
    await made.say(wish)
    assert await made.open_proposals() == []
    assert made.bank.sent == sent and made.moved == 0
    assert "not certain yet whether it happened" in (await made.texts())[-1]
    entry = await made.tx(lambda tx: tx.ledger.get(first.id))
    assert entry.outcome is Outcome.UNKNOWN


async def test_the_yes_is_for_the_price_of_its_day() -> None:
    made = await faulty()
    made.clock.advance(timedelta(hours=11, minutes=58))
    await made.say("add 3 seats")
    (first,) = await made.open_proposals()
    await made.confirm(first)
    made.clock.advance(timedelta(minutes=5))
    await made.run()
    assert made.moved == 0
    (anew,) = await made.open_proposals()
    assert anew.status is ProposalStatus.AWAITING_CONFIRMATION
    assert anew.arguments["agreed_minor"] < first.arguments["agreed_minor"]
    assert (anew.fingerprint, anew.occurrence) == (first.fingerprint, 2)
    await made.one_yes()
    assert made.moved == 1


async def test_asked_again_the_day_after_the_card_shows_that_days_price() -> None:
    made = await faulty()
    made.clock.advance(timedelta(hours=11, minutes=58))
    await made.say("add 3 seats")
    (first,) = await made.open_proposals()
    made.clock.advance(timedelta(minutes=5))
    await made.say("add 3 seats")
    (second,) = await made.open_proposals()
    assert second.id != first.id
    assert second.arguments["agreed_minor"] < first.arguments["agreed_minor"]


async def test_what_was_done_yesterday_is_asked_about() -> None:
    made = await faulty()
    await made.say("add 3 seats")
    await made.one_yes()
    made.clock.advance(timedelta(days=1))
    await made.say("add 3 seats")
    (again,) = await made.open_proposals()
    assert again.occurrence == 2 and "done already at 12:00 UTC" in again.notes[0]
    await made.one_yes()
    assert await made.seats() == 18 and made.moved == 2


# --- what may be quoted -----------------------------------------------------------------------


async def handler(*_: object) -> None: ...


class Wished(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount_minor: int
    whom: str = Field(alias="to")


@pytest.mark.parametrize("name", ["amount_minor", "price", "whom", "to"])
def test_what_can_be_asked_for_cannot_be_quoted(name: str) -> None:
    with pytest.raises(ValueError, match=f"pay: {name} cannot be quoted"):
        Tool(
            name=ToolName("pay"),
            description="Pay",
            arguments=Wished,
            effect=Effect.MONEY,
            handler=handler,  # type: ignore[arg-type]
            policy=PolicyDefaults(),
            quoted=frozenset({name}),
        )


async def test_every_price_of_the_day_is_declared_as_one() -> None:
    made = await faulty()
    for tool in made.catalog.for_audience(Audience.PRIVATE):
        assert tool.quoted == PRICED & set(tool.arguments.model_fields), tool.name


ARGUMENTS = st.dictionaries(
    st.sampled_from(["seats", "plan", "invoice", "agreed_minor"]),
    st.one_of(st.none(), st.integers(), st.text(max_size=5)),
)


SEATS = add_seats.tool(MemoryAccounts(MemoryPayments()))


def wished(arguments: dict[str, object]) -> Wish:
    preview = Preview(arguments=arguments, title="", changes=(), version=1)
    return Wish(tool=SEATS, preview=preview, account_id=NORTHWIND, account_name="")


@given(one=ARGUMENTS, other=ARGUMENTS)
def test_wishes_are_twins_if_they_differ_in_the_price_alone(
    one: dict[str, object], other: dict[str, object]
) -> None:
    alike = [
        canonical({name: value for name, value in each.items() if name != "agreed_minor"})
        for each in (one, other)
    ]
    same = wished(one).fingerprint == wished(other).fingerprint
    assert same is (alike[0] == alike[1])
