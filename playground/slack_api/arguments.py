"""Reads the arguments of a Web API call from any of the forms that Slack takes."""

import json
from typing import Any

from aiohttp import BasicAuth, web

from playground.slack_api.state import Json, SlackRefusal

_JSON_ARGUMENTS = ("blocks", "metadata", "view", "attachments", "icons")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def page_of(items: list[Any], arguments: Json, *, limit: int) -> tuple[list[Any], str]:
    """One page of a list and the cursor of the next, empty at the end."""
    asked = str(arguments.get("limit") or limit)
    cursor = str(arguments.get("cursor") or "0")
    if not asked.isdigit() or not cursor.isdigit():
        raise SlackRefusal("invalid_cursor" if asked.isdigit() else "invalid_limit")
    start, size = int(cursor), max(1, min(int(asked), 1000))
    return items[start : start + size], str(start + size) if len(items) > start + size else ""


async def arguments_of(request: web.Request) -> Json:
    """The call's arguments, from a JSON or a form body, the query, or Basic authentication."""
    arguments = await _from_body(request)
    _take_client_from_header(request, arguments)
    return arguments


async def _from_body(request: web.Request) -> Json:
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError as problem:
            raise SlackRefusal("invalid_json") from problem
        if not isinstance(body, dict):
            raise SlackRefusal("json_not_object")
        return {name: value for name, value in body.items() if value is not None}
    fields: Json = {**request.query, **(await request.post())}
    for name in _JSON_ARGUMENTS:
        if isinstance(fields.get(name), str):
            try:
                fields[name] = json.loads(fields[name])
            except ValueError as problem:
                raise SlackRefusal(f"invalid_{name}_format") from problem
    for name, value in fields.items():
        if name in ("reply_broadcast", "include_all_metadata", "inclusive"):
            fields[name] = _FLAGS.get(str(value).lower(), False)
    return fields


def _take_client_from_header(request: web.Request, arguments: Json) -> None:
    """The client id and secret may come as Basic authentication (oauth.v2.access)."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Basic "):
        try:
            credentials = BasicAuth.decode(header)
        except ValueError as problem:
            raise SlackRefusal("bad_client_secret") from problem
        arguments |= {"client_id": credentials.login, "client_secret": credentials.password}
