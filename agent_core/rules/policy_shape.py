"""The shape of policy.yaml: what may be written, before anything is compiled."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from agent_core.conversation import Audience
from agent_core.people import Capability, Role
from agent_core.policy import Per

Amounts = str | list[str]
Approvers = list[Role | Capability]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


def _as_text(value: Any) -> Any:
    """YAML reads `true` as a boolean; a condition is text."""
    return str(value).lower() if isinstance(value, bool) else value


class ConditionPart(_Part):
    """One condition and the reason that people read."""

    when: str
    reason: str

    _text = field_validator("when", mode="before")(_as_text)


class ApprovalPart(_Part):
    """When somebody else must say yes: above an amount, under a condition, or both."""

    when: str | None = None
    above: Amounts | None = None
    reason: str = ""
    by: Approvers | None = None
    people: int = Field(1, ge=1, le=5)

    _text = field_validator("when", mode="before")(_as_text)

    @model_validator(mode="after")
    def _says_when(self) -> "ApprovalPart":
        if self.when is None and self.above is None:
            raise ValueError("needs `above` or `when`")
        if self.by is not None and not self.by:
            raise ValueError("`by` is empty: nobody could approve")
        return self


class ToolPart(_Part):
    """What the file says of one tool. None: silent."""

    roles: list[Role] | None = None
    staff: bool | None = None
    audience: list[Audience] | None = None
    confirm: bool | None = None
    approve_above: Amounts | None = None
    approvers: Approvers | None = None
    refuse: list[ConditionPart] = []
    approve: list[ApprovalPart] = []
    escalate: list[ConditionPart] = []
    undo_minutes: int | None = Field(None, ge=0, le=10_080)
    on_failure: Literal["offer", "undo"] | None = None


class LimitPart(_Part):
    """How often, and for how much, some actions may be done in a day."""

    tools: list[str] = Field(min_length=1)
    per: Per
    per_day: int | None = Field(None, ge=0)
    money: Amounts | None = None
    over: Literal["refuse", "escalate"] = "refuse"
    reason: str = ""

    @model_validator(mode="after")
    def _limits_something(self) -> "LimitPart":
        if self.per_day is None and self.money is None:
            raise ValueError("needs `per_day` or `money`")
        return self
