"""A real Bolt app against the stand-in: mention, button, form, and a process that stops cleanly."""

import asyncio
import re
import signal
import sys
from typing import Any

from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground import people
from playground.loopback import serving
from playground.slack_api.app import running
from playground.slack_api.world import SlackWorld

BUTTON = {
    "type": "actions",
    "elements": [
        {
            "type": "button",
            "action_id": "open_form",
            "text": {"type": "plain_text", "text": "Change seats"},
        }
    ],
}
FORM = {
    "type": "modal",
    "callback_id": "seats",
    "title": {"type": "plain_text", "text": "Seats"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "seats",
            "label": {"type": "plain_text", "text": "How many?"},
            "element": {"type": "plain_text_input", "action_id": "count"},
        }
    ],
}


def bolt_app(client: AsyncWebClient, seen: list[dict[str, Any]]) -> AsyncApp:
    """An app that answers a mention with a button, the button with a form, the form with a post."""
    app = AsyncApp(client=client, signing_secret=people.SLACK_SIGNING_SECRET)

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any], context: Any) -> None:
        seen.append({"team": context.team_id, "actor_team": context.actor_team_id})
        await client.chat_postMessage(
            channel=event["channel"], thread_ts=event["ts"], text="Sure", blocks=[BUTTON]
        )

    @app.event("message")
    async def other(event: dict[str, Any]) -> None:
        seen.append({"message": event["ts"]})

    @app.action("open_form")
    async def pressed(ack: Any, body: dict[str, Any]) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        await ack()

    @app.view("seats")
    async def submitted(ack: Any, view: dict[str, Any], context: Any) -> None:
        count = view["state"]["values"]["seats"]["count"]["value"]
        if not count.isdigit():
            await ack(response_action="errors", errors={"seats": "Write a number"})
            return
        seen.append({"count": count, "team": context.team_id})
        await ack()

    return app


async def test_a_bolt_app_answers_opens_a_form_and_takes_it() -> None:
    world = SlackWorld(retry_delays=())
    seen: list[dict[str, Any]] = []
    async with running(world) as address, ClientSession() as session:
        client = AsyncWebClient(
            token=people.SLACK_BOT_TOKEN, base_url=f"{address}/api/", session=session
        )
        async with serving(bolt_app(client, seen).web_app()) as app_address:
            world.courier.request_url = f"{app_address}/slack/events"
            world.say("U0OLIVE", "C0NORTH", "add seats", mention=True)
            posted = await bot_message(world)
            await world.settled()
            assert {"team": "T0ACME", "actor_team": "T0NORTH"} in seen
            await world.click("U0OLIVE", "open_form", channel_id="C0NORTH", ts=posted["ts"])
            (opened,) = world.state.views.values()
            wrong = await world.submit("U0OLIVE", opened.view["id"], {"seats": {"count": "three"}})
            assert (wrong.action, wrong.errors) == ("errors", {"seats": "Write a number"})
            done = await world.submit("U0OLIVE", opened.view["id"], {"seats": {"count": "3"}})
            assert done.action == "closed"
            assert {"count": "3", "team": "T0ACME"} in seen
            assert all(d.attempts[-1].acknowledged for d in world.courier.log)


async def bot_message(world: SlackWorld) -> dict[str, Any]:
    """The next message of the app, waiting for it."""
    seq = 0
    while True:
        for change in await world.workspace.feed.changes(seq, timeout=5):
            seq = change["seq"]
            if change["type"] == "message_posted" and "bot_id" in change["message"]:
                return dict(change["message"])


async def test_the_process_serves_and_stops_with_a_reader_connected() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "playground.slack_api", "--retry-delays"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30), ClientSession() as session:
            line = (await process.stdout.readline()).decode()
            found = re.search(r"http://\S+", line)
            assert found is not None, line
            order = {"user_id": "U0OLIVE", "channel_id": "C0NORTH", "text": "hi"}
            url = f"{found.group()}/playground/slack"
            async with session.post(f"{url}/say", json=order) as said:
                assert said.status == 200
            async with session.get(f"{url}/feed?after=0") as feed:
                assert (await feed.content.readline()) == b": connected\n"
                process.send_signal(signal.SIGINT)
                assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
