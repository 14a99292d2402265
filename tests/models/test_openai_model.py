"""The model client against a local server that speaks chat completions."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from agent_core.core_tools import HAND_OVER_TOOL
from agent_core.errors import ModelOutputInvalid, ModelUnavailable
from agent_core.models.openai_model import Endpoint, OpenAIModel
from agent_core.ports import ModelMessage, ModelRequest
from agent_core.tooling import ToolCall

SECRET = "sk-secret"
WORDS = "the customer's own words"


class Server:
    """Answers with what a test puts in `answers`; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Callable[[], Awaitable[web.StreamResponse]]] = []
        self.url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.headers.append(dict(request.headers))
        return await self.answers.pop(0)()

    def says(self, message: dict[str, Any], finish: str = "stop", **more: Any) -> None:
        body = {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            **more,
        }
        self.gives(body)

    def gives(self, body: Any, status: int = 200) -> None:
        async def answer() -> web.StreamResponse:
            return web.json_response(body, status=status)

        self.answers.append(answer)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.complete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/v1"
    yield server
    await runner.cleanup()


@pytest.fixture
async def model(server: Server) -> AsyncIterator[OpenAIModel]:
    model = OpenAIModel(Endpoint(model="m", base_url=server.url, retries=0))
    yield model
    await model.close()


def a_request(seconds: float = 5.0) -> ModelRequest:
    call = ToolCall(id="c0", name="hand_over", arguments='{"reason":"asked_for","summary":"x"}')
    return ModelRequest(
        messages=(
            ModelMessage(role="system", content="Rules."),
            ModelMessage(role="user", name="context", content="<facts></facts>"),
            ModelMessage(role="user", name="requester", content=WORDS),
            ModelMessage(role="assistant", content="", tool_calls=(call,)),
            ModelMessage(role="tool", content="{}", tool_call_id="c0"),
        ),
        tools=(HAND_OVER_TOOL,),
        timeout_seconds=seconds,
        max_output_tokens=77,
    )


async def test_words_and_usage_come_back(server: Server, model: OpenAIModel) -> None:
    server.says(
        {"role": "assistant", "content": "Hello."},
        usage={
            "prompt_tokens": 10,
            "completion_tokens": 2,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 8},
        },
    )
    reply = await model.reply(a_request())
    assert reply.text == "Hello."
    usage = reply.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (10, 8, 2)


async def test_the_wire_has_messages_tools_and_limits(server: Server, model: OpenAIModel) -> None:
    server.says({"role": "assistant", "content": "ok"})
    await model.reply(a_request())
    [asked] = server.asked
    assert asked["model"] == "m" and asked["max_tokens"] == 77
    roles = [message["role"] for message in asked["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    assert asked["messages"][1]["content"] == f"<facts></facts>\n\n{WORDS}"
    assert asked["messages"][2]["tool_calls"][0]["function"]["name"] == "hand_over"
    function = asked["tools"][0]["function"]
    assert function["name"] == "hand_over" and "strict" not in function
    assert set(function["parameters"]["properties"]) == {"reason", "summary"}
    assert "parallel_tool_calls" not in asked
    assert server.headers[0]["Authorization"] == "Bearer unused"


async def test_strict_schemas_and_single_calls_are_configuration(server: Server) -> None:
    endpoint = Endpoint(
        model="m",
        base_url=server.url,
        api_key=SECRET,
        strict_tools=True,
        parallel_tool_calls=False,
        output_limit_field="max_completion_tokens",
        temperature=0.0,
        retries=0,
    )
    model = OpenAIModel(endpoint)
    server.says({"role": "assistant", "content": "ok"})
    await model.reply(a_request())
    await model.close()
    [asked] = server.asked
    function = asked["tools"][0]["function"]
    assert function["strict"] is True
    assert function["parameters"]["required"] == ["reason", "summary"]
    assert function["parameters"]["additionalProperties"] is False
    assert (asked["parallel_tool_calls"], asked["max_completion_tokens"]) == (False, 77)
    assert asked["temperature"] == 0.0


async def test_calls_come_back_with_their_raw_arguments(server: Server, model: OpenAIModel) -> None:
    calls = [
        {"id": "a", "type": "function", "function": {"name": "x", "arguments": "{not json"}},
        {"id": "b", "type": "function", "function": {"name": "y", "arguments": ""}},
    ]
    server.says({"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls")
    reply = await model.reply(a_request())
    assert [(c.name, c.arguments) for c in reply.tool_calls] == [("x", "{not json"), ("y", "")]


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 429, 500, 503])
async def test_a_refusing_endpoint_is_unavailable(
    server: Server, model: OpenAIModel, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.gives({"error": {"message": WORDS}}, status)
    with pytest.raises(ModelUnavailable) as caught:
        await model.reply(a_request())
    assert str(status) in str(caught.value)
    # What is wrong with one request alone opens no breaker for everybody else's.
    assert caught.value.refused is (status in (400, 413, 422))
    assert WORDS not in str(caught.value) and WORDS not in caplog.text


async def test_an_answer_that_does_not_come_is_unavailable(
    server: Server, model: OpenAIModel
) -> None:
    released = asyncio.Event()

    async def never() -> web.StreamResponse:
        await released.wait()
        return web.json_response({})

    server.answers.append(never)
    with pytest.raises(ModelUnavailable, match=r"0\.1 s"):
        await model.reply(a_request(seconds=0.1))
    released.set()


async def test_nobody_there_is_unavailable() -> None:
    model = OpenAIModel(Endpoint(model="m", base_url="http://127.0.0.1:1/v1", retries=0))
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await model.reply(a_request())
    await model.close()


@pytest.mark.parametrize(
    "body", [{"choices": []}, {}, {"choices": [{"index": 0, "message": None}]}], ids=json.dumps
)
async def test_a_useless_answer_is_asked_for_once_more(
    server: Server, model: OpenAIModel, body: Any
) -> None:
    server.gives(body)
    server.says({"role": "assistant", "content": "Now."})
    assert (await model.reply(a_request())).text == "Now."
    server.gives(body)
    server.gives(body)
    with pytest.raises(ModelOutputInvalid):
        await model.reply(a_request())


async def test_a_call_that_was_cut_off_is_not_used(server: Server, model: OpenAIModel) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "x", "arguments": '{"se'}}
    for _ in range(2):
        server.says({"role": "assistant", "content": None, "tool_calls": [call]}, "length")
    with pytest.raises(ModelOutputInvalid, match="cut off"):
        await model.reply(a_request())
