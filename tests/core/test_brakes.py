"""Brakes act within one step, and whoever wrote gets a person."""

from collections.abc import AsyncIterator

import pytest

from agent_core import presses
from agent_core.brakes import Brake, BrakeScope, brake_named, holds_action, holds_conversation
from agent_core.conversation import ConversationStatus
from agent_core.messages import CommandUsed, Participant, Platform, ReplyAddress, RoomRef
from agent_core.people import AccountId, Capability, Person, PersonId
from agent_core.ports import UnitOfWork
from agent_core.tooling import ToolName
from tests.builders import NOON, a_conversation
from tests.fakes.house import CUSTOMER_ROOM, GLOBEX, MEMBER, OWNER, House, someone


def brake(scope: BrakeScope, target: str = "") -> Brake:
    return Brake(scope=scope, target=target, set_by="Lena", set_at=NOON, reason="audit")


@pytest.mark.parametrize(
    ("scope", "target", "holds"),
    [
        (BrakeScope.ALL, "", True),
        (BrakeScope.ACCOUNT, "acc_acme", True),
        (BrakeScope.ACCOUNT, "other", False),
        (BrakeScope.ROOM, str(a_conversation().room), True),
        (BrakeScope.ROOM, "slack:T1/C9", False),
        (BrakeScope.ACCOUNT, "ACC_Acme", True),
        (BrakeScope.TOOL, "add_seats", False),
    ],
)
def test_a_brake_holds_its_conversations(scope: BrakeScope, target: str, holds: bool) -> None:
    found = holds_conversation([brake(scope, target)], a_conversation())
    assert (found is not None) is holds


@pytest.mark.parametrize(
    ("scope", "target", "holds"),
    [
        (BrakeScope.ALL, "", True),
        (BrakeScope.TOOL, "add_seats", True),
        (BrakeScope.TOOL, "refund_invoice", False),
        (BrakeScope.ACCOUNT, "globex", True),
        (BrakeScope.ROOM, "slack:T1/C1", True),
        (BrakeScope.ROOM, "slack:T1/C9", False),
        (BrakeScope.TOOL, "Add_Seats", True),
        (BrakeScope.ACCOUNT, "Globex", True),
    ],
)
def test_a_brake_holds_its_actions(scope: BrakeScope, target: str, holds: bool) -> None:
    room = RoomRef(platform=Platform.SLACK, tenant_id="T1", room_id="C1")
    found = holds_action([brake(scope, target)], ToolName("add_seats"), AccountId("globex"), room)
    assert (found is not None) is holds


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        ("everything", ""),
        ("all", "globex"),
        ("tool", ""),
        ("room", "#globex"),
        ("room", "C0GLOBEX"),
    ],
)
def test_what_cannot_be_paused_is_told(scope: str, target: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        brake_named(scope, target)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()
    yield house
    await house.close()


async def test_nothing_runs_nothing_to_stop(house: House) -> None:
    thread = await house.says(OWNER, "hello", mention=True)
    conversation = await house.conversation(thread)
    answer = await house.presses(OWNER, presses.STOP, conversation.id, CUSTOMER_ROOM, thread)
    assert "Nothing is running" in answer.notice
    assert conversation.status is ConversationStatus.WITH_AGENT
    other = await house.presses(MEMBER, presses.STOP, "forged", CUSTOMER_ROOM, thread)
    assert "Nothing is running" in other.notice


async def test_a_lead_pauses_by_command_and_nobody_else_can(house: House) -> None:
    assert "Only a support lead" in await command(house, OWNER, "pause all")
    assert "Say which account" in await command(house, LENA, "pause account")
    assert "Paused: account globex" in await command(house, LENA, "pause account globex odd bills")
    assert "odd bills" in await command(house, LENA, "pauses")
    assert "Going on" in await command(house, LENA, "resume account globex")
    assert "Nothing is paused" in await command(house, LENA, "pauses")
    chain = await house.store.run(lambda tx: list(tx.audit.entries("globex")))
    assert [str(entry.kind) for entry in chain] == ["brake_set", "brake_released"]


async def test_a_lead_pauses_in_a_direct_chat(house: House) -> None:
    direct = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id="D0LENA")
    await command(house, LENA, "pauses")  # makes her a lead
    thread = await house.says(LENA, "pause tool refund_invoice", room=direct, direct=True)
    assert "Paused: tool refund_invoice" in house.slack.texts(thread)[-1]
    assert house.woken == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("refund_invoce", "Do you mean refund_invoice?"),
        ("seats", "Do you mean add_seats?"),
        ("look_up_account", "There are: add_seats, refund_invoice."),
    ],
)
async def test_a_lead_who_names_no_action_is_told_that_nothing_was_paused(
    house: House, name: str, hint: str
) -> None:
    said = await command(house, LENA, f"pause tool {name}")
    assert "nothing was paused" in said and hint in said
    assert "Nothing is paused" in await command(house, LENA, "pauses")
    assert "Paused: tool" in await command(house, LENA, "pause tool Refund_Invoice")


async def test_a_pause_that_hits_nothing_known_says_so(house: House) -> None:
    for known in (f"room {CUSTOMER_ROOM}", f"account {GLOBEX.upper()}"):
        assert "check" not in await command(house, LENA, f"pause {known}")
    said = await command(house, LENA, "pause room slack:T0ACME/C0TYPO")
    assert "Paused: room" in said and "No linked channel has this address" in said
    said = await command(house, LENA, "pause account glowbex")
    assert "Paused: account" in said and "check its id" in said


async def test_the_reason_of_a_pause_is_masked(house: House) -> None:
    await command(house, LENA, "pause all they sent 4242 4242 4242 4242 12/27")
    [brake] = await house.store.run(lambda tx: list(tx.brakes.all()))
    assert brake.reason == "they sent [card number removed, ends in 4242] 12/27"


LENA = someone("lena", "T0ACME")


async def command(house: House, by: Participant, text: str) -> str:
    def name(tx: UnitOfWork) -> None:
        tx.people.put(
            Person(
                id=PersonId("person-lena"),
                name="Lena",
                identities=(LENA.identity,),
                capabilities=frozenset({Capability.LEAD, Capability.SUPPORT}),
            )
        )

    await house.store.run(name)
    answer = await house.intake.receive(
        CommandUsed(
            command_id="c",
            by=by,
            room=CUSTOMER_ROOM,
            text=text,
            used_at=house.clock.now(),
            reply_to=ReplyAddress(room=CUSTOMER_ROOM, thread_id=None),
        )
    )
    return answer.notice


async def test_what_was_not_paused_is_named_as_it_was_written(house: House) -> None:
    said = await command(house, LENA, f"resume room {CUSTOMER_ROOM}")
    assert said == f"Room {CUSTOMER_ROOM} was not paused."
    assert await command(house, LENA, "resume all") == "The AI agent was not paused."
    assert (await command(house, LENA, "pause all")).startswith("Paused: the AI agent.")
