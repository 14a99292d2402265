"""Any endpoint that speaks OpenAI's chat completions: OpenAI, Azure, vLLM, llama.cpp, Ollama."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import openai
from openai import AsyncOpenAI, DefaultAioHttpClient
from pydantic import BaseModel, ValidationError

from agent_core.errors import ModelOutputInvalid, ModelUnavailable
from agent_core.ports import ModelMessage, ModelReply, ModelRequest, Usage
from agent_core.tooling import Tool, ToolCall

log = logging.getLogger(__name__)

_NO_KEY: Final = "unused"  # the client insists on one; a local server wants none
_TRIES: Final = 2  # a reply that cannot be used is asked for once more
_THIS_REQUEST: Final = frozenset({400, 413, 422})  # its fault, and no outage: too long, say
_NOISE: Final = frozenset({"title", "default"})  # of JSON schemas, worth nothing to a model


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What an endpoint is and can do. Configuration, never a guess.

    `base_url` None: OPENAI_BASE_URL's, else OpenAI's own, and then `api_key` None is
    OPENAI_API_KEY's: both are the client's own rule. `output_limit_field`: newer OpenAI models want
    `max_completion_tokens`. `parallel_tool_calls` None: not sent at all.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = None
    strict_tools: bool = False
    parallel_tool_calls: bool | None = None
    output_limit_field: str = "max_tokens"
    temperature: float | None = None
    connect_seconds: float = 5.0
    retries: int = 1


class OpenAIModel:
    """A ChatModel over the `openai` client. Never logs what people or the model say."""

    is_language_model: Final = True

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = _client_of(endpoint)
        self._schemas: dict[tuple[str, ...], list[dict[str, Any]]] = {}

    @property
    def label(self) -> str:
        return self._endpoint.model

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Raises ModelUnavailable, or ModelOutputInvalid after a second try."""
        problem = ""
        for _ in range(_TRIES):
            completion = await self._complete(request)
            try:
                return _reply_of(completion)
            except ModelOutputInvalid as error:
                problem = str(error)
                log.warning("model %s: %s", self.label, problem)
        raise ModelOutputInvalid(problem)

    async def _complete(self, request: ModelRequest) -> "_Completion":
        """One call. The body goes out as it is and comes back as bytes: what the client's own
        typed method does to both costs more than everything else, and grows with the history."""
        timeout = openai.Timeout(request.timeout_seconds, connect=self._endpoint.connect_seconds)
        try:
            answer = await self._client.post(
                "/chat/completions",
                cast_to=bytes,
                content=json.dumps(self._body(request)).encode(),
                options={"timeout": timeout, "security": {"bearer_auth": True}},
            )
            return _Completion.model_validate_json(answer)
        except openai.APIConnectionError as error:
            if _took_too_long(error):
                raise ModelUnavailable(f"no answer in {request.timeout_seconds:g} s") from error
            raise ModelUnavailable("the model's endpoint cannot be reached") from error
        except openai.APIStatusError as error:
            refused = error.status_code in _THIS_REQUEST
            raise ModelUnavailable(
                f"the model's endpoint said {error.status_code}", refused=refused
            ) from error
        except ValidationError:
            # Without the cause: it would show what the model said.
            raise ModelOutputInvalid("the answer is no chat completion") from None
        except (openai.OpenAIError, ValueError) as error:
            raise ModelOutputInvalid(f"unreadable answer ({type(error).__name__})") from error

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        endpoint = self._endpoint
        body: dict[str, Any] = {
            "model": endpoint.model,
            "messages": wire_messages(request.messages),
            endpoint.output_limit_field: request.max_output_tokens,
        }
        if request.tools:
            body["tools"] = self._tools(request.tools)
            if endpoint.parallel_tool_calls is not None:
                body["parallel_tool_calls"] = endpoint.parallel_tool_calls
        if endpoint.temperature is not None:
            body["temperature"] = endpoint.temperature
        return body

    def _tools(self, tools: Sequence[Tool]) -> list[dict[str, Any]]:
        """The tools' schemas, made once for each set of tools."""
        key = tuple(str(tool.name) for tool in tools)
        if key not in self._schemas:
            strict = self._endpoint.strict_tools
            self._schemas[key] = [wire_tool(tool, strict=strict) for tool in tools]
        return self._schemas[key]

    async def close(self) -> None:
        await self._client.close()


def _client_of(endpoint: Endpoint) -> AsyncOpenAI:
    """The client. A key of the environment goes to no other address than the environment's."""
    key = endpoint.api_key or (None if endpoint.base_url is None else _NO_KEY)
    try:
        return _client(endpoint, key)
    except openai.OpenAIError:
        if key is not None:
            raise
    # No key is set anywhere: right for a local server, and told by OpenAI's own with a 401.
    return _client(endpoint, _NO_KEY)


def _client(endpoint: Endpoint, key: str | None) -> AsyncOpenAI:
    return AsyncOpenAI(
        api_key=key,
        base_url=endpoint.base_url,
        max_retries=endpoint.retries,
        # The client's default transport looks at every idle connection for each request.
        http_client=DefaultAioHttpClient(),
    )


# --- out --------------------------------------------------------------------------------------


def wire_messages(messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
    """The prompt as JSON. Neighbouring user messages become one: some chat templates insist that
    roles alternate."""
    wire: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "user" and wire and wire[-1]["role"] == "user":
            wire[-1] = {"role": "user", "content": f"{wire[-1]['content']}\n\n{message.content}"}
        else:
            wire.append(_wire_message(message))
    return wire


def _wire_message(message: ModelMessage) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.role == "tool":
        wire["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments or "{}"},
            }
            for call in message.tool_calls
        ]
    return wire


def wire_tool(tool: Tool, *, strict: bool) -> dict[str, Any]:
    """A tool as JSON. Strict schemas name every property as required."""
    schema = _plain(tool.arguments.model_json_schema())
    schema.pop("description", None)
    if strict:
        schema["required"] = sorted(schema.get("properties", {}))
        schema["additionalProperties"] = False
    description = tool.description
    if tool.examples:
        description += " Asked for like: " + "; ".join(tool.examples) + "."
    function: dict[str, Any] = {
        "name": str(tool.name),
        "description": description,
        "parameters": schema,
    }
    if strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without noise. Property names are kept, whatever they are called."""
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            plain[key] = {name: _plain(one) for name, one in value.items()}
        elif key not in _NOISE:
            plain[key] = _plain_value(value)
    return plain


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    return value


# --- in ---------------------------------------------------------------------------------------
# Servers differ and leave things out or null: each field is optional, and what is missing is told.


class _Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _Call(BaseModel):
    id: str | None = None
    type: str | None = None
    function: _Function | None = None


class _Message(BaseModel):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    finish_reason: str | None = None


class _Cached(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None


class _Completion(BaseModel):
    choices: list[_Choice] | None = None
    model: str | None = None
    usage: _Usage | None = None


def _reply_of(completion: _Completion) -> ModelReply:
    """Raises ModelOutputInvalid where there is nothing to use."""
    if not completion.choices or completion.choices[0].message is None:
        raise ModelOutputInvalid("the answer has no message")
    choice, message = completion.choices[0], completion.choices[0].message
    calls = tuple(
        ToolCall(id=call.id or "", name=call.function.name, arguments=call.function.arguments or "")
        for call in message.tool_calls or ()
        if call.type in ("function", None) and call.function is not None and call.function.name
    )
    text = message.content or ""
    if choice.finish_reason == "length" and calls:
        raise ModelOutputInvalid("the answer was cut off in a tool call")
    if not text.strip() and not calls and choice.finish_reason not in ("stop", None):
        raise ModelOutputInvalid(f"an empty answer ({choice.finish_reason})")
    return ModelReply(
        text=text,
        tool_calls=calls,
        usage=_usage_of(completion.usage),
        finish=choice.finish_reason or "",
        answered_by=completion.model or "",
    )


def _usage_of(usage: _Usage | None) -> Usage:
    if usage is None:
        return Usage()
    details = usage.prompt_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        output_tokens=usage.completion_tokens or 0,
    )


def _took_too_long(error: openai.APIConnectionError) -> bool:
    """The transport calls a refused connection a timeout too: its own cause tells them apart."""
    if not isinstance(error, openai.APITimeoutError):
        return False
    cause = error.__cause__.__cause__ if error.__cause__ else None
    return cause is None or isinstance(cause, TimeoutError)
