"""What happens to channels themselves: people and the app come and go, sharing ends, archiving."""

from playground import people
from playground.slack_api import events
from playground.slack_api.state import Channel, Json, SlackRefusal
from playground.slack_api.workspace import Workspace


class Rooms:
    """Changes a channel and tells the app of it as Slack does."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._state = workspace.state

    def join(self, user_id: str, channel_id: str) -> None:
        """A person, or the app itself, is added; their workspace gets connected by that."""
        channel = self._state.channel(channel_id)
        team_id = self._team_of(user_id)
        if user_id in channel.member_ids:
            raise SlackRefusal("already_in_channel")
        channel.member_ids.append(user_id)
        if team_id not in channel.connected_team_ids:
            channel.connected_team_ids.append(team_id)
        self._tell(channel, self._membership("member_joined_channel", channel, user_id), team_id)

    def leave(self, user_id: str, channel_id: str) -> None:
        """A person leaves; or the app is removed, which it hears as `channel_left`."""
        channel = self._state.channel(channel_id)
        team_id = self._team_of(user_id)
        if user_id not in channel.member_ids:
            raise SlackRefusal("not_in_channel")
        channel.member_ids.remove(user_id)
        event = self._membership("member_left_channel", channel, user_id)
        if user_id == people.SLACK_BOT_USER_ID:
            event = {
                "type": "channel_left",
                "channel": channel_id,
                "actor_id": people.COLLEAGUE.user_id,
                "event_ts": self._state.next_ts(),
            }
        self._tell(channel, event, team_id)

    def unshare(self, channel_id: str, team_id: str) -> None:
        """Another workspace is disconnected, and its people with it."""
        channel = self._state.channel(channel_id)
        if team_id == people.VENDOR_TEAM.team_id or team_id not in channel.connected_team_ids:
            raise SlackRefusal("team_not_connected")
        channel.connected_team_ids.remove(team_id)
        channel.member_ids = [m for m in channel.member_ids if self._team_of(m) != team_id]
        event: Json = {
            "type": "channel_unshared",
            "previously_connected_team_id": team_id,
            "channel": channel_id,
            "is_ext_shared": channel.is_shared,
            "event_ts": self._state.next_ts(),
        }
        self._tell(channel, event, None)

    def archive(self, channel_id: str, user_id: str) -> None:
        """A member archives a channel: nobody can write there any more (`is_archived`)."""
        channel = self._state.channel_of_member(channel_id, user_id)
        channel.is_archived = True
        event: Json = {
            "type": "channel_archive",
            "channel": channel_id,
            "user": user_id,
            "event_ts": self._state.next_ts(),
        }
        self._tell(channel, event, None)

    def _tell(self, channel: Channel, event: Json, team_id: str | None) -> None:
        self._workspace.feed.publish(
            "channel_changed",
            channel_id=channel.channel_id,
            members=list(channel.member_ids),
            connected_team_ids=list(channel.connected_team_ids),
            is_archived=channel.is_archived,
        )
        self._workspace.emit(event, channel=channel, author_team_id=team_id)

    def _team_of(self, user_id: str) -> str:
        if user_id == people.SLACK_BOT_USER_ID:
            return people.VENDOR_TEAM.team_id
        return self._state.person(user_id).team_id

    def _membership(self, kind: str, channel: Channel, user_id: str) -> Json:
        return events.membership(
            kind, channel, user_id, self._team_of(user_id), self._state.next_ts()
        )
