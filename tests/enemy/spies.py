"""Stands between the core and its world: looks on, interferes, and dies when told to."""

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from agent_core.conversation import Audience
from agent_core.errors import ActionFailed, ActionOutcomeUnknown, ActionRefused
from agent_core.messages import MessageRef, OutboundMessage, OutgoingId, Posted, ReplyAddress
from agent_core.ports import Store, UnitOfWork
from agent_core.tooling import Tool, ToolContext, ToolName, ToolResult
from tests.fakes.platform import MemoryPlatform
from tools.accounts.gateway import Payment, PaymentRequest
from tools.catalog import Catalog

T = TypeVar("T")
TURN: ContextVar[str] = ContextVar("TURN", default="")


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Life:
    """Whether the process lives, and when it will die: at the `steps`-th thing it does next."""

    steps: int | None = None
    after: bool = False
    dead: bool = False
    deaths: int = 0
    taken: int = 0  # steps so far

    async def step(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does one thing, or dies just before or just after it."""
        if self.dead:
            raise Killed
        self.taken += 1
        dies = False
        if self.steps is not None:
            self.steps -= 1
            dies = self.steps <= 0
            self.steps = None if dies else self.steps
        if dies and not self.after:
            self.die()
        result = await work()
        if dies:
            self.die()
        if self.dead:  # while it waited
            raise Killed
        return result

    def die(self) -> None:
        self.dead = True
        self.deaths += 1
        raise Killed


class MortalStore:
    """A store whose process may die around any transaction."""

    def __init__(self, inner: Store, life: Life, now: Callable[[], datetime]) -> None:
        self._inner = inner
        self._life = life
        self._now = now
        self.last: dict[str, datetime] = {}  # when each conversation's turn last committed

    def of_delivery(self) -> "MortalStore":
        """The same store for what is sent beside a turn: that looks at nobody's rights."""
        return MortalStore(self._inner, self._life, self._now)

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T:
        result = await self._life.step(lambda: self._inner.run(fn))
        self.last[TURN.get()] = self._now()
        return result

    async def close(self) -> None:
        await self._inner.close()


@dataclass
class SeenPost:
    """What a room got to read."""

    at: datetime
    address: ReplyAddress
    message: OutboundMessage
    replaces: str = ""  # the text of the message that it changed


@dataclass
class SpiedPlatform(MemoryPlatform):
    """Remembers every version of every message."""

    life: Life = field(default_factory=Life)
    seen: list[SeenPost] = field(default_factory=list)
    now: Callable[[], datetime] = datetime.now

    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        async def work() -> Posted:
            self.seen.append(SeenPost(self.now(), address, message))
            return await MemoryPlatform.post(self, address, message, outgoing_id)

        return await self.life.step(work)

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None:
        async def work() -> None:
            was = [one.message for one in self.posts if one.posted.message == posted]
            self.seen.append(SeenPost(self.now(), address, message, str(was)))
            await MemoryPlatform.update(self, address, posted, message)

        await self.life.step(work)


class CountingPayments:
    """The payment service: keeps one effect a key, as the provider promises, and counts all.

    `faults`, in order, for each request that moves money: `lost` (done, no answer), `5xx` (not
    done, no clear answer), `refused`, `down` (never sent), `late` (no answer; done after `land`).
    With `forgets_keys` each request moves money again: the provider's own guard switched off.
    """

    def __init__(self, life: Life | None = None) -> None:
        self.life = life or Life()
        self.moved: list[tuple[str, PaymentRequest]] = []
        self.known: dict[str, tuple[str, PaymentRequest, Payment]] = {}
        self.faults: deque[str] = deque()
        self.look_up_faults = 0
        self.late: list[tuple[str, PaymentRequest]] = []
        self.refused: set[str] = set()
        self.forgets_keys = False

    async def charge(self, request: PaymentRequest) -> Payment:
        return await self.life.step(lambda: self._take("charge", request))

    async def refund(self, request: PaymentRequest) -> Payment:
        return await self.life.step(lambda: self._take("refund", request))

    async def look_up(self, key: str) -> Payment | None:
        async def work() -> Payment | None:
            if self.forgets_keys:
                return None
            if self.look_up_faults:
                self.look_up_faults -= 1
                raise ActionOutcomeUnknown("The payment service does not say.")
            found = self.known.get(key)
            return found[2] if found else None

        return await self.life.step(work)

    async def _take(self, way: str, request: PaymentRequest) -> Payment:
        fault = self.faults.popleft() if self.faults else ""
        if fault == "down":
            raise ActionFailed("The payment service cannot be reached.")
        if fault == "refused" and request.key not in self.known:
            self.refused.add(request.key)
        if request.key in self.refused:  # for good: so it is with idempotency keys
            raise ActionRefused("The payment service refused the payment (402).")
        if fault == "5xx":
            raise ActionOutcomeUnknown("The payment service answered 503.")
        if fault == "late":
            self.late.append((way, request))
            raise ActionOutcomeUnknown("The payment service did not answer.")
        payment = self._once(way, request)
        if fault == "lost":
            raise ActionOutcomeUnknown("The payment service did not answer.")
        return payment

    def land(self) -> None:
        """What was still on its way arrives."""
        for way, request in self.late:
            if request.key not in self.refused:
                self._once(way, request)
        self.late.clear()

    def _once(self, way: str, request: PaymentRequest) -> Payment:
        found = self.known.get(request.key)
        if found and not self.forgets_keys:
            if found[:2] != (way, request):
                raise ActionRefused("The payment service has another request under this key.")
            return found[2]
        self.moved.append((way, request))
        payment = Payment(id=f"{way}_{len(self.moved)}", key=request.key, amount=request.amount)
        self.known[request.key] = (way, request, payment)
        return payment


@dataclass
class ToolUse:
    """One call of a handler or preview, as code made it."""

    at: datetime
    what: str  # preview, read, act, acted, look_up
    tool: str
    context: ToolContext
    arguments: dict[str, Any]
    turn: str


Look = Callable[[ToolUse], Awaitable[None]]


class SpiedCatalog:
    """The real catalog; each call is shown to `look` first, and an action also when it is done.

    Guards switched off: an `obedient` tool takes the account that its arguments name, and a
    `lying` action says that it is done and does nothing.
    """

    def __init__(
        self, inner: Catalog, look: Look, *, obedient: bool = False, lying: bool = False
    ) -> None:
        self._look = look
        self._obedient = obedient
        self._lying = lying
        self._inner = inner
        self._tools = {tool.name: self._spied(tool) for tool in inner.tools}

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(self._tools.values())

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]:
        return tuple(self._tools[tool.name] for tool in self._inner.for_audience(audience))

    def get(self, name: ToolName) -> Tool | None:
        return self._tools.get(name)

    def _spied(self, tool: Tool) -> Tool:
        def through(what: str, call: Any) -> Any:
            async def looked_at(context: ToolContext, arguments: Any) -> Any:
                if self._obedient:
                    context = _as_told(context, str(arguments.model_dump()))
                use = ToolUse(
                    at=context.now,
                    what=what,
                    tool=str(tool.name),
                    context=context,
                    arguments=arguments.model_dump(mode="json"),
                    turn=TURN.get(),
                )
                await self._look(use)
                if what == "act" and self._lying:
                    return ToolResult(content={}, title="Done, trust me")
                result = await call(context, arguments)
                if what == "act":
                    await self._look(replace(use, what="acted"))
                return result

            return looked_at

        spied = replace(tool, handler=through("act" if tool.is_action else "read", tool.handler))
        if tool.preview is not None and tool.look_up is not None:
            spied = replace(
                spied,
                preview=through("preview", tool.preview),
                look_up=through("look_up", tool.look_up),
            )
        return spied


def _as_told(context: ToolContext, arguments: str) -> ToolContext:
    """Obeys an account id that the model has put into any argument."""
    from tests.enemy.cast import CANARIES  # the accounts there are

    named = next((one for one in CANARIES if str(one) in arguments), None)
    return replace(context, account_id=named) if named else context
