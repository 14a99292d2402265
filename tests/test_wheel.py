"""The wheel holds every package and its files, and none of the tests."""

import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent_core", "bots", "escalation", "playground", "tools")
OPTIONAL = ("evals", "examples")
OFFLINE = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir")
SOURCES = ("pyproject.toml", "LICENSE", "README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy: a build folder of the checkout's own could add what is long gone."""
    copy = tmp_path_factory.mktemp("source")
    for name in (*SOURCES, *PACKAGES, *OPTIONAL, "tests"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *OFFLINE, "--wheel-dir", copy / "dist", copy],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = (copy / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


def files_below(name: str) -> set[str]:
    found = (path for path in (ROOT / name).rglob("*") if path.is_file())
    return {
        str(path.relative_to(ROOT))
        for path in found
        if "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_every_file_of_every_package_is_in(wheel: zipfile.ZipFile) -> None:
    packed = set(wheel.namelist())
    for name in (*PACKAGES, *OPTIONAL):
        assert files_below(name) - packed == set(), f"{name}: see package-data in pyproject.toml"


def test_nothing_else_is_in(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    metadata = {name for name in top if name.endswith(".dist-info")}
    assert len(metadata) == 1
    assert top - metadata <= {*PACKAGES, *OPTIONAL}
    assert not [name for name in wheel.namelist() if "__pycache__" in name]


def test_it_gives_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    parser = ConfigParser()
    parser.read_string(wheel.read(entry_points).decode())
    assert parser["console_scripts"]["handrail"] == "bots.cli:main"
    (licence,) = (name for name in names if name.endswith("licenses/LICENSE"))
    assert b"Apache License" in wheel.read(licence)
