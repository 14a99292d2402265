"""The core as a library: the same guardrails, through a product's own calls."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent_core.blocks import Button, Buttons, Changes, Heading, Note
from agent_core.embed import (
    ActionFailed,
    Agent,
    Amount,
    Audience,
    Brief,
    Change,
    Compensation,
    ConfigurationError,
    Effect,
    Effected,
    Limits,
    Preview,
    Proposal,
    Reply,
    ToolContext,
    ToolName,
    action,
    person,
    read,
)
from agent_core.embedded import running
from agent_core.errors import ModelUnavailable
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.ports import ModelReply, ModelRequest
from agent_core.proposals import ProposalStatus

ANA = person("ana", name="Ana", roles={"acme": "owner"})
BOB = person("bob", name="Bob", roles={"acme": "owner"})
EVE = person("eve", name="Eve", roles={"other": "owner"})
LEE = person("lee", name="Lee", capabilities=["support"])
SAM = person("sam", name="Sam", capabilities=["approver"])


class Parcels:
    """A parcel service's own system, its tools, and the people who are called."""

    def __init__(self) -> None:
        self.moves: list[tuple[str, str, str]] = []  # account, number, address
        self.keys: list[str] = []
        self.fault: Exception | None = None
        self.briefs: asyncio.Queue[Brief] = asyncio.Queue()
        self.approvals: asyncio.Queue[Proposal] = asyncio.Queue()

    @property
    def tools(self) -> list[Any]:
        @read
        async def track(context: ToolContext, number: str) -> dict[str, str]:
            """Where a parcel is."""
            return {"account": str(context.account_id), "parcel": number}

        @action(roles=["owner"], title="Change the delivery address")
        async def move(context: ToolContext, number: str, address: str) -> None:
            """Deliver elsewhere."""
            self.keys.append(context.key)
            if self.fault is not None:
                raise self.fault
            self.moves.append((str(context.account_id), number, address))

        return [track, move]

    @asynccontextmanager
    async def agent(self, *steps: ModelReply | Exception, **more: Any) -> AsyncIterator[Agent]:
        model = more.pop("model", None) or ScriptModel(steps)
        given = {"tools": self.tools, "on_hand_over": self.briefs.put, **more}
        async with Agent(instructions="You help with parcels.", model=model, **given) as agent:
            yield agent


@pytest.fixture
def parcels() -> Parcels:
    return Parcels()


MOVE = calls(call("move", number="P-1", address="Elm Road"))


async def ask(agent: Agent, text: str = "move it", by: Any = ANA, **more: Any) -> Reply:
    return await agent.send(text, by=by, **{"account": "acme", "conversation": "c1", **more})


def button(reply: Reply, label: str) -> Button:
    found = [
        one
        for card in reply.cards
        for block in card.blocks
        if isinstance(block, Buttons)
        for one in block.buttons
        if one.label == label
    ]
    assert len(found) == 1
    return found[0]


# --- what others read -------------------------------------------------------------------------


# Text that is no address, a number, a short one, and one inside another value.
@pytest.mark.parametrize("asker", ["ana", "meg"])
async def test_a_private_argument_is_on_no_card_and_no_receipt_that_others_read(
    parcels: Parcels, asker: str
) -> None:
    @action(roles=["owner"], private={"door_code": ["owner"], "pin": ["owner"], "to": ["owner"]})
    async def leave(context: ToolContext, door_code: str, pin: int, to: list[str]) -> None:
        """Leave it inside."""

    meg = person("meg", name="Meg", roles={"acme": "member"})
    wish = calls(call("leave", door_code="K7Q", pin=480913, to=["cellar left", "rack 9"]))
    async with parcels.agent(wish, says("Well."), says("Well."), tools=[leave]) as agent:
        shared = {"audience": Audience.SHARED, "by": {"ana": ANA, "meg": meg}[asker]}
        shown = await ask(agent, "leave it inside", **shared)
        if asker == "meg":
            await agent.press(button(shown, "Ask an owner"), by=meg, conversation="c1")
        yes = shown.proposals[0].id
        said = (
            await agent.confirm(yes, by=ANA) if asker == "ana" else await agent.approve(yes, by=BOB)
        )
        posted = await agent.messages("c1")
    everybodys = [one.content for one in posted if one.content.private_to is None]
    text = f"{[one.fallback for one in everybodys]} {[one.blocks for one in everybodys]}"
    for secret in ("K7Q", "480913", "cellar left", "rack 9"):
        assert secret not in text and secret not in str(said.pressed)
    assert "Door code: •••" in text


async def test_what_support_writes_is_masked_too(parcels: Parcels) -> None:
    hand_over = calls(call("hand_over", reason="asked_for", summary="Wants a person."))
    async with parcels.agent(hand_over, says("One moment.")) as agent:
        await ask(agent, "a person, please")
        await agent.answer("Use the password: hunter2", by=LEE, conversation="c1")
        posted = await agent.messages("c1")
    said = [one.content.fallback for one in posted]
    assert "Use the password: [credential removed]" in said and "hunter2" not in str(posted)


# --- a yes ------------------------------------------------------------------------------------


async def test_nothing_happens_before_the_yes_and_then_it_happens_once(parcels: Parcels) -> None:
    async with parcels.agent(MOVE, says("See the card."), says("Moved.")) as agent:
        reply = await ask(agent)
        assert reply.text.startswith("You are writing with an AI agent")
        assert reply.text.endswith("See the card.")
        [card] = reply.cards
        assert Heading(text="Change the delivery address?") in card.blocks
        assert Note(text="Address: Elm Road") in card.blocks
        [proposal] = reply.proposals
        assert proposal.arguments == {"number": "P-1", "address": "Elm Road"}
        assert proposal.version == 0 and parcels.moves == []

        done = await agent.confirm(proposal.id, by=ANA)
        assert parcels.moves == [("acme", "P-1", "Elm Road")]
        assert parcels.keys == [proposal.id]
        [receipt] = done.receipts
        assert receipt.state == "succeeded" and receipt.title.endswith("delivery address")
        assert {field.label for field in receipt.fields} >= {"Number", "Address"}
        assert done.text == "Moved." and done.notice == ""
        assert [one.status for one in done.proposals] == [ProposalStatus.CONSUMED]
        numbers = [message.number for message in await agent.messages("c1")]
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) == 4


async def test_another_persons_yes_does_not_count(parcels: Parcels) -> None:
    async with parcels.agent(MOVE, says("See the card.")) as agent:
        [proposal] = (await ask(agent)).proposals
        for stranger in (BOB, EVE, LEE, SAM):
            reply = await agent.confirm(proposal.id, by=stranger)
            assert reply.notice == "Only Ana can say yes to “Change the delivery address”."
            seen = [] if stranger is EVE else [proposal.status]  # Eve is of another account
            assert [one.status for one in reply.proposals] == seen
        assert "Only Ana can" in (await agent.cancel(proposal.id, by=BOB)).notice
        assert parcels.moves == []
        cancelled = await agent.cancel(proposal.id, by=ANA)
        assert [one.status for one in cancelled.proposals] == [ProposalStatus.CANCELLED]
        assert "was cancelled" in (await agent.confirm(proposal.id, by=ANA)).notice
        assert parcels.moves == []


async def test_a_yes_in_words_counts_too(parcels: Parcels) -> None:
    async with parcels.agent(MOVE, says("See the card."), says("Moved.")) as agent:
        await ask(agent)
        reply = await ask(agent, "yes please")
        assert len(reply.receipts) == 1 and len(parcels.moves) == 1


async def twenty(parcels: Parcels, url: str | None) -> None:
    async with parcels.agent(MOVE, says("See."), says("Moved."), database_url=url) as agent:
        [proposal] = (await ask(agent)).proposals
        people = [ANA, BOB] * 10
        replies = await asyncio.gather(*(agent.confirm(proposal.id, by=one) for one in people))
        assert [bool(reply.notice) for reply in replies].count(False) == 1
        assert parcels.moves == [("acme", "P-1", "Elm Road")]
        receipts = [
            block
            for message in await agent.messages("c1")
            for block in message.content.blocks
            if type(block).__name__ == "Receipt"
        ]
        assert len(receipts) == 1


async def test_twenty_yeses_at_once_are_one_effect(parcels: Parcels) -> None:
    await twenty(parcels, None)


async def test_twenty_yeses_at_once_are_one_effect_on_sqlite(
    parcels: Parcels, tmp_path: Path
) -> None:
    await twenty(parcels, f"sqlite:///{tmp_path}/agent.db")


@pytest.mark.postgres
async def test_twenty_yeses_at_once_are_one_effect_on_postgres(
    parcels: Parcels, fresh_database: Callable[[], str]
) -> None:
    await twenty(parcels, fresh_database())


async def test_a_proposal_expires_by_itself(parcels: Parcels) -> None:
    limits = Limits(confirmation_seconds=0.2)
    async with parcels.agent(MOVE, says("See the card."), limits=limits) as agent:
        [proposal] = (await ask(agent)).proposals
        seen: list[str] = []
        async with asyncio.timeout(10):
            while not any("has expired" in text for text in seen):
                seen = [one.content.fallback for one in await agent.messages("c1")]
        assert "has expired" in (await agent.confirm(proposal.id, by=ANA)).notice
        assert parcels.moves == []


# --- restarts -----------------------------------------------------------------------------------


async def test_a_restart_goes_on(parcels: Parcels, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/agent.db"
    async with parcels.agent(MOVE, says("See the card."), database_url=url) as agent:
        [proposal] = (await ask(agent)).proposals
        before = await agent.messages("c1")
    async with parcels.agent(says("Moved."), says("Yes?"), database_url=url) as agent:
        assert await agent.messages("c1") == before
        done = await agent.confirm(proposal.id, by=ANA)
        assert len(done.receipts) == 1 and len(parcels.moves) == 1
        again = await ask(agent, "hello?")
        assert again.text == "Yes?"  # she knows that this is an AI
        assert again.messages[0].number == done.messages[-1].number + 1


class Hanging:
    """A model that has begun to think when the process ends."""

    label = "hanging"
    is_language_model = False

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        return None


async def test_a_turn_that_was_cut_off_goes_on(
    parcels: Parcels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "DRAIN_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path}/agent.db"
    model = Hanging()
    async with parcels.agent(model=model, database_url=url) as agent:
        asking = asyncio.create_task(ask(agent))
        await asyncio.wait_for(model.asked.wait(), 20)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    async with parcels.agent(MOVE, says("See the card."), database_url=url) as agent:
        async with asyncio.timeout(30):
            while len(await agent.messages("c1")) < 2:
                pass  # reading lets the others run
        texts = [one.content.fallback for one in await agent.messages("c1")]
        assert texts[-1] == "See the card."


async def test_a_long_conversation_is_summed_up_beside_its_turns(parcels: Parcels) -> None:
    model = ScriptModel([says(f"answer {n}") for n in range(15)])
    limits, prompt = Limits(history=2, history_block=2), ""
    async with parcels.agent(model=model, limits=limits) as agent:
        for n in range(15):
            await ask(agent, f"wish {n}")
            prompt = "\n".join(one.content for one in model.requests[-1].messages)
            if "<earlier>\n" in prompt:
                break
    earlier = prompt.split("<earlier>\n")[1].split("\n</earlier>")[0]
    assert "Ana (customer) wrote: wish 0" in earlier and ">wish 0<" not in prompt


# --- people -------------------------------------------------------------------------------------


async def test_a_case_is_a_call_and_people_answer_and_hand_back(parcels: Parcels) -> None:
    wants = calls(call("hand_over", reason="asked_for", summary="Wants a person."))
    async with parcels.agent(wants, says("Back.")) as agent:
        reply = await ask(agent, "A person, please")
        assert reply.status == "waiting_for_support"
        assert "A person from the support team takes over here (Case 1)." in reply.text
        brief = await asyncio.wait_for(parcels.briefs.get(), 10)
        assert (brief.room, brief.escalation.reason) == ("c1", "asked_for")
        assert brief.escalation.account_id == "acme"
        assert "Wants a person." in brief.escalation.suggestion
        assert brief.transcript[0].text == "A person, please"

        added = await ask(agent, "It is urgent")
        assert added.text == "This is added to Case 1. A person will answer you here."
        news = await asyncio.wait_for(parcels.briefs.get(), 10)
        assert news.escalation.id == brief.escalation.id
        assert "It is urgent" in [entry.text for entry in news.transcript]
        silent = await ask(agent, "Very urgent")
        assert silent.messages == ()  # it is said once an hour
        await asyncio.wait_for(parcels.briefs.get(), 10)

        with pytest.raises(PermissionError, match="capability"):
            await agent.answer("I am support", by=ANA, conversation="c1")
        answered = await agent.answer("Hello Ana", by=LEE, conversation="c1")
        assert (answered.text, answered.status) == ("Hello Ana", "with_support")
        assert answered.messages[0].content.author_name == "Lee"
        assert (await agent.hand_back("c1")).status == "with_agent"
        assert (await ask(agent, "and now?")).text.endswith("Back.")
        assert (await agent.hand_back("c1")).messages == ()


async def test_a_callback_that_fails_is_called_again(parcels: Parcels) -> None:
    called: list[Brief] = []
    told = asyncio.Event()

    async def shaky(brief: Brief) -> None:
        called.append(brief)
        if len(called) == 1:
            raise ConnectionError("the ticket system is away")
        told.set()

    async with parcels.agent(ModelUnavailable("away"), on_hand_over=shaky) as agent:
        await ask(agent)
        await asyncio.wait_for(told.wait(), 10)
    assert len({brief.escalation.id for brief in called}) == 1


async def test_a_model_that_fails_ends_with_a_person(parcels: Parcels) -> None:
    async with parcels.agent(ModelUnavailable("no route")) as agent:
        reply = await ask(agent)
        assert reply.text.endswith("takes over here (Case 1).") and "Sorry" in reply.text
        brief = await asyncio.wait_for(parcels.briefs.get(), 10)
        assert (brief.escalation.reason, brief.escalation.asked) == ("model_failure", "move it")


async def test_an_unknown_outcome_goes_to_a_person_and_is_not_tried_again(
    parcels: Parcels,
) -> None:
    parcels.fault = ConnectionResetError("no answer")
    async with parcels.agent(MOVE, says("See."), says("A person checks.")) as agent:
        [proposal] = (await ask(agent)).proposals
        reply = await agent.confirm(proposal.id, by=ANA)
        assert [one.state for one in reply.receipts] == ["unknown"]
        brief = await asyncio.wait_for(parcels.briefs.get(), 10)
        assert (brief.escalation.reason, brief.escalation.priority) == ("unknown_outcome", "urgent")
        assert proposal.id in brief.escalation.suggestion
        assert parcels.keys == [proposal.id]


async def test_a_look_up_settles_what_nobody_saw_end(parcels: Parcels) -> None:
    done: dict[str, str] = {}

    async def look_up(context: ToolContext, number: str) -> str | None:
        return f"{number} {done[context.key]}" if context.key in done else None

    @action(roles=["owner"], look_up=look_up)
    async def move(context: ToolContext, number: str, address: str) -> str:
        """Deliver elsewhere."""
        done[context.key] = address
        raise ConnectionResetError

    async with parcels.agent(MOVE, says("See."), says("Moved."), tools=[move]) as agent:
        [proposal] = (await ask(agent)).proposals
        reply = await agent.confirm(proposal.id, by=ANA)
        assert [one.state for one in reply.receipts] == ["succeeded"]
        assert parcels.briefs.empty()


async def test_what_did_not_happen_is_tried_again_under_the_same_key(parcels: Parcels) -> None:
    parcels.fault = ActionFailed("busy")
    async with parcels.agent(MOVE, says("See."), says("Sorry.")) as agent:
        [proposal] = (await ask(agent)).proposals
        reply = await agent.confirm(proposal.id, by=ANA)
        assert [one.state for one in reply.receipts] == ["failed"]
        assert parcels.keys == [proposal.id, proposal.id]


async def test_an_action_is_taken_back_by_its_button(parcels: Parcels) -> None:
    doors: list[str] = []

    def back(effected: Effected) -> dict[str, str]:
        return {"door": effected.arguments["door"]}

    @action(
        roles=["owner"],
        confirm=False,
        undo=Compensation(tool=ToolName("close_door"), arguments=back),
    )
    async def open_door(door: str) -> None:
        """Open a door."""
        doors.append(f"{door} open")

    @action(roles=["owner"], confirm=False)
    async def close_door(door: str) -> None:
        """Close a door."""
        doors.append(f"{door} closed")

    steps = [calls(call("open_door", door="A")), says("Open.")]
    async with parcels.agent(*steps, tools=[open_door, close_door]) as agent:
        undo = button(await ask(agent, "open door A"), "Undo")
        others = await agent.press(undo, by=EVE, conversation="c1")
        assert others.notice and doors == ["A open"]
        undone = await agent.press(undo, by=ANA, conversation="c1")
        assert doors == ["A open", "A closed"] and len(undone.receipts) == 1


async def test_two_effects_that_are_alike_are_taken_back_one_by_one(parcels: Parcels) -> None:
    points: list[int] = []

    @action(
        roles=["owner"],
        confirm=False,
        undo=Compensation(tool=ToolName("take"), arguments=lambda done: dict(done.arguments)),
    )
    async def give(points_: int) -> None:
        """Give points."""
        points.append(points_)

    @action(roles=["owner"])
    async def take(points_: int) -> None:
        """Take points."""
        points.append(-points_)

    give_5 = calls(call("give", points_=5))
    steps = [give_5, says("Given."), give_5, says("See above."), says("Given."), says("Taken.")]
    async with parcels.agent(*steps, tools=[give, take]) as agent:
        undos = [button(await ask(agent, "give 5 points"), "Undo")]
        [again] = (await ask(agent, "give 5 points again")).proposals
        undos.append(button(await agent.confirm(again.id, by=ANA), "Undo"))
        for undo in undos:
            await agent.press(undo, by=ANA, conversation="c1")
        reply = await agent.press(undos[1], by=ANA, conversation="c1")
        assert [one.undoes for one in reply.proposals] == [one.value for one in undos]
        assert points == [5, 5]
        first, _ = reply.proposals
        await agent.confirm(first.id, by=ANA)
        await agent.cancel(reply.proposals[1].id, by=ANA)
        reply = await agent.press(undos[1], by=ANA, conversation="c1")
        [second] = reply.proposals
        assert (second.undoes, points) == (undos[1].value, [5, 5, -5])
        assert not any("done already" in note for note in second.notes)


# --- policy -------------------------------------------------------------------------------------


async def _refund_preview(context: ToolContext, cents: int) -> Preview:
    return Preview(
        arguments={"cents": cents},
        title=f"Refund {cents}",
        changes=(Change(label="Balance", before="0", after=str(cents)),),
        version=7,
        amount=Amount(minor=cents, currency="USD"),
    )


def refund(paid: list[int]) -> Any:
    @action(
        effect=Effect.MONEY, roles=["owner"], approve_above_minor=5_000, preview=_refund_preview
    )
    async def refund(context: ToolContext, cents: int) -> None:
        """Give money back."""
        assert context.expected_version == 7
        paid.append(cents)

    return refund


async def test_somebody_else_approves_above_the_amount(parcels: Parcels) -> None:
    paid: list[int] = []
    steps = [calls(call("refund", cents=8_000)), says("See."), says("Refunded.")]
    async with parcels.agent(
        *steps, tools=[refund(paid)], on_approval=parcels.approvals.put
    ) as agent:
        reply = await ask(agent)
        [proposal] = reply.proposals
        assert any(isinstance(block, Changes) for block in reply.cards[0].blocks)
        waiting = await agent.confirm(proposal.id, by=ANA)
        assert [one.status for one in waiting.proposals] == [ProposalStatus.AWAITING_APPROVAL]
        asked = await asyncio.wait_for(parcels.approvals.get(), 10)
        assert asked.id == proposal.id
        own = await agent.approve(proposal.id, by=ANA)
        assert own.notice == "Nobody can approve their own request."
        assert "needs a yes from" in (await agent.approve(proposal.id, by=BOB)).notice
        assert paid == []
        done = await agent.approve(proposal.id, by=SAM)
        assert paid == [8_000] and len(done.receipts) == 1


@pytest.mark.parametrize(("cents", "currency"), [(-8_000, "USD"), (8_000, "usd"), (8_000, "$")])
async def test_an_amount_that_no_limit_would_count_is_not_moved(
    parcels: Parcels, cents: int, currency: str
) -> None:
    async def preview(context: ToolContext, cents: int) -> Preview:
        seen = await _refund_preview(context, cents)
        return replace(seen, amount=Amount(minor=cents, currency=currency))

    @action(effect=Effect.MONEY, roles=["owner"], confirm=False, preview=preview)
    async def refund(context: ToolContext, cents: int) -> None:
        """Give money back."""
        paid.append(cents)

    paid: list[int] = []
    limit = "limits: [{tools: [refund], per: account, money: 50.00 USD}]"
    steps = [calls(call("refund", cents=cents)), says("I could not.")]
    async with parcels.agent(*steps, tools=[refund], policy=limit) as agent:
        reply = await ask(agent)
        assert (paid, reply.proposals, reply.receipts) == ([], (), ())


async def test_people_who_are_known_from_the_start_can_be_asked(parcels: Parcels) -> None:
    policy = "tools: {refund: {roles: [admin, owner], approvers: [owner]}}"
    mia = person("mia", name="Mia", roles={"acme": "admin"})
    paid: list[int] = []
    steps = [calls(call("refund", cents=8_000)), says("See."), says("Refunded.")]
    given = {"tools": [refund(paid)], "policy": policy, "people": [ANA]}
    async with parcels.agent(*steps, **given) as agent:
        [proposal] = (await ask(agent, by=mia)).proposals
        reply = await agent.confirm(proposal.id, by=mia)
        assert reply.status == "with_agent"
        assert "Ana, please decide" in reply.cards[-1].fallback
        await agent.press(button(reply, "Approve"), by=ANA, conversation="c1")
        assert paid == [8_000]


async def test_approvers_are_reminded(parcels: Parcels, tmp_path: Path) -> None:
    steps = [calls(call("refund", cents=8_000)), says("See.")]
    given = {
        "tools": [refund([])],
        "on_approval": parcels.approvals.put,
        "limits": Limits(approval_remind_seconds=0.1),
        "database_url": f"sqlite:///{tmp_path}/agent.db",
    }
    async with parcels.agent(*steps, **given) as agent:
        [proposal] = (await ask(agent)).proposals
        await agent.confirm(proposal.id, by=ANA)
        assert (await asyncio.wait_for(parcels.approvals.get(), 10)).id == proposal.id
    async with parcels.agent(**given) as agent:  # a start looks after all that waits
        assert (await asyncio.wait_for(parcels.approvals.get(), 10)).id == proposal.id
        async with asyncio.timeout(10):
            while "have been reminded" not in str(await agent.messages("c1")):
                pass  # reading lets the others run


async def test_an_approver_declines(parcels: Parcels) -> None:
    paid: list[int] = []
    steps = [calls(call("refund", cents=8_000)), says("See.")]
    async with parcels.agent(*steps, tools=[refund(paid)]) as agent:
        [proposal] = (await ask(agent)).proposals
        await agent.confirm(proposal.id, by=ANA)
        declined = await agent.decline(proposal.id, by=SAM)
        assert "was declined" in declined.text and paid == []


POLICY = """
tools:
  move:
    roles: [admin]
    refuse:
      - when: arguments.address == "the moon"
        reason: We do not deliver there.
"""


async def test_a_policy_in_words_goes_before_what_a_tool_declares(parcels: Parcels) -> None:
    moon = calls(call("move", number="P-1", address="the moon"))
    async with parcels.agent(MOVE, says("No."), moon, says("No."), policy=POLICY) as agent:
        reply = await ask(agent)
        assert any("Only an admin" in card.fallback for card in reply.cards)
        assert parcels.moves == []
        reply = await ask(agent, "to the moon")
        assert any("We do not deliver there." in card.fallback for card in reply.cards)


async def test_a_policy_in_a_file(parcels: Parcels, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("tools: {move: {confirm: false}}", encoding="utf-8")
    async with parcels.agent(MOVE, says("Moved."), policy=path) as agent:
        reply = await ask(agent, "move P-1 to Elm Road")
        assert len(reply.receipts) == 1 and len(parcels.moves) == 1


async def test_mistakes_of_a_policy_stop_the_start(parcels: Parcels, tmp_path: Path) -> None:
    wrong = "tools: {teleport: {roles: [owner]}, move: {roles: [boss]}}"
    with pytest.raises(ConfigurationError) as caught:
        async with parcels.agent(policy=wrong):
            pass
    said = str(caught.value)
    assert "teleport" in said and "move" in said and "/tmp" not in said


async def test_what_nobody_was_named_for_nobody_may(parcels: Parcels) -> None:
    @action()
    async def move(number: str, address: str) -> None:
        """Deliver elsewhere."""
        parcels.moves.append(("", number, address))

    async with parcels.agent(MOVE, says("No."), tools=[move]) as agent:
        reply = await ask(agent)
        assert reply.proposals == () and parcels.moves == []
        assert any("Nobody can do this" in card.fallback for card in reply.cards)


async def test_a_stranger_to_the_account_reads_nothing(parcels: Parcels) -> None:
    steps = [calls(call("track", number="P-1")), says("I cannot.")]
    async with parcels.agent(*steps) as agent:
        reply = await ask(agent, by=EVE)
        assert any("nobody has given you a role" in card.fallback for card in reply.cards)
        support = button(reply, "Talk to support")
        assert "Case 1" in (await agent.press(support, by=EVE, conversation="c1")).notice
        await asyncio.wait_for(parcels.briefs.get(), 10)


# --- conversations ------------------------------------------------------------------------------


async def test_a_conversation_keeps_its_account_and_its_person(parcels: Parcels) -> None:
    async with parcels.agent(says("Hello."), says("Hello all."), says("And Bob.")) as agent:
        await ask(agent)
        with pytest.raises(ValueError, match="belongs to the account acme"):
            await ask(agent, account="other", by=EVE)
        with pytest.raises(ValueError, match="private to Ana"):
            await ask(agent, by=BOB)
        with pytest.raises(ValueError, match="stays so"):
            await ask(agent, audience=Audience.SHARED)
        shared = {"conversation": "c2", "audience": Audience.SHARED}
        await ask(agent, **shared)
        assert "And Bob." in (await ask(agent, by=BOB, conversation="c2")).text


async def test_what_is_not_there_is_said(parcels: Parcels) -> None:
    async with parcels.agent(says("Hello.")) as agent:
        await ask(agent)
        for wrong in (
            agent.confirm("proposal_x", by=ANA),
            agent.hand_back("c9"),
            agent.answer("Hi", by=LEE, conversation="c1"),
        ):
            with pytest.raises(LookupError):
                await wrong
    with pytest.raises(RuntimeError, match="async with"):
        await agent.messages("c1")


async def test_the_same_message_twice_is_one(parcels: Parcels) -> None:
    async with parcels.agent(says("Hello.")) as agent:
        await ask(agent, message_id="m1")
        assert (await ask(agent, message_id="m1")).messages == ()
        assert len(await agent.messages("c1")) == 1


async def test_an_answer_that_takes_too_long_is_told_and_comes_later(parcels: Parcels) -> None:
    model = Hanging()
    limits = Limits(model_seconds=0.2)
    async with parcels.agent(model=model, limits=limits) as agent:
        with pytest.raises(TimeoutError, match="still at work"):
            await ask(agent, seconds=0.05)
        brief = await asyncio.wait_for(parcels.briefs.get(), 10)
        assert brief.escalation.reason == "model_failure"
        assert await agent.messages("c1")


# --- the door -----------------------------------------------------------------------------------


async def test_one_agent_with_a_database_at_a_time(parcels: Parcels, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/agent.db"
    async with parcels.agent(database_url=url):
        with pytest.raises(ConfigurationError, match="another agent with a database"):
            async with parcels.agent(database_url=f"sqlite:///{tmp_path}/b/agent.db"):
                pass
    async with parcels.agent(says("Hello."), database_url=url) as agent:
        assert (await ask(agent)).text.endswith("Hello.")


def test_names_that_clash_are_refused(parcels: Parcels) -> None:
    @read
    async def hand_over() -> str:
        """Clashes."""
        return ""

    with pytest.raises(ConfigurationError) as caught:
        Agent(
            tools=[*parcels.tools, *parcels.tools, hand_over],
            instructions="",
            model="m",
            on_hand_over=parcels.briefs.put,
        )
    assert len(caught.value.mistakes) == 3


HEAVY = ("slack_bolt", "slack_sdk", "botbuilder", "aiohttp.web", "dbos", "bots", "escalation")


def test_the_door_loads_no_platform_and_no_server() -> None:
    script = "import sys, agent_core.embed; print(*sorted(sys.modules), sep='\\n')"
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    loaded = shown.stdout.split()
    assert "agent_core.driver" in loaded
    assert [name for name in loaded if name.startswith(HEAVY)] == []
