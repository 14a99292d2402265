"""The app's manifest: what Slack must be told about scopes, events and addresses."""

from typing import Any, Final

import yaml

COMMAND: Final = "/handrail"
BOT_SCOPES: Final = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "metadata.message:read",
    "mpim:history",
    "mpim:read",
    "team:read",
    "users:read",
)
BOT_EVENTS: Final = (
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_deleted",
    "channel_id_changed",
    "channel_left",
    "channel_shared",
    "channel_unshared",
    "group_archive",
    "group_deleted",
    "group_left",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "tokens_revoked",
)


def manifest(base_url: str | None, *, name: str = "Handrail") -> dict[str, Any]:
    """The manifest as Slack takes it. `base_url` None: Socket Mode, no public address."""
    events_url = f"{base_url.rstrip('/')}/slack/events" if base_url else None
    address = {"request_url": events_url} if events_url else {}
    command = {
        "command": COMMAND,
        "description": "Ask the AI agent, or a person",
        "usage_hint": "help | status",
        "should_escape": True,
    }
    oauth: dict[str, Any] = {"scopes": {"bot": list(BOT_SCOPES)}}
    if base_url:
        oauth["redirect_urls"] = [f"{base_url.rstrip('/')}/slack/oauth_redirect"]
    return {
        "display_information": {
            "name": name,
            "description": "An AI agent that acts on your account within guardrails.",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [command | ({"url": events_url} if events_url else {})],
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": {**address, "bot_events": list(BOT_EVENTS)},
            "interactivity": {
                "is_enabled": True,
                **address,
                **({"message_menu_options_url": events_url} if events_url else {}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": base_url is None,
            "token_rotation_enabled": False,
        },
    }


def manifest_yaml(base_url: str | None, *, name: str = "Handrail") -> str:
    """The same, as YAML to paste into Slack's form."""
    return yaml.safe_dump(manifest(base_url, name=name), sort_keys=False, allow_unicode=True)
