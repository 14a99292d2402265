"""The shared fixtures do what they promise, and a skipped test is never a silent one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from playwright.async_api import Browser, Page

from tests.fixtures.skips import FORBID

SKIPPING = """
import pytest

def test_skips():
    pytest.skip("The thing is missing: install the thing.")

@pytest.mark.xfail(strict=True)
def test_fails_as_expected():
    assert False

def test_passes():
    pass
"""


def run_pytest(folder: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(source)
    root = Path(__file__).parents[1]
    inherited = {name: value for name, value in os.environ.items() if name != FORBID}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.fixtures.skips", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_is_named_with_its_remedy_at_the_end(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, SKIPPING)
    assert ran.returncode == 0
    assert "NOT TESTED: 1 skipped" in ran.stdout
    assert "The thing is missing: install the thing.  [1: test_sample.py::test_skips]" in ran.stdout
    assert "1 passed, 1 skipped, 1 xfailed" in ran.stdout.splitlines()[-1]


def test_a_skip_is_a_failure_where_skips_are_forbidden(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, SKIPPING, **{FORBID: "1"})
    assert ran.returncode == 1
    assert "The thing is missing: install the thing." in ran.stdout
    assert "1 failed, 1 passed, 1 xfailed" in ran.stdout.splitlines()[-1]


def test_a_skipped_file_is_a_failure_where_skips_are_forbidden(tmp_path: Path) -> None:
    source = "import pytest\npytest.skip('No such library.', allow_module_level=True)\n"
    assert run_pytest(tmp_path, source).returncode == 5
    assert run_pytest(tmp_path, source, **{FORBID: "1"}).returncode not in (0, 5)


@pytest.mark.postgres
def test_each_database_is_new_and_empty(fresh_database: Callable[[], str]) -> None:
    first, second = fresh_database(), fresh_database()
    assert first != second
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE here (n int)")
    with psycopg.connect(second) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchone() == (0,)


@pytest.mark.browser
async def test_the_browser_runs_a_page(page: Page, browser: Browser) -> None:
    await page.set_content("<button onclick='this.textContent = 6 * 7'>?</button>")
    await page.get_by_role("button").click()
    assert await page.get_by_role("button").text_content() == "42"
    other = await (await browser.new_context()).new_page()
    assert page.context is not other.context


@pytest.mark.browser
async def test_another_test_has_its_own_event_loop_and_context(page: Page) -> None:
    assert await page.title() == ""
    assert len(page.context.pages) == 1
