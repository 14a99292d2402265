"""Brakes act within one step, and whoever wrote gets a person."""

from collections.abc import AsyncIterator

import pytest

from agent_core import presses
from agent_core.brakes import Brake, BrakeScope, brake_named, holds_action, holds_conversation
from agent_core.conversation import ConversationStatus
from agent_core.people import AccountId
from agent_core.tooling import ToolName
from tests.builders import NOON, a_conversation
from tests.fakes.house import CUSTOMER_ROOM, MEMBER, OWNER, House


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
        (BrakeScope.ROOM, "slack:T1/C1", False),
    ],
)
def test_a_brake_holds_its_actions(scope: BrakeScope, target: str, holds: bool) -> None:
    found = holds_action([brake(scope, target)], ToolName("add_seats"), AccountId("globex"))
    assert (found is not None) is holds


@pytest.mark.parametrize(
    ("scope", "target"), [("everything", ""), ("all", "globex"), ("tool", "")]
)
def test_what_cannot_be_paused_is_told(scope: str, target: str) -> None:
    with pytest.raises(ValueError, match="."):
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
