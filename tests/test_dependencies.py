"""What is installed fits together, and everything that the service needs may be passed on."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Licences that let anybody use, change and pass on, also beside Apache-2.0.
FREE = re.compile(
    r"\b(MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Unlicense|0BSD|Zlib|LGPL"
    r"|GNU Lesser|Public Domain|CC0|Historical Permission)\b",
    re.IGNORECASE,
)
NOT_OURS = re.compile(r"\b(A?GPL|GNU (Affero )?General|SSPL|BUSL|Commons Clause)\b", re.IGNORECASE)


def locked() -> list[str]:
    lines = (ROOT / "requirements/runtime.lock").read_text().splitlines()
    return [m[1] for line in lines if (m := re.match(r"([A-Za-z0-9][\w.-]*)(\[.*\])?==", line))]


def licence(name: str) -> str | None:
    """What a package says of itself; None where it is for another system."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return None
    classified = [c for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    # Some put the whole text there: its first line names it.
    plain = [line for text in told.get_all("License") or [] for line in text.split("\n")[:1]]
    return " ".join([*(told.get_all("License-Expression") or []), *plain, *classified])


def test_every_package_of_the_service_may_be_passed_on() -> None:
    told = {name: licence(name) for name in locked()}
    assert sum(found is not None for found in told.values()) > 50
    unclear = {
        name: found
        for name, found in told.items()
        if found is not None and (not FREE.search(found) or NOT_OURS.search(found))
    }
    assert unclear == {}


def test_what_is_installed_fits_together() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
