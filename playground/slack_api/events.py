"""The shapes of what Slack sends to an app: event envelopes, clicks, forms and commands. Pure."""

import secrets
from typing import Any

from playground import people
from playground.slack_api.state import Channel, Json, OpenView

VENDOR_TEAM_ID = people.VENDOR_TEAM.team_id
BOT_MENTION = f"<@{people.SLACK_BOT_USER_ID}>"
_VERIFICATION_TOKEN = "playground-deprecated-token"
# In events a thread's bookkeeping is not shown; it belongs to the reading methods.
_NOT_IN_EVENTS = ("reply_count", "reply_users", "latest_reply", "reactions")


def envelope(
    event: Json, *, channel: Channel | None, author_team_id: str | None, event_time: int
) -> Json:
    """The envelope of an event, with a new event id.

    In a shared channel the outer `team_id` is the author's workspace, `authorizations` names ours,
    and `context_team_id` is missing on `app_mention`, as it was seen to be.
    """
    shared = channel is not None and channel.is_shared
    outer = author_team_id if shared and author_team_id else VENDOR_TEAM_ID
    body: Json = {
        "token": _VERIFICATION_TOKEN,
        "team_id": outer,
        "context_team_id": VENDOR_TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": people.SLACK_APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev0{secrets.token_hex(5).upper()}",
        "event_time": event_time,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": VENDOR_TEAM_ID,
                "user_id": people.SLACK_BOT_USER_ID,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{secrets.token_hex(20)}",
    }
    if outer != VENDOR_TEAM_ID and event["type"] == "app_mention":
        del body["context_team_id"]
        del body["context_enterprise_id"]
    return body


def message_posted(channel: Channel, message: Json) -> Json:
    """The `message` event of a new message. The author's workspace is in `team`."""
    return {
        **_shown(channel, message),
        "channel": channel.channel_id,
        "channel_type": _channel_type(channel),
        "event_ts": message["ts"],
    }


def mentioned(channel: Channel, message: Json) -> Json:
    """The `app_mention` event of the same message: `team` is ours, `user_team` the author's."""
    event = {
        **_shown(channel, message),
        "type": "app_mention",
        "channel": channel.channel_id,
        "event_ts": message["ts"],
    }
    event.pop("subtype", None)
    if channel.is_shared:
        event |= {
            "team": VENDOR_TEAM_ID,
            "user_team": message["team"],
            "source_team": message["team"],
        }
    return event


def message_changed(channel: Channel, message: Json, before: Json, event_ts: str) -> Json:
    """The event of an edit, ours or a person's, of an unfurl, or of a tombstone."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": _shown(channel, message),
        "previous_message": _shown(channel, before),
        "channel": channel.channel_id,
        "hidden": True,
        "ts": event_ts,
        "event_ts": event_ts,
        "channel_type": _channel_type(channel),
    }


def message_deleted(channel: Channel, before: Json, event_ts: str) -> Json:
    """The event of a deletion; `deleted_ts` names the message."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": _shown(channel, before),
        "channel": channel.channel_id,
        "hidden": True,
        "deleted_ts": before["ts"],
        "ts": event_ts,
        "event_ts": event_ts,
        "channel_type": _channel_type(channel),
    }


def reaction(
    kind: str, channel: Channel, message: Json, user_id: str, name: str, event_ts: str
) -> Json:
    """`reaction_added` or `reaction_removed`."""
    return {
        "type": kind,
        "user": user_id,
        "reaction": name,
        "item_user": message.get("user", ""),
        "item": {"type": "message", "channel": channel.channel_id, "ts": message["ts"]},
        "event_ts": event_ts,
    }


def membership(kind: str, channel: Channel, user_id: str, team_id: str, event_ts: str) -> Json:
    """`member_joined_channel` or `member_left_channel`."""
    return {
        "type": kind,
        "user": user_id,
        "channel": channel.channel_id,
        "channel_type": "C",
        "team": team_id,
        "event_ts": event_ts,
    }


def block_actions(
    person: people.SlackPerson, action: Json, *, trigger_id: str, state: Json
) -> Json:
    """What every click has. The team is that of the person, not of the message."""
    return {
        "type": "block_actions",
        "user": user_in_interaction(person),
        "api_app_id": people.SLACK_APP_ID,
        "token": _VERIFICATION_TOKEN,
        "trigger_id": trigger_id,
        "team": team_in_interaction(person),
        "enterprise": None,
        "is_enterprise_install": False,
        "state": {"values": state},
        "actions": [action],
    }


def clicked_in_message(
    channel: Channel, message: Json, *, is_ephemeral: bool, response_url: str
) -> Json:
    """What a click has more of when the button stands in a message."""
    container: Json = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.channel_id,
        "is_ephemeral": is_ephemeral,
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    extra: Json = {
        "container": container,
        "channel": {"id": channel.channel_id, "name": _name_in_interaction(channel)},
        "response_url": response_url,
    }
    if not is_ephemeral:
        extra["message"] = _shown(channel, message)
    return extra


def clicked_in_view(view: Json) -> Json:
    """What a click has more of when the button stands in a form."""
    return {"container": {"type": "view", "view_id": view["id"]}, "view": view}


def view_event(kind: str, person: people.SlackPerson, opened: OpenView, trigger_id: str) -> Json:
    """`view_submission` or `view_closed`; the answers are in `view.state.values`."""
    body: Json = {
        "type": kind,
        "team": team_in_interaction(person),
        "user": user_in_interaction(person),
        "api_app_id": people.SLACK_APP_ID,
        "token": _VERIFICATION_TOKEN,
        "view": opened.view,
        "enterprise": None,
        "is_enterprise_install": False,
    }
    if kind == "view_submission":
        return body | {"trigger_id": trigger_id, "response_urls": []}
    return body | {"is_cleared": False}


def slash_command(
    person: people.SlackPerson,
    channel: Channel,
    *,
    command: str,
    text: str,
    trigger_id: str,
    response_url: str,
) -> Json:
    """The form fields of a slash command."""
    team = team_in_interaction(person)
    return {
        "token": _VERIFICATION_TOKEN,
        "team_id": team["id"],
        "team_domain": team["domain"],
        "channel_id": channel.channel_id,
        "channel_name": _name_in_interaction(channel),
        "user_id": person.user_id,
        "user_name": person.key,
        "command": command,
        "text": text,
        "api_app_id": people.SLACK_APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def user_in_interaction(person: people.SlackPerson) -> Json:
    """A person as clicks and forms name them."""
    return {
        "id": person.user_id,
        "username": person.key,
        "name": person.key,
        "team_id": person.team_id,
    }


def team_in_interaction(person: people.SlackPerson) -> Json:
    """The workspace of the person who acts."""
    domains = {team.team_id: team.domain for team in people.SLACK_TEAMS}
    return {"id": person.team_id, "domain": domains[person.team_id]}


def url_verification(challenge: str) -> Json:
    """What Slack sends once when a request URL is configured."""
    return {"type": "url_verification", "token": _VERIFICATION_TOKEN, "challenge": challenge}


def _shown(channel: Channel, message: Json) -> Json:
    shown: dict[str, Any] = {k: v for k, v in message.items() if k not in _NOT_IN_EVENTS}
    if channel.is_shared and "files" in shown and message.get("team") != VENDOR_TEAM_ID:
        shown["files"] = [
            {"id": file["id"], "mode": "file_access", "file_access": "check_file_info"}
            for file in shown["files"]
        ]
    return shown


def _channel_type(channel: Channel) -> str:
    return "im" if channel.is_direct else "channel"


def _name_in_interaction(channel: Channel) -> str:
    return "directmessage" if channel.is_direct else channel.name
