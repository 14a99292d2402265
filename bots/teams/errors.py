"""Why a delivery is refused, and what a Connector answer means for the one who sends."""

from collections.abc import Mapping

from agent_core.errors import (
    DestinationGone,
    HandrailError,
    NotPermitted,
    PlatformError,
    PlatformUnavailable,
    RateLimited,
)

_NOT_INSTALLED = frozenset({"BotNotInConversationRoster", "BotDisabledByAdmin"})
# A gateway may answer these after the post went through; 503 is said before any work begins.
_AMBIGUOUS = frozenset({500, 502, 504})


class DeliveryRefused(HandrailError):
    """A delivery that nothing is kept of. `status` is the HTTP answer."""

    status = 400


class MalformedActivity(DeliveryRefused):
    """The body is not an activity that we can read."""


class BodyNotTaken(DeliveryRefused):
    """A body that is too large, too slow, or broken on its way."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class TokenRejected(DeliveryRefused):
    """The bearer token does not prove that the Connector sent this."""

    status = 401


class ForeignDelivery(DeliveryRefused):
    """A true delivery, but of a tenant, channel or service that is not ours."""

    status = 403


class KeysUnavailable(DeliveryRefused):
    """The signing keys cannot be fetched: the channel should come again."""

    status = 503


def refusal(
    status: int, code: str, headers: Mapping[str, str], *, changes_nothing: bool = False
) -> PlatformError:
    """The error of a Connector answer from 400 on.

    `code` is the Connector's own word. `changes_nothing`: repeating the call does no harm.
    """
    words = f"Teams answered {status} {code}".rstrip()
    if status in (412, 429):
        return RateLimited(words, retry_after_seconds=_retry_after(headers))
    if status >= 500:
        maybe = status in _AMBIGUOUS and not changes_nothing
        return PlatformUnavailable(words, maybe_accepted=maybe)
    if status == 404 or code in _NOT_INSTALLED:
        hint = "the app is not installed there, or the chat or message is gone"
        return DestinationGone(f"{words}: {hint}")
    if status in (401, 403):
        hint = "check the app's tenant, app type and permissions"
        return NotPermitted(f"{words}: {hint}")
    return NotPermitted(f"{words}: Teams does not take this message")


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return 2.0
