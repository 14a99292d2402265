"""The running service takes a changed policy up, and keeps the old one where the new is broken."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from agent_core.audit import NO_ACCOUNT, AuditKind
from agent_core.clock import ManualClock
from agent_core.ports import UnitOfWork
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store.memory_store import MemoryStore
from bots.policy_watch import PolicyWatch
from tests.builders import NOON
from tests.rules.test_yaml_policy import a_tool

T = TypeVar("T")


class Telling(MemoryStore):
    """Says when something is written."""

    noted: asyncio.Event

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T:
        result = await super().run(fn)
        self.noted.set()
        return result


async def test_a_change_is_in_force_noted_and_a_broken_file_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("tools: {pay: {confirm: true}}", encoding="utf-8")
    source, store, noted = FilePolicySource(path, [a_tool()]), Telling(), asyncio.Event()
    store.noted = noted
    first = source.current().version
    watch = PolicyWatch(source, store, clock=ManualClock(NOON), every_seconds=0.01)
    assert not await watch.look()
    path.write_text("tools: {pay: {confirm: maybe}, fly: {}}", encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        assert not await watch.look()
        assert not await watch.look()
    assert source.current().version == first
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, "each mistake once"
    assert all("line 1" in one and first in one for one in told)
    path.write_text("tools: {pay: {confirm: false}}", encoding="utf-8")
    running = asyncio.create_task(watch.run_forever())
    await noted.wait()
    assert source.current().version != first
    watch.stop()
    await asyncio.wait_for(running, 10)
    notes = await store.run(lambda tx: tx.audit.entries(NO_ACCOUNT))
    assert [(one.kind, one.subject) for one in notes] == [
        (AuditKind.POLICY_CHANGED, source.current().version)
    ]
