"""A desk, policy, catalogue and accounts that a test owns: small, real enough, and countable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described

from agent_core.blocks import Change, Field
from agent_core.clock import ManualClock
from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    ConversationStatus,
    Speaker,
    TranscriptEntry,
)
from agent_core.decisions import Decisions
from agent_core.driver import Driver
from agent_core.errors import ActionFailed, ActionOutcomeUnknown, ActionRefused
from agent_core.escalations import (
    Escalation,
    EscalationId,
    EscalationReason,
    EscalationStatus,
    Priority,
)
from agent_core.ids import SequenceIds
from agent_core.journal import InboxKind, InboxRow
from agent_core.limits import Limits
from agent_core.messages import DestinationId, OutgoingId, Participant
from agent_core.outgoing import OutgoingRow
from agent_core.people import AccountId, Capability, Person, Requester, Role
from agent_core.policy import Aftermath, ApprovalNeed, Decision, Question, Ruling
from agent_core.ports import (
    AccountDirectory,
    ChatModel,
    EngineKind,
    PolicySource,
    Store,
    ToolCatalog,
    UnitOfWork,
)
from agent_core.proposals import Proposal, fingerprint
from agent_core.store.memory_store import MemoryStore
from agent_core.tooling import (
    Amount,
    Effect,
    Json,
    PolicyDefaults,
    Preview,
    Standing,
    Tool,
    ToolContext,
    ToolName,
    ToolResult,
)
from tests.builders import (
    ACME,
    NOON,
    a_conversation,
    a_destination,
    a_participant,
    a_person,
    a_thread,
    an_identity,
)

OTHER = AccountId("acc_other")
T = TypeVar("T")


class NoArguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Seats(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    seats: int = Described(ge=1, le=1000, description="How many.")


@dataclass
class Accounts:
    """One account system: seats by account, effects by key, and faults on demand."""

    seats: dict[AccountId, int] = field(default_factory=lambda: {ACME: 10, OTHER: 3})
    version: int = 1
    effects: list[tuple[str, AccountId, int]] = field(default_factory=list)
    done: dict[str, ToolResult] = field(default_factory=dict)
    fault: Callable[[str], None] | None = None  # called with "before", "after", "look_up"
    attempts: int = 0

    def change(self, seats: int) -> None:
        self.seats[ACME] += seats
        self.version += 1

    async def look(self, context: ToolContext, _: Any) -> ToolResult:
        return ToolResult(content={"seats": self.seats[context.account_id]})

    async def preview(self, context: ToolContext, wish: Seats) -> Preview:
        now = self.seats[context.account_id]
        change = Change(label="Seats", before=str(now), after=str(now + wish.seats))
        return Preview(
            arguments={"seats": wish.seats},
            title=f"Add {wish.seats} seats",
            changes=(change,),
            version=self.version,
            amount=Amount(minor=wish.seats * 1000, currency="USD"),
        )

    async def add(self, context: ToolContext, wish: Seats) -> ToolResult:
        self.attempts += 1
        if context.key in self.done:
            return self.done[context.key]
        if context.expected_version != self.version:
            raise ActionFailed("The account changed meanwhile.")
        self._break("before")
        self.effects.append((context.key, context.account_id, wish.seats))
        self.seats[context.account_id] += wish.seats
        self.version += 1
        total = self.seats[context.account_id]
        result = ToolResult(
            content={"seats": total},
            title=f"Added {wish.seats} seats",
            fields=(Field(label="Seats", value=str(total)),),
        )
        self.done[context.key] = result
        self._break("after")
        return result

    async def look_up(self, context: ToolContext, _: Any) -> ToolResult | None:
        self._break("look_up")
        return self.done.get(context.key)

    def _break(self, where: str) -> None:
        if self.fault is not None:
            self.fault(where)

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        return (("Seats", str(self.seats[account_id])),)

    async def search(self, query: str, limit: int = 20) -> Sequence[tuple[AccountId, str]]:
        known = [(ACME, "Acme"), (OTHER, "Other Ltd")]
        sought = query.casefold()
        return [one for one in known if sought in f"{one[0]} {one[1]}".casefold()][:limit]


class Catalog:
    """A read, an action, and a read for anybody."""

    def __init__(self, accounts: Accounts) -> None:
        everybody = PolicyDefaults(roles=frozenset(Role), staff=True, confirm=False)
        owners = PolicyDefaults(roles=frozenset({Role.OWNER}), staff=True)
        self._tools = (
            Tool(
                name=ToolName("look"),
                description="Look",
                arguments=NoArguments,
                effect=Effect.READ,
                handler=accounts.look,
                policy=everybody,
            ),
            Tool(
                name=ToolName("plans"),
                description="Plans",
                arguments=NoArguments,
                effect=Effect.READ,
                handler=plans,
                standing=Standing.ANYBODY,
            ),
            Tool(
                name=ToolName("add_seats"),
                description="Add seats",
                arguments=Seats,
                effect=Effect.MONEY,
                handler=accounts.add,
                preview=accounts.preview,
                look_up=accounts.look_up,
                policy=owners,
            ),
        )

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]:
        return self._tools

    def get(self, name: ToolName) -> Tool | None:
        return next((tool for tool in self._tools if tool.name == name), None)


async def plans(context: ToolContext, _: Any) -> ToolResult:
    return ToolResult(content={"plans": ["Basic", "Pro"]})


class Policy:
    """Owners confirm, above 100.00 support approves; members may ask an owner."""

    version = "test-1"

    def __init__(self) -> None:
        self.forced: Decision | None = None

    def current(self) -> "Policy":
        return self

    def after(self, tool: Tool) -> Aftermath:
        return Aftermath(undo_minutes=tool.compensation.minutes if tool.compensation else 0)

    def decide(self, question: Question) -> Ruling:
        if self.forced is not None:
            return Ruling(decision=self.forced, rule="forced", reason="Because.")
        role = question.requester.role_in(question.account_id)
        if question.tool.effect is Effect.READ:
            return Ruling(decision=Decision.ALLOW, rule="reads", reason="")
        if role is Role.MEMBER:
            return Ruling(
                decision=Decision.REFUSE,
                rule="owners",
                reason="Only an owner can do this.",
                may_ask=frozenset({Role.OWNER}),
            )
        if question.amount is not None and question.amount.minor > 10_000:
            return Ruling(
                decision=Decision.APPROVE,
                rule="limit",
                reason="Above the limit.",
                confirm=True,
                approval=ApprovalNeed(capabilities=frozenset({Capability.APPROVER})),
            )
        return Ruling(decision=Decision.CONFIRM, rule="owners", reason="", confirm=True)


class Desk:
    """A desk that remembers what it was asked. Cases move the conversation as the port says."""

    def __init__(self) -> None:
        self.cases: list[dict[str, Any]] = []
        self.again: list[str] = []  # further reasons for a case that is open
        self.relayed: list[str] = []
        self.approvals: list[Proposal] = []
        self.changed: list[Proposal] = []
        self.chased: list[tuple[str, frozenset[Capability]]] = []

    def open(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        *,
        reason: EscalationReason,
        asked: str,
        asked_by: Requester,
        suggestion: str,
        at: Any,
        priority: Priority = Priority.NORMAL,
    ) -> Escalation:
        case = tx.escalations.open_in(conversation.id)
        if case is not None:
            self.again.append(suggestion)
            return case
        case = Escalation(
            id=EscalationId(f"esc_{len(self.cases)}"),
            number=tx.escalations.next_number(),
            conversation_id=conversation.id,
            account_id=conversation.account,
            reason=reason,
            priority=priority,
            status=EscalationStatus.WAITING,
            asked=asked,
            asked_by=asked_by.name,
            suggestion=suggestion,
            destination=DestinationId("des_support"),
            opened_at=at,
        )
        tx.escalations.add(case)
        moved = conversation.moved(ConversationStatus.WAITING_FOR_SUPPORT)
        tx.conversations.save(moved, expected_epoch=conversation.epoch)
        self.cases.append(
            {"reason": reason, "asked": asked, "priority": priority, "suggestion": suggestion}
        )
        return case

    def relay(self, tx: UnitOfWork, escalation: Escalation, entry: TranscriptEntry) -> None:
        self.relayed.append(entry.text)

    def ask_approval(self, tx: UnitOfWork, proposal: Proposal, conversation: Conversation) -> None:
        self.approvals.append(proposal)

    def chase_approval(
        self,
        tx: UnitOfWork,
        proposal: Proposal,
        *,
        whom: frozenset[Capability],
        text: str,
        mark: str,
    ) -> None:
        self.chased.append((mark, whom))

    def proposal_changed(self, tx: UnitOfWork, proposal: Proposal) -> None:
        self.changed.append(proposal)

    def press(self, tx: UnitOfWork, event: Any, who: Requester) -> Any:
        raise NotImplementedError

    def submit(self, tx: UnitOfWork, event: Any, who: Requester) -> Any:
        raise NotImplementedError

    def remark(self, tx: UnitOfWork, escalation: Escalation, event: Any, who: Requester) -> None:
        raise NotImplementedError


class Outbox:
    """Stores rows and sends nothing."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def queue(self, tx: UnitOfWork, row: OutgoingRow) -> None:
        if tx.outgoing.add(row):
            tx.after_commit(lambda: self.ids.append(str(row.id)))


class Engine:
    """Takes entries and never fires them."""

    def __init__(self) -> None:
        self.submitted: list[tuple[EngineKind, str, str]] = []

    def submit(
        self, tx: UnitOfWork, *, kind: EngineKind, key: str, ref: str, at: Any = None
    ) -> None:
        self.submitted.append((kind, key, ref))

    async def start(self, handlers: Any) -> None:
        raise NotImplementedError

    async def drain(self, seconds: float) -> None:
        raise NotImplementedError


class Killed(BaseException):
    """The process dies here."""


class CountingStore:
    """Counts transactions, and dies before or after the n-th when told to."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.count = 0
        self.die_before: int | None = None
        self.die_after: int | None = None

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T:
        self.count += 1
        if self.count == self.die_before:
            raise Killed
        result = await self.inner.run(fn)
        if self.count == self.die_after:
            raise Killed
        return result

    async def close(self) -> None:
        await self.inner.close()


async def no_sleep(seconds: float) -> None:
    return None


class World:
    """One conversation with one driver, on the memory store or another."""

    def __init__(
        self, model: ChatModel, limits: Limits | None = None, store: Store | None = None
    ) -> None:
        self.store = CountingStore(store or MemoryStore())
        self.clock = ManualClock(NOON)
        self.accounts = Accounts()
        self.desk = Desk()
        self.outbox = Outbox()
        self.engine = Engine()
        self.policy = Policy()
        self.policy_source: PolicySource = self.policy
        self.catalog: ToolCatalog = Catalog(self.accounts)
        self.directory: AccountDirectory = self.accounts
        self.model = model
        self.ids = SequenceIds()
        self.limits = limits or Limits()
        self.decisions = Decisions(outbox=self.outbox, engine=self.engine, desk=self.desk)

    @property
    def driver(self) -> Driver:
        """A fresh one each time: a process that has just started."""
        return Driver(
            store=self.store,
            engine=self.engine,
            outbox=self.outbox,
            model=self.model,
            catalog=self.catalog,
            policy_source=self.policy_source,
            desk=self.desk,
            directory=self.directory,
            clock=self.clock,
            ids=self.ids,
            instructions="You are the agent of a test.",
            limits=self.limits,
            sleep=no_sleep,
        )

    async def set_up(self, *people: Person, **conversation: Any) -> "World":
        def put(tx: UnitOfWork) -> None:
            for person in people:
                tx.people.put(person)
            talk = a_conversation(**conversation)
            tx.conversations.add(talk, a_thread())
            tx.outgoing.put_destination(a_destination())
            tx.outgoing.put_destination(a_destination("des_support"))

        await self.store.inner.run(put)
        return self

    async def tx(self, fn: Callable[[UnitOfWork], Any]) -> Any:
        """A transaction of the test's own, not counted."""
        return await self.store.inner.run(fn)

    async def write(self, text: str, user: str = "U1", name: str = "Ada") -> InboxRow:
        def put(tx: UnitOfWork) -> InboxRow:
            return put_message(tx, text, user, name)

        row: InboxRow = await self.tx(put)
        return row

    async def run(self) -> None:
        await self.driver.run("con_1", "ref")

    async def say(self, text: str, user: str = "U1", name: str = "Ada") -> None:
        await self.write(text, user, name)
        await self.run()

    async def proposals(self) -> list[Proposal]:
        found: list[Proposal] = []

        def read(tx: UnitOfWork) -> None:
            for seats in range(1, 60):
                mark = fingerprint(ACME, ToolName("add_seats"), {"seats": seats})
                found.extend(tx.proposals.twins(ACME, mark))

        await self.tx(read)
        return sorted(found, key=lambda one: one.id)

    async def confirm(self, proposal: Proposal) -> None:
        await self.tx(lambda tx: self.decisions.confirm(tx, _now(tx, proposal), self.clock.now()))

    async def approve(self, proposal: Proposal, who: Requester) -> None:
        await self.tx(
            lambda tx: self.decisions.approve(tx, _now(tx, proposal), who, self.clock.now())
        )

    async def conversation(self) -> Conversation:
        found: Conversation = await self.tx(
            lambda tx: tx.conversations.get(ConversationId("con_1"))
        )
        return found

    async def posted(self) -> list[OutgoingRow]:
        """Every row in order, updates included."""

        def read(tx: UnitOfWork) -> list[OutgoingRow | None]:
            return [tx.outgoing.get(OutgoingId(row_id)) for row_id in self.outbox.ids]

        rows: list[OutgoingRow | None] = await self.tx(read)
        return [row for row in rows if row is not None]

    async def texts(self) -> list[str]:
        """What everybody in the room reads."""
        return [
            row.message.fallback
            for row in await self.posted()
            if row.updates is None and row.message.private_to is None
        ]

    async def unfinished(self) -> bool:
        return bool(await self.tx(lambda tx: tx.inbox.unfinished()))

    def later(self, **delta: float) -> None:
        self.clock.advance(timedelta(**delta))


def _now(tx: UnitOfWork, proposal: Proposal) -> Proposal:
    found = tx.proposals.get(proposal.id)
    assert found is not None
    return found


def put_message(
    tx: UnitOfWork, text: str, user: str = "U1", name: str = "Ada", conversation: str = "con_1"
) -> InboxRow:
    """What intake does with a message for the agent."""
    author: Participant = a_participant(user, name)
    person = tx.people.find(author.identity)
    requester = Requester(identity=author.identity, name=name, person=person)
    seq = tx.transcript.append(
        TranscriptEntry(
            conversation_id=ConversationId(conversation),
            speaker=Speaker.CUSTOMER,
            name=name,
            text=text,
            at=NOON,
            identity=author.identity,
        )
    )
    return tx.inbox.add(
        ConversationId(conversation),
        InboxKind.MESSAGE,
        author=author,
        author_key=requester.key,
        at=NOON,
        transcript_seq=seq,
    )


def ada(**changes: Any) -> Person:
    """The owner of ACME, who writes as U1."""
    return replace(a_person(identities=(an_identity("U1"),)), **changes)


def milo() -> Person:
    """A member of ACME, who writes as U2."""
    return a_person("per_milo", "Milo", roles={ACME: Role.MEMBER}, identities=(an_identity("U2"),))


__all__ = ["ActionOutcomeUnknown", "ActionRefused", "Json", "Killed", "World", "ada", "milo"]
