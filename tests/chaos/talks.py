"""One thread of a Slack channel as a patient person uses it: asks, presses, presses again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from playground import people
from playground.slack_api.state import SlackRefusal
from tests.chaos.town import Town

GIVES_UP_SECONDS = 8.0  # waiting for a form to open
Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Talk:
    """A thread, what its people said to the agent, and what they must see in the end.

    `wants` None: nobody spoke to the agent, and it must not have said anything here.
    """

    town: Town
    kind: str
    room: str
    ts: str
    asked: list[str] = field(default_factory=list)  # ts of messages that must not get lost
    wants: list[str] | None = field(default_factory=list)
    promised: list[str] = field(default_factory=list)  # people's words, accepted for this thread
    relayed: list[str] = field(default_factory=list)  # said while people had the conversation
    goes_on: Callable[[], Awaitable[None]] | None = None  # the rest of it, from wherever it stands
    problem: str = ""

    @property
    def patience(self) -> float:
        """Seconds that its people wait for anything."""
        return self.town.patience_seconds

    def messages(self) -> list[Json]:
        """Oldest first."""
        found = self.town.slack.state.channels[self.room].messages.values()
        return [m for m in found if m.get("thread_ts", m["ts"]) == self.ts]

    def ours(self) -> list[Json]:
        """The agent's and the code's posts, with what people wrote through them."""
        return [m for m in self.messages() if m.get("bot_id") == people.SLACK_BOT_ID]

    def shows(self, words: str) -> bool:
        return any(words in str(message) for message in self.ours())

    def say(self, user_id: str, text: str, *, copies: int = 1) -> None:
        message = self.town.slack.say(user_id, self.room, text, thread_ts=self.ts, copies=copies)
        self.asked.append(message["ts"])

    async def until(self, what: Callable[[], Any], seconds: float | None = None) -> Any:
        return await self.town.until(what, seconds or self.patience)

    async def sees(self, words: str) -> None:
        """The words are wanted from now on, and waited for."""
        if self.wants is not None and words not in self.wants:
            self.wants.append(words)
        await self.until(lambda: self.shows(words))

    def can_go_on(self) -> bool:
        """Whether something stands here, or with support, that somebody can still answer."""
        stands = "'proposal.confirm'", "waiting for approval", "Case "
        return any(map(self.shows, stands))

    def bearing(self, action: str) -> Json | None:
        """The newest message with this button."""
        return next((m for m in reversed(self.ours()) if f"'{action}'" in str(m)), None)

    async def press_until(self, user_id: str, action: str, done: Callable[[], Any]) -> None:
        """Presses the newest button of this kind until `done`; nobody answers a killed process."""
        pressed: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self.patience):
            while not done():
                card = self.bearing(action)
                if card is None or loop.time() - pressed.get(card["ts"], -60.0) < 20.0:
                    await asyncio.sleep(0.1)
                    continue
                if await self.press(user_id, card, action):
                    pressed[card["ts"]] = loop.time()
                else:
                    await asyncio.sleep(0.5)

    async def press(self, user_id: str, card: Json, action: str) -> bool:
        """Whether the click was acknowledged, or has nothing to press any more."""
        try:
            attempt = await self.town.slack.click(
                user_id, action, channel_id=self.room, ts=card["ts"]
            )
        except SlackRefusal:
            return True  # redrawn meanwhile, without the button
        return attempt.acknowledged
