"""Makes tools of typed async functions, and of (arguments model, handler) pairs."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import new_class
from typing import Any, cast, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from agent_core.blocks import Field
from agent_core.errors import ConfigurationError
from agent_core.people import Role
from agent_core.tooling import (
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

# What a tool's function gives back. A mapping, a model or a plain value becomes a ToolResult.
Function = Callable[..., Awaitable[Any]]
Call = Callable[[ToolContext, Any], Awaitable[Any]]
Private = Mapping[str, Iterable[Role | str]]


@overload
def read(function: Function, /) -> Tool: ...
@overload
def read(
    *,
    name: str = ...,
    description: str = ...,
    arguments: type[BaseModel] | None = ...,
    roles: Iterable[Role | str] = ...,
    staff: bool = ...,
    anybody: bool = ...,
    examples: Iterable[str] = ...,
    private: Private | None = ...,
) -> Callable[[Function], Tool]: ...
def read(
    function: Function | None = None,
    /,
    *,
    name: str = "",
    description: str = "",
    arguments: type[BaseModel] | None = None,
    roles: Iterable[Role | str] = tuple(Role),
    staff: bool = True,
    anybody: bool = False,
    examples: Iterable[str] = (),
    private: Private | None = None,
) -> Tool | Callable[[Function], Tool]:
    """A tool that changes nothing. Use it as `@read` or `@read(…)`.

    The function is async; its parameters are the arguments, each with a type (and, best, a
    description: `Annotated[str, Field(description="…")]`), or a single pydantic model. A parameter
    of type ToolContext gets the account and who asks. It returns a mapping, a pydantic model, a
    plain value or a ToolResult, and raises ToolError where it cannot. The docstring is what the
    model reads. `arguments` with a function of one parameter is the (model, handler) pair.

    `roles`: who may, of the account's people; `staff`: the vendor's too; `anybody`: also unknown
    people, so nothing of the account. `private`: names of result keys, with the roles that may read
    their values; in a shared conversation those are for the one who asked alone, and neither the
    others nor the model get them. Raises ConfigurationError.
    """

    def make(function: Function) -> Tool:
        shape = _shape(function, name, arguments)
        return Tool(
            name=shape.name,
            description=_description(function, shape.name, description),
            arguments=shape.model,
            effect=Effect.READ,
            handler=_handler(shape.call),
            standing=Standing.ANYBODY if anybody else Standing.KNOWN,
            policy=PolicyDefaults(roles=_roles(shape.name, roles), staff=staff, confirm=False),
            examples=tuple(examples),
            private=_private(shape, private),
        )

    return make if function is None else make(function)


def action(
    *,
    effect: Effect = Effect.WRITE,
    roles: Iterable[Role | str] = (),
    staff: bool = False,
    confirm: bool = True,
    approve_above_minor: int | None = None,
    title: str = "",
    preview: Function | None = None,
    look_up: Function | None = None,
    undo: Compensation | None = None,
    name: str = "",
    description: str = "",
    arguments: type[BaseModel] | None = None,
    examples: Iterable[str] = (),
    private: Private | None = None,
) -> Callable[[Function], Tool]:
    """A tool that changes something. Use it as `@action(…)`; the function as in `read`.

    The function does its effect once per `context.key` (hand it to your provider as idempotency
    key) and raises ActionRefused or ActionFailed where nothing happened. Any other error, or a
    time-out, means that it may have happened: `look_up(context, …)` is asked, and answers with the
    result, or None where nothing happened under that key; without it a person is called.

    `roles`: who may (nobody, until they are named here or in the policy), `staff`: the vendor's
    people for a named account, `confirm`: the requester says yes first, `approve_above_minor`: an
    approver too, above this amount in minor units.
    `preview(context, …)` looks at the live account and returns a Preview: the exact arguments,
    before → after, version and amount; without it the card shows `title` (default: the name) and
    the arguments. An action that moves money needs one, for its amount. `undo`: which other action
    takes this one back, and for how long. `private`: as in `read`, and also labels of changes and
    fields, and arguments. Raises ConfigurationError.
    """
    if effect is Effect.READ:
        raise ConfigurationError(["an action changes something: use read(…) for what does not"])

    def make(function: Function) -> Tool:
        shape = _shape(function, name, arguments)
        shown = title or shape.name.replace("_", " ").capitalize()
        if effect is Effect.MONEY and preview is None:
            raise ConfigurationError(
                [f"{shape.name}: what moves money needs a preview, which says how much"]
            )
        looks = None if look_up is None else _same_arguments(look_up, shape, "look_up")
        seen = None if preview is None else _same_arguments(preview, shape, "preview")
        return Tool(
            name=shape.name,
            description=_description(function, shape.name, description),
            arguments=shape.model,
            effect=effect,
            handler=_handler(shape.call, shown),
            preview=_plain_preview(shown) if seen is None else seen,
            look_up=None if looks is None else _looker(looks, shown),
            policy=PolicyDefaults(
                roles=_roles(shape.name, roles),
                staff=staff,
                confirm=confirm,
                approve_above_minor=approve_above_minor,
            ),
            examples=tuple(examples),
            compensation=undo,
            private=_private(shape, private),
        )

    return make


# --- functions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How a function is called with validated arguments."""

    name: ToolName
    model: type[BaseModel]
    call: Call


def _shape(function: Function, name: str, arguments: type[BaseModel] | None) -> _Shape:
    tool = ToolName(name or getattr(function, "__name__", ""))
    context, wishes = _parameters(function, tool)
    if arguments is None and len(wishes) == 1 and _is_model(wishes[0].annotation):
        arguments = wishes[0].annotation
    if arguments is not None:
        if len(wishes) != 1:
            raise ConfigurationError([f"{tool}: takes {arguments.__name__} as its one argument"])
        model = _closed(arguments)
        return _Shape(name=tool, model=model, call=_whole(function, context, wishes[0].name))
    model = _model_of(tool, wishes)
    return _Shape(name=tool, model=model, call=_spread(function, context, wishes))


def _same_arguments(function: Function, shape: _Shape, what: str) -> Call:
    """A preview or look-up: takes the same model, or some of its fields by name."""
    context, wishes = _parameters(function, shape.name)
    if len(wishes) == 1 and wishes[0].name not in shape.model.model_fields:
        return _whole(function, context, wishes[0].name)
    strange = [one.name for one in wishes if one.name not in shape.model.model_fields]
    if strange:
        raise ConfigurationError(
            [f"{shape.name}: its {what} wants {', '.join(strange)}, which is no argument of it"]
        )
    return _spread(function, context, wishes)


def _parameters(
    function: Function, tool: ToolName
) -> tuple[str | None, tuple[inspect.Parameter, ...]]:
    """The name of the context's parameter, and the others with their types."""
    if not inspect.iscoroutinefunction(function):
        raise ConfigurationError([f"{tool}: write it as an async function"])
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ConfigurationError([f"{tool}: {error}, in the type of a parameter"]) from error
    context: str | None = None
    wishes: list[inspect.Parameter] = []
    for one in inspect.signature(function).parameters.values():
        typed = one.replace(annotation=hints.get(one.name, inspect.Parameter.empty))
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            raise ConfigurationError([f"{tool}: {one.name} cannot be passed by name"])
        if typed.annotation is ToolContext:
            context = one.name
        else:
            wishes.append(typed)
    return context, tuple(wishes)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _closed(model: type[BaseModel]) -> type[BaseModel]:
    """The model, so that an argument which it does not know is a mistake and not left out."""
    if model.model_config.get("extra") == "forbid":
        return model
    closed = new_class(model.__name__, (model,), {"extra": "forbid"})
    closed.__module__ = model.__module__
    return cast(type[BaseModel], closed)


def _model_of(tool: ToolName, wishes: Iterable[inspect.Parameter]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for one in wishes:
        if one.annotation is inspect.Parameter.empty:
            raise ConfigurationError([f"{tool}: give {one.name} a type"])
        default = ... if one.default is inspect.Parameter.empty else one.default
        fields[one.name] = (one.annotation, default)
    return create_model(f"{tool}_arguments", __config__=ConfigDict(extra="forbid"), **fields)


def _whole(function: Function, context: str | None, name: str) -> Call:
    async def call(told: ToolContext, wish: Any) -> Any:
        return await function(**{name: wish, **({context: told} if context else {})})

    return call


def _spread(function: Function, context: str | None, wishes: Iterable[inspect.Parameter]) -> Call:
    names = tuple(one.name for one in wishes)

    async def call(told: ToolContext, wish: Any) -> Any:
        given = {name: getattr(wish, name) for name in names}
        return await function(**given, **({context: told} if context else {}))

    return call


# --- results --------------------------------------------------------------------------------


def _handler(call: Call, title: str = "") -> Call:
    async def handler(context: ToolContext, wish: Any) -> ToolResult:
        return _result(await call(context, wish), title, wish)

    return handler


def _looker(call: Call, title: str) -> Call:
    async def look_up(context: ToolContext, wish: Any) -> ToolResult | None:
        found = await call(context, wish)
        return None if found is None else _result(found, title, wish)

    return look_up


def _result(value: Any, title: str, wish: BaseModel) -> ToolResult:
    if isinstance(value, ToolResult):
        if value.title or not title:
            return value
        return replace(value, title=title, fields=value.fields or _fields(wish))
    plain = to_jsonable_python(value, fallback=str)
    content: Json = {} if plain is None else plain if isinstance(plain, dict) else {"result": plain}
    return ToolResult(content=content, title=title, fields=_fields(wish) if title else ())


def _plain_preview(title: str) -> Call:
    """What an action without a preview of its own shows: its title and its arguments."""

    async def preview(context: ToolContext, wish: BaseModel) -> Preview:
        return Preview(
            arguments=wish.model_dump(mode="json", by_alias=True),
            title=title,
            changes=(),
            version=0,
            notes=tuple(f"{field.label}: {field.value}" for field in _fields(wish)),
        )

    return preview


def _fields(wish: BaseModel) -> tuple[Field, ...]:
    given = wish.model_dump(mode="json")
    return tuple(
        Field(label=_label(name, one), value=_text(given[name]))
        for name, one in type(wish).model_fields.items()
        if given[name] is not None
    )


def _label(name: str, field: FieldInfo) -> str:
    return field.title or name.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    return ", ".join(_text(one) for one in value) if isinstance(value, list) else str(value)


# --- words ----------------------------------------------------------------------------------


def _description(function: Function, tool: ToolName, given: str) -> str:
    text = given or inspect.getdoc(function) or ""
    if not text:
        raise ConfigurationError([f"{tool}: say in a docstring what it does; the model reads it"])
    return text


def _private(shape: _Shape, private: Private | None) -> Mapping[str, frozenset[Role]]:
    """By name, and for an argument also by the label under which cards and receipts have it."""
    known = {name: _roles(shape.name, roles) for name, roles in (private or {}).items()}
    labels = {
        _label(name, one): known[said]
        for name, one in shape.model.model_fields.items()
        for said in (one.alias, name)
        if said in known
    }
    return labels | known


def _roles(tool: ToolName, roles: Iterable[Role | str]) -> frozenset[Role]:
    try:
        return frozenset(Role(role) for role in ((roles,) if isinstance(roles, str) else roles))
    except ValueError as error:
        known = ", ".join(Role)
        raise ConfigurationError([f"{tool}: {error}. There are: {known}."]) from error
