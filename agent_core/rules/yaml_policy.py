"""The policy of a file, taken up anew when the file changes, and kept when the change is broken."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from agent_core.errors import ConfigurationError
from agent_core.rules.judging import YamlPolicy
from agent_core.rules.policy_file import read_policy
from agent_core.tooling import Tool

log = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]


class FilePolicySource:
    """A PolicySource over one file. `path` None: the tools' own defaults alone."""

    def __init__(self, path: Path | None, tools: Sequence[Tool]) -> None:
        """Raises ConfigurationError with every mistake."""
        self._path = path
        self._tools = tuple(tools)
        self._stamp = _stamp(path)
        self._hash = _hash(path)
        self._mistakes: tuple[str, ...] = ()
        self._policy = self._read()

    def current(self) -> YamlPolicy:
        return self._policy

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What is wrong with the file as it is now; empty: it is the one in force."""
        return self._mistakes

    def refresh(self) -> bool:
        """Takes up a changed file, whole and at once. True where another policy is in force now.

        A broken file is told in the log, once, and the policy before it goes on.
        """
        stamp = _stamp(self._path)
        if self._path is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        found = _hash(self._path)
        if found == self._hash:
            return False
        self._hash = found
        try:
            policy = self._read()
            if _hash(self._path) != found:  # written to meanwhile: the next look takes it whole
                self._stamp, self._hash = None, ""
                return False
        except ConfigurationError as error:
            self._mistakes = tuple(error.mistakes)
            for mistake in self._mistakes:
                log.error("policy not taken up, %s goes on: %s", self._policy.version, mistake)
            return False
        self._mistakes = ()
        if policy.version == self._policy.version:
            return False
        log.info("policy taken up", extra={"version": policy.version})
        self._policy = policy
        return True

    def _read(self) -> YamlPolicy:
        if self._path is None:
            return YamlPolicy({}, "defaults")
        rules = read_policy(self._path, self._tools)
        return YamlPolicy(rules, f"{self._path.name}@{self._hash[:8]}")


def _stamp(path: Path | None) -> _Stamp | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def _hash(path: Path | None) -> str:
    """Of the file's bytes; "" where there are none to read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None else ""
    except OSError:
        return ""
