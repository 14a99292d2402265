"""The core as a library: an agent for any product, without a chat platform. See docs/embedding.md.

The guardrails are the service's own: the same intake, turns, policy, proposals, ledger, receipts.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from agent_core import presses
from agent_core.audit import parse_key
from agent_core.blocks import Button, Change, Field, Receipt
from agent_core.brakes import BrakeScope, brake_named
from agent_core.clock import SystemClock
from agent_core.conversation import Audience, ConversationStatus
from agent_core.core_tools import CHOOSE_ACCOUNT, HAND_OVER
from agent_core.embedded.callbacks import OnApproval, OnHandOver
from agent_core.embedded.directory import FixedCatalog, NamedAccounts
from agent_core.embedded.reply import Reply
from agent_core.embedded.room import Message, identity_of, room_of
from agent_core.embedded.running import Ports, Product, Running
from agent_core.embedded.talk import Talk
from agent_core.embedded.tools import action, read
from agent_core.engine.memory_engine import MemoryEngine
from agent_core.errors import (
    ActionFailed,
    ActionOutcomeUnknown,
    ActionRefused,
    ArgumentsRejected,
    ConfigurationError,
    ToolError,
)
from agent_core.escalations import Brief
from agent_core.ids import SystemIds
from agent_core.limits import Limits
from agent_core.models.openai_model import Endpoint, OpenAIModel
from agent_core.pausing import no_such_action, pausable
from agent_core.people import AccountId, Capability, Person, PersonId, Role
from agent_core.ports import ChatModel, Clock, Engine, Ids, PolicySource, Store
from agent_core.proposals import Proposal
from agent_core.rules.yaml_policy import FilePolicySource
from agent_core.store.memory_store import MemoryStore
from agent_core.tooling import (
    Amount,
    Compensation,
    Effect,
    Effected,
    Preview,
    Tool,
    ToolContext,
    ToolName,
    ToolResult,
)

__all__ = [
    "ActionFailed",
    "ActionOutcomeUnknown",
    "ActionRefused",
    "Agent",
    "Amount",
    "ArgumentsRejected",
    "Audience",
    "Brief",
    "Button",
    "Capability",
    "Change",
    "ChatModel",
    "Compensation",
    "ConfigurationError",
    "ConversationStatus",
    "Effect",
    "Effected",
    "Endpoint",
    "Field",
    "Limits",
    "Message",
    "Person",
    "Preview",
    "Proposal",
    "Receipt",
    "Reply",
    "Role",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolName",
    "ToolResult",
    "action",
    "person",
    "read",
]

WAIT_SECONDS: Final = 300.0


def person(
    id: str,
    *,
    name: str,
    roles: Mapping[str, Role | str] | None = None,
    capabilities: Iterable[Capability | str] = (),
) -> Person:
    """Somebody who asks, approves or answers, as your product knows them at this moment.

    `roles` by account id: owner, billing_admin, admin or member. `capabilities`, of the vendor's
    own people: staff, support, approver, lead. Raises ValueError for any other word.
    """
    known = PersonId(id)
    return Person(
        id=known,
        name=name,
        roles={AccountId(account): Role(role) for account, role in (roles or {}).items()},
        capabilities=frozenset(Capability(one) for one in capabilities),
        identities=(identity_of(known),),
    )


class Agent:
    """An agent with your tools: `async with Agent(…) as agent:`.

    `tools`: made with `read` and `action`. `instructions`: who the agent is and how it talks.
    `model`: a model's name at an OpenAI-compatible endpoint, or an Endpoint, or any ChatModel.
    `base_url`, `api_key`: of the endpoint; both None: what OPENAI_BASE_URL and OPENAI_API_KEY say.
    `on_hand_over(brief)`: tells your people of a case; called again with a fresh brief when the
    customer adds something, and again until it returns. Must bear being called twice.
    `on_approval(proposal)`: tells your approvers. `policy`: a Path to a policy.yaml, or its text;
    None: what the tools declare. `database_url`: sqlite:///FILE or postgresql://…, for this agent
    alone; None: memory, which forgets at the end. `audit_key`: 32 random bytes as base64 that wrap
    the keys of the audit log's personal part; keep it, and pass the same one always. `accounts`:
    names by account id, for cards.
    `people`: who can be asked before they have said anything, such as an account's owner.

    Entering raises ConfigurationError with every mistake. With a database, one agent at a time can
    run in a process (the engine's limit), and on SQLite one process on a folder.
    """

    _durable: ClassVar[bool] = False  # whether one runs in this process

    def __init__(
        self,
        *,
        tools: Sequence[Tool],
        instructions: str,
        model: str | Endpoint | ChatModel,
        on_hand_over: OnHandOver,
        on_approval: OnApproval | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        policy: Path | str | None = None,
        database_url: str | None = None,
        audit_key: str | None = None,
        accounts: Mapping[str, str] | None = None,
        people: Iterable[Person] = (),
        limits: Limits | None = None,
    ) -> None:
        _check_names(tools)
        self._tools = tuple(tools)
        if isinstance(model, str):
            model = Endpoint(model=model, base_url=base_url, api_key=api_key)
        self._model: Endpoint | ChatModel = model
        self._policy = policy
        self._database_url = database_url
        self._audit_key = audit_key
        self._accounts = NamedAccounts(accounts or {})
        self._people = tuple(people)
        self._product = Product(
            instructions=instructions,
            limits=limits,
            on_hand_over=on_hand_over,
            on_approval=on_approval,
        )
        self._stack = AsyncExitStack()
        self._running: Talk | None = None

    async def __aenter__(self) -> Self:
        if self._running is not None:
            raise ConfigurationError(["this agent runs already"])
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Takes nothing new, lets turns end for a while, and closes everything."""
        self._running = None
        await self._stack.aclose()

    # --- what people do ---------------------------------------------------------------------

    async def send(
        self,
        text: str,
        *,
        by: Person,
        account: str | None,
        conversation: str,
        audience: Audience | None = None,
        message_id: str | None = None,
        seconds: float = WAIT_SECONDS,
    ) -> Reply:
        """Somebody writes; returns what came of it, once nothing is left to do.

        `conversation`: your own name for it. Its account is that of the first message, and its
        `audience` too: private (the default: one person), shared or internal. `message_id`: your
        id; the same one again changes nothing. Raises ValueError where the conversation is not
        this account's or not this person's, and TimeoutError after `seconds`; work goes on then.
        """
        return await self._talk.say(
            text,
            by=by,
            account=AccountId(account) if account is not None else None,
            conversation=conversation,
            audience=audience,
            message_id=message_id,
            seconds=seconds,
        )

    async def confirm(self, proposal: str, *, by: Person, seconds: float = WAIT_SECONDS) -> Reply:
        """The requester's yes. Anybody else's changes nothing: `reply.notice` says why.

        Raises LookupError for an unknown proposal, and TimeoutError; so do the next three.
        """
        return await self._talk.decide(presses.CONFIRM, proposal, by=by, seconds=seconds)

    async def cancel(self, proposal: str, *, by: Person, seconds: float = WAIT_SECONDS) -> Reply:
        """The requester's no."""
        return await self._talk.decide(presses.CANCEL, proposal, by=by, seconds=seconds)

    async def approve(self, proposal: str, *, by: Person, seconds: float = WAIT_SECONDS) -> Reply:
        """The yes of somebody else, whom policy names. Nobody approves their own request."""
        return await self._talk.decide(presses.APPROVE, proposal, by=by, seconds=seconds)

    async def decline(self, proposal: str, *, by: Person, seconds: float = WAIT_SECONDS) -> Reply:
        """The no of somebody whom policy names."""
        return await self._talk.decide(presses.DECLINE, proposal, by=by, seconds=seconds)

    async def press(
        self, button: Button, *, by: Person, conversation: str, seconds: float = WAIT_SECONDS
    ) -> Reply:
        """Any button of a card of this conversation. Raises LookupError and TimeoutError."""
        return await self._talk.press(
            button.action, button.value, by=by, conversation=conversation, seconds=seconds
        )

    async def answer(
        self, text: str, *, by: Person, conversation: str, seconds: float = WAIT_SECONDS
    ) -> Reply:
        """A support person writes to the customer; the conversation is theirs until handed back.

        Raises PermissionError without the capability `support`, and LookupError where no case is
        open there.
        """
        return await self._talk.answer(text, by=by, conversation=conversation, seconds=seconds)

    async def hand_back(self, conversation: str, *, seconds: float = WAIT_SECONDS) -> Reply:
        """Closes the case: the agent answers again, and knows what support said.

        Changes nothing where no case is open. Raises LookupError for an unknown conversation.
        """
        return await self._talk.hand_back(conversation, seconds=seconds)

    async def pause(
        self, scope: BrakeScope | str, target: str = "", *, by: Person, reason: str = ""
    ) -> str:
        """Stops the agent within one step of every turn; returns what was stopped, as a sentence.

        `scope`: all, account, room or tool; `target`: which account, conversation or tool. Raises
        PermissionError without the capability `lead`, and ValueError for what cannot be paused.
        """
        kind, checked = _brake(scope, target)
        if kind is BrakeScope.TOOL and (no := no_such_action(checked, pausable(self._tools))):
            raise ValueError(no)
        return await self._talk.pause(kind, checked, reason, by)

    async def resume(self, scope: BrakeScope | str, target: str = "", *, by: Person) -> str:
        """Lets go of a pause. Raises as `pause` does; what was not paused is said, and no error."""
        return await self._talk.resume(*_brake(scope, target), by)

    async def messages(self, conversation: str, *, after: int = 0) -> tuple[Message, ...]:
        """Everything posted in the conversation with a number above `after`, oldest first.

        Also what came when nobody waited: a receipt after an approval, a proposal that expired.
        """
        return await self._talk.messages(conversation, after)

    @property
    def _talk(self) -> Talk:
        if self._running is None:
            raise RuntimeError("the agent does not run: use it inside `async with Agent(…)`")
        return self._running

    # --- composition ------------------------------------------------------------------------

    async def _start(self) -> None:
        clock, ids = SystemClock(), SystemIds()
        store, engine, holder = await self._open_store(clock, ids)
        self._stack.push_async_callback(store.close)
        model = self._open_model()
        running = Running(
            Ports(
                store=store,
                engine=engine,
                holder=holder,
                model=model,
                catalog=FixedCatalog(self._tools),
                policy_source=self._policy_source(),
                directory=self._accounts,
                clock=clock,
                ids=ids,
            ),
            self._product,
        )
        self._stack.push_async_callback(running.stop)
        await running.talk.know(self._people)
        await running.start()
        self._running = running.talk

    async def _open_store(self, clock: Clock, ids: Ids) -> tuple[Store, Engine, str]:
        """Memory, or a database with the durable engine on it."""
        if self._database_url is None:
            return MemoryStore(), MemoryEngine(clock), "embedded"
        # Loaded only where they are wanted: they bring a database toolkit with them.
        from agent_core.engine.dbos_engine import DbosEngine
        from agent_core.store.audit_seal import AesSeal
        from agent_core.store.locks import lock_folder_of
        from agent_core.store.migrations import migrate
        from agent_core.store.sql_store import SqlStore

        key = _key_of(self._audit_key)
        self._take_durable()
        url = self._database_url
        lock = lock_folder_of(url)
        if lock is not None:
            lock.take()
            self._stack.callback(lock.release)
        await asyncio.to_thread(migrate, url)
        store = SqlStore(url, seal=AesSeal(key) if key is not None else None)
        # One process on SQLite: after a restart it goes on with what it held. Many on Postgres.
        holder = "embedded" if store.is_sqlite else ids.new("worker")
        return store, DbosEngine(url, clock=clock), holder

    def _take_durable(self) -> None:
        if Agent._durable:
            raise ConfigurationError(
                ["another agent with a database runs in this process: leave its `async with` first"]
            )
        Agent._durable = True
        self._stack.callback(setattr, Agent, "_durable", False)

    def _open_model(self) -> ChatModel:
        if not isinstance(self._model, Endpoint):
            return self._model  # made by the caller, and closed there
        model = OpenAIModel(self._model)
        self._stack.push_async_callback(model.close)
        return model

    def _policy_source(self) -> PolicySource:
        """The policy's file; text is kept in one of its own for as long as the agent runs."""
        if not isinstance(self._policy, str):
            return FilePolicySource(self._policy, self._tools)
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="policy-"))
        path = Path(folder) / "policy.yaml"
        path.write_text(self._policy, encoding="utf-8")
        try:
            return FilePolicySource(path, self._tools)
        except ConfigurationError as error:
            raise ConfigurationError(
                [mistake.replace(str(path), "policy") for mistake in error.mistakes]
            ) from None


def _brake(scope: BrakeScope | str, target: str) -> tuple[BrakeScope, str]:
    """A brake's scope and its checked target; a room is named by its conversation."""
    if scope == BrakeScope.ROOM:
        return BrakeScope.ROOM, str(room_of(target))
    return brake_named(str(scope), target)


def _key_of(audit_key: str | None) -> bytes | None:
    """Raises ConfigurationError where it is no key."""
    try:
        return parse_key(audit_key) if audit_key is not None else None
    except ValueError as problem:
        raise ConfigurationError([f"audit_key {problem}"]) from None


def _check_names(tools: Sequence[Tool]) -> None:
    """Raises ConfigurationError where two tools have one name, or one is the core's own."""
    names = [str(tool.name) for tool in tools]
    mistakes = [
        f"two tools are called {name}" for name in sorted(set(names)) if names.count(name) > 1
    ]
    mistakes += [
        f"the agent has a tool {name} of its own: call yours something else"
        for name in (HAND_OVER, CHOOSE_ACCOUNT)
        if name in names
    ]
    mistakes += [
        f"{tool.name}: its undo is {tool.compensation.tool}, and there is no such action"
        for tool in tools
        if tool.compensation is not None and tool.compensation.tool not in names
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
