"""Backs a running service up with the documented command, and starts from the copy."""

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent_core.errors import StoreError
from agent_core.store.backup import copy_file
from playground import people
from tests.fixtures import postgres
from tests.scenarios.wire import Wire, wired

GLOBEX = people.GLOBEX_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id


def handrail(folder: Path, *words: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bots.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env={
            "HANDRAIL_DATA": str(folder),
            "HANDRAIL_DATABASE_URL": url,
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )


def charges(wire: Wire) -> int:
    found = wire.payments.book.find("charge")
    return sum(not effect["idempotency_key"].startswith("seed:") for effect in found)


async def test_what_was_done_after_the_copy_is_not_done_again(tmp_path: Path) -> None:
    """Copied with the yes outstanding; then it is given and carried out; then the copy comes back,
    beside an account system and a payment service that know what was done."""
    home, copies = tmp_path / "home", tmp_path / "copies"
    home.mkdir()
    async with wired(home) as wire:
        url = wire.settings.database_url.get_secret_value()
        database = Path(url.partition(":///")[2])
        thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
        card = await thread.card("proposal.confirm")
        await wire.settled()
        told = await asyncio.to_thread(handrail, home, "backup", str(copies), url=url)
        assert told.returncode == 0, told.stderr
        copy = Path(told.stdout.splitlines()[0])
        assert copy.stat().st_mode & 0o077 == 0
        await thread.click(OWNER, card, "proposal.confirm")
        await thread.until_says("Done")
        await wire.settled()
        assert charges(wire) == 1
        assert list(copy.parent.glob("*.part")) == []
        await wire.restart(lambda: restore(copy, database))
        thread.say(OWNER, "yes")  # the copy still waits for it
        await thread.until_says("Changed in between")
        await wire.settled()
        assert charges(wire) == 1
        with sqlite3.connect(database) as opened:
            assert opened.execute("SELECT count(*) FROM hr_ledger").fetchone() == (0,)


def restore(copy: Path, database: Path) -> None:
    """As the runbook says: the service is down; the old file's log goes with it."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(copy, database)


@pytest.mark.postgres
async def test_the_same_on_postgres(tmp_path: Path, fresh_database: Callable[[], str]) -> None:
    """With pg_dump and pg_restore, as the runbook says."""
    url, dump = fresh_database(), tmp_path / "handrail.dump"
    programs = next(
        (folder for folder in postgres.folders() if (folder / "pg_dump").exists()), None
    )
    if programs is None:
        pytest.skip("this Postgres came without pg_dump")

    def run(program: str, *words: str) -> None:
        subprocess.run([str(programs / program), *words], check=True, capture_output=True)

    async with wired(tmp_path, database_url=url) as wire:
        thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
        card = await thread.card("proposal.confirm")
        await wire.settled()
        dumped = ("--format=custom", "--no-owner", f"--file={dump}", url)
        await asyncio.to_thread(run, "pg_dump", *dumped)
        await thread.click(OWNER, card, "proposal.confirm")
        await thread.until_says("Done")
        await wire.settled()
        restored = ("--clean", "--if-exists", "--no-owner", f"--dbname={url}", str(dump))
        await wire.restart(lambda: run("pg_restore", *restored))
        thread.say(OWNER, "yes")
        await thread.until_says("Changed in between")
        await wire.settled()
        assert charges(wire) == 1


PAGE = Path(__file__).parents[2] / "docs/operations.md"


def commands_with(word: str) -> str:
    """The runbook's block of commands in which this word stands."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (found,) = (block for block in blocks if word in block)
    return str(found)


@pytest.mark.postgres
async def test_the_runbooks_own_commands_give_a_database_that_the_service_can_use(
    tmp_path: Path, fresh_database: Callable[[], str]
) -> None:
    """With a role of its own that is no administrator, as everywhere but in tests."""
    programs = next((each for each in postgres.folders() if (each / "pg_dump").exists()), None)
    if programs is None:
        pytest.skip("this Postgres came without pg_dump")
    server = urlsplit(fresh_database())
    role = server._replace(netloc=f"handrail@127.0.0.1:{server.port}")
    url, restored = (role._replace(path=f"/{name}").geturl() for name in ("live", "handrail_new"))
    admin = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "postgres"}

    def shell(script: str, **more: str) -> subprocess.CompletedProcess[str]:
        environ = {**admin, **more, "PATH": f"{programs}:/usr/bin:/bin"}
        return subprocess.run(
            ["sh", "-ec", script], cwd=tmp_path, env=environ, capture_output=True, text=True
        )

    def walk() -> None:
        made = shell("createuser handrail; createdb --owner=handrail live")
        assert made.returncode == 0, made.stderr
        assert handrail(tmp_path, "migrate", url=url).returncode == 0
        assert shell(commands_with("pg_dump")).returncode != 0  # of which database?
        for word in ("pg_dump", "pg_restore"):
            done = shell(commands_with(word), HANDRAIL_DATABASE_URL=url, RESTORED_URL=restored)
            assert done.returncode == 0, done.stderr
        assert (tmp_path / "handrail.dump").stat().st_mode & 0o077 == 0
        listed = handrail(tmp_path, "people", "list", url=restored)
        assert listed.returncode == 0, listed.stderr

    try:
        await asyncio.to_thread(walk)
    finally:
        shell("dropdb --if-exists live; dropdb --if-exists handrail_new; dropuser handrail")


async def test_a_copy_is_refused_where_one_is(tmp_path: Path) -> None:
    source = tmp_path / "a.db"
    with sqlite3.connect(source) as opened:
        opened.execute("CREATE TABLE t (x)")
    copy_file(source, tmp_path / "b.db")
    with pytest.raises(StoreError, match="there already"):
        copy_file(source, tmp_path / "b.db")


async def test_a_trace_is_told_step_by_step(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        wire.slack_thread(OWNER, GLOBEX, "I want to talk to a human, says Ottilie")
        case = await wire.support_thread("Case 1")
        shown = re.search(r"Trace: ([0-9a-f]{32})", str(case.messages()[0]))
        await wire.settled()
        assert shown is not None
        url = wire.settings.database_url.get_secret_value()
        told = await asyncio.to_thread(handrail, tmp_path, "trace", shown[1], url=url)
        assert told.returncode == 0, told.stderr
        for words in ("request (message)", "turn", "entered", "escalated", "Case 1", "sent"):
            assert words in told.stdout, told.stdout
        assert "Ottilie" not in told.stdout and "Greta" not in told.stdout
        none = await asyncio.to_thread(handrail, tmp_path, "trace", "0" * 32, url=url)
        assert none.returncode != 0 and "No row bears this trace" in none.stderr
        wrong = await asyncio.to_thread(handrail, tmp_path, "trace", "nonsense", url=url)
        assert wrong.returncode != 0 and "is no trace" in wrong.stderr
