"""One trace a request, from the webhook to the send, as a collector receives it."""

import re
from pathlib import Path

import aiohttp

from playground import people
from tests.scenarios.wire import Wire, wired
from tests.sight.collector import Collector, attributes, collecting

GLOBEX = people.GLOBEX_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id
SECRET_WORDS = "the zebra in the cellar is called Ottokar"


def names(collector: Collector, trace: str) -> list[str]:
    return [span.name for span in collector.of_trace(trace)]


async def trace_of(wire: Wire) -> str:
    """The trace of the newest turn, as its row keeps it."""

    def newest(tx: object) -> str:
        connection = tx.connection  # type: ignore[attr-defined]
        sql = "SELECT trace FROM hr_turns ORDER BY started_at DESC LIMIT 1"
        return str(connection.exec_driver_sql(sql).scalar_one())

    return (await wire.service.store.run(newest)).split("-")[1]


async def test_one_trace_from_webhook_to_send(tmp_path: Path) -> None:
    async with collecting() as (collector, address):
        extra = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer of-the-collector",
        }
        async with wired(tmp_path, more=extra) as wire:
            thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
            card = await thread.card("proposal.confirm")
            await wire.settled()
            asked = await trace_of(wire)
            await thread.click(OWNER, card, "proposal.confirm")
            await thread.until_says("Done")
            await wire.settled()
            confirmed = await trace_of(wire)
        assert asked != confirmed
        assert set(collector.authorizations) == {"Bearer of-the-collector"}
        for trace in (asked, confirmed):
            spans = collector.of_trace(trace)
            found = {span.name for span in spans}
            assert {"webhook slack", "intake", "turn", "store.commit", "send"} <= found
            ids = {span.span_id for span in spans}
            roots = [span for span in spans if not span.parent_span_id]
            assert [root.name for root in roots] == ["webhook slack"]
            assert all(s.parent_span_id in ids for s in spans if s.parent_span_id)
        chat = next(s for s in collector.of_trace(asked) if s.name.startswith("chat "))
        assert attributes(chat)["gen_ai.operation.name"] == "chat"
        assert "gen_ai.request.model" in attributes(chat)
        tools = {
            (attributes(s)["gen_ai.tool.name"], attributes(s)["handrail.tool.phase"])
            for s in collector.of_trace(confirmed)
            if s.name.startswith("execute_tool ")
        }
        assert tools == {("add_seats", "preview"), ("add_seats", "act")}


async def test_the_card_shows_the_trace_of_the_request(tmp_path: Path) -> None:
    async with collecting() as (collector, address):
        extra = {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
        async with wired(tmp_path, more=extra) as wire:
            wire.slack_thread(OWNER, GLOBEX, f"I want to talk to a human: {SECRET_WORDS}")
            case = await wire.support_thread("Case 1")
            shown = re.search(r"Trace: ([0-9a-f]{32})", str(case.messages()[0]))
            await wire.settled()
        assert shown is not None
        assert {"webhook slack", "intake", "turn", "send"} <= set(names(collector, shown[1]))
        everything = str(collector.spans)
        assert "Ottokar" not in everything
        for private in ("Greta", "globex", "Globex", people.GLOBEX_OWNER.user_id):
            assert private not in everything, private


async def test_the_card_shows_a_trace_without_any_exporter(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        wire.slack_thread(OWNER, GLOBEX, "I want to talk to a human")
        case = await wire.support_thread("Case 1")
        shown = re.search(r"Trace: ([0-9a-f]{32})", str(case.messages()[0]))
        await wire.settled()
        assert shown is not None
        assert shown[1] == await trace_of(wire)


async def test_what_was_refused_leaves_no_span(tmp_path: Path) -> None:
    async with collecting() as (collector, address):
        async with (
            wired(tmp_path, more={"OTEL_EXPORTER_OTLP_ENDPOINT": address}) as wire,
            aiohttp.ClientSession() as client,
            client.post(f"{wire.address}/slack/events", json={"forged": True}) as answer,
        ):
            assert answer.status == 401
        assert [span.name for span in collector.spans if span.name.startswith("webhook")] == []
