"""One process for each data folder: SQLite's queue and its recovery rest on that."""

import fcntl
import os
from pathlib import Path
from typing import IO

from agent_core.errors import ConfigurationError

LOCK_NAME = "handrail.lock"


class FolderLock:
    """Holds the data folder until `release`, or until the process ends, however it ends.

    `fcntl` locks are the operating system's: a killed process leaves none behind. Not on Windows,
    where the service runs under WSL.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Raises ConfigurationError, naming the holder, where another process has the folder."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+", encoding="utf-8")
        except OSError as problem:
            raise ConfigurationError(
                [f"the data folder {self._path.parent} cannot be written: {problem.strerror}"]
            ) from problem
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise ConfigurationError(
                [
                    f"another process (id {holder}) uses the data folder {self._path.parent}: "
                    "stop it, choose another HANDRAIL_DATABASE_URL, or use Postgres, which many "
                    "processes may share"
                ]
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Lets the next process in. Does nothing where the lock was not taken."""
        if self._file is not None:
            self._file.close()
            self._file = None


def lock_folder_of(url: str) -> FolderLock | None:
    """The lock that a database URL needs: beside a SQLite file, none for Postgres."""
    scheme, _, path = url.partition(":///")
    if not scheme.startswith("sqlite") or not path:
        return None
    return FolderLock(Path(path.partition("?")[0]).resolve().parent)
