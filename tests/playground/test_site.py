"""The page's server: one process with everything, who may call it, and what it hands on."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

from aiohttp import ClientSession

from playground.loopback import serving
from playground.payments_api.app import Provider, create_app
from playground.payments_api.book import Book
from playground.site import SiteOptions
from tests.playground.page_town import Town, built


async def _started(*arguments: str) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "playground", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    return process, json.loads(line)


async def test_one_process_serves_all_on_the_next_free_port_and_stops_cleanly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process, told = await _started("--port", str(port), "--support", "teams")
        try:
            assert set(told) == {"page", "slack_api", "teams"}
            assert not told["page"].endswith(f":{port}/")
            async with ClientSession() as session:
                async with session.get(told["page"]) as answer:
                    assert "Handrail playground" in await answer.text()
                    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                async with session.get(f"{told['page']}playground/page") as answer:
                    assert (await answer.json())["support"] == "teams"
                async with session.post(f"{told['slack_api']}/api/auth.test") as answer:
                    assert (await answer.json())["error"] == "not_authed"
                url = f"{told['teams']}/.well-known/openidconfiguration"
                async with session.get(url) as answer:
                    assert "jwks_uri" in await answer.json()
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert errors.decode().startswith(f"port {port} is taken; using ")
    assert "Traceback" not in errors.decode()


async def test_every_file_that_the_page_names_is_served(town: Town) -> None:
    async with ClientSession() as session:
        for file in sorted(Path("playground/page").glob("*.[hjc]*")):
            async with session.get(f"{town.address}page/{file.name}") as answer:
                assert answer.status == 200, file.name
                assert "Content-Security-Policy" in answer.headers


async def test_another_host_name_or_page_is_refused(town: Town) -> None:
    async with ClientSession() as session:
        async with session.get(town.address, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
        kill = f"{town.address}demo/kill-worker"
        async with session.post(kill, headers={"Origin": "http://localhost:1"}) as answer:
            assert answer.status == 403
        state = f"{town.address}playground/slack/state"
        async with session.get(state, headers={"Origin": "https://evil.example"}) as answer:
            assert answer.status == 403


async def test_what_has_nobody_behind_it_says_so(town: Town) -> None:
    async with ClientSession() as session, session.get(f"{town.address}demo/status") as answer:
        assert (answer.status, (await answer.json())["error"]) == (503, "not_connected")
    async with (
        built(SiteOptions(inspect_url="http://127.0.0.1:1")) as other,
        ClientSession() as session,
        session.get(f"{other.address}demo/status") as answer,
    ):
        assert (answer.status, (await answer.json())["error"]) == (502, "no_answer")


async def test_payment_faults_are_handed_on(tmp_path: Path) -> None:
    provider = Provider(Book(tmp_path / "book.db"), api_key="k", faults=None)
    fault = {"kind": "drop_answer", "method": "POST /v1/charges", "times": 1}
    async with (
        serving(create_app(provider)) as payments,
        built(SiteOptions(payments_url=payments)) as town,
        ClientSession() as session,
    ):
        async with session.post(f"{town.address}payments/faults", json=fault) as answer:
            assert answer.status == 200
        async with session.get(f"{town.address}payments/v1/charges") as answer:
            assert answer.status == 404
    assert [f.method for f in provider.faults.pending("payments")] == ["POST /v1/charges"]
