"""What the model may call: tools, and actions, which are tools that change something."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from pydantic import BaseModel

from agent_core.blocks import Change, Field
from agent_core.conversation import Audience
from agent_core.people import AccountId, Requester, Role

ToolName = NewType("ToolName", str)
Json = Mapping[str, Any]  # JSON object: str, int, bool, None, lists and objects of them; no floats


class Effect(StrEnum):
    """What a tool does to the world. All but READ are actions."""

    READ = "read"
    WRITE = "write"
    MONEY = "money"
    DESTRUCTIVE = "destructive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money in minor units (cents) of an ISO 4217 currency, as policy and limits see it.

    `minor` is positive both ways; `to_customer` says that it is paid out and not charged.
    """

    minor: int
    currency: str
    to_customer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a handler is told by code. The model supplies none of it.

    `key` is the ledger's key and the provider's idempotency key; "" for reads and previews.
    `expected_version` is the account version that the yes was given for; None for reads.
    `earlier` holds what the previews of the plan's earlier steps left (`Preview.leaves`): a
    previewer that understands them shows what the action will do once those are done.
    """

    account_id: AccountId
    requester: Requester
    audience: Audience
    now: datetime
    key: str = ""
    expected_version: int | None = None
    earlier: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of a call. `content` goes to the model; title and fields make the receipt.

    `for_person` is code's: what was withheld of it (see `Tool.private`), for the requester alone.
    """

    content: Json
    title: str = ""
    fields: tuple[Field, ...] = ()
    for_person: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an action would do, computed on the live account, before anybody says yes.

    `arguments` are canonical, with every default resolved ("whole" becomes an amount): these are
    shown and run, and fingerprinted but for `Tool.quoted`. `version` is the account's at the time
    of the look. `account_facts` is what policy may judge by: flat and small (plan, seats, status).
    """

    arguments: Json
    title: str  # imperative, e.g. "Add 5 seats"
    changes: tuple[Change, ...]
    version: int
    amount: Amount | None = None
    notes: tuple[str, ...] = ()
    account_facts: Json = field(default_factory=dict)
    leaves: object = None  # the previewer's own value for later steps; never stored
    follows: bool = False  # `ToolContext.earlier` is taken into account
    for_person: tuple[Field, ...] = ()  # code's: what the room may not read, see `Tool.private`


@dataclass(frozen=True, slots=True, kw_only=True)
class Effected:
    """An effect as the ledger holds it, for whoever is to take it back."""

    key: str
    arguments: Json
    content: Json  # `ToolResult.content`, without what its room may not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """How an action's effect is taken back: by another action of the catalogue, for a while.

    `arguments` gives that action's arguments for one effect, so that exactly it is undone. The
    policy file may set another window.
    """

    tool: ToolName
    arguments: Callable[[Effected], Json]
    minutes: int = 30


ReadHandler = Callable[[ToolContext, Any], Awaitable[ToolResult]]
Previewer = Callable[[ToolContext, Any], Awaitable[Preview]]
ActionHandler = Callable[[ToolContext, Any], Awaitable[ToolResult]]
# Looks an action up by context.key: its result, or None where nothing happened under that key.
# Raises ActionOutcomeUnknown where nobody can tell.
LookUp = Callable[[ToolContext, Any], Awaitable[ToolResult | None]]


class Standing(StrEnum):
    """What a tool needs of the one who asks, before policy is even read."""

    ANYBODY = "anybody"  # general questions
    KNOWN = "known"  # any role in the account, or staff


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDefaults:
    """What holds for an action where the policy file is silent about it."""

    roles: frozenset[Role] = frozenset()  # who may; empty: nobody
    staff: bool = False  # staff may, for a named account
    confirm: bool = True
    approve_above_minor: int | None = None  # support approves above this amount; None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One thing the model may call.

    A read has `handler`. An action has `preview`, `handler` and `look_up`; its handler raises
    ActionRefused, ActionFailed or ActionOutcomeUnknown, and does its effect once per context.key.
    `arguments` is a pydantic model with `extra="forbid"` and a description on each field.
    `private` names what not everybody may read, with the roles that may: keys of a result's content
    at any depth, labels of fields and changes, arguments. In a room shared with other companies
    their values are withheld from the model and the room, and shown to the requester alone.
    `quoted` names arguments that the preview alone fills in with what it found, such as the price
    of this day. A yes is for exactly them, and they are no part of what makes two wishes the same
    wish. Only what the model cannot ask for may be named: ValueError otherwise.
    """

    name: ToolName
    description: str
    arguments: type[BaseModel]
    effect: Effect
    handler: ReadHandler | ActionHandler
    standing: Standing = Standing.KNOWN
    preview: Previewer | None = None
    look_up: LookUp | None = None
    policy: PolicyDefaults = field(default_factory=PolicyDefaults)
    examples: tuple[str, ...] = ()
    compensation: Compensation | None = None
    private: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    quoted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.quoted:
            return
        # What somebody can ask for tells wishes apart: two of them must never count as one.
        asked_for = self.quoted & {
            name
            for by_alias in (True, False)
            for name in self.arguments.model_json_schema(by_alias=by_alias).get("properties", {})
        }
        unknown = self.quoted - set(self.arguments.model_fields)
        if asked_for or unknown:
            names = ", ".join(sorted(asked_for | unknown))
            raise ValueError(
                f"{self.name}: {names} cannot be quoted. Name fields of {self.arguments.__name__} "
                "that are not in its schema (SkipJsonSchema): the preview alone fills those in."
            )

    def identity(self, arguments: Json) -> Json:
        """Of canonical arguments, those that make it this wish and no other."""
        return {name: value for name, value in arguments.items() if name not in self.quoted}

    @property
    def is_action(self) -> bool:
        return self.effect is not Effect.READ


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The model's wish. `arguments` is the raw text it sent: not trusted, maybe not JSON."""

    id: str
    name: str
    arguments: str
