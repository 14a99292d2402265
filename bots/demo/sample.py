"""The sample company's rooms and its customers' people, as the service is to know them. Pure."""

from agent_core.conversation import Audience, RoomBinding, RoomMode
from agent_core.messages import Platform, PlatformIdentity, RoomRef
from agent_core.people import AccountId, Role
from bots.commands.people_changes import PersonChange
from bots.demo.options import Support
from playground import people


def rooms(support: Support) -> tuple[RoomBinding, ...]:
    """Customers' channels to their accounts, all others internal, one of them support's.

    The direct chat is left out: a private chat needs no link.
    """
    channels = (
        _binding(
            RoomRef(
                platform=Platform.SLACK,
                tenant_id=people.VENDOR_TEAM.team_id,
                room_id=room.channel_id,
            ),
            room.name,
            room.account_id,
            is_support=support is Support.SLACK and room is people.SUPPORT_ROOM,
        )
        for room in people.SLACK_ROOMS
    )
    chats = (
        _binding(
            RoomRef(
                platform=Platform.TEAMS,
                tenant_id=people.TEAMS_TENANT_ID,
                room_id=room.conversation_id,
            ),
            room.name,
            None,
            is_support=support is Support.TEAMS and room is people.TEAMS_SUPPORT_CHANNEL,
        )
        for room in people.TEAMS_ROOMS
        if room.kind is not people.TeamsRoomKind.PERSONAL
    )
    return (*channels, *chats)


def _binding(room: RoomRef, name: str, account: str | None, *, is_support: bool) -> RoomBinding:
    return RoomBinding(
        room=room,
        audience=Audience.SHARED if account else Audience.INTERNAL,
        account_id=AccountId(account) if account else None,
        mode=RoomMode.MENTION,
        is_support=is_support,
        name=name,
    )


def customers() -> tuple[PersonChange, ...]:
    """Everybody of a customer's workspace with their role; the agency's stay unknown."""
    accounts = {team.team_id: team.account_id for team in people.SLACK_TEAMS if team.account_id}
    return tuple(
        PersonChange(
            identity=PlatformIdentity(
                platform=Platform.SLACK, tenant_id=person.team_id, user_id=person.user_id
            ),
            name=person.name,
            roles={AccountId(accounts[person.team_id]): Role(person.part.value)},
        )
        for person in people.SLACK_PEOPLE
        if person.team_id in accounts
    )
