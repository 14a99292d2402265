"""Carries a turn's steps out and journals them; nothing else in the core waits for the world."""

import asyncio
import json
import logging

from agent_core import notices, progress
from agent_core.blocks import Text
from agent_core.boundary import Boundary, Effect, commit
from agent_core.calls import Calls
from agent_core.context import news_of_facts, prompt, recorded_call
from agent_core.conversation import ConversationId, ConversationStatus
from agent_core.core_tools import CHOOSE_ACCOUNT, HAND_OVER
from agent_core.decided_cards import decided_card
from agent_core.different import Houses
from agent_core.entering import Suspect, enter
from agent_core.errors import HandrailError, ModelError, ModelUnavailable, ToolError, TurnLost
from agent_core.escalations import EscalationReason, Priority
from agent_core.execution import Execution
from agent_core.fair_turns import aside
from agent_core.limits import Limits
from agent_core.live_turn import LiveTurn, asked_text
from agent_core.messages import Author, OutboundMessage
from agent_core.planning import Planning
from agent_core.ports import (
    AccountDirectory,
    ChatModel,
    Clock,
    Engine,
    Ids,
    ModelReply,
    ModelRequest,
    Outbox,
    PolicySource,
    Store,
    SupportDesk,
    ToolCatalog,
)
from agent_core.proposals import ProposalId, ProposalStatus
from agent_core.services import Services
from agent_core.suspects import Suspects
from agent_core.telemetry import SILENT, Telemetry, within
from agent_core.tool_runner import Sleep, ToolRunner
from agent_core.tooling import Json, ToolCall
from agent_core.turn import (
    CallModel,
    ChooseAccount,
    Consider,
    Escalate,
    Execute,
    Finish,
    Present,
    RunReads,
    Send,
    Step,
    TakeBack,
    Tell,
    next_step,
)
from agent_core.turn_state import CallKind, Kind, end_of, state_of
from agent_core.undoing import Undoing
from agent_core.watched_turn import watched_turn

log = logging.getLogger(__name__)

GIVE_BACK_SECONDS = 3.0  # a store that is gone too must not hold the stop up
_CANNOT = "Sorry: {} A person from the support team takes over."
_APOLOGY = "Sorry, I could not work this out. A person from the support team takes over."


class Driver:
    """The engine's handler for turns: `run(conversation id, ref)`."""

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        outbox: Outbox,
        model: ChatModel,
        catalog: ToolCatalog,
        policy_source: PolicySource,
        desk: SupportDesk,
        directory: AccountDirectory,
        clock: Clock,
        ids: Ids,
        instructions: str,
        limits: Limits | None = None,
        houses: Houses | None = None,
        sleep: Sleep = asyncio.sleep,
        telemetry: Telemetry = SILENT,
    ) -> None:
        self._services = Services(
            store=store,
            engine=engine,
            outbox=outbox,
            model=model,
            catalog=catalog,
            policy_source=policy_source,
            desk=desk,
            directory=directory,
            clock=clock,
            ids=ids,
            limits=limits or Limits(),
            instructions=instructions,
            houses=houses or Houses(),
            telemetry=telemetry,
        )
        runner = ToolRunner(self._services.limits, sleep, telemetry)
        self._planning = Planning(self._services, runner)
        self._calls = Calls(self._services, runner, self._planning)
        self._execution = Execution(self._services, runner)
        self._undoing = Undoing(self._services, runner)
        self._suspects = Suspects()

    async def run(self, conversation_id: str, ref: str) -> None:
        """Works until the conversation has no new rows. Safe to call at any time, and again.

        What goes wrong unexpectedly is tried again as a new attempt; after the last one the
        person gets an apology and a case. Raises only where the store itself does not answer.
        """
        while True:
            more = await self._attempt(ConversationId(conversation_id), alone=False)
            if more is None:
                # Its neighbours must not lose their attempts to it.
                async with aside(self._suspects.turn()):
                    more = await self._attempt(ConversationId(conversation_id), alone=True)
            if not more:
                return

    async def _attempt(self, conversation_id: ConversationId, *, alone: bool) -> bool | None:
        """True where there is more to do. None: nothing was begun, as it has to go alone."""
        live = await self._services.transact(
            lambda tx: enter(tx, self._services, conversation_id, alone=alone)
        )
        if isinstance(live, Suspect):
            return None
        return live is not None and await self._observed(live)

    async def _observed(self, live: LiveTurn) -> bool:
        """One attempt of a turn. True where it has to be gone on with, or the next one begun."""
        with (
            watched_turn(self._services.telemetry, live, self._services.clock) as watched,
            within(conversation=live.conversation.id, turn=live.turn.id),
        ):
            try:
                async with progress.shown(self._services, live):
                    more = await self._work(live)
            except TurnLost:
                log.info("turn %s has another owner", live.turn.id)
                watched.ended("lost")
                return False
            except (Exception, asyncio.CancelledError) as error:
                if _is_stopped(error):
                    await self._give_back(live)
                    raise
                log.exception("turn %s, attempt %d", live.turn.id, live.turn.attempts)
                watched.failed(error)
                return True
            watched.ended(end_of(live.journal))
            return more

    async def _give_back(self, live: LiveTurn) -> None:
        """This process stops. The attempt does not count: in a rolling restart a turn may be handed
        on several times, and it is not at fault."""
        turn = live.turn
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await self._services.transact(lambda tx: tx.turns.give_back(turn.id, turn.token))
        except (HandrailError, TimeoutError):
            log.info("turn %s goes on elsewhere, as another attempt", turn.id)

    async def _work(self, live: LiveTurn) -> bool:
        """Takes steps until the turn is closed. True where new rows wait."""
        await self._learn_account_name(live)
        while True:
            step = next_step(live.journal, self._services.limits)
            closed = await self._take(live, step)
            if closed is not None:
                return closed.more

    async def _learn_account_name(self, live: LiveTurn) -> None:
        account = live.conversation.account
        if account is None or account in live.names:
            return
        try:
            live.names[account] = await self._services.account_name(account)
        except ToolError:
            log.warning("the account directory does not answer; cards show the account's id")

    async def _take(self, live: LiveTurn, step: Step) -> Boundary | None:
        """One step. The boundary that closed the turn, if this one did."""
        match step:
            case CallModel():
                await self._call_model(live)
            case RunReads(calls=calls):
                for call in calls:
                    await self._calls.read(live, call)
            case Consider(call=call):
                await self._calls.consider(live, call)
            case Present(drafts=drafts):
                await self._planning.present(live, drafts)
            case TakeBack(wish=wish):
                await self._undoing.take_back(live, wish)
            case ChooseAccount(call=call):
                await self._calls.choose_account(live, call)
                await self._learn_account_name(live)
            case Execute(proposal=proposal):
                await self._execution.run(live, proposal)
            case Tell(proposal=proposal):
                await self._tell(live, proposal)
            case Send(text=text):
                return await self._send(live, text)
            case Escalate():
                return await self._escalate(live, step)
            case Finish():
                return await self._close(live, None, always=True)
        return None

    async def _close(
        self, live: LiveTurn, effect: Effect | None, *, always: bool = False
    ) -> Boundary | None:
        """Ends the turn with `effect`, unless a person took the conversation meanwhile."""
        boundary = await commit(
            self._services, live, effect, claims=False, closes=True, always=always
        )
        return None if boundary.silenced else boundary

    # --- the model --------------------------------------------------------------------------

    async def _call_model(self, live: LiveTurn) -> None:
        if live.pending:
            boundary = await commit(self._services, live)
            if boundary.silenced:
                return
        facts = news_of_facts(live)
        if facts is not None:
            live.note(Kind.FACTS, {"text": facts}, self._services.clock.now())
        limits = self._services.limits
        request = ModelRequest(
            messages=prompt(self._services.instructions, live, limits),
            tools=self._services.tools(live.conversation.audience),
            timeout_seconds=limits.model_seconds,
            max_output_tokens=limits.output_tokens,
        )
        try:
            async with asyncio.timeout(limits.model_seconds * 2):
                reply = await self._services.model.reply(request)
        except TimeoutError:
            self._note_failure(live, ModelUnavailable("the model took too long"))
        except ModelError as error:
            self._note_failure(live, error)
        else:
            live.note(Kind.REPLY, self._reply_body(live, reply), self._services.clock.now())

    def _note_failure(self, live: LiveTurn, error: ModelError) -> None:
        log.warning("model failed in turn %s: %s", live.turn.id, type(error).__name__)
        body = {"error": type(error).__name__}
        live.note(Kind.MODEL_FAILED, body, self._services.clock.now())

    def _reply_body(self, live: LiveTurn, reply: ModelReply) -> Json:
        """The reply as it is journalled; each call gets an id of its own and a kind."""
        position = len(live.journal)
        calls = [
            recorded_call(
                ToolCall(id=f"call_{position}_{index}", name=call.name, arguments=call.arguments),
                self._kind_of(live, call),
            )
            for index, call in enumerate(reply.tool_calls)
        ]
        usage = reply.usage
        return {
            "text": reply.text.strip(),
            "calls": calls,
            "tokens": usage.input_tokens + usage.output_tokens,
            "model": reply.model or self._services.model.label,
        }

    def _kind_of(self, live: LiveTurn, call: ToolCall) -> CallKind:
        tool = self._services.tool(live.conversation.audience, call.name)
        if tool is None:
            return CallKind.UNKNOWN
        if tool.name == HAND_OVER:
            return CallKind.HAND_OVER
        if tool.name == CHOOSE_ACCOUNT:
            return CallKind.CHOOSE_ACCOUNT
        return CallKind.ACTION if tool.is_action else CallKind.READ

    # --- words ------------------------------------------------------------------------------

    async def _send(self, live: LiveTurn, text: str) -> Boundary | None:
        """The final reply, unless its reader wrote on meanwhile; then the draft is discarded."""
        limits = self._services.limits
        may_discard = state_of(live.journal).discards < limits.discards
        position = len(live.journal)

        def write(boundary: Boundary) -> None:
            if boundary.joined:
                boundary.note(Kind.DISCARDED, {})
                return
            message = OutboundMessage(
                blocks=(Text(markdown=text),), fallback=text, author=Author.AGENT
            )
            row = boundary.post(f"reply:{boundary.live.turn.id}:{position}", message)
            boundary.note(Kind.SENT, {"outgoing": str(row), "text": text})
            boundary.closes = True

        boundary = await commit(self._services, live, write, claims=may_discard)
        return boundary if boundary.closes else None

    async def _tell(self, live: LiveTurn, proposal_id: ProposalId) -> None:
        """The requester hears what others decided; what they decided themselves they know."""

        def write(boundary: Boundary) -> None:
            proposal = boundary.tx.proposals.get(proposal_id)
            if proposal is not None and proposal.status is not ProposalStatus.CANCELLED:
                boundary.post(
                    f"told:{proposal.id}:{proposal.status}",
                    decided_card(proposal, proposal.account_name),
                )
            boundary.note(Kind.TOLD, {"proposal": str(proposal_id)})

        await commit(self._services, live, write, claims=False)

    # --- people take over -------------------------------------------------------------------

    async def _escalate(self, live: LiveTurn, step: Escalate) -> Boundary | None:
        suggestion = _suggestion(step, asked_text(live))

        def write(boundary: Boundary) -> None:
            if step.apology:
                sorry = _CANNOT.format(step.because) if step.because else _APOLOGY
                boundary.post(f"apology:{boundary.live.turn.id}", notices.notice(sorry))
            if boundary.conversation.status is ConversationStatus.WITH_AGENT:
                self._services.desk.open(
                    boundary.tx,
                    boundary.conversation,
                    reason=step.reason,
                    priority=_priority(step.reason),
                    asked=asked_text(boundary.live),
                    asked_by=boundary.requester,
                    suggestion=suggestion,
                    at=boundary.at,
                )
            boundary.note(Kind.ESCALATED, {"reason": step.reason.value})

        return await self._close(live, write)


def _priority(reason: EscalationReason) -> Priority:
    asked = reason in (EscalationReason.ASKED_FOR, EscalationReason.BEYOND_SCOPE)
    return Priority.NORMAL if asked else Priority.HIGH


def _is_stopped(error: BaseException) -> bool:
    """Somebody cancels this very turn. A tool's or a client's own cancellation is a failure."""
    task = asyncio.current_task()
    cancelled = isinstance(error, asyncio.CancelledError)
    return cancelled and task is not None and task.cancelling() > 0


def _suggestion(step: Escalate, asked: str) -> str:
    """What the support team reads; for a hand-over, the model's own summary of it.

    A summary that only repeats `asked` is left out: the case's card shows that already.
    """
    if step.reason not in (EscalationReason.ASKED_FOR, EscalationReason.BEYOND_SCOPE):
        return step.suggestion
    try:
        summary = json.loads(step.suggestion).get("summary", "")
    except (ValueError, AttributeError):
        summary = ""
    told = str(summary)[:500].strip()
    said = f" The agent's summary: {told}" if told and told not in asked else ""
    return f"Answer the customer in their thread.{said}"
