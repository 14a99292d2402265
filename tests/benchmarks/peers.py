"""The same turn in openai-agents, pydantic-ai, langgraph, and by hand on the bare client."""

import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from tests.benchmarks.script import INSTRUCTIONS, MODEL, QUESTION, TOOLS

Turn = Callable[[], Awaitable[str]]
Peer = Callable[[str, AsyncExitStack], Turn]  # the endpoint's URL, and what is closed at the end


def _reader(result: dict[str, Any]) -> Any:
    async def read(period: str) -> dict[str, Any]:
        return result

    return read


def _named_readers() -> list[Any]:
    readers = []
    for name, description, about, result in TOOLS:
        read = _reader(result)
        read.__name__ = name
        read.__doc__ = f"{description}\n\nArgs:\n    period: {about}"
        readers.append(read)
    return readers


def openai_agents(url: str, stack: AsyncExitStack, *, aiohttp: bool = False) -> Turn:
    """Its in-memory loop over chat completions, without tracing.

    `aiohttp`: with the transport that ours uses, instead of the client's default.
    """
    from agents import (
        Agent,
        OpenAIChatCompletionsModel,
        Runner,
        function_tool,
        set_tracing_disabled,
    )
    from openai import AsyncOpenAI, DefaultAioHttpClient

    set_tracing_disabled(True)
    transport = DefaultAioHttpClient() if aiohttp else None
    client = AsyncOpenAI(api_key="unused", base_url=url, http_client=transport)
    stack.push_async_callback(client.close)
    agent = Agent(
        name="bench",
        instructions=INSTRUCTIONS,
        tools=[function_tool(read) for read in _named_readers()],
        model=OpenAIChatCompletionsModel(model=MODEL, openai_client=client),
    )

    async def turn() -> str:
        return str((await Runner.run(agent, QUESTION)).final_output)

    return turn


def pydantic_ai(url: str, stack: AsyncExitStack) -> Turn:
    """One agent, used again for every turn."""
    from openai import AsyncOpenAI
    from pydantic_ai import Agent, Tool
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = AsyncOpenAI(api_key="unused", base_url=url)
    stack.push_async_callback(client.close)
    agent = Agent(
        OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client)),
        instructions=INSTRUCTIONS,
        tools=[Tool(read) for read in _named_readers()],
    )

    async def turn() -> str:
        return str((await agent.run(QUESTION)).output)

    return turn


def langgraph(url: str, stack: AsyncExitStack) -> Turn:
    """Its prebuilt agent without a checkpointer, over langchain-openai."""
    from langchain_core.tools import StructuredTool
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import create_react_agent
    from pydantic import SecretStr

    tools = [
        StructuredTool.from_function(coroutine=read, parse_docstring=True)
        for read in _named_readers()
    ]
    model = ChatOpenAI(model=MODEL, base_url=url, api_key=SecretStr("unused"))
    agent = create_react_agent(model, tools, prompt=INSTRUCTIONS)

    async def turn() -> str:
        state = await agent.ainvoke({"messages": [{"role": "user", "content": QUESTION}]})
        return str(state["messages"][-1].content)

    return turn


def bare_client(url: str, stack: AsyncExitStack) -> Turn:
    """A loop written by hand on the `openai` client: the floor of everybody who uses it as is."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="unused", base_url=url)
    stack.push_async_callback(client.close)
    readers = {read.__name__: read for read in _named_readers()}
    tools: list[Any] = [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": description,
                "parameters": {
                    "type": "object",
                    "properties": {"period": {"type": "string", "description": about}},
                    "required": ["period"],
                },
            },
        }
        for name, description, about, _ in TOOLS
    ]

    async def turn() -> str:
        messages: list[Any] = [
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": QUESTION},
        ]
        while True:
            done = await client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
            message: Any = done.choices[0].message
            if not message.tool_calls:
                return str(message.content)
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                found = await readers[call.function.name](**json.loads(call.function.arguments))
                messages.append(
                    {"role": "tool", "tool_call_id": call.id, "content": json.dumps(found)}
                )

    return turn


PEERS: dict[str, Peer] = {
    "openai-agents": openai_agents,
    "openai-agents over aiohttp": partial(openai_agents, aiohttp=True),
    "pydantic-ai": pydantic_ai,
    "langgraph": langgraph,
    "openai client, loop by hand": bare_client,
}
