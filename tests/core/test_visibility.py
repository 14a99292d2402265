"""What a shared room may not read: neither there, nor in the prompt, the store or a later turn."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic import Field as PydanticField

from agent_core import cards
from agent_core.blocks import Change, Field
from agent_core.conversation import Audience, ConversationId
from agent_core.embedded.tools import action as library_action
from agent_core.embedded.tools import read as library_read
from agent_core.models.scripted_model import ScriptModel, call, calls, says
from agent_core.people import Capability, Person, Role
from agent_core.ports import UnitOfWork
from agent_core.proposals import Proposal, ProposalStatus
from agent_core.tooling import (
    Effect,
    PolicyDefaults,
    Preview,
    Tool,
    ToolContext,
    ToolName,
    ToolResult,
)
from agent_core.visibility import (
    NOT_FOR_ROLE,
    SHOWN_ALONE,
    covered,
    covered_arguments,
    done_for,
    preview_for,
    read_by,
)
from tests.builders import ACME, NOON, a_person, a_proposal, a_requester, an_identity
from tests.core.desk import Accounts, Catalog, NoArguments, World, ada, milo

SECRET = "felix@globex.example"
OWNERS = frozenset({Role.OWNER})
PRIVATE = {"email": OWNERS, "Email": OWNERS, "cards": OWNERS}


async def people(context: ToolContext, _: Any) -> ToolResult:
    return ToolResult(
        content={
            "people": [{"name": "Felix", "email": SECRET, "note": f"write to {SECRET}"}],
            "cards": [{"ends_in": "4242"}],
            "seats": 3,
            "missing": {"email": None},
        },
        title=f"People ({SECRET})",
        fields=(Field(label="Email", value=SECRET), Field(label="Seats", value="3")),
    )


def a_tool(**changes: Any) -> Tool:
    tool = Tool(
        name=ToolName("people"),
        description="People",
        arguments=NoArguments,
        effect=Effect.READ,
        handler=people,
        policy=PolicyDefaults(roles=frozenset(Role), staff=True, confirm=False),
        private=PRIVATE,
    )
    return replace(tool, **changes)


def context(person: Person | None = None, audience: Audience = Audience.SHARED) -> ToolContext:
    who = a_requester(person or ada())
    return ToolContext(account_id=ACME, requester=who, audience=audience, now=NOON)


async def read(person: Person | None = None, audience: Audience = Audience.SHARED) -> ToolResult:
    where = context(person, audience)
    return read_by(a_tool(), where, await people(where, None))


async def test_a_shared_room_gets_placeholders_and_the_person_the_values() -> None:
    result = await read()
    assert result.content["people"] == [
        {"name": "Felix", "email": SHOWN_ALONE, "note": "write to f•••@globex.example"}
    ]
    assert (result.content["cards"], result.content["seats"]) == (SHOWN_ALONE, 3)
    assert result.content["missing"] == {"email": None}
    assert result.title == "People (f•••@globex.example)"
    assert [one.value for one in result.fields] == ["f•••@globex.example", "3"]
    assert [(one.label, one.value) for one in result.for_person] == [
        ("Felix, email", SECRET),
        ("Cards", "ends_in: 4242"),
    ]


async def test_a_role_that_does_not_reach_gets_nothing_anywhere() -> None:
    for audience in (Audience.SHARED, Audience.PRIVATE):
        result = await read(milo(), audience)
        assert SECRET not in str(result) and "4242" not in str(result)
        assert result.content["people"][0]["email"] == NOT_FOR_ROLE
    assert (await read(milo())).for_person == ()  # no card that only says so: the reply does


@pytest.mark.parametrize(
    ("person", "audience"),
    [
        (ada(), Audience.PRIVATE),
        (ada(), Audience.INTERNAL),
        (a_person(roles={}, capabilities=frozenset({Capability.STAFF})), Audience.INTERNAL),
    ],
)
async def test_elsewhere_who_may_reads_all(person: Person, audience: Audience) -> None:
    assert await read(person, audience) == await people(context(), None)


async def test_staff_in_a_shared_room_are_readers_like_all() -> None:
    staff = a_person(roles={}, capabilities=frozenset({Capability.STAFF}))
    assert SECRET not in str(await read(staff))


async def test_an_actions_result_and_preview_are_covered_and_its_arguments_exact() -> None:
    preview = Preview(
        arguments={"email": "rosa@globex.example"},
        title="Write to rosa@globex.example",
        changes=(Change(label="Email", before=SECRET, after="rosa@globex.example"),),
        version=1,
        notes=(f"It was {SECRET}.",),
    )
    tool = a_tool()
    shown = preview_for(tool, context(), preview)
    assert shown.arguments == preview.arguments
    assert "rosa@" not in f"{shown.title} {shown.changes} {shown.notes}"
    assert SECRET not in f"{shown.title} {shown.changes} {shown.notes}"
    assert Field(label="Email", value=f"{SECRET} → rosa@globex.example") in shown.for_person
    assert preview_for(tool, context(audience=Audience.INTERNAL), preview) is preview
    outsider = preview_for(tool, context(milo()), preview)
    assert SECRET not in str(outsider.for_person)
    done = done_for(tool, context(), await people(context(), None))
    assert SECRET not in f"{done.content} {done.title} {done.fields}"


@pytest.mark.parametrize("audience", [Audience.PRIVATE, Audience.INTERNAL, Audience.SHARED])
async def test_whoever_may_not_read_it_learns_it_from_no_action_either(audience: Audience) -> None:
    where = context(milo(), audience)
    change = Change(label="Email", before=SECRET, after="rosa@globex.example")
    preview = Preview(
        arguments={"email": "rosa@globex.example"}, title="Write", changes=(change,), version=1
    )
    shown = preview_for(a_tool(), where, preview)
    done = done_for(a_tool(), where, await people(where, None))
    assert SECRET not in f"{shown} {done}"
    staff = replace(milo(), capabilities=frozenset({Capability.STAFF}))
    if audience is not Audience.SHARED:
        assert preview_for(a_tool(), context(staff, audience), preview) is preview


class Renamed(BaseModel):
    tax_number: str = PydanticField(alias="taxNumber")
    remark: str = PydanticField(
        default="", validation_alias="note_in", serialization_alias="noteOut"
    )


@pytest.mark.parametrize("named", ["tax_number", "taxNumber"])
async def test_a_private_argument_is_covered_under_its_name_and_its_alias(named: str) -> None:
    """Arguments are stored by alias, while notes and `private` may go by the field's name."""
    tool = a_tool(arguments=Renamed, private={named: OWNERS})
    for key in ("tax_number", "taxNumber"):
        preview = Preview(
            arguments={key: "DE811907980"},
            title="Bill DE811907980",
            changes=(Change(label="Tax number", before="", after="DE811907980"),),
            version=0,
            notes=("Tax number: DE811907980",),
        )
        shown = preview_for(tool, context(), preview)
        assert shown.arguments == preview.arguments
        assert "DE811907980" not in f"{shown.title} {shown.changes} {shown.notes}"
        assert "DE811907980" in str(shown.for_person)
        wish = a_proposal(arguments=shown.arguments, changes=shown.changes, notes=shown.notes)
        assert covered_arguments(wish) == {key}


async def test_an_alias_that_only_the_stored_arguments_have_is_known_too() -> None:
    tool = a_tool(arguments=Renamed, private={"remark": OWNERS})
    preview = Preview(
        arguments={"noteOut": "on the brink"}, title="Note: on the brink", changes=(), version=0
    )
    shown = preview_for(tool, context(), preview)
    assert "on the brink" not in f"{shown.title} {shown.notes}"


@pytest.mark.parametrize("named", ["tax_number", "taxNumber"])
async def test_the_librarys_own_preview_covers_an_argument_that_has_an_alias(named: str) -> None:
    @library_action(
        effect=Effect.WRITE, description="Bill", arguments=Renamed, private={named: OWNERS}
    )
    async def bill(wish: Renamed) -> None: ...

    assert bill.preview is not None
    preview = await bill.preview(context(), Renamed(taxNumber="7", note_in=""))
    shown = preview_for(bill, context(), preview)
    assert shown.arguments["taxNumber"] == "7" and "7" not in str(shown.notes)


addresses = st.emails().filter(lambda text: text.isascii() and covered(text) != "•••")


@given(addresses, st.text(alphabet="xyz ", max_size=8))
def test_a_covered_address_is_not_told_and_covering_again_changes_nothing(
    address: str, around: str
) -> None:
    shown = covered(f"{around} {address} {around}")
    assert covered(shown) == shown
    local = address.rpartition("@")[0]
    assert len(local) < 3 or address not in shown


@given(st.text(min_size=1))
def test_what_is_no_address_is_covered_whole(text: str) -> None:
    if "@" not in text and "•••" not in text:
        assert covered(text) == "•••"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("felix@globex.example", "f•••@globex.example"),
        ("Felix, +49 171 1234567, felix@globex.example", "•••"),
        ("felix@globex.example (door code 4711)", "•••"),
    ],
)
def test_what_stands_beside_an_address_is_covered_too(text: str, shown: str) -> None:
    assert covered(text) == shown


# --- cards ------------------------------------------------------------------------------------


def waiting(**changes: Any) -> Proposal:
    change = Change(label="Email", before=covered(SECRET), after="r•••@globex.example")
    proposal = a_proposal(
        status=ProposalStatus.AWAITING_APPROVAL,
        arguments={"email": "rosa@globex.example", "name": "Rosa"},
        changes=(change,),
    )
    return replace(proposal, **changes)


def test_an_approver_inside_sees_what_runs_and_the_shared_room_does_not() -> None:
    inside, room = (cards.approval_card(waiting(), exact=exact) for exact in (True, False))
    assert "Email: rosa@globex.example" in inside.fallback
    assert "Email: r•••@globex.example" in room.fallback and "Name: Rosa" in room.fallback
    assert "rosa@globex.example" not in str(room)


def test_what_the_card_shows_anyway_is_not_covered_in_its_arguments() -> None:
    open_change = Change(label="Email", before=SECRET, after="rosa@globex.example")
    assert covered_arguments(waiting(changes=(open_change,))) == frozenset()


# --- a turn -------------------------------------------------------------------------------------


class WithPeople(Catalog):
    """The test's catalogue, and a read with private fields."""

    def __init__(self, accounts: Accounts, people: Tool) -> None:
        super().__init__(accounts)
        self.people = people

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]:
        return (*super().for_audience(audience), self.people)

    def get(self, name: ToolName) -> Tool | None:
        return self.people if name == self.people.name else super().get(name)


async def asked(world: World, *who: Person, **conversation: Any) -> World:
    world.catalog = WithPeople(world.accounts, a_tool())
    return await world.set_up(*who, **{"audience": Audience.SHARED, **conversation})


async def stored(world: World) -> str:
    """Transcript and journals of the conversation."""

    def read(tx: UnitOfWork) -> str:
        rows = tx.transcript.last(ConversationId("con_1"), 100)
        return "\n".join(row.text for row in rows)

    text: str = await world.tx(read)
    return text


async def test_neither_model_nor_room_nor_history_gets_it_and_the_person_does() -> None:
    model = ScriptModel([calls(call("people")), says("Here you are."), says("Nothing to add.")])
    world = await asked(World(model), ada(), milo())
    await world.say("who is there?")
    await world.say("and?", "U2", "Milo")
    assert SECRET not in str(model.requests)
    rows = await world.posted()
    alone = [row for row in rows if row.message.private_to is not None]
    [row] = [row for row in alone if SECRET in str(row.message)]
    assert row.message.private_to == an_identity("U1")
    assert "Only visible to you" in row.message.fallback
    assert SECRET not in str([row.message for row in rows if row not in alone])
    assert SECRET not in await stored(world)
    assert row.seq < next(one.seq for one in rows if "Here you are." in one.message.fallback)


async def test_the_first_words_that_everybody_sees_say_that_this_is_an_ai() -> None:
    world = await asked(World(ScriptModel([calls(call("people")), says("Here.")])), ada())
    await world.say("who is there?")
    disclosing = [row.message for row in await world.posted() if row.message.discloses_ai]
    assert [message.private_to for message in disclosing] == [None]


async def test_in_a_direct_chat_the_model_reads_it() -> None:
    model = ScriptModel([calls(call("people")), says("Felix.")])
    world = await asked(World(model), ada(), audience=Audience.PRIVATE)
    await world.say("who is there?")
    assert SECRET in str(model.requests[-1].messages)
    assert all(row.message.private_to is None for row in await world.posted())


async def test_who_asks_an_owner_for_a_change_is_not_told_how_it_stands() -> None:
    async def look(context: ToolContext, _: Any) -> Preview:
        change = Change(label="Email", before=SECRET, after="milo@acme.example")
        return Preview(arguments={}, title="Change the email", changes=(change,), version=1)

    tool = a_tool(
        effect=Effect.WRITE, preview=look, policy=PolicyDefaults(roles=OWNERS, staff=True)
    )
    world = World(ScriptModel([calls(call("people")), says("An owner can do it.")]))
    world.catalog = WithPeople(world.accounts, tool)
    await world.set_up(ada(), milo(), audience=Audience.PRIVATE)
    await world.say("send the invoices to me", "U2", "Milo")
    [wish] = await world.tx(lambda tx: tx.proposals.open_in(ConversationId("con_1")))
    await world.confirm(wish)  # "Ask an owner"
    assert any("waiting for approval" in one.message.fallback for one in await world.posted())
    assert SECRET not in str([row.message for row in await world.posted()])


async def test_a_role_taken_away_while_it_was_read_ends_it() -> None:
    model = ScriptModel([calls(call("people")), says("Well.")])
    world = await asked(World(model), ada())

    async def demoting(context: ToolContext, _: Any) -> ToolResult:
        result = await people(context, None)
        member = ada(roles={ACME: Role.MEMBER})
        await world.tx(lambda tx: tx.people.put(member))
        return result

    world.catalog = WithPeople(world.accounts, a_tool(handler=demoting))
    await world.say("who is there?")
    assert SECRET not in str([row.message for row in await world.posted()])


async def test_a_tool_of_the_library_says_what_is_private() -> None:
    @library_read(private={"email": ["owner"]})
    async def contact() -> dict[str, str]:
        """The contact."""
        return {"email": SECRET}

    model = ScriptModel([calls(call("contact")), says("Here.")])
    world = World(model)
    world.catalog = WithPeople(world.accounts, contact)
    await world.set_up(ada(), audience=Audience.SHARED)
    await world.say("who is it?")
    assert SECRET not in str(model.requests)
    alone = [row for row in await world.posted() if row.message.private_to is not None]
    assert [SECRET in row.message.fallback for row in alone] == [True]
