"""`handrail serve` is told to stop before it listens: it ends soon, and without an error."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from agent_core.store.migrations import migrate

SOON = 10.0
PATIENCE = 30.0
ROOT = Path(__file__).parents[2]
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
SIGNALS = [signal.SIGTERM, signal.SIGINT]


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The service in a process of its own, without a model endpoint or an account anywhere."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "1",
        "HANDRAIL_SUPPORT_ROOM": "slack:T1/C1",
        "HANDRAIL_DATA": str(folder),
        **variables,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bots.cli", "serve", "--port", "0"],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ends_well(process: subprocess.Popen[str]) -> None:
    out, said = process.communicate(timeout=SOON)
    assert process.returncode == 0, said
    assert "listening" not in out
    assert "Traceback" not in said and "never awaited" not in said


def until(what: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.01)


def catches(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Whether the process handles it itself, as the kernel tells."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_a_stop_at_the_very_beginning(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        until(lambda: catches(process, signal.SIGTERM))
        process.send_signal(signal.SIGTERM)
        ends_well(process)


@pytest.mark.postgres
@pytest.mark.parametrize("number", SIGNALS)
def test_a_stop_while_another_process_migrates(
    tmp_path: Path, number: signal.Signals, fresh_database: Callable[[], str]
) -> None:
    url = fresh_database()
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(7217310001)")
        with serving(tmp_path, HANDRAIL_DATABASE_URL=url) as process:
            until(lambda: bool(other.execute(WAITING).fetchall()))
            process.send_signal(number)
            ends_well(process)
    migrate(url)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stop_while_a_part_still_starts(tmp_path: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        # Whoever is asked for the models never answers.
        model = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with serving(tmp_path, OPENAI_BASE_URL=model) as process:
            called, _ = silent.accept()
            with called:
                process.send_signal(number)
                ends_well(process)
