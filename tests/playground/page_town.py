"""Both stand-ins, the page and a bot in one running whole, and sample blocks and cards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playground.loopback import serving
from playground.site import SiteOptions, running
from playground.slack_api.world import SlackWorld
from playground.teams_api import CARD_TYPE, TeamsWorld
from tests.playground.page_bot import Json, PageBot

GLOBEX, NORTHWIND, SUPPORT = "C0GLOBEX", "C0NORTH", "C0SUPPORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Where the page is, and what lies behind it."""

    slack: SlackWorld
    teams: TeamsWorld
    bot: PageBot

    @property
    def address(self) -> str:
        """The page."""
        return f"{self.bot.site}/"


@asynccontextmanager
async def built(options: SiteOptions | None = None) -> AsyncIterator[Town]:
    """Everything started; stopped at the end."""
    bot = PageBot()
    async with serving(bot.app()) as agent:
        slack = SlackWorld(request_url=f"{agent}/slack/events", retry_delays=(0.0,))
        teams = TeamsWorld(messaging_endpoint=f"{agent}/api/messages")
        async with running(slack, teams, options) as bot.site:
            yield Town(slack=slack, teams=teams, bot=bot)


# --- Slack ------------------------------------------------------------------------------------


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Json:
    return {"type": "section", "text": mrkdwn(text)}


def button(label: str, action_id: str, value: str = "v", **more: Any) -> Json:
    return {
        "type": "button",
        "text": plain(label),
        "action_id": action_id,
        "value": value,
        "accessibility_label": f"{label}: Add 5 seats?",
        **more,
    }


def proposal_blocks() -> list[Json]:
    """A confirmation as the Slack adapter draws it."""
    return [
        {"type": "header", "text": plain("Add 5 seats?")},
        section(
            "Seats for *Globex*, from today on:\n• now: `$87.50`\n• <https://example.com|Terms>"
        ),
        {"type": "section", "fields": [mrkdwn("*Seats*\n20 → 25"), mrkdwn("*Account*\nGlobex")]},
        {
            "type": "actions",
            "block_id": "choice",
            "elements": [
                button("Confirm", "proposal.confirm", "p1", style="primary"),
                button("Cancel", "proposal.cancel", "p1"),
            ],
        },
        {"type": "divider"},
        {"type": "context", "elements": [mrkdwn("Automatic message")]},
    ]


def reply_view() -> Json:
    """A form with two inputs."""
    return {
        "type": "modal",
        "callback_id": "reply",
        "title": plain("Reply to the customer"),
        "submit": plain("Send"),
        "close": plain("Cancel"),
        "blocks": [
            section("Greta reads this under your name."),
            {
                "type": "input",
                "block_id": "words",
                "label": plain("Your reply"),
                "hint": plain("At least three words."),
                "element": {"type": "plain_text_input", "action_id": "words", "multiline": True},
            },
            {
                "type": "input",
                "block_id": "mood",
                "label": plain("Priority"),
                "optional": True,
                "element": {
                    "type": "static_select",
                    "action_id": "mood",
                    "options": [{"text": plain("High"), "value": "high"}],
                },
            },
        ],
    }


# --- Teams ------------------------------------------------------------------------------------


def card(*body: Json, actions: tuple[Json, ...] = ()) -> Json:
    """An Adaptive Card."""
    made: Json = {"type": "AdaptiveCard", "version": "1.5", "body": list(body)}
    return {**made, "actions": list(actions)} if actions else made


def text(words: str, **more: Any) -> Json:
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def execute(title: str, verb: str, **more: Any) -> Json:
    own = {"type": "Action.Execute", "id": verb, "title": title, "verb": verb}
    return {**own, "data": {"n": 1}, **more}


def confirmation_card() -> Json:
    """A confirmation as the Teams adapter draws it."""
    return card(
        text("Automatic message", size="Small", weight="Bolder", isSubtle=True),
        text("Add 2 seats?", style="heading", size="Medium", weight="Bolder"),
        {"type": "FactSet", "facts": [{"title": "Account", "value": "Initech"}]},
        {
            "type": "Container",
            "style": "emphasis",
            "items": [
                {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "*as is*"}]}
            ],
        },
        {
            "type": "ActionSet",
            "actions": [
                execute("Confirm", "confirm", style="positive"),
                {
                    "type": "Action.Submit",
                    "id": "change",
                    "title": "Change",
                    "data": {"msteams": {"type": "task/fetch"}, "form": "seats"},
                },
            ],
        },
    )


def seats_form(*errors: str, value: str = "") -> Json:
    """The answer that opens a dialog, or draws it again with errors."""
    told = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": e, "color": "Attention"}]}
        for e in errors
    ]
    field = {"type": "Input.Text", "id": "seats", "label": "How many seats", "isRequired": True}
    drawn = {**field, "errorMessage": "How many seats is needed.", "value": value}
    submit = {"type": "Action.Submit", "id": "submit", "title": "Save", "data": {"form": "seats"}}
    content = card(*told, drawn, actions=(submit,))
    value_part = {"title": "Change seats", "card": {"contentType": CARD_TYPE, "content": content}}
    return {"task": {"type": "continue", "value": value_part}}


def posts_card(town: Town, room: str, content: Json) -> str:
    """The bot posts a card in Teams; the message id."""
    attachment = {"contentType": CARD_TYPE, "content": content}
    activity = {"type": "message", "summary": "A card", "attachments": [attachment]}
    return str(town.teams.posts.send(room, activity)["id"])
