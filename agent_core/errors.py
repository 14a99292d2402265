"""The project's errors, ordered by what the caller must do about them.

::

    HandrailError
      PlatformError
        RateLimited            retry after `retry_after_seconds`
        PlatformUnavailable    retry; `maybe_accepted` says whether the post may have arrived
          LimitedMidway        look it up, then go on after `retry_after_seconds`
        DestinationGone        stop; tell the operators
        NotPermitted           stop; tell the operators
      ToolError
        ArgumentsRejected      the model may correct itself
        ActionRefused          say why; no retry
        ActionFailed           nothing happened; the same key may retry
          SystemUnavailable    nothing was sent, as the other side is down: escalate
        ActionOutcomeUnknown   look it up by key, or ask a person
      ModelError
        ModelUnavailable       apologise and escalate
        ModelOutputInvalid     apologise and escalate
        TurnLimitReached       apologise and escalate
      StoreError
        ConversationChanged    reload, redo the write
        TurnLost               another worker owns the turn: stop at once, write nothing
      ConfigurationError       refuse to start; lists everything at once
"""

from collections.abc import Sequence


class HandrailError(Exception):
    """Anything this project raises on purpose. The message is fit for an operator to read."""


class PlatformError(HandrailError):
    """A chat platform did not do what it was asked."""


class RateLimited(PlatformError):
    """The platform asks for patience. Nothing was posted."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PlatformUnavailable(PlatformError):
    """The platform failed or could not be reached.

    `maybe_accepted` is true where the request may have taken effect although no answer came:
    look the message up before it is sent again.
    """

    def __init__(self, message: str, *, maybe_accepted: bool = False) -> None:
        super().__init__(message)
        self.maybe_accepted = maybe_accepted


class LimitedMidway(PlatformUnavailable):
    """The platform asks for patience, and a part of a long message is out. It is no outage.

    The message is looked up before the rest is posted.
    """

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message, maybe_accepted=True)
        self.retry_after_seconds = retry_after_seconds


class DestinationGone(PlatformError):
    """The room or thread no longer exists, or the agent was removed from it."""


class NotPermitted(PlatformError):
    """The platform refuses: a scope, token or permission is missing."""


class ToolError(HandrailError):
    """A tool did not succeed. The message may be shown to the model."""


class ArgumentsRejected(ToolError):
    """The arguments are wrong; the message says which and why, so that they can be corrected."""


class ActionRefused(ToolError):
    """The account system says no, and will say no again. Nothing happened."""


class ActionFailed(ToolError):
    """Nothing happened. The same key may be tried again."""


class SystemUnavailable(ActionFailed):
    """The system behind is known to be down: nothing was sent to it. A person takes over."""


class ActionOutcomeUnknown(ToolError):
    """It may have happened. Look it up by its key; where that fails, a person decides."""


class ModelError(HandrailError):
    """The model did not give a usable reply. The turn apologises and escalates."""


class ModelUnavailable(ModelError):
    """The endpoint could not be reached, refused, or timed out.

    `refused` is true where it answered and will not take this very request; another may work.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class ModelOutputInvalid(ModelError):
    """The reply cannot be used, also after a second try."""


class TurnLimitReached(ModelError):
    """The turn used up its steps, time or tokens."""


class StoreError(HandrailError):
    """A write did not fit the stored state."""


class ConversationChanged(StoreError):
    """Somebody else changed the row first: reload and redo the write."""


class TurnLost(StoreError):
    """The turn has another owner now. Whoever sees this stops and writes nothing more."""


class ConfigurationError(HandrailError):
    """The configuration cannot be used. `mistakes` holds one plain sentence for each mistake."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)
