"""What every engine does: one at a time for each key, once for each ref, timers, a clean end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from agent_core.clock import SystemClock
from agent_core.ports import Engine, EngineHandler, EngineKind, Store

WAIT_SECONDS = 20


class Seen:
    """Handlers that note what they were called with, and wait where a test says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.most_at_once: dict[str, int] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: dict[str, int] = {}
        self._now: dict[str, int] = {}
        self._news = asyncio.Condition()

    async def __call__(self, key: str, ref: str) -> None:
        self._now[key] = self._now.get(key, 0) + 1
        self.most_at_once[key] = max(self._now[key], self.most_at_once.get(key, 0))
        try:
            await self._note(key, ref)
            await self.gate.wait()
            await asyncio.sleep(0)
            if self.failures.get(ref, 0) > 0:
                self.failures[ref] -= 1
                raise RuntimeError(f"{ref} fails on purpose")
        finally:
            self._now[key] -= 1

    async def _note(self, key: str, ref: str) -> None:
        async with self._news:
            self.calls.append((key, ref))
            self._news.notify_all()

    async def count(self, number: int) -> None:
        """Returns once there were this many calls."""
        async with asyncio.timeout(WAIT_SECONDS), self._news:
            await self._news.wait_for(lambda: len(self.calls) >= number)

    def handlers(self) -> dict[EngineKind, EngineHandler]:
        return dict.fromkeys(EngineKind, self)


Submit = Callable[..., Awaitable[None]]


class EngineContract:
    """Needs the fixtures `store` and `engine` (not started)."""

    @pytest.fixture
    def submit(self, store: Store, engine: Engine) -> Submit:
        async def submit_it(kind: EngineKind, key: str, *refs: str, **more: object) -> None:
            def write(tx: object) -> None:
                for ref in refs:
                    engine.submit(tx, kind=kind, key=key, ref=ref, **more)  # type: ignore[arg-type]

            await store.run(write)

        return submit_it

    async def test_entries_of_a_key_run_one_at_a_time_and_in_order(
        self, engine: Engine, submit: Submit
    ) -> None:
        seen = Seen()
        await engine.start(seen.handlers())
        refs = {key: [f"{key}:{n:012d}" for n in range(3)] for key in ("con_1", "con_2")}
        for key in refs:
            await submit(EngineKind.TURN, key, *refs[key])
        await seen.count(6)
        await engine.drain(5)
        assert seen.most_at_once == {"con_1": 1, "con_2": 1}
        for key in refs:
            assert [ref for of, ref in seen.calls if of == key] == refs[key]

    async def test_other_keys_do_not_wait(self, engine: Engine, submit: Submit) -> None:
        seen = Seen()
        seen.gate.clear()
        await engine.start(seen.handlers())
        for key in ("con_1", "con_2", "con_3"):
            await submit(EngineKind.TURN, key, f"{key}:1")
        await submit(EngineKind.TURN, "con_1", "con_1:2")
        await seen.count(3)
        assert {key for key, _ in seen.calls} == {"con_1", "con_2", "con_3"}
        seen.gate.set()
        await seen.count(4)
        await engine.drain(5)
        assert seen.calls[3] == ("con_1", "con_1:2")

    async def test_a_ref_is_done_once_for_each_kind(self, engine: Engine, submit: Submit) -> None:
        seen = Seen()
        await engine.start(seen.handlers())
        await submit(EngineKind.TURN, "con_1", "same", "same")
        await seen.count(1)
        await submit(EngineKind.TURN, "con_1", "same")
        await submit(EngineKind.DELIVER, "des_1", "same")
        await submit(EngineKind.TURN, "con_1", "other")
        await seen.count(3)
        await engine.drain(5)
        assert sorted(seen.calls) == [("con_1", "other"), ("con_1", "same"), ("des_1", "same")]

    async def test_a_rollback_leaves_no_entry(
        self, engine: Engine, store: Store, submit: Submit
    ) -> None:
        seen = Seen()
        await engine.start(seen.handlers())

        def write_and_fail(tx: object) -> None:
            engine.submit(tx, kind=EngineKind.TURN, key="con_1", ref="lost")  # type: ignore[arg-type]
            raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            await store.run(write_and_fail)
        await submit(EngineKind.TURN, "con_1", "kept")
        await seen.count(1)
        await engine.drain(5)
        assert seen.calls == [("con_1", "kept")]

    async def test_timers_fire_when_due_and_not_before(
        self, engine: Engine, submit: Submit
    ) -> None:
        seen, clock = Seen(), SystemClock()
        await engine.start(seen.handlers())
        soon, late = (clock.now() + timedelta(seconds=s) for s in (0.3, 3600))
        await submit(EngineKind.TIMER, "pro_1", "late", at=late)
        await submit(EngineKind.TIMER, "pro_1", "soon", at=soon)
        await seen.count(1)
        fired_at = clock.now()
        await submit(EngineKind.TIMER, "pro_1", "past", at=soon - timedelta(hours=1))
        await seen.count(2)
        await engine.drain(5)
        assert fired_at >= soon
        assert [ref for _, ref in seen.calls] == ["soon", "past"]

    async def test_a_failing_handler_is_tried_again_and_then_left(
        self, engine: Engine, submit: Submit
    ) -> None:
        seen = Seen()
        seen.failures = {"shaky": 1, "broken": 99}
        await engine.start(seen.handlers())
        await submit(EngineKind.TURN, "con_1", "1-shaky", "2-broken", "3-fine")
        await submit(EngineKind.TURN, "con_2", "shaky")
        await submit(EngineKind.TURN, "con_3", "broken", "next")
        await seen.count(9)
        await engine.drain(5)
        refs = [ref for _, ref in seen.calls]
        assert (refs.count("shaky"), refs.count("broken"), refs.count("next")) == (2, 3, 1)
        assert refs.index("next") > max(n for n, ref in enumerate(refs) if ref == "broken")

    async def test_draining_waits_for_what_runs(self, engine: Engine, submit: Submit) -> None:
        seen = Seen()
        seen.gate.clear()
        await engine.start(seen.handlers())
        await submit(EngineKind.TURN, "con_1", "runs", "waits")
        await seen.count(1)
        drained = asyncio.create_task(engine.drain(10))
        await asyncio.sleep(0)
        assert not drained.done()
        seen.gate.set()
        await drained
        assert seen.calls == [("con_1", "runs")]
