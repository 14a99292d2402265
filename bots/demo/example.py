"""The finished conversation that the page opens on, played over the real wire by its people."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import aiohttp

from agent_core.presses import CONFIRM
from bots.demo.options import DemoFailed
from playground import people

PATIENCE_SECONDS: Final = 30.0
_CHANNEL: Final = people.NORTHWIND_ROOM.channel_id
_OWNER: Final = people.NORTHWIND_OWNER.user_id
_QUESTION: Final = "What is our usage this month?"
_WISH: Final = "Please add 1 seat."

Json = dict[str, Any]


async def play(slack_api: str) -> None:
    """A question and its answer; one seat, confirmed, with its receipt. Raises DemoFailed."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            slack = _Slack(session, slack_api)
            asked = await slack.say(_QUESTION)
            await slack.until(asked, lambda replies: any(map(_is_agents, replies)))
            await slack.say(_WISH, thread_ts=asked)
            card = await slack.until(asked, lambda replies: next(filter(_asks, replies), None))
            before = len(await slack.replies(asked))
            await slack.click(card)
            await slack.until(asked, lambda replies: len(replies) > before)
    except (aiohttp.ClientError, TimeoutError) as problem:
        raise DemoFailed(f"no answer came ({type(problem).__name__}).") from None


class _Slack:
    """The owner of the sample account, at Slack's stand-in."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._control = f"{address}/playground/slack"

    async def say(self, text: str, *, thread_ts: str | None = None) -> str:
        """The new message's ts."""
        body = {"user_id": _OWNER, "channel_id": _CHANNEL, "text": text, "mention": True}
        if thread_ts is not None:
            body |= {"thread_ts": thread_ts}
        told = await self._post("say", body)
        return str(told["message"]["ts"])

    async def click(self, card: Json) -> None:
        """Presses Confirm."""
        button = _confirm(card)
        assert button is not None
        body = {"user_id": _OWNER, "channel_id": _CHANNEL, "ts": card["ts"]}
        body |= {name: button[name] for name in ("action_id", "value") if button.get(name)}
        await self._post("click", body)

    async def replies(self, thread_ts: str) -> list[Json]:
        """What stands in the thread below its first message, oldest first."""
        channels = (await self._state())["channels"]
        channel = next(each for each in channels if each["id"] == _CHANNEL)
        return [
            each
            for each in channel["messages"]
            if each.get("thread_ts") == thread_ts and each["ts"] != thread_ts
        ]

    async def until(self, thread_ts: str, find: Callable[[list[Json]], Any]) -> Any:
        """What `find` sees in the thread, looking again after every change."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            seq = (await self._state())["seq"]
            while not (found := find(await self.replies(thread_ts))):
                seq = await self._next_change(seq)
            return found

    async def _next_change(self, seq: int) -> int:
        async with self._session.get(f"{self._control}/feed", params={"after": seq}) as feed:
            async for line in feed.content:
                if line.startswith(b"id: "):
                    return int(line[4:])
        raise DemoFailed("Slack's stand-in ended.")

    async def _state(self) -> Json:
        async with self._session.get(f"{self._control}/state") as answer:
            found: Json = await answer.json()
            return found

    async def _post(self, what: str, body: Json) -> Json:
        async with self._session.post(f"{self._control}/{what}", json=body) as answer:
            told: Json = await answer.json()
            if answer.status != 200:
                raise DemoFailed(f"Slack's stand-in refused {what}: {told.get('messages')}")
            return told


def _is_agents(message: Json) -> bool:
    return message.get("bot_id") == people.SLACK_BOT_ID


def _asks(message: Json) -> bool:
    return _confirm(message) is not None


def _confirm(message: Json) -> Json | None:
    """The button that says yes, wherever it is among the message's blocks."""
    for block in message.get("blocks") or ():
        for element in block.get("elements") or ():
            if element.get("type") == "button" and CONFIRM in str(element.get("action_id")):
                found: Json = element
                return found
    return None
