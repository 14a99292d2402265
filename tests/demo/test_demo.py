"""`handrail demo` as a process: what it says, that it keeps its worker, what it leaves behind."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from playground import people

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30.0
_OWN = ("HANDRAIL_", "SLACK_", "MICROSOFT_", "TEAMS_", "OPENAI_")


@contextmanager
def demo(folder: Path, *words: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """The process alone; killed at the end where the test did not end it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    process = subprocess.Popen(
        [sys.executable, "-m", "bots.cli", "demo", "--no-browser", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **environ},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def has_more(process: subprocess.Popen[str]) -> bool:
    """Whether another line is there already."""
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0)[0])


def told(process: subprocess.Popen[str]) -> dict[str, str]:
    """The addresses, which come before anything else."""
    found: dict[str, str] = json.loads(line(process) or "{}")
    return found


def listens(address: str) -> bool:
    host, port = address.split("/")[2].split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def until(what: Any) -> Any:
    """Waits until `what()`, a function or a coroutine function, is true; returns that."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = what()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.05)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def read(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as answer:
        return await answer.json()


async def test_it_opens_on_a_finished_example_and_ctrl_c_leaves_nothing(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with demo(tmp_path, "--port", "0", "--json") as process:
        addresses = told(process)
        page, slack = addresses["page"], addresses["slack_api"]
        async with session.get(page) as answer:
            assert answer.status == 200
        assert not has_more(process)  # the page waits for no service

        assert json.loads(line(process)) == {"ready": True}

        async def finished() -> list[dict[str, Any]]:
            state = await read(session, f"{slack}/playground/slack/state")
            channels = {channel["id"]: channel for channel in state["channels"]}
            said: list[dict[str, Any]] = channels[people.NORTHWIND_ROOM.channel_id]["messages"]
            return said if "Done: Added 1 seat" in str(said) else []

        said = await until(finished)
        assert len({message.get("thread_ts") for message in said}) == 1
        (entry,) = await read(session, f"{page}demo/ledger")
        (proposal,) = await read(session, f"{page}demo/proposals")
        assert (entry["key"], entry["outcome"]) == (proposal["id"], "succeeded")
        assert entry["arguments"] == proposal["arguments"]
        assert (entry["requester"], entry["account"]) == ("Olive Marsh", "northwind")
        accounts = {each["id"]: each for each in await read(session, f"{page}demo/accounts")}
        assert accounts["northwind"]["fields"]["Seats"].startswith("13,")
        assert sorted(accounts) == ["globex", "initech", "northwind"]

        data = Path(addresses["data"])
        assert data.is_dir()
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, PATIENCE_SECONDS) == 0
        assert not any(map(listens, (page, addresses["payments"], addresses["service"])))
        assert not data.exists()


async def test_a_killed_worker_comes_back_and_a_killed_demo_takes_all_with_it(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    words = ("--port", "0", "--json", "--no-example", "--support", "teams")
    with demo(tmp_path, *words, "--data", str(tmp_path / "kept")) as process:
        addresses = told(process)
        page = addresses["page"]
        line(process)
        before = await read(session, f"{page}demo/status")
        assert before["support"] == "teams"
        assert before["model"]["is_language_model"] is False
        assert before["worker"]["state"] == "running"

        os.kill(before["worker"]["pid"], signal.SIGKILL)

        async def back() -> Any:
            now = (await read(session, f"{page}demo/status"))["worker"]
            return now if now["restarts"] == 1 and now["state"] == "running" else None

        after = await until(back)
        assert after["pid"] != before["worker"]["pid"]
        async with session.post(f"{page}demo/kill-worker") as answer:
            again = (await answer.json())["worker"]
        assert (again["state"], again["restarts"]) == ("running", 2)

        process.kill()
        ours = (page, addresses["payments"], addresses["service"])
        await until(lambda: not any(map(listens, ours)))
        assert (tmp_path / "kept" / "handrail.db").is_file()


async def test_a_busy_port_moves_on_and_the_model_is_named(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        words = ("--port", str(port), "--no-example")
        settings = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "tiny"}
        with demo(tmp_path, *words, **settings) as process:
            said = [line(process) for _ in range(6)]
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, PATIENCE_SECONDS) == 0
    assert said[0] == f"Port {port} is taken; the next free one is used."
    assert said[1].startswith("Page") and f":{port}/" not in said[1]
    assert said[2] == "Model  tiny at http://127.0.0.1:9/v1"
    assert said[3].startswith("Data")
    assert said[4].startswith("Rules") and "examples/acme/policy.yaml" in said[4]
    data = said[3].split()[1]
    assert said[5].startswith(f"Ask    HANDRAIL_DATA={data} HANDRAIL_CONFIG=")
    assert said[5].endswith("handrail pauses (or policy explain, audit show; in another terminal)")


async def test_a_service_that_cannot_start_is_told(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "handrail.db").write_text("this is no database, and it is long enough to be read" * 20)
    with demo(tmp_path, "--port", "0", "--data", str(kept)) as process:
        _, problem = await asyncio.to_thread(process.communicate, timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "The service ended" in problem


async def test_a_wrong_model_setting_is_told_before_anything_starts(tmp_path: Path) -> None:
    with demo(tmp_path, "--port", "0", OPENAI_BASE_URL="nowhere") as process:
        out, problem = await asyncio.to_thread(process.communicate, timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (2, "")
    assert "OPENAI_BASE_URL is not an address" in problem
