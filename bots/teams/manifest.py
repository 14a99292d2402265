"""The Teams app manifest: what the app asks for, and why."""

from typing import Final

from bots.teams.wire import Json

SCHEMA: Final = (
    "https://developer.microsoft.com/en-us/json-schemas/teams/v1.19/MicrosoftTeams.schema.json"
)
# Without these two, a bot hears only what mentions it. With them, a thread that the agent takes
# part in goes on without "@name" in every line, and so do replies in support threads; every other
# message arrives as well, and is dropped by the router before anything is stored of it.
CHANNEL_MESSAGES: Final = "ChannelMessage.Read.Group"
CHAT_MESSAGES: Final = "ChatMessage.Read.Chat"


def manifest(
    *,
    app_id: str,
    domain: str,
    name: str = "Handrail",
    developer: str = "Your company",
    website: str = "",
    version: str = "1.0.0",
    reads_all: bool = True,
) -> Json:
    """The content of manifest.json; it goes into a zip with two icons: color.png and outline.png.

    `domain`: where the service is reached, without https. `reads_all`: ask for the permissions to
    hear messages that do not mention the agent; an owner of the team or chat agrees to them when
    the app is added. After a change, people must update or add the app again.
    """
    site = website or f"https://{domain}"
    made: Json = {
        "$schema": SCHEMA,
        "manifestVersion": "1.19",
        "version": version,
        "id": app_id,
        "developer": {
            "name": developer,
            "websiteUrl": site,
            "privacyUrl": f"{site}/privacy",
            "termsOfUseUrl": f"{site}/terms",
        },
        "name": {"short": name[:30], "full": f"{name}: customer agent"[:100]},
        "description": {
            "short": "An AI agent that acts on accounts within guardrails.",
            "full": (
                "Ask for a change to an account in a chat or channel. An AI agent confirms what it"
                " is about to do, does it, shows a receipt, and hands over to a person when it"
                " should."
            ),
        },
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": "#FFFFFF",
        "bots": [
            {
                "botId": app_id,
                "scopes": ["personal", "team", "groupChat"],
                "supportsFiles": False,
                "isNotificationOnly": False,
            }
        ],
        "validDomains": [domain],
        "webApplicationInfo": {"id": app_id, "resource": f"api://{domain}/{app_id}"},
    }
    if reads_all:
        permissions = [
            {"name": n, "type": "Application"} for n in (CHANNEL_MESSAGES, CHAT_MESSAGES)
        ]
        made["authorization"] = {"permissions": {"resourceSpecific": permissions}}
    return made
