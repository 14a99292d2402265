"""The doctor's look at what the service talks to: databases, Slack, Teams, model, payments."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import aiohttp

from agent_core.errors import ConfigurationError, PlatformError, ToolError
from agent_core.masking import without_password
from agent_core.messages import Platform
from agent_core.people import Capability
from bots.commands.findings import Finding, note, right, wrong
from bots.commands.opening import opened_accounts, opened_store
from bots.commands.running import Refused
from bots.configuration import Configuration
from bots.settings import ModelSettings, Settings, SlackSettings, TeamsSettings
from bots.slack.check import SlackCheck

STATE: Final = "State"
PLATFORMS: Final = "Platforms"
OTHERS: Final = "Model and payments"
_PATIENCE: Final = aiohttp.ClientTimeout(total=10)
_LIVE_PATIENCE: Final = aiohttp.ClientTimeout(total=60)
_INVITE: Final = "Invite the app to the channel, or correct HANDRAIL_SUPPORT_ROOM."


async def check_services(
    settings: Settings, configuration: Configuration, *, live: bool
) -> list[Finding]:
    """Everything that is set up, all at once. A check that breaks is a finding itself."""
    checks: list[tuple[str, str, Callable[[], Awaitable[list[Finding]]]]] = [
        (STATE, "database", lambda: _database(settings, configuration)),
        (STATE, "accounts", lambda: _accounts(settings)),
    ]
    slack, teams, model = settings.slack, settings.teams, settings.model
    if slack is not None:
        checks.append((PLATFORMS, "Slack", lambda: _slack(slack, settings)))
    if teams is not None:
        checks.append((PLATFORMS, "Teams", lambda: _teams(teams)))
    checks.append((OTHERS, "model", lambda: _model(model, live=live)))
    fallback = settings.fallback_model
    if fallback is not None:
        named = "fallback model"
        checks.append((OTHERS, named, lambda: _fallback(named, fallback, live=live)))
    if settings.payments_url is not None:
        url = settings.payments_url
        checks.append((OTHERS, "payments", lambda: _payments(url)))
    results = await asyncio.gather(*(each() for *_, each in checks), return_exceptions=True)
    found: list[Finding] = []
    for (area, name, _), result in zip(checks, results, strict=True):
        if isinstance(result, list):
            found += result
        else:
            found.append(_broken(area, name, result))
    return found


def _broken(area: str, name: str, error: BaseException) -> Finding:
    if not isinstance(error, Exception):
        raise error
    return wrong(area, name, f"cannot be used ({type(error).__name__})", "Check its address.")


async def _database(settings: Settings, configuration: Configuration) -> list[Finding]:
    try:
        async with opened_store(settings) as store:
            rooms = await store.run(lambda tx: list(tx.rooms.all()))
            able = await store.run(lambda tx: list(tx.people.with_capability(Capability.SUPPORT)))
    except Refused as problem:
        return [
            wrong(STATE, "database", str(problem)),
            *_support_people(len(configuration.able_to(Capability.SUPPORT))),
        ]
    found = [right(STATE, "database", "reached, and at this version")]
    linked = {binding.room: binding for binding in rooms}
    room = settings.support_room
    if room is not None and (room not in linked or not linked[room].is_support):
        found.append(note(STATE, "support room", f"{room} is linked when the service starts"))
    elif room is not None:
        found.append(right(STATE, "support room", f"{room} is linked"))
    customers = [each for each in rooms if each.account_id is not None]
    if customers:
        found.append(right(STATE, "rooms", f"{len(customers)} linked to accounts"))
    else:
        remedy = "Link one with: handrail link ROOM ACCOUNT"
        found.append(note(STATE, "rooms", "none is linked to an account yet", remedy))
    count = max(len(configuration.able_to(Capability.SUPPORT)), len(able))
    return [*found, *_support_people(count)]


def _support_people(count: int) -> list[Finding]:
    if count:
        return [right(STATE, "support people", f"{count} named")]
    remedy = "Name them in agent.yaml, or: handrail people set PERSON --can support"
    return [wrong(STATE, "support people", "nobody may claim a case", remedy)]


async def _accounts(settings: Settings) -> list[Finding]:
    from bots import bootstrap

    if bootstrap.has_no_accounts_yet(settings):
        return [note(STATE, "accounts", "the file is made when it is needed")]
    try:
        async with opened_accounts(settings) as accounts:
            some = await accounts.search("", 1)
    except (ToolError, ConfigurationError) as problem:
        return [wrong(STATE, "accounts", str(problem), "Check HANDRAIL_ACCOUNTS_URL.")]
    if not some:
        return [note(STATE, "accounts", "reached, and empty")]
    return [right(STATE, "accounts", "reached")]


async def _slack(slack: SlackSettings, settings: Settings) -> list[Finding]:
    if slack.bot_token is None:
        return [note(PLATFORMS, "Slack", "workspaces install the app themselves: not asked")]
    room = settings.support_room
    async with SlackCheck(slack.bot_token.get_secret_value(), url=slack.api_url) as check:
        try:
            team = (await check.workspace()).team_id
        except PlatformError as problem:
            remedy = "Check SLACK_BOT_TOKEN (and SLACK_API_URL); install the app again if need be."
            return [wrong(PLATFORMS, "Slack", str(problem), remedy)]
        found = [right(PLATFORMS, "Slack", f"the token is good for the workspace {team}")]
        if room is None or room.platform is not Platform.SLACK:
            return found
        if room.tenant_id != team:
            message = f"{room} is in another workspace than the token ({team})"
            return [*found, wrong(PLATFORMS, "Slack support room", message, _INVITE)]
        try:
            details = await check.room(room.room_id)
        except PlatformError as problem:
            return [*found, wrong(PLATFORMS, "Slack support room", str(problem), _INVITE)]
    name = f"#{details.name}"
    if details.is_archived:
        found.append(wrong(PLATFORMS, "Slack support room", f"{name} is archived", _INVITE))
    elif details.is_externally_shared:
        remedy = "Take a channel that only your own people read."
        message = f"{name} is shared with other companies, who would read every case"
        found.append(wrong(PLATFORMS, "Slack support room", message, remedy))
    else:
        found.append(right(PLATFORMS, "Slack support room", f"{name} is there"))
    return found


async def _teams(teams: TeamsSettings) -> list[Finding]:
    from bots.teams.auth import AccessTokens

    found = []
    async with aiohttp.ClientSession() as session:
        if teams.app_id and teams.app_password is not None:
            tokens = AccessTokens(
                session,
                token_url=teams.token_url,
                app_id=teams.app_id,
                app_password=teams.app_password.get_secret_value(),
            )
            try:
                await tokens.get()
                found.append(right(PLATFORMS, "Teams", "the app gets its token"))
            except PlatformError as problem:
                remedy = "Check MICROSOFT_APP_ID, _PASSWORD, _TENANT_ID and _TYPE."
                found.append(wrong(PLATFORMS, "Teams", str(problem), remedy))
        if teams.verify:
            status = await _status(session, teams.openid_metadata_url)
            name = "Teams signing keys"
            if status == 200:
                found.append(right(PLATFORMS, name, "reached"))
            else:
                remedy = "Check MICROSOFT_OPENID_METADATA_URL, and that this machine gets there."
                found.append(wrong(PLATFORMS, name, f"no usable answer ({status})", remedy))
    return found


async def _payments(url: str) -> list[Finding]:
    async with aiohttp.ClientSession() as session:
        status = await _status(session, f"{url.rstrip('/')}/healthz")
    if isinstance(status, int) and status < 500:
        return [right(OTHERS, "payments", "reached")]
    return [
        wrong(OTHERS, "payments", f"no usable answer ({status})", "Check HANDRAIL_PAYMENTS_URL.")
    ]


async def _model(model: ModelSettings | None, *, live: bool) -> list[Finding]:
    if model is None:
        message = "the scripted model answers: it is rules and no language model"
        return [note(OTHERS, "model", message, "Set OPENAI_API_KEY or OPENAI_BASE_URL.")]
    where = model.base_url or "https://api.openai.com/v1"
    shown = without_password(where)
    if not live:
        named = model.name or "the first model"
        return [right(OTHERS, "model", f"{named} at {shown}; not called (--live calls it once)")]
    async with aiohttp.ClientSession(headers=_authorization(model)) as session:
        try:
            return [await _asked(session, where.rstrip("/"), model.name)]
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            message = f"{shown} gave no usable answer ({type(problem).__name__})"
            return [wrong(OTHERS, "model", message, "Check OPENAI_BASE_URL.")]


async def _fallback(name: str, model: ModelSettings, *, live: bool) -> list[Finding]:
    """As the first model, with its own name and its own variables."""
    return [
        replace(each, name=name, remedy=each.remedy.replace("OPENAI_", "OPENAI_FALLBACK_"))
        for each in await _model(model, live=live)
    ]


def _authorization(model: ModelSettings) -> dict[str, str]:
    key = model.api_key
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}


async def _asked(session: aiohttp.ClientSession, where: str, name: str | None) -> Finding:
    """One tiny call, as the service makes them."""
    shown = without_password(where)
    if name is None:
        status, answer = await _json(session, "GET", f"{where}/models", None)
        listed = answer.get("data")
        if status != 200 or not isinstance(listed, list) or not listed:
            message = f"{shown} lists no model ({status})"
            return wrong(OTHERS, "model", message, "Set OPENAI_MODEL.")
        name = str(listed[0].get("id", ""))
    body = {"model": name, "messages": [{"role": "user", "content": "Answer with: OK"}]}
    status, answer = await _json(session, "POST", f"{where}/chat/completions", body)
    if status == 200 and answer.get("choices"):
        return right(OTHERS, "model", f"{name} at {shown} answers")
    remedies = {
        401: "Check OPENAI_API_KEY.",
        403: "Check OPENAI_API_KEY.",
        404: "Check OPENAI_MODEL and OPENAI_BASE_URL.",
        429: "The endpoint limits this key, or its credit is used up.",
    }
    message = f"{name} at {shown} answers with {status}"
    return wrong(OTHERS, "model", message, remedies.get(status, "Check OPENAI_BASE_URL."))


async def _json(
    session: aiohttp.ClientSession, verb: str, url: str, body: Mapping[str, Any] | None
) -> tuple[int, dict[str, Any]]:
    async with session.request(verb, url, json=body, timeout=_LIVE_PATIENCE) as response:
        answer = await response.json(content_type=None) if response.status == 200 else {}
        return response.status, answer if isinstance(answer, dict) else {}


async def _status(session: aiohttp.ClientSession, url: str) -> int | str:
    """The HTTP status, or what went wrong in a word."""
    try:
        async with session.get(url, timeout=_PATIENCE) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError) as problem:
        return type(problem).__name__
