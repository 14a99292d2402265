"""The core's frozen values as JSON text and back, compiled once for each type.

Enumerations become their values, times ISO 8601, tuples and frozen sets lists, dataclasses
objects. Where a type is a union of dataclasses, the object says which one under "$".
"""

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

Convert = Callable[[Any], Any]
_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_load = json.JSONDecoder().decode
TAG = "$"


def encode(kind: Any, value: Any) -> str:
    """`value`, which is of type `kind`, as compact JSON."""
    return _dump(encoder(kind)(value))


def decode(kind: Any, text: str) -> Any:
    """What `encode` was given. Raises ValueError where the text is not JSON of this type."""
    try:
        return decoder(kind)(_load(text))
    except (AttributeError, KeyError, TypeError) as problem:
        raise ValueError(f"stored JSON is not of type {kind}") from problem


def _same(value: Any) -> Any:
    return value


def plain(kind: Any) -> Any:
    """The type behind a NewType."""
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    return kind


def optional(kind: Any) -> tuple[Any, bool]:
    """A type without its None, and whether it had one."""
    if get_origin(kind) not in (Union, types.UnionType):
        return kind, False
    members = [member for member in get_args(kind) if member is not types.NoneType]
    had_none = len(members) < len(get_args(kind))
    inner = members[0] if len(members) == 1 else Union[tuple(members)]  # noqa: UP007
    return inner, had_none


@cache
def encoder(kind: Any) -> Convert:
    """The function that turns a value of this type into what `json` writes."""
    return _compile(kind, _encode_union, _encode_many, _encode_dataclass, _write_scalar)


@cache
def decoder(kind: Any) -> Convert:
    """The function that turns what `json` reads into a value of this type."""
    return _compile(kind, _decode_union, _decode_many, _decode_dataclass, _read_scalar)


def _compile(kind: Any, union: Any, many: Any, dataclass: Any, scalar: Any) -> Convert:
    kind = plain(kind)
    inner, had_none = optional(kind)
    if had_none:
        return _or_none(_compile(inner, union, many, dataclass, scalar))
    origin = get_origin(kind)
    converted: Convert
    if origin in (Union, types.UnionType):
        converted = union(get_args(kind))
    elif origin in (tuple, frozenset, Mapping):
        converted = many(kind)
    elif dataclasses.is_dataclass(kind):
        converted = dataclass(kind)
    else:
        converted = scalar(kind)
    return converted


def _or_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _write_scalar(kind: Any) -> Convert:
    if kind is datetime:
        return datetime.isoformat
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return lambda value: value.value
    return _plain_scalar(kind)


def _read_scalar(kind: Any) -> Convert:
    if kind is datetime:
        return datetime.fromisoformat
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return _plain_scalar(kind)


def _plain_scalar(kind: Any) -> Convert:
    if kind in (str, int, bool, Any):
        return _same
    raise TypeError(f"{kind} has no stored form: add one to agent_core/store/codec.py")


def _fields(kind: Any) -> list[tuple[str, Any]]:
    hints = get_type_hints(kind)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(kind)]


def _encode_dataclass(kind: Any) -> Convert:
    parts = [(name, encoder(hint)) for name, hint in _fields(kind)]
    return lambda value: {name: convert(getattr(value, name)) for name, convert in parts}


def _decode_dataclass(kind: Any) -> Convert:
    parts = {name: decoder(hint) for name, hint in _fields(kind)}
    # A field that is not in the text keeps its default, so that new fields can be added.
    # One that is in the text and not here was written by a newer version beside this one.
    return lambda read: kind(
        **{name: parts[name](part) for name, part in read.items() if name in parts}
    )


def _encode_union(members: tuple[Any, ...]) -> Convert:
    encoders = {member: (member.__name__, encoder(member)) for member in members}

    def write(value: Any) -> Any:
        name, convert = encoders[type(value)]
        return {TAG: name, **convert(value)}

    return write


def _decode_union(members: tuple[Any, ...]) -> Convert:
    decoders = {member.__name__: decoder(member) for member in members}

    def read(stored: Any) -> Any:
        rest = dict(stored)
        return decoders[rest.pop(TAG)](rest)

    return read


def _encode_many(kind: Any) -> Convert:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Mapping:
        key, item = (encoder(argument) for argument in arguments)
        return lambda value: {key(name): item(part) for name, part in value.items()}
    if origin is frozenset:
        one = encoder(arguments[0])
        return lambda value: sorted(one(part) for part in value)
    if arguments[-1] is Ellipsis:
        each = encoder(arguments[0])
        return lambda value: [each(part) for part in value]
    several = [encoder(argument) for argument in arguments]
    return lambda value: [one(part) for one, part in zip(several, value, strict=True)]


def _decode_many(kind: Any) -> Convert:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Mapping:
        key, item = (decoder(argument) for argument in arguments)
        return lambda read: {key(name): item(part) for name, part in read.items()}
    one = decoder(arguments[0])
    if origin is frozenset:
        return lambda read: frozenset(one(part) for part in read)
    if arguments[-1] is Ellipsis:
        return lambda read: tuple(one(part) for part in read)
    several = [decoder(argument) for argument in arguments]
    return lambda read: tuple(one(part) for one, part in zip(several, read, strict=True))
