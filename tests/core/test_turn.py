"""The stepper: the same journal gives the same steps, from any point, and always ends."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.escalations import EscalationReason
from agent_core.journal import JournalEntry, TurnId
from agent_core.limits import Limits
from agent_core.models.scripted_model import HostileModel, ScriptModel, call, calls, says
from agent_core.ports import UnitOfWork
from agent_core.turn import (
    CallModel,
    Consider,
    Escalate,
    Execute,
    Finish,
    RunReads,
    Send,
    Step,
    next_step,
)
from agent_core.turn_state import Kind
from tests.builders import NOON, a_journal_entry
from tests.core.desk import World, ada

LIMITS = Limits()


class Journal:
    """A journal in the making."""

    def __init__(self, *kinds: str, silent: bool = False) -> None:
        self.entries: list[JournalEntry] = []
        rows = [
            {"seq": i, "kind": kind, "transcript": i, "proposal": f"pro_{i}"}
            for i, kind in enumerate(kinds or ("message",))
        ]
        self.add(Kind.ENTERED, rows=rows, upto=1, silent=silent)

    def add(self, kind: Kind, **body: Any) -> "Journal":
        entry = a_journal_entry(len(self.entries), kind=kind.value, body=body, at=NOON)
        self.entries.append(entry)
        return self

    def reply(self, text: str = "", *wanted: tuple[str, str]) -> "Journal":
        found = [
            {"id": f"c{len(self.entries)}{i}", "name": name, "arguments": "{}", "kind": kind}
            for i, (name, kind) in enumerate(wanted)
        ]
        return self.add(Kind.REPLY, text=text, calls=found, tokens=10)

    def result(self, call_id: str, **changes: Any) -> "Journal":
        body = {"call": call_id, "content": {}, "failed": False, "told": False, "run": None}
        return self.add(Kind.RESULT, **{**body, **changes})

    @property
    def step(self) -> Step:
        return next_step(self.entries, LIMITS)


def test_a_message_calls_the_model_and_its_words_are_sent() -> None:
    assert Journal().step == CallModel()
    assert Journal().reply("Hello.").step == Send("Hello.")
    assert Journal().reply("Hello.").add(Kind.SENT, outgoing="o", text="Hello.").step == Finish()


def test_calls_are_taken_in_order_and_reads_together() -> None:
    journal = Journal().reply("", ("a", "read"), ("b", "unknown"), ("c", "action"), ("d", "read"))
    first = journal.step
    assert isinstance(first, RunReads) and [c.name for c in first.calls] == ["a", "b"]
    journal.result("c10").result("c11")
    second = journal.step
    assert isinstance(second, Consider) and second.call.name == "c"
    journal.result("c12", run="pro_9")
    assert journal.step == Execute("pro_9")  # type: ignore[arg-type]
    journal.add(Kind.EXECUTED, proposal="pro_9", title="", content={}, outcome="succeeded")
    third = journal.step
    assert isinstance(third, RunReads) and [c.name for c in third.calls] == ["d"]
    assert journal.result("c13").step == CallModel()


def test_decisions_come_before_words_and_also_in_silence() -> None:
    assert isinstance(Journal("message", "decision").step, Execute)
    silent = Journal("decision", silent=True)
    assert isinstance(silent.step, Execute)
    silent.add(Kind.EXECUTED, proposal="pro_0", title="", content={}, outcome="succeeded")
    after: Step = silent.step
    assert after == Finish()
    assert Journal().reply("Hello.").add(Kind.SILENCED).step == Finish()


def test_an_empty_answer_is_fine_only_where_code_has_spoken() -> None:
    assert isinstance(Journal().reply("").step, Escalate)
    told = Journal().reply("", ("c", "action")).result("c10", told=True).reply("")
    assert told.step == Finish()


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda j: j.add(Kind.MODEL_FAILED, error="x"), EscalationReason.MODEL_FAILURE),
        (
            lambda j: [j.reply("", ("a", "read")).result(f"c{i}0", failed=True) for i in (1, 3, 5)],
            EscalationReason.REPEATED_FAILURE,
        ),
        (
            lambda j: [j.reply("", ("a", "read")).result(f"c{i}0") for i in range(1, 21, 2)],
            EscalationReason.REPEATED_FAILURE,
        ),
        (lambda j: j.reply("", ("hand_over", "hand_over")), EscalationReason.BEYOND_SCOPE),
    ],
)
def test_a_failure_ends_with_a_person(
    build: Callable[[Journal], Any], reason: EscalationReason
) -> None:
    journal = Journal()
    build(journal)
    step = journal.step
    assert isinstance(step, Escalate) and step.reason is reason


def test_where_every_look_failed_a_person_takes_over_and_words_do_not() -> None:
    failed = {"content": {"status": "failed", "reason": "No answer."}, "failed": True}
    refused = {"content": {"status": "refused", "reason": "No such."}, "failed": True}

    def end(*results: tuple[str, dict[str, Any]]) -> Step:
        journal = Journal()
        for kind, changes in results:
            position = len(journal.entries)
            journal.reply("", ("a", kind)).result(f"c{position}0", **changes)
        return journal.reply("Sorry, that did not work.").step

    step = end(("read", failed))
    assert isinstance(step, Escalate) and step.reason is EscalationReason.TOOL_FAILURE
    assert "No answer." in step.suggestion and "Sorry, that did not work." in step.suggestion
    assert isinstance(end(("choose_account", {}), ("read", failed)), Escalate)
    for fine in (
        [("read", failed), ("read", {})],  # tried again, or found in another way
        [("read", {}), ("read", failed)],  # what was found is told
        [("read", refused)],  # an answer too
        [("action", failed), ("action", {"told": True})],
    ):
        assert end(*fine) == Send("Sorry, that did not work.")


def test_a_new_attempt_asks_the_model_again() -> None:
    journal = Journal().add(Kind.MODEL_FAILED, error="x").add(Kind.RESUMED, attempt=2)
    assert journal.step == CallModel()


async def recorded(model: Any) -> list[JournalEntry]:
    """A real turn's journal, as the store has it."""
    world = await World(model).set_up(ada())
    await world.write("do things")
    turn_ids: list[TurnId] = []
    original = world.ids.new

    def new(kind: str) -> str:
        fresh = original(kind)
        if kind == "turn":
            turn_ids.append(TurnId(fresh))
        return fresh

    world.ids.new = new  # type: ignore[method-assign]
    await world.run()

    def read(tx: UnitOfWork) -> list[JournalEntry]:
        return list(tx.turns.journal(turn_ids[0]))

    journal: list[JournalEntry] = await world.tx(read)
    return journal


async def test_a_recorded_turn_replays_step_by_step() -> None:
    script = [
        calls(call("look"), call("add_seats", seats=2)),
        calls(call("nonsense")),
        says("There."),
    ]
    journal = await recorded(ScriptModel(script))
    kinds = [entry.kind for entry in journal]
    assert kinds == [
        *("entered", "facts", "reply", "result", "result"),
        *("reply", "result", "reply", "presented", "sent", "closed"),
    ]
    steps = [type(next_step(journal[:n], LIMITS)).__name__ for n in range(1, len(journal))]
    assert steps == [
        *("CallModel", "CallModel", "RunReads", "Consider", "CallModel"),
        *("RunReads", "CallModel", "Present", "Send", "Finish"),
    ]
    assert [entry.position for entry in journal] == list(range(len(journal)))


async def test_a_hostile_turn_replays_too() -> None:
    journal = await recorded(HostileModel(({"seats": 3},)))
    for n in range(1, len(journal) + 1):
        assert next_step(journal[:n], LIMITS) == next_step(list(journal[:n]), LIMITS)
    assert next_step(journal, LIMITS) == Finish()


MOVES = st.lists(
    st.sampled_from(["text", "empty", "read", "action", "hand_over", "fail", "join", "silence"]),
    max_size=25,
)


@given(MOVES)
def test_every_turn_ends_whatever_the_model_does(moves: list[str]) -> None:
    """Plays a world that answers each step; the stepper must finish in bounded steps."""
    journal = Journal()
    wishes = iter([*moves, *(["text"] * 40)])
    for _ in range(200):
        step = journal.step
        if isinstance(step, Finish):
            return
        play(journal, step, wishes)
    raise AssertionError("the turn does not end")


def play(journal: Journal, step: Step, wishes: Any) -> None:
    match step:
        case CallModel():
            model_move(journal, next(wishes))
        case RunReads(calls=found):
            for one in found:
                journal.result(one.id)
        case Consider(call=one):
            journal.result(one.id, told=True)
        case Send(text=text):
            journal.add(Kind.SENT, outgoing="o", text=text)
        case Escalate(reason=reason):
            journal.add(Kind.ESCALATED, reason=reason.value)
        case _:
            raise AssertionError(step)


def model_move(journal: Journal, move: str) -> None:
    match move:
        case "text":
            journal.reply("words")
        case "empty":
            journal.reply("")
        case "fail":
            journal.add(Kind.MODEL_FAILED, error="x")
        case "join":
            rows = [{"seq": 9, "kind": "message", "transcript": 9, "proposal": None}]
            journal.reply("words").add(Kind.JOINED, rows=rows, upto=9).add(Kind.DISCARDED)
        case "silence":
            journal.add(Kind.SILENCED)
        case kind:
            journal.reply("", (kind, kind))
