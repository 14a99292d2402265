"""Sentences and choices that are owed inside a request. Pure."""

from agent_core.blocks import Choice
from agent_core.people import AccountId


def account_choice(account: AccountId, name: str) -> Choice:
    """One line of a picker for staff."""
    return Choice(value=str(account), label=f"{name} ({account})")


def about_this_agent(*, name: str, address: str, room: str, role: str, account: str) -> str:
    """What the slash command tells: how to use the agent, and how it sees the one who asks."""
    known = (
        f"Here you are {name}, {role} of {account}."
        if role
        else (
            f"You have no role in this channel's account ({account})."
            if account
            else "This channel is not linked to an account."
        )
    )
    return (
        "I am Handrail, an AI agent. Mention me in a channel, or write to me directly, and say in "
        "your own words what you need: for example “add 3 seats” or “refund invoice INV-1001”. "
        "I ask before I change anything. Say “I want to talk to someone” at any time, and a "
        f"person takes over.\n{known}\nYour address: {address}\nThis channel: {room}"
    )
