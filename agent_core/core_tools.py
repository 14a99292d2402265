"""The two tools that the core itself carries out: hand over to a person, choose an account."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent_core.conversation import Audience
from agent_core.tooling import Effect, Standing, Tool, ToolContext, ToolName, ToolResult

HAND_OVER: Final = ToolName("hand_over")
CHOOSE_ACCOUNT: Final = ToolName("choose_account")


class HandOver(BaseModel):
    """Arguments of `hand_over`."""

    model_config = ConfigDict(extra="forbid")

    reason: Literal["asked_for", "beyond_scope"] = Field(
        description="asked_for: the person wants to talk to somebody. "
        "beyond_scope: the agent cannot or should not do what is asked."
    )
    summary: str = Field(
        description="What is asked and what was tried, for the support team, briefly."
    )


class ChosenAccount(BaseModel):
    """Arguments of `choose_account`."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(
        min_length=1,
        max_length=200,
        description="The account's name or id, as the person wrote it.",
    )


async def _carried_out_by_the_driver(context: ToolContext, arguments: Any) -> ToolResult:
    raise RuntimeError("the driver carries this tool out itself")


HAND_OVER_TOOL: Final = Tool(
    name=HAND_OVER,
    description="Hands the conversation to a person of the support team, with a summary. Use it "
    "when the person asks for somebody, or when no other tool does what they need.",
    arguments=HandOver,
    effect=Effect.READ,
    standing=Standing.ANYBODY,
    handler=_carried_out_by_the_driver,
)
CHOOSE_ACCOUNT_TOOL: Final = Tool(
    name=CHOOSE_ACCOUNT,
    description="Says which customer account this conversation is about. Call it first whenever "
    "the person names an account, with the name exactly as written.",
    arguments=ChosenAccount,
    effect=Effect.READ,
    standing=Standing.ANYBODY,
    handler=_carried_out_by_the_driver,
)


def core_tools(audience: Audience) -> tuple[Tool, ...]:
    """By audience alone, so that the prompt's prefix is the same for everybody in a room."""
    if audience is Audience.SHARED:
        return (HAND_OVER_TOOL,)
    return (HAND_OVER_TOOL, CHOOSE_ACCOUNT_TOOL)
