"""Runs tools: validates, authorises, calls once, and turns every failure into a known outcome."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agent_core import visibility
from agent_core.errors import (
    ActionFailed,
    ActionOutcomeUnknown,
    ActionRefused,
    ArgumentsRejected,
    SystemUnavailable,
    ToolError,
)
from agent_core.limits import Limits
from agent_core.proposals import Outcome, canonical
from agent_core.telemetry import SILENT, Telemetry
from agent_core.tooling import Json, Preview, Tool, ToolCall, ToolContext, ToolResult
from agent_core.turn_state import FAILED, UNAVAILABLE
from agent_core.watched_tool import watched_tool

log = logging.getLogger(__name__)
T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a call of an action ended. `result` is set where it succeeded.

    `unclear`: no answer came, and the look-up knew of nothing; the request may still arrive.
    """

    outcome: Outcome
    result: ToolResult | None = None
    reason: str = ""
    unclear: bool = False
    unavailable: bool = False  # not begun, as the other side is down


def parse_arguments(tool: Tool, call: ToolCall) -> BaseModel:
    """The validated arguments. Raises ArgumentsRejected with a sentence for each mistake."""
    return _checked(tool, call.arguments or "{}")


def checked(tool: Tool, arguments: Json) -> BaseModel:
    """Canonical arguments as the tool's own type. Raises ArgumentsRejected."""
    return _checked(tool, canonical(arguments))


def _checked(tool: Tool, text: str) -> BaseModel:
    try:
        return tool.arguments.model_validate_json(text)
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(str(part) for part in one['loc']) or 'arguments'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)
        )
        raise ArgumentsRejected(f"{tool.name}: {mistakes}") from error


def _check_amount(tool: Tool, preview: Preview) -> None:
    """Policy and limits go by it: one below 0, or in "usd", would slip past a limit in USD."""
    amount = preview.amount
    if amount is None:
        return
    if amount.minor < 0:
        raise ArgumentsRejected(f"{tool.name}: an amount below 0 cannot be moved.")
    currency = amount.currency
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        log.error("the preview of %s names no currency such as USD", tool.name)
        raise ActionFailed(f"{tool.name} failed inside.")


class ToolRunner:
    """Calls handlers with a time limit. Nothing here decides whether a call is allowed.

    What comes back is what the context's room and requester may read.
    """

    def __init__(
        self, limits: Limits, sleep: Sleep = asyncio.sleep, telemetry: Telemetry = SILENT
    ) -> None:
        self._limits = limits
        self._sleep = sleep
        self._telemetry = telemetry

    async def read(self, tool: Tool, context: ToolContext, arguments: BaseModel) -> ToolResult:
        """A read's result. Raises ToolError."""
        with watched_tool(self._telemetry, tool, "read") as watched:
            call = tool.handler(context, arguments)
            result = await self._bounded(tool, call, self._limits.read_seconds)
            watched.ended(Outcome.SUCCEEDED)
        return visibility.read_by(tool, context, result)

    async def preview(self, tool: Tool, context: ToolContext, arguments: BaseModel) -> Preview:
        """What the action would do now. Raises ToolError; nothing has happened then."""
        if tool.preview is None:
            raise ActionRefused(f"{tool.name} cannot be previewed, so it is not done.")
        with watched_tool(self._telemetry, tool, "preview") as watched:
            call = tool.preview(context, arguments)
            preview = await self._bounded(tool, call, self._limits.read_seconds)
            _check_amount(tool, preview)
            watched.ended(Outcome.SUCCEEDED)
        return visibility.preview_for(tool, context, preview)

    async def _bounded(self, tool: Tool, call: Awaitable[T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await call
        except ToolError:
            raise
        except TimeoutError as error:
            raise ActionFailed(f"{tool.name} took too long.") from error
        except Exception as error:
            log.exception("tool %s raised what it must not raise", tool.name)
            raise ActionFailed(f"{tool.name} failed inside.") from error

    async def act(self, tool: Tool, context: ToolContext, arguments: BaseModel) -> Ran:
        """Carries an action out under `context.key`. Never raises a tool's error.

        What failed without an effect is tried once more, under the same key. Where a request went
        out and no answer came to it, neither "nothing happened yet" nor a no to the second is
        proof: that stays unknown.
        """
        with watched_tool(self._telemetry, tool, "act") as watched:
            ran = await self._acted(tool, context, arguments)
            watched.ended(ran.outcome)
        return ran

    async def _acted(self, tool: Tool, context: ToolContext, arguments: BaseModel) -> Ran:
        first = await self._act_once(tool, context, arguments)
        if first.outcome is not Outcome.FAILED or first.unavailable:
            return first
        last = await self._act_once(tool, context, arguments)
        denied = last.outcome in (Outcome.FAILED, Outcome.REFUSED)
        if denied and (first.unclear or last.unclear):
            return replace(last, outcome=Outcome.UNKNOWN, reason="No answer came.")
        return last

    async def _act_once(self, tool: Tool, context: ToolContext, arguments: BaseModel) -> Ran:
        try:
            async with asyncio.timeout(self._limits.action_seconds):
                result = await tool.handler(context, arguments)
        except (ActionRefused, ArgumentsRejected) as error:
            return Ran(outcome=Outcome.REFUSED, reason=str(error))
        except ActionFailed as error:
            down = isinstance(error, SystemUnavailable)
            return Ran(outcome=Outcome.FAILED, reason=str(error), unavailable=down)
        except (ActionOutcomeUnknown, TimeoutError) as error:
            log.warning("action %s ended without an answer", tool.name)
            return await self._asked_about(tool, context, arguments, str(error))
        except Exception:
            log.exception("action %s raised what it must not raise", tool.name)
            return await self._asked_about(tool, context, arguments, "It failed inside.")
        shown = visibility.done_for(tool, context, result)
        return Ran(outcome=Outcome.SUCCEEDED, result=shown)

    async def _asked_about(
        self, tool: Tool, context: ToolContext, arguments: BaseModel, why: str
    ) -> Ran:
        """After an unclear end: what the provider says, else unknown."""
        known = await self.look_up(tool, context, arguments)
        if known is None:
            reason = why or "No answer came."
            return Ran(outcome=Outcome.UNKNOWN, reason=reason)
        return replace(known, unclear=known.outcome is Outcome.FAILED)

    async def look_up(self, tool: Tool, context: ToolContext, arguments: BaseModel) -> Ran | None:
        """What became of `context.key`; None where nobody can tell after a few tries.

        FAILED means that nothing happened under this key.
        """
        if tool.look_up is None:
            return None
        pause = self._limits.look_up_pause_seconds
        for left in reversed(range(self._limits.look_ups)):
            try:
                async with asyncio.timeout(self._limits.read_seconds):
                    result = await tool.look_up(context, arguments)
            except Exception as error:
                log.warning("look-up of %s: %s", tool.name, type(error).__name__)
                if left:
                    await self._sleep(pause)
                    pause *= 2
                continue
            if result is None:
                return Ran(outcome=Outcome.FAILED, reason="It did not happen.")
            shown = visibility.done_for(tool, context, result)
            return Ran(outcome=Outcome.SUCCEEDED, result=shown)
        return None


def failure_content(error: ToolError) -> Json:
    """What the model is told of a call that did not succeed."""
    kind = {
        ArgumentsRejected: "arguments_rejected",
        ActionRefused: "refused",
        ActionFailed: FAILED,
        SystemUnavailable: UNAVAILABLE,
    }.get(type(error), FAILED)
    return {"status": kind, "reason": str(error)}
