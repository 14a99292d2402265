"""The fixed beginning of every prompt: who the agent is, and what the configuration tells it."""

from typing import Final

from bots.configuration import Configuration

_WHO: Final = (
    "You are {agent}, an AI agent of {company}. You work in chat, with {company}'s customers and "
    "staff: you understand what they ask, use your tools to do it, and answer briefly."
)
_DEFAULT: Final = (
    "Look things up before you answer, and use a tool rather than describing how somebody could "
    "do it. When something needed is missing, ask one short question. When you cannot or should "
    "not do what is asked, hand over to support."
)


def instructions_of(configuration: Configuration) -> str:
    """The same text for every conversation, so that the prompt's prefix is stable."""
    parts = [
        _WHO.format(agent=configuration.agent, company=configuration.company),
        configuration.instructions.strip() or _DEFAULT,
    ]
    if configuration.tone:
        parts.append(f"Tone: {configuration.tone}")
    return "\n\n".join(parts)
