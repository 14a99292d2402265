"""What the policy file says of taking effects back, and what it cannot say."""

from pathlib import Path

import pytest

from agent_core.conversation import Audience
from agent_core.errors import ConfigurationError
from agent_core.people import AccountId
from agent_core.policy import Aftermath
from agent_core.proposals import LedgerEntry
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.tooling import Tool, ToolName
from tools.accounts.memory_gateway import MemoryAccounts, MemoryPayments
from tools.catalog import Catalog


async def no_ledger(account: AccountId) -> list[LedgerEntry]:
    return []


CATALOG = Catalog(MemoryAccounts(MemoryPayments()), no_ledger)


def tool(name: str) -> Tool:
    found = CATALOG.get(ToolName(name))
    assert found is not None
    return found


def source(folder: Path, text: str) -> FilePolicySource:
    file = folder / "policy.yaml"
    file.write_text(text)
    return FilePolicySource(file, CATALOG.tools)


def test_what_the_file_is_silent_about_is_as_the_tool_declares(tmp_path: Path) -> None:
    policy = source(tmp_path, "tools: {}\n").current()
    assert policy.after(tool("add_seats")) == Aftermath(undo_minutes=30)
    assert policy.after(tool("refund_invoice")) == Aftermath(undo_minutes=0)
    assert policy.after(tool("undo_add_seats")) == Aftermath(undo_minutes=0)


def test_the_file_sets_the_window_and_what_follows_a_failure(tmp_path: Path) -> None:
    text = "tools:\n  add_seats: {undo_minutes: 5, on_failure: undo}\n"
    policy = source(tmp_path, text).current()
    assert policy.after(tool("add_seats")) == Aftermath(undo_minutes=5, undo_on_failure=True)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("refund_invoice: {undo_minutes: 5}", "nothing takes this action back"),
        ("undo_add_seats: {on_failure: undo}", "nothing takes this action back"),
        ("add_seats: {undo_minutes: -1}", "undo_minutes"),
        ("add_seats: {on_failure: maybe}", "on_failure"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, line: str, mistake: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        source(tmp_path, f"tools:\n  {line}\n")
    [one] = told.value.mistakes
    assert mistake in one and "line 2" in one


def test_the_model_is_never_offered_to_undo() -> None:

    for audience in Audience:
        assert not [one for one in CATALOG.for_audience(audience) if one.name.startswith("undo")]
