"""The pages agree with the tree: variables, make targets and links."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
VARIABLE = re.compile(r"\b(?:HANDRAIL|SLACK|MICROSOFT|TEAMS|OPENAI)_[A-Z_]+[A-Z]\b")


def doors() -> str:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    return text.split("## Doors", 1)[1]


def test_the_example_environment_names_every_variable() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    offered = {match[1] for line in lines if (match := re.match(r"#? ?([A-Z_]+)=", line))}
    assert set(VARIABLE.findall(doors())) - offered == set()


def test_the_example_environment_says_what_each_variable_is() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    for above, line in pairwise(lines):
        if re.match(r"#? ?[A-Z_]+=", line):
            assert re.match(r"# [A-Z\"].*\.$", above), f"no sentence above {line!r}"


def test_make_has_every_target_that_is_a_door() -> None:
    line = next(line for line in doors().splitlines() if line.startswith("- make:"))
    named = re.findall(r"`([a-z]+)`", line)
    assert "test" in named
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(named) <= set(re.findall(r"^  ([a-z]+) ", shown.stdout, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
