"""Connector errors on demand that the shared faults do not know: 403, 404, 412, 413 and so on."""

from dataclasses import dataclass, replace

from playground.teams_api.outgoing import ConnectorRefusal
from playground.teams_api.state import Json

_CODES = {
    400: "BadArgument",
    401: "Unauthorized",
    403: "ForbiddenOperationException",
    404: "ConversationNotFound",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "MessageSizeTooBig",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The next `times` calls of a method ("*": any) get this error instead of an effect."""

    status: int
    method: str = "*"
    code: str = ""
    times: int = 1

    def __post_init__(self) -> None:
        if self.status not in _CODES:
            raise ValueError(f"status must be one of {sorted(_CODES)}; 429 and 5xx are faults")
        if self.times < 1:
            raise ValueError("times must be at least 1")

    def as_json(self) -> Json:
        """{status, method, code, times}"""
        code = self.code or _CODES[self.status]
        return {"status": self.status, "method": self.method, "code": code, "times": self.times}


class Refusals:
    """The refusals still to happen, oldest first."""

    def __init__(self) -> None:
        self.pending: list[Refusal] = []

    def add(self, refusal: Refusal) -> None:
        """Arm a refusal behind those already armed."""
        self.pending.append(refusal)

    def take(self, method: str) -> ConnectorRefusal | None:
        """The refusal of this call, used up by one."""
        for at, refusal in enumerate(self.pending):
            if refusal.method not in ("*", method):
                continue
            if refusal.times == 1:
                del self.pending[at]
            else:
                self.pending[at] = replace(refusal, times=refusal.times - 1)
            code = refusal.code or _CODES[refusal.status]
            return ConnectorRefusal(
                status=refusal.status, code=code, message=f"{code} (asked for in the playground)"
            )
        return None
