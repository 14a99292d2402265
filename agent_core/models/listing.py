"""Asks an endpoint which model it serves, where the configuration names none."""

import openai
from openai import AsyncOpenAI

from agent_core.errors import ConfigurationError

ANSWER_SECONDS = 10.0


async def first_model(base_url: str, api_key: str | None) -> str:
    """The first model that the endpoint lists. Raises ConfigurationError with the remedy."""
    remedy = f"start the endpoint at {base_url}, or name the model in OPENAI_MODEL"
    async with AsyncOpenAI(
        api_key=api_key or "unused", base_url=base_url, max_retries=1, timeout=ANSWER_SECONDS
    ) as client:
        try:
            page = await client.models.list()
        except openai.OpenAIError as error:
            reason = type(error).__name__
            raise ConfigurationError([f"No model could be listed ({reason}): {remedy}."]) from None
    if not page.data:
        raise ConfigurationError([f"The endpoint lists no model: {remedy}."])
    return page.data[0].id
