"""How Slack describes channels and people to an app; those of other workspaces are reduced."""

from playground import people
from playground.slack_api.state import Channel, Json


def channel(found: Channel) -> Json:
    """`channel` of conversations.info."""
    if found.is_direct:
        other = next(m for m in found.member_ids if m != people.SLACK_BOT_USER_ID)
        return {"id": found.channel_id, "is_im": True, "user": other, "is_archived": False}
    others = [t for t in found.connected_team_ids if t != people.VENDOR_TEAM.team_id]
    return {
        "id": found.channel_id,
        "name": found.name,
        "name_normalized": found.name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_archived": found.is_archived,
        "is_general": False,
        "is_shared": found.is_shared,
        "is_ext_shared": found.is_shared,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "is_member": people.SLACK_BOT_USER_ID in found.member_ids,
        "context_team_id": people.VENDOR_TEAM.team_id,
        "conversation_host_id": people.VENDOR_TEAM.team_id,
        "shared_team_ids": list(found.connected_team_ids),
        "internal_team_ids": [people.VENDOR_TEAM.team_id],
        "connected_team_ids": others,
        "topic": {"value": found.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(found.member_ids),
    }


def person(found: people.SlackPerson) -> Json:
    """`user` of users.info: with the email only for the vendor's own people.

    `is_stranger` is false for everyone here, as external people share a channel with the app.
    """
    ours = found.team_id == people.VENDOR_TEAM.team_id
    profile: Json = {
        "real_name": found.name,
        "display_name": found.name.split()[0],
        "team": found.team_id,
        "avatar_hash": "",
    }
    if ours:
        profile |= {"email": found.email, "title": found.title}
    user: Json = {
        "id": found.user_id,
        "team_id": found.team_id,
        "name": found.key,
        "real_name": found.name,
        "deleted": False,
        "is_bot": False,
        "is_app_user": False,
        "profile": profile,
    }
    if not ours:
        return user | {"is_stranger": False, "who_can_share_contact_card": "NO_ONE"}
    return user | {"tz": "Europe/London", "is_admin": False, "is_restricted": False}


def bot() -> Json:
    """`user` of users.info for the app's own bot."""
    return {
        "id": people.SLACK_BOT_USER_ID,
        "team_id": people.VENDOR_TEAM.team_id,
        "name": "acme_assistant",
        "real_name": people.SLACK_BOT_NAME,
        "deleted": False,
        "is_bot": True,
        "profile": {
            "api_app_id": people.SLACK_APP_ID,
            "bot_id": people.SLACK_BOT_ID,
            "real_name": people.SLACK_BOT_NAME,
            "team": people.VENDOR_TEAM.team_id,
        },
    }
