"""A second process on the same data folder is refused, and a killed one leaves no lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent_core.errors import ConfigurationError
from agent_core.store.locks import FolderLock, lock_folder_of

HOLD = """
import sys
from pathlib import Path
from agent_core.store.locks import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.take()
print("taken", flush=True)
sys.stdin.read()
"""


def test_a_killed_holder_leaves_the_folder_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "taken\n"
        with pytest.raises(ConfigurationError, match=rf"id {holder.pid}\).*Postgres"):
            FolderLock(tmp_path).take()
    finally:
        holder.kill()
        holder.communicate()
    lock = FolderLock(tmp_path)
    lock.take()
    lock.release()
    lock.release()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        FolderLock(tmp_path / "file" / "folder").take()


def test_only_sqlite_files_need_the_lock(tmp_path: Path) -> None:
    assert lock_folder_of("postgresql://localhost/handrail") is None
    lock = lock_folder_of(f"sqlite:///{tmp_path}/handrail.db")
    assert lock is not None
    lock.take()
    assert (tmp_path / "handrail.lock").exists()
    lock.release()
