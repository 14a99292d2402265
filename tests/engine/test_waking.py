"""The thread that polls the queue of turns: woken, never twice for nothing, never dead for long."""

import threading
from collections.abc import Iterator

import pytest

from agent_core.engine.waking import Alarm, Waking

PATIENCE = 10.0


class Polls:
    """A poll that waits as DBOS's does, and tells each round."""

    def __init__(self, *, fails: int = 0) -> None:
        self.rounds = threading.Semaphore(0)
        self.count = 0
        self._fails = fails

    def __call__(self, stop: threading.Event) -> None:
        while not stop.wait(3_600):
            self.count += 1
            self.rounds.release()
            if self.count <= self._fails:
                raise ValueError("a defect")

    def next(self) -> None:
        assert self.rounds.acquire(timeout=PATIENCE)

    @property
    def is_quiet(self) -> bool:
        return not self.rounds.acquire(blocking=False)


@pytest.fixture
def waking() -> Iterator[Waking]:
    found = Waking()
    yield found
    found.stop()
    found.join()


def test_a_ring_ends_one_wait_and_a_set_all() -> None:
    alarm = Alarm()
    alarm.ring()
    assert not alarm.wait(PATIENCE)  # at once, though nobody waited when it rang
    assert not alarm.wait(0)
    alarm.set()
    assert alarm.wait(PATIENCE) and alarm.wait(PATIENCE)


def test_it_polls_when_an_entry_is_there_and_when_the_one_before_it_has_ended(
    waking: Waking,
) -> None:
    polls = Polls()
    waking.start(polls, "turns")
    polls.next()  # for what was left before
    waking.committed("a")
    polls.next()
    waking.committed("a")  # a second one, while the first is not begun
    polls.next()
    waking.begun("a")
    waking.ended("a")
    polls.next()
    waking.begun("a")
    waking.ended("a")  # nobody waits for that
    waking.ended("never seen")
    assert polls.is_quiet


def test_what_others_run_is_not_remembered() -> None:
    elsewhere = Waking()
    elsewhere.committed("a")
    assert not elsewhere._not_begun


def test_the_memory_is_bounded(waking: Waking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_core.engine.waking.REMEMBERED", 3)
    waking.start(Polls(), "turns")
    for number in range(10):
        waking.committed(str(number))
    assert len(waking._not_begun) <= 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_a_defect_ended_begins_anew(waking: Waking) -> None:
    polls = Polls(fails=1)
    waking.start(polls, "turns")
    polls.next()
    thread = waking._thread
    assert thread is not None
    thread.join(PATIENCE)
    waking.revive()
    polls.next()
    waking.revive()  # it is alive
    assert polls.is_quiet


def test_it_ends(waking: Waking) -> None:
    waking.start(Polls(), "turns")
    thread = waking._thread
    waking.stop()
    waking.join()
    assert thread is not None and not thread.is_alive()
