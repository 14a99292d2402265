"""The circuit breaker: when it opens, who may try, and that it never stays shut for good."""

from hypothesis import given
from hypothesis import strategies as st

from agent_core.breaker import Breaker, BreakerRules, BreakerState, BreakerView

RULES = BreakerRules(failures=3, window=60.0, rest=5.0, longest_rest=20.0)


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def failing(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        leave = breaker.enter()
        assert leave is not None
        leave.failed()


def test_it_opens_after_failures_and_lets_one_try() -> None:
    seconds, said = Seconds(), list[BreakerView]()
    breaker = Breaker("model", RULES, seconds=seconds, on_change=said.append)
    failing(breaker, 3)
    assert breaker.enter() is None and breaker.view().retry_in == 5.0
    seconds.now += 5
    trial = breaker.enter()
    assert trial is not None
    assert breaker.enter() is None, "only one may try"
    trial.succeeded()
    assert breaker.enter() is not None
    states = [view.state for view in said]
    assert states == [BreakerState.OPEN, BreakerState.TRYING, BreakerState.CLOSED]


def test_each_failed_try_doubles_the_rest_up_to_a_bound() -> None:
    seconds = Seconds()
    breaker = Breaker("model", RULES, seconds=seconds)
    failing(breaker, 3)
    rests = []
    for _ in range(4):
        rests.append(breaker.view().retry_in)
        seconds.now += breaker.view().retry_in
        failing(breaker, 1)
    assert rests == [5.0, 10.0, 20.0, 20.0]
    assert breaker.view().opened == 5


def test_a_few_failures_among_many_successes_open_nothing() -> None:
    breaker = Breaker("model", RULES, seconds=Seconds())
    for _ in range(20):
        for answered in (True, True, False):
            leave = breaker.enter()
            assert leave is not None
            _ = leave.succeeded() if answered else leave.failed()  # type: ignore[func-returns-value]


def test_old_failures_are_forgotten() -> None:
    seconds = Seconds()
    breaker = Breaker("model", RULES, seconds=seconds)
    failing(breaker, 2)
    seconds.now += 61
    failing(breaker, 2)
    assert breaker.view().state is BreakerState.CLOSED


def test_a_try_that_was_cut_off_lets_the_next_one_try() -> None:
    seconds = Seconds()
    breaker = Breaker("model", RULES, seconds=seconds)
    failing(breaker, 3)
    seconds.now += 5
    trial = breaker.enter()
    assert trial is not None
    trial.dropped()
    trial.failed()  # a second outcome is ignored
    assert breaker.enter() is not None


def test_late_answers_of_earlier_calls_decide_nothing() -> None:
    seconds = Seconds()
    breaker = Breaker("model", RULES, seconds=seconds)
    early = [breaker.enter() for _ in range(5)]
    failing(breaker, 3)
    for leave in early:
        assert leave is not None
        leave.succeeded()
    assert breaker.enter() is None


@given(st.lists(st.sampled_from(["ok", "fail", "drop", "wait", "hold"]), max_size=80))
def test_whatever_happened_it_comes_back_once_the_other_side_does(moves: list[str]) -> None:
    seconds = Seconds()
    breaker = Breaker("model", RULES, seconds=seconds)
    held = []
    for move in moves:
        if move == "wait":
            seconds.now += 7
            continue
        leave = breaker.enter()
        if leave is None:
            continue
        if move == "hold":
            held.append(leave)
        else:
            {"ok": leave.succeeded, "fail": leave.failed, "drop": leave.dropped}[move]()
    for leave in held:
        leave.dropped()
    seconds.now += RULES.longest_rest
    leave = breaker.enter()
    assert leave is not None
    leave.succeeded()
    assert breaker.view().state is BreakerState.CLOSED
