"""How every tool is put together: reads, and actions that go through quote, apply and look_up."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agent_core.blocks import Change, Field
from agent_core.errors import ArgumentsRejected
from agent_core.people import Role
from agent_core.tooling import (
    Amount,
    Compensation,
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
from tools.accounts.commands import AddSeats, ChangePlan, Command, RemoveSeats
from tools.accounts.gateway import AccountsGateway, Applied
from tools.accounts.planned import Movement, Planned, Way
from tools.accounts.types import Account

A = TypeVar("A", bound="Arguments")
Receipt = tuple[str, tuple[Field, ...]]  # its title and its fields
Private = Mapping[str, frozenset[Role]]  # see Tool.private
PRICED = frozenset({"agreed_minor"})  # the price of the day: see Tool.quoted
READ_BY_ALL = PolicyDefaults(roles=frozenset(Role), staff=True, confirm=False)
RUN_THE_ACCOUNT = frozenset({Role.OWNER, Role.BILLING_ADMIN, Role.ADMIN})


class Arguments(BaseModel):
    """What the model supplies. Never an account: code knows it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoArguments(Arguments):
    """Nothing to fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a planned change is put to people before they say yes."""

    title: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def taken(model: type[A], arguments: Any) -> A:
    """The arguments as this model. Raises ArgumentsRejected, naming each mistake in words."""
    if isinstance(arguments, model):
        return arguments
    try:
        if isinstance(arguments, str | bytes):
            return model.model_validate_json(arguments)
        return model.model_validate(dict(arguments) if isinstance(arguments, Mapping) else {})
    except ValidationError as problem:
        raise ArgumentsRejected(_in_words(problem)) from problem


def _unpriced(wish: Command) -> Command:
    """A preview asks for today's price, whatever price the model sent along."""
    if isinstance(wish, AddSeats | ChangePlan | RemoveSeats):
        return replace(wish, agreed_minor=None)
    return wish


def _in_words(problem: ValidationError) -> str:
    mistakes = [
        f"{'.'.join(str(part) for part in each['loc']) or 'arguments'}: {each['msg']}"
        for each in problem.errors(include_url=False, include_input=False)
    ]
    return "; ".join(mistakes)


def read(
    *,
    name: str,
    description: str,
    arguments: type[A],
    handler: Callable[[ToolContext, A], Awaitable[ToolResult]],
    policy: PolicyDefaults = READ_BY_ALL,
    standing: Standing = Standing.KNOWN,
    examples: tuple[str, ...] = (),
    private: Private | None = None,
) -> Tool:
    """A tool that changes nothing."""

    async def checked(context: ToolContext, raw: Any) -> ToolResult:
        return await handler(context, taken(arguments, raw))

    return Tool(
        name=ToolName(name),
        description=description,
        arguments=arguments,
        effect=Effect.READ,
        handler=checked,
        standing=standing,
        policy=policy,
        examples=examples,
        private=private or {},
    )


def action(
    accounts: AccountsGateway,
    *,
    name: str,
    description: str,
    effect: Effect,
    policy: PolicyDefaults,
    arguments: type[A],
    command: Callable[[A], Command],
    canonical: Callable[[Command], Json],
    shown: Callable[[Planned], Shown],
    receipt: Callable[[Planned], Receipt],
    examples: tuple[str, ...] = (),
    undoable: bool = False,
    private: Private | None = None,
    quoted: frozenset[str] = frozenset(),
) -> Tool:
    """An action: `quote` makes its preview, `apply` runs it, `look_up` finds what became of it.

    `canonical` gives the arguments with every default resolved, as the arguments model takes them.
    `undoable`: the catalogue has an action `undo_NAME` that takes it back.
    """
    steps = _Steps(
        accounts=accounts,
        command=lambda raw: command(taken(arguments, raw)),
        canonical=canonical,
        shown=shown,
        receipt=receipt,
    )
    return Tool(
        name=ToolName(name),
        description=description,
        arguments=arguments,
        effect=effect,
        handler=steps.run,
        preview=steps.preview,
        look_up=steps.look_up,
        policy=policy,
        examples=examples,
        compensation=_by_key(name) if undoable else None,
        private=private or {},
        quoted=quoted,
    )


def _amount(planned: Planned, moved: Movement) -> Amount:
    return Amount(
        minor=moved.minor,
        currency=planned.before.currency,
        to_customer=moved.way is Way.REFUND,
    )


def _by_key(name: str) -> Compensation:
    """The account system knows by its key what happened, so that is all the undo needs."""
    return Compensation(
        tool=ToolName(f"undo_{name}"), arguments=lambda effected: {"key": effected.key}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """What an action does when it is shown, run and looked up."""

    accounts: AccountsGateway
    command: Callable[[Any], Command]
    canonical: Callable[[Command], Json]
    shown: Callable[[Planned], Shown]
    receipt: Callable[[Planned], Receipt]

    async def preview(self, context: ToolContext, raw: Any) -> Preview:
        wish = _unpriced(self.command(raw))
        earlier = [each for each in context.earlier if isinstance(each, Planned)]
        planned = await self.accounts.quote(context.account_id, wish, context.now, after=earlier)
        before, words, moved = planned.before, self.shown(planned), planned.movement
        return Preview(
            arguments=self.canonical(planned.command),
            title=words.title,
            changes=words.changes,
            version=before.version,
            amount=_amount(planned, moved) if moved else None,
            notes=words.notes,
            account_facts=_policy_facts(before),
            leaves=planned,
            follows=len(earlier) == len(context.earlier),
        )

    async def run(self, context: ToolContext, raw: Any) -> ToolResult:
        if context.expected_version is None or not context.key:
            raise ValueError("an action runs with its ledger key and the version that was shown")
        applied = await self.accounts.apply(
            context.account_id,
            self.command(raw),
            key=context.key,
            expected_version=context.expected_version,
            now=context.now,
        )
        return self._result(applied)

    async def look_up(self, context: ToolContext, _: Any) -> ToolResult | None:
        applied = await self.accounts.look_up(context.account_id, context.key)
        return self._result(applied) if applied else None

    def _result(self, applied: Applied) -> ToolResult:
        title, fields = self.receipt(applied.planned)
        content = {"done": title, "details": {each.label: each.value for each in fields}}
        return ToolResult(content=content, title=title, fields=fields)


def _policy_facts(account: Account) -> Json:
    """What policy.yaml may judge an action by: the account as it was looked at."""
    return {
        "plan": account.plan.value,
        "seats": account.seats,
        "status": account.status.value,
        "currency": account.currency,
    }
