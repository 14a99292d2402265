"""A model, and what goes to it and comes back."""

from dataclasses import dataclass, field
from typing import Protocol

from agent_core.tooling import Tool, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, as the endpoint counts them; 0 where it does not."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMessage:
    """One message of a prompt. `role`: system, user, assistant or tool."""

    role: str
    content: str
    name: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One call. The start of `messages`, and `tools`, are byte-stable from turn to turn."""

    messages: tuple[ModelMessage, ...]
    tools: tuple[Tool, ...]
    timeout_seconds: float
    max_output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """What came back: words, or calls, or both.

    `model`: the label of the one that answered, where several stand behind one; "" where not.
    `finish` and `answered_by`: why the endpoint stopped, and what it calls the model, in its own
    words; "" where it does not say.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish: str = ""
    answered_by: str = ""
    model: str = ""


class ChatModel(Protocol):
    """A model. `label` is shown to people; `is_language_model` is false for scripted ones."""

    @property
    def label(self) -> str: ...
    @property
    def is_language_model(self) -> bool: ...
    async def reply(self, request: ModelRequest) -> ModelReply:
        """Raises ModelUnavailable or ModelOutputInvalid."""
        ...

    async def close(self) -> None: ...
