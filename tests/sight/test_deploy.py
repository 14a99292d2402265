"""The files in deploy/ fit the service: its metrics, its runbook, its paths."""

import json
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from agent_core.breaker import BreakerState, BreakerView
from agent_core.core_tools import HAND_OVER_TOOL
from agent_core.errors import ActionFailed, ActionOutcomeUnknown, SystemUnavailable, ToolError
from agent_core.proposals import Outcome
from agent_core.store.migrations import migrate
from agent_core.store.standing import StandingReader
from agent_core.watched_tool import watched_tool
from bots.sight.gauges import Gauges
from bots.sight.hearing import Hearing
from bots.sight.loop_watch import LoopWatch
from bots.sight.metrics import SHAPES
from bots.sight.observer import Observer
from bots.sight.states import Sources, States

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NAMED = re.compile(r"\b((?:handrail|process)_[a-z_]+)\b")


async def exposed(tmp_path: Path) -> set[str]:
    """The names of all samples that /metrics can hold."""
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    registry = CollectorRegistry()
    observer = Observer(registry)
    LoopWatch(registry)
    gauges = Gauges(StandingReader(url).read, registry)
    await gauges.refresh()
    breaker = BreakerView(
        name="model:1:m",
        state=BreakerState.CLOSED,
        failures=0,
        calls=0,
        retry_in=0.0,
        opened=0,
        turned_away=0,
    )
    sources = Sources(
        breakers=lambda: (breaker,),
        since_sweep=lambda: 1.0,
        worker=lambda: "embedded",
        role="all",
        policy_is_current=lambda: True,
    )
    States(sources, registry)

    async def hears() -> bool:
        return True

    Hearing(hears, registry)
    names = {sample.name for family in registry.collect() for sample in family.samples}
    for family in registry.collect():  # those that have labels have no sample yet
        if family.type == "counter":
            names.add(f"{family.name}_total")
        if family.type == "histogram":
            names |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
    assert observer.registry is registry
    return names


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def targets(panels: list[dict[str, Any]]) -> list[str]:
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


async def test_every_query_asks_for_what_there_is(tmp_path: Path) -> None:
    names = await exposed(tmp_path)
    dashboard = json.loads((DEPLOY / "grafana/handrail.json").read_text(encoding="utf-8"))
    asked = [rule["expr"] for rule in rules()] + targets(dashboard["panels"])
    assert len(asked) > 40
    for query in asked:
        found = NAMED.findall(re.sub(r'"[^"]*"', '""', query))
        for name in found:
            assert name in names, f"{name} in {query}"
        assert found or "up{" in query, query


GROWTH = re.compile(r'increase\((\w+)\{(\w+)=~?"([^"]+)"\}')


def test_what_an_alert_sees_grow_is_there_before_it_grows() -> None:
    """A counter that begins at five has grown by nothing, as Prometheus counts."""
    registry = CollectorRegistry()
    Observer(registry)
    asked = [found for rule in rules() for found in GROWTH.findall(rule["expr"])]
    assert len(asked) == sum(rule["expr"].count("increase(") for rule in rules()) > 0
    for name, label, values in asked:
        for value in values.split("|"):
            for side in ("slack", "teams"):
                begun = [
                    sample.value
                    for family in registry.collect()
                    for sample in family.samples
                    if sample.name == name
                    and sample.labels[label] == value
                    and side in sample.labels.values()
                ]
                assert begun == [0.0], (name, value, side)


def test_the_alert_on_tools_sees_every_way_in_which_what_is_behind_them_fails() -> None:
    """While a system is down, most calls are not even made: they have a word of their own."""
    (rule,) = (rule for rule in rules() if rule["alert"] == "HandrailToolFails")
    found = re.search(r'outcome=~"([^"]+)"', rule["expr"])
    assert found is not None
    registry = CollectorRegistry()
    observer = Observer(registry)
    for error in (ActionFailed, ActionOutcomeUnknown, SystemUnavailable):
        with suppress(ToolError), watched_tool(observer, HAND_OVER_TOOL, "read"):
            raise error("it is away")
    counted = {
        sample.labels["outcome"]
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "handrail_tool_runs_total"
    }
    assert len(counted) == 3
    assert counted | {Outcome.FAILED, Outcome.UNKNOWN, "cut_off"} == set(found[1].split("|"))


def test_a_process_that_asks_no_model_hides_nobody_elses_trouble() -> None:
    (rule,) = (rule for rule in rules() if rule["alert"] == "HandrailModelDown")
    assert "max(min by (instance) (handrail_breaker_open" in rule["expr"]


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    shown = (DEPLOY / "grafana/handrail.json").read_text(encoding="utf-8")
    for metric in SHAPES:
        assert f"handrail_{metric.value}" in shown, metric


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    dashboard = json.loads((DEPLOY / "grafana/handrail.json").read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] in ("row", "stat", "timeseries")
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(letters)) == len(letters)
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"


def test_every_alert_has_its_section() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    sections = {line[4:].strip() for line in page.splitlines() if line.startswith("### ")}
    for rule in rules():
        assert rule["alert"] in sections
        anchor = rule["annotations"]["runbook"]
        assert anchor == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning")
    named = {section for section in sections if section.startswith("Handrail")}
    assert named == {rule["alert"] for rule in rules()}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_understands_its_units(tmp_path: Path) -> None:
    for unit in sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")]):
        text = unit.read_text(encoding="utf-8")
        assert "/opt/handrail/.venv/bin/handrail" in text or unit.suffix == ".timer"
        text = text.replace("/opt/handrail/.venv/bin/handrail", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "handrail" in line]
    assert (done.returncode, said) == (0, [])


def test_the_container_runs_as_nobody_special_with_locked_packages() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n", " ", text)
    last = joined.split("FROM ")[-1]
    assert re.search(r"^USER 10001:10001$", last, re.M)
    for line in joined.splitlines():
        if "pip install" in line or "pip wheel" in line:
            assert all(
                "--require-hashes" in part or "--no-index" in part
                for part in re.split("&&", line)
                if "pip install" in part or "pip wheel" in part
            ), line
    assert "/healthz" in last and "HEALTHCHECK" in last
    for name in re.findall(r"requirements/[a-z.]+", text):
        assert name == "requirements/" or (ROOT / name).exists(), name
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".env", "audit.key", "*.db", ".git"} <= set(ignored)
