"""Asks an endpoint which model it serves, where the configuration names none."""

import json
from typing import Any

import openai
from openai import AsyncOpenAI

from agent_core.errors import ConfigurationError
from agent_core.masking import without_password

ANSWER_SECONDS = 10.0


async def first_model(base_url: str, api_key: str | None) -> str:
    """The first model that the endpoint lists. Raises ConfigurationError with the remedy."""
    where = without_password(base_url)
    remedy = f"start the endpoint at {where}, or name the model in OPENAI_MODEL"
    async with AsyncOpenAI(
        api_key=api_key or "unused", base_url=base_url, max_retries=1, timeout=ANSWER_SECONDS
    ) as client:
        try:
            # As bytes: the client's own reading breaks on what is no list of models.
            answer = await client.get(
                "/models", cast_to=bytes, options={"security": {"bearer_auth": True}}
            )
        except openai.OpenAIError as error:
            reason = type(error).__name__
            raise ConfigurationError([f"No model could be listed ({reason}): {remedy}."]) from None
    name = _first_of(answer)
    if not name:
        raise ConfigurationError([f"The endpoint lists no model: {remedy}."])
    return name


def _first_of(answer: bytes) -> str:
    """The first model's name; "" where none is named."""
    try:
        listed: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    models = listed.get("data") if isinstance(listed, dict) else None
    first = models[0] if isinstance(models, list) and models else None
    name = first.get("id") if isinstance(first, dict) else None
    return name if isinstance(name, str) else ""
