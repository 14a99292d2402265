"""No secret is in the tree: every tracked file is looked through, and made-up ones are known.

A made-up secret in a new test is marked on its line with `pragma: allowlist secret`. Those in
`tests/known_fixtures.json` were there before, each by its file and hash.
"""

import json
import subprocess
from pathlib import Path

import pytest
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / "tests/known_fixtures.json"
# Hashes and somebody else's code; a picture has nothing to read.
LEFT_OUT = (".lock", ".png", ".css", ".min.js", "LICENSE", "known_fixtures.json")

Found = set[tuple[str, str, str]]


def tracked() -> list[Path]:
    """The files that git knows; all files of a source tree without git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("This is no git checkout: clone the repository to look through its files.")
    return [ROOT / name for name in listed if name and not name.endswith(LEFT_OUT)]


def secrets_in(files: list[Path], root: Path) -> Found:
    """(file, kind, hash) of everything that looks like a secret."""
    collection = SecretsCollection(root=str(root))
    with default_settings():
        for file in files:
            collection.scan_file(str(file.relative_to(root)))
        return {(name, each.type, each.secret_hash) for name, each in collection}


@pytest.mark.timeout(600)  # some seconds of work, which a busy machine makes minutes
def test_no_secret_is_in_the_tree() -> None:
    known: Found = {(name, kind, mark) for name, kind, mark in json.loads(KNOWN.read_text())}
    files = tracked()
    assert len(files) > 300
    found = secrets_in(files, ROOT) - known
    shown = sorted(f"{name}: {kind}" for name, kind, _ in found)
    assert shown == [], "real: revoke it; made up: mark its line (see this file's first lines)"


@pytest.mark.parametrize(
    "planted",
    [
        "token = 'xoxb-" + "-".join(("2345678901", "2345678901234", "AbCd" * 6)) + "'",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "aws = 'AKIA" + "IOSFODNN7EXAMPLQ'",
        "HANDRAIL_DATABASE_URL=postgresql://handrail:" + "hunter22@db.internal/handrail",
        'client_secret = "' + "c0a5d8f1" + 'e7b34962"',
        "key = 'ghp_" + "a8F3kd92LmQ0pZx7Vb" + "4Nc6Ry1TeWuJhSg5Do" + "'",
    ],
)
def test_a_planted_secret_is_found(tmp_path: Path, planted: str) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f"# a comment\n{planted}\n")
    assert secrets_in([file], tmp_path)
    file.write_text(f"{planted}  # pragma: allowlist secret\n")
    assert not secrets_in([file], tmp_path)
