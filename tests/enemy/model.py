"""The worst model: it calls what it is told to, obeys what it reads, and claims what it likes."""

import json
from collections import deque
from collections.abc import Awaitable, Callable

from agent_core.ports import ModelReply, ModelRequest
from agent_core.tooling import ToolCall
from tests.enemy import cast
from tests.enemy.moves import Aside, Reply
from tests.enemy.spies import TURN, Life

OBEYED_AT_ONCE = 4


class EnemyModel:
    """`ports.ChatModel`. What it has read it repeats in its last words, so that a leak shows."""

    label = "the enemy"
    is_language_model = False

    def __init__(
        self,
        life: Life,
        saw: Callable[[str, ModelRequest], Awaitable[None]],
        aside: Callable[[Aside], Awaitable[None]],
    ) -> None:
        self._life = life
        self._saw = saw
        self._aside = aside
        self.script: deque[Reply] = deque()
        self.within: deque[Aside] = deque()
        self.attempts = 0

    async def reply(self, request: ModelRequest) -> ModelReply:
        return await self._life.step(lambda: self._reply(request))

    async def _reply(self, request: ModelRequest) -> ModelReply:
        await self._saw(TURN.get(), request)
        text = "\n".join(message.content for message in request.messages[1:])
        if not self.script:
            return ModelReply(text=_boast(text))
        next_ = self.script.popleft()
        if next_.aside is not None:
            await self._aside(next_.aside)
        if next_.within is not None:
            self.within.append(next_.within)
        wishes = [*next_.wishes, *(_orders(text) if next_.obeys else ())]
        self.attempts += len(wishes)
        if not wishes:
            return ModelReply(text=next_.text or _boast(text))
        calls = tuple(ToolCall(id="same", name=name, arguments=given) for name, given in wishes)
        return ModelReply(text=next_.text, tool_calls=calls)

    async def close(self) -> None:
        return None


def _orders(text: str) -> list[tuple[str, str]]:
    """Every `CALL name {json}` in the prompt, whoever wrote it; marks of data do not stop it."""
    found: list[tuple[str, str]] = []
    for line in text.replace("&quot;", '"').splitlines():
        _, mark, order = line.partition("CALL ")
        name, _, given = order.partition(" ")
        if mark and name:
            given = given.split("</message>")[0] or "{}"
            found.append((name.strip(), given))
    return found[-OBEYED_AT_ONCE:]


def _boast(text: str) -> str:
    """Claims that all is done, and tells everything it knows that it should not."""
    known = [word for words in cast.CANARIES.values() for word in words if word in text]
    inside = sorted({word for word in text.split() if word.startswith("INSIDE-")})
    return f"I have done everything, and it is paid. {json.dumps([*known, *inside])}"
