"""/metrics: whom it answers, what it holds, and that no words of people are in it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from agent_core.telemetry import Metric
from bots.sight.metrics import MOST_SERIES, OTHERS, SHAPES, Metrics
from playground import people
from tests.scenarios.wire import Wire, wired

GLOBEX = people.GLOBEX_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id
TOKEN = "0123456789abcdef-metrics"


async def metrics(wire: Wire, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{wire.address}/metrics", headers=headers) as response,
    ):
        return response.status, await response.text()


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


async def test_what_happened_is_counted(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
    card = await thread.card("proposal.confirm")
    await thread.click(OWNER, card, "proposal.confirm")
    await thread.until_says("Done")
    wire.slack_thread(OWNER, GLOBEX, "I want to talk to a human, says Ottilie")
    await wire.support_thread("Case 1")
    await wire.settled()
    status, text = await metrics(wire)
    assert status == 200
    found = samples(text)
    taken = [s for s in found["handrail_deliveries_total"] if s[0]["decision"] == "WorkForAgent"]
    assert taken == [
        ({"platform": "slack", "kind": "InboundMessage", "decision": "WorkForAgent"}, 2.0)
    ]
    assert {s[0]["end"] for s in found["handrail_turns_total"]} >= {
        "proposed",
        "replied",
        "escalated",
    }
    assert any(
        s[0] == {"tool": "add_seats", "phase": "act", "outcome": "succeeded"} and s[1] == 1.0
        for s in found["handrail_tool_runs_total"]
    )
    assert found["handrail_cases_waiting"] == [({}, 1.0)]
    assert found["handrail_rows_readable"] == [({}, 1.0)]
    assert found["handrail_outgoing_waiting"] == [({}, 0.0)]
    assert sum(s[1] for s in found["handrail_ack_seconds_count"]) >= 3
    assert "process_resident_memory_bytes" in found
    assert "handrail_loop_lag_seconds_count" in found
    for private in ("Ottilie", "Greta", "lobex", OWNER, GLOBEX, "conv_"):
        assert private not in text, private


async def test_a_socket_that_is_cut_off_is_a_figure(tmp_path: Path) -> None:
    async with wired(tmp_path, more={"SLACK_APP_TOKEN": people.SLACK_APP_TOKEN}) as wire:
        name = "handrail_slack_socket_connected"
        assert samples((await metrics(wire))[1])[name] == [({}, 1.0)]
        assert wire.service.slack is not None
        await wire.service.slack.stop()
        await wire.service.refresh_gauges()
        assert wire.service.observer.registry.get_sample_value(name) == 0.0


async def test_without_socket_mode_there_is_no_such_figure(wire: Wire) -> None:
    assert "slack_socket" not in (await metrics(wire))[1]


async def test_without_a_token_a_proxy_is_refused(wire: Wire) -> None:
    for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        status, text = await metrics(wire, {name: "192.0.2.1"})
        assert status == 403 and "HANDRAIL_METRICS_TOKEN" in text
    assert (await metrics(wire))[0] == 200


async def test_with_a_token_nobody_reads_without_it(tmp_path: Path) -> None:
    async with wired(tmp_path, more={"HANDRAIL_METRICS_TOKEN": TOKEN}) as wire:
        assert (await metrics(wire))[0] == 401
        assert (await metrics(wire, {"Authorization": "Bearer wrong"}))[0] == 401
        assert (await metrics(wire, {"Authorization": f"Basic {TOKEN}"}))[0] == 401
        status, text = await metrics(wire, {"Authorization": f"Bearer {TOKEN}"})
        assert status == 200 and TOKEN not in text


async def test_many_askers_cost_one_look(wire: Wire) -> None:
    assert wire.service.gauges is not None
    looked: list[datetime] = []
    read = wire.service.gauges._read

    def counting() -> object:
        looked.append(datetime.now(UTC))
        return read()

    wire.service.gauges._read = counting  # type: ignore[assignment]
    wire.service.gauges._read_at = float("-inf")
    answers = await asyncio.gather(*(metrics(wire) for _ in range(30)))
    assert {status for status, _ in answers} == {200}
    assert len(looked) == 1


async def test_a_database_that_cannot_be_read_is_said(wire: Wire) -> None:
    assert wire.service.gauges is not None

    def broken() -> object:
        raise OSError

    wire.service.gauges._read = broken  # type: ignore[assignment]
    wire.service.gauges._read_at = float("-inf")
    status, text = await metrics(wire)
    found = samples(text)
    assert status == 200
    assert found["handrail_rows_readable"] == [({}, 0.0)]
    assert "handrail_cases_waiting" not in found


def test_series_are_bounded_whatever_a_label_holds() -> None:
    registry = CollectorRegistry()
    counted = Metrics(registry)
    for number in range(5 * MOST_SERIES):
        counted.count(Metric.TOOL_RUNS, f"tool-{number}", "read", "succeeded")
    family = next(f for f in registry.collect() if f.name == "handrail_tool_runs")
    series = [s for s in family.samples if s.name.endswith("_total")]
    assert len(series) == MOST_SERIES + 1
    rest = next(s for s in series if s.labels["tool"] == OTHERS)
    assert rest.value == 4 * MOST_SERIES


def test_every_metric_of_the_core_has_a_shape() -> None:
    assert set(SHAPES) == set(Metric)
