"""The core knows nobody: its own files import the standard library, pydantic and each other."""

import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
ADAPTERS = ("agent_core.engine", "agent_core.models", "agent_core.store", "agent_core.rules")
ALLOWED = {*sys.stdlib_module_names, "pydantic", "pydantic_core", "annotated_types"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("agent_core", include_external_packages=True, cache_dir=None)


def core_files(graph: grimp.ImportGraph) -> set[str]:
    ours = {name for name in graph.modules if name.split(".")[0] == "agent_core"}
    outside = tuple(f"{adapter}." for adapter in ADAPTERS)
    return {
        name
        for name in ours - {*ADAPTERS, "agent_core.embed"}
        if not name.startswith((*outside, "agent_core.embed."))
    }


def strangers(graph: grimp.ImportGraph) -> list[str]:
    return [
        f"{importer} imports {imported}"
        for importer in sorted(core_files(graph))
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if imported not in core_files(graph) and imported.split(".")[0] not in ALLOWED
    ]


def test_the_core_imports_only_what_it_may(graph: grimp.ImportGraph) -> None:
    assert "agent_core" in core_files(graph)
    assert strangers(graph) == []


def test_a_stranger_would_be_seen(graph: grimp.ImportGraph) -> None:
    changed = grimp.build_graph("agent_core", include_external_packages=True, cache_dir=None)
    changed.add_module("agent_core.intruder")
    changed.add_module("aiohttp", is_squashed=True)
    changed.add_import(importer="agent_core.intruder", imported="aiohttp")
    changed.add_import(importer="agent_core.intruder", imported="agent_core.store")
    seen = set(strangers(changed)) - set(strangers(graph))
    assert seen == {
        f"agent_core.intruder imports {name}" for name in ("agent_core.store", "aiohttp")
    }


def test_every_file_names_its_reason_to_exist_in_its_first_line() -> None:
    packages = ("agent_core", "bots", "escalation", "playground", "tools")
    files = [path for name in packages for path in sorted((ROOT / name).rglob("*.py"))]
    assert len(files) > len(packages)
    nameless = [
        str(path.relative_to(ROOT))
        for path in files
        if not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert nameless == []
