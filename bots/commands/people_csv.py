"""Reads a list of people from a CSV file; every mistake is told by its line."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent_core.errors import ConfigurationError
from agent_core.messages import PlatformIdentity
from agent_core.people import AccountId, Capability, Role
from bots.commands.people_changes import PersonChange
from bots.configuration import person_address

COLUMNS: Final = ("person", "name", "account", "role", "can")
_HEADER: Final = f"write a first line with the columns {','.join(COLUMNS)} (person is needed)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFile:
    """The changes that a file asks for, one a person; `accounts` by first line."""

    path: Path
    changes: tuple[PersonChange, ...]
    accounts: Mapping[str, int]

    def mistake(self, line: int, reason: str) -> str:
        return f"{self.path}, line {line}: {reason}"


def read_people(path: Path) -> PeopleFile:
    """Reads UTF-8 text with commas or semicolons. Raises ConfigurationError with all mistakes."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise ConfigurationError([f"{path} cannot be read: {problem.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([f"{path} is not UTF-8 text: save it as “CSV UTF-8”"]) from None
    first = content.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter)
    reading = _Reading(path)
    try:
        reading.header(rows.fieldnames)
        for row in rows:
            reading.row(rows.line_num, row)
    except csv.Error as problem:
        reading.mistakes.append(f"{path}, line {rows.line_num}: {problem}")
    return reading.result()


class _Reading:
    """One pass over the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.mistakes: list[str] = []
        self._people: dict[PlatformIdentity, PersonChange] = {}
        self._names: dict[PlatformIdentity, tuple[str, int]] = {}
        self._roles: dict[tuple[PlatformIdentity, AccountId], tuple[Role, int]] = {}
        self._accounts: dict[str, int] = {}

    def header(self, names: object) -> None:
        """Takes the column names as they are written; raises where rows cannot be read."""
        found = [str(name).strip() for name in names] if isinstance(names, list) else []
        unknown = [name for name in found if name not in COLUMNS]
        if "person" not in found:
            raise ConfigurationError([f"{self._path}, line 1: {_HEADER}"])
        if unknown or len(set(found)) != len(found):
            wrong = ", ".join(unknown) or "a column twice"
            raise ConfigurationError([f"{self._path}, line 1: {wrong}: {_HEADER}"])

    def row(self, line: int, row: Mapping[str | None, object]) -> None:
        if None in row:
            self._wrong(line, "has more values than there are columns")
            return
        cells = {str(name).strip(): str(value or "").strip() for name, value in row.items()}
        if not any(cells.values()):
            return
        before = len(self.mistakes)
        identity = self._identity(line, cells["person"])
        role = self._role(line, cells)
        give = self._capabilities(line, cells.get("can", ""))
        if role is None and not give and not cells.get("name") and len(self.mistakes) == before:
            self._wrong(line, "gives nothing: fill in account and role, can, or name")
        if identity is None or len(self.mistakes) > before:
            return
        self._add(line, identity, cells.get("name", ""), role, give)

    def result(self) -> PeopleFile:
        """Raises ConfigurationError where anything was wrong."""
        if not self.mistakes and not self._people:
            self.mistakes.append(f"{self._path} names nobody")
        if self.mistakes:
            raise ConfigurationError(self.mistakes)
        return PeopleFile(
            path=self._path, changes=tuple(self._people.values()), accounts=self._accounts
        )

    def _wrong(self, line: int, reason: str) -> None:
        self.mistakes.append(f"{self._path}, line {line}: {reason}")

    def _identity(self, line: int, address: str) -> PlatformIdentity | None:
        if not address:
            self._wrong(line, "person is empty: write slack:TEAM/USER or teams:TENANT/OBJECT_ID")
            return None
        try:
            return person_address(address)
        except ValueError as problem:
            self._wrong(line, f"person {problem}")
            return None

    def _role(self, line: int, cells: Mapping[str, str]) -> tuple[AccountId, Role] | None:
        account, role = cells.get("account", ""), cells.get("role", "").lower()
        if not account and not role:
            return None
        if not account or not role:
            self._wrong(line, "account and role belong together: fill in both, or neither")
            return None
        self._accounts.setdefault(account, line)
        if role not in list(Role):
            self._wrong(line, f"role is {role!r}: write {', '.join(Role)}")
            return None
        return AccountId(account), Role(role)

    def _capabilities(self, line: int, cell: str) -> frozenset[Capability]:
        words = cell.lower().replace("|", " ").replace(",", " ").split()
        wrong = [word for word in words if word not in list(Capability)]
        if wrong:
            self._wrong(line, f"can is {' '.join(wrong)!r}: write {', '.join(Capability)}")
        return frozenset(Capability(word) for word in words if word not in wrong)

    def _add(
        self,
        line: int,
        identity: PlatformIdentity,
        name: str,
        role: tuple[AccountId, Role] | None,
        give: frozenset[Capability],
    ) -> None:
        known, first = self._names.setdefault(identity, (name, line))
        if name and known and name != known:
            self._wrong(line, f"{identity} has the name {known!r} in line {first}")
        roles: dict[AccountId, Role | None] = {}
        if role is not None:
            account, wanted = role
            other, first = self._roles.setdefault((identity, account), (wanted, line))
            if other is not wanted:
                self._wrong(line, f"{identity} is {other} of {account} in line {first}")
            roles = {account: wanted}
        before = self._people.get(identity, PersonChange(identity=identity))
        self._people[identity] = PersonChange(
            identity=identity,
            name=before.name or name,
            roles={**before.roles, **roles},
            give=before.give | give,
        )
