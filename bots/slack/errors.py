"""Translates Slack's refusals and transport failures into the core's errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from agent_core.errors import (
    DestinationGone,
    NotPermitted,
    PlatformError,
    PlatformUnavailable,
    RateLimited,
)
from bots.slack import limits

_RATE = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_GONE = frozenset(
    [
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "thread_not_found",
        "message_not_found",
        "user_not_in_channel",
        "cannot_reply_to_message",
        "user_not_found",
        "users_not_found",
        "team_not_found",
        "no_such_subteam",
    ]
)
_UNAVAILABLE = frozenset(
    [
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "org_login_required",
    ]
)


class FormRefused(NotPermitted):
    """A form could not be opened: its trigger is used up or older than three seconds."""


_FORM = frozenset({"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"})


def from_api_error(error: SlackApiError, method: str) -> PlatformError:
    """The core's error for an answer of `ok: false` or of an error status.

    The message names Slack's code and what it says about it, never what was posted.
    """
    response = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    body = getattr(response, "data", None)
    code = str(body.get("error", "")) if isinstance(body, dict) else ""
    if status == 429 or code in _RATE:
        return RateLimited(
            f"Slack limits {method}", retry_after_seconds=_retry_after(response.headers)
        )
    if status >= 500 or not code:
        return PlatformUnavailable(f"Slack answered {method} with {status}", maybe_accepted=True)
    if code in _UNAVAILABLE:
        return PlatformUnavailable(f"Slack answered {method} with {code}", maybe_accepted=True)
    if code in _GONE:
        return DestinationGone(f"Slack answered {method} with {code}")
    if code in _FORM:
        return FormRefused(f"Slack answered {method} with {code}")
    return NotPermitted(f"Slack answered {method} with {code}{_details(body)}")


@asynccontextmanager
async def translated(method: str, seconds: float = limits.CALL_SECONDS) -> AsyncIterator[None]:
    """Bounds one Web API call in time and raises what goes wrong as PlatformError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except SlackApiError as error:
        raise from_api_error(error, method) from error
    except aiohttp.ClientConnectorError as error:
        raise PlatformUnavailable(f"Slack cannot be reached for {method}") from error
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
        # The request was on its way: it may have been accepted although no answer came.
        raise PlatformUnavailable(
            f"Slack gave no answer to {method}: {type(error).__name__}", maybe_accepted=True
        ) from error


def _retry_after(headers: object) -> float:
    value = None
    if hasattr(headers, "get"):
        value = headers.get("Retry-After") or headers.get("retry-after")
    try:
        return max(0.0, float(value)) if value else limits.RETRY_AFTER_SECONDS
    except (TypeError, ValueError):
        return limits.RETRY_AFTER_SECONDS


def _details(body: object) -> str:
    """What Slack says beside its code: the missing scope, or the pointer to a wrong block."""
    if not isinstance(body, dict):
        return ""
    said = [f"needs {body['needed']}"] if isinstance(body.get("needed"), str) else []
    metadata = body.get("response_metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("messages"), list):
        said += [str(message) for message in metadata["messages"][:3]]
    return f" ({'; '.join(said)})" if said else ""
