"""The pair of Python and SQLite that would lose the queue's order is refused at once."""

import sqlite3
import sys

import pytest

from agent_core.clock import SystemClock
from agent_core.engine.dbos_engine import DbosEngine
from agent_core.errors import ConfigurationError


def test_an_old_sqlite_under_a_new_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(ConfigurationError, match=r"SQLite 3\.42"):
        DbosEngine("sqlite:///x.db", clock=SystemClock())
