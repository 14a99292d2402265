"""The lock files hold a hash for every package, name no index address, and fit pyproject.toml."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(\[[\w,-]+\])?==(?P<version>[^\s;]+)(?P<rest>.*)$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(lock: Path) -> Iterator[tuple[str, list[str]]]:
    """Each pinned package with the lines that belong to it, comments left out."""
    name, block = "", list[str]()
    for line in lock.read_text().splitlines():
        if line.lstrip().startswith("#"):
            continue
        if pin := PIN.match(line):
            if name:
                yield name, block
            name, block = pin["name"], []
        else:
            block.append(line)
    if name:
        yield name, block


def test_there_is_a_lock_for_each_use() -> None:
    assert [lock.stem for lock in LOCKS] == ["audit", "bench", "dev", "runtime"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_entry_has_hashes_and_nothing_else(lock: Path) -> None:
    found = dict(entries(lock))
    assert len(found) > 20
    for name, block in found.items():
        assert block, f"{name} has no hash"
        assert all(HASH.match(line) for line in block), f"{name}: {block}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_address_is_named(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(
        r"^\s*(-i|-f|-e|--(extra-)?index-url|--find-links|--editable)\b", text, re.M
    )


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("runtime", []), ("dev", ["dev"]), ("bench", ["dev", "bench"]), ("audit", ["audit"])],
)
def test_what_pyproject_asks_for_is_locked(lock: str, groups: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    # The auditor has an environment of its own, without what it looks at.
    asked = [] if lock == "audit" else list(project["project"]["dependencies"])
    for group in groups:
        asked += project["dependency-groups"][group]
    names = {normalised(re.split(r"[^\w.-]", wish, maxsplit=1)[0]) for wish in asked}
    locked = {normalised(name) for name, _ in entries(ROOT / f"requirements/{lock}.lock")}
    assert names - locked == set(), "run `make lock`"
