"""What is written as JSON comes back the same, whatever it holds."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.blocks import Heading, Note
from agent_core.messages import (
    MessageRef,
    OutboundMessage,
    Platform,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.store import codec, rows
from agent_core.tooling import Json
from tests.builders import a_conversation, a_proposal, an_outgoing_row
from tests.contracts.store_work_suite import EVERY_BLOCK

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
rooms = st.builds(
    RoomRef,
    platform=st.sampled_from(Platform),
    tenant_id=st.from_regex(r"[A-Za-z0-9-]+", fullmatch=True),
    room_id=ids,
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(thread=st.builds(ThreadRef, room=rooms, thread_id=st.text()))
def test_threads_come_back_from_their_keys(thread: ThreadRef) -> None:
    assert rows.ROOMS.table is not None
    to, back = rows._converters(ThreadRef)
    assert to is not None
    assert back is not None
    assert back(to(thread)) == thread


@given(one=st.builds(MessageRef, room=rooms, message_id=ids), other=rooms)
def test_messages_come_back_and_no_two_share_a_key(one: MessageRef, other: RoomRef) -> None:
    to, back = rows._converters(MessageRef)
    assert to is not None
    assert back is not None
    assert back(to(one)) == one
    second = replace(one, room=other)
    assert (to(one) == to(second)) == (one == second)


@given(arguments=st.dictionaries(st.text(), values))
def test_any_json_comes_back(arguments: dict[str, Any]) -> None:
    assert codec.decode(Json, codec.encode(Json, arguments)) == arguments


@given(delivery=st.dictionaries(st.text(), st.text()), thread=st.none() | st.text(), room=rooms)
def test_addresses_come_back(delivery: dict[str, str], thread: str | None, room: RoomRef) -> None:
    address = ReplyAddress(room=room, thread_id=thread, delivery=delivery)
    assert codec.decode(ReplyAddress, codec.encode(ReplyAddress, address)) == address


def test_blocks_that_look_alike_stay_apart() -> None:
    message = replace(an_outgoing_row().message, blocks=(*EVERY_BLOCK, Note(text="Add 5 seats")))
    back = codec.decode(OutboundMessage, codec.encode(OutboundMessage, message))
    assert back == message
    assert isinstance(back.blocks[0], Heading)
    assert isinstance(back.blocks[-1], Note)


@pytest.mark.parametrize(
    "kind, value",
    [
        (rows.CONVERSATIONS, a_conversation()),
        (rows.PROPOSALS, a_proposal()),
        (rows.OUTGOING, an_outgoing_row()),
    ],
)
def test_every_row_comes_back(kind: rows.Rows[Any], value: object) -> None:
    row = kind.to_row(value)
    assert kind.from_row([row[name] for name in kind.names]) == value


def test_a_field_that_is_newer_than_the_text_has_its_default() -> None:
    text = '{"room":{"platform":"slack","tenant_id":"T","room_id":"C"},"thread_id":null}'
    assert codec.decode(ReplyAddress, text).delivery == {}


def test_text_of_another_shape_is_refused() -> None:
    for text in ('{"unknown":1}', "[]", "7"):
        with pytest.raises(ValueError):
            codec.decode(ReplyAddress, text)


def test_floats_have_no_stored_form_as_a_type() -> None:
    @dataclass(frozen=True)
    class Weighed:
        weight: float

    with pytest.raises(TypeError, match="float"):
        codec.encode(Weighed, Weighed(1.5))


def test_times_keep_their_microseconds() -> None:
    at = datetime(2026, 3, 4, 12, 0, 0, 7, tzinfo=UTC)
    assert codec.decode(datetime, codec.encode(datetime, at)) == at
