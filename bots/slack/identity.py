"""Who and where in Slack's ids: one codec, the author's home team, and cached names."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from slack_sdk.web.async_client import AsyncWebClient

from agent_core.errors import DestinationGone, NotPermitted, PlatformError
from agent_core.messages import (
    UNKNOWN_TENANT,
    MessageRef,
    Platform,
    PlatformIdentity,
    RoomRef,
    ThreadRef,
)
from bots.slack import limits
from bots.slack.errors import translated
from bots.slack.shapes import Json, table, text

_CACHED_PEOPLE = 10_000
_CACHED_SECONDS = 3_600.0
_REFUSED_SECONDS = 60.0  # somebody Slack will not describe is not asked for on every message


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One installation of the app: whose token it is and who the agent is there."""

    team_id: str
    bot_token: str = field(repr=False)
    bot_user_id: str
    bot_id: str = ""
    app_id: str = ""
    enterprise_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """What `users.info` says. `home_team` is "" where it does not say.

    `is_guest`: a single- or multi-channel guest of that team.
    """

    name: str
    home_team: str
    is_guest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was looked up for one payload, by Slack's ids."""

    people: Mapping[str, KnownPerson] = field(default_factory=dict)
    files: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomDetails:
    """A channel as Slack describes it. `connected_teams` has every workspace in it, ours too."""

    name: str
    is_direct: bool
    is_archived: bool
    is_externally_shared: bool
    connected_teams: tuple[str, ...]


def room_ref(team_id: str, channel_id: str) -> RoomRef:
    return RoomRef(platform=Platform.SLACK, tenant_id=team_id, room_id=channel_id)


def thread_ref(room: RoomRef, ts: str) -> ThreadRef:
    return ThreadRef(room=room, thread_id=ts)


def message_ref(room: RoomRef, ts: str) -> MessageRef:
    return MessageRef(room=room, message_id=ts)


def person_ref(home_team: str, user_id: str) -> PlatformIdentity:
    return PlatformIdentity(
        platform=Platform.SLACK, tenant_id=home_team or UNKNOWN_TENANT, user_id=user_id
    )


def home_team(payload: Json, message: Json, workspace: Workspace) -> str:
    """The author's own workspace; "" where the payload does not say and Slack must be asked.

    `message` is the event, or the message inside an edit. On `app_mention` `team` is ours and the
    author is in `user_team`; on `message` it is in `team`. An organisation's id (E…) stands for a
    workspace only where the envelope names both.
    """
    named = text(message, "user_team") or text(message, "source_team")
    if not named and text(payload, "event", "type") != "app_mention":
        named = text(message, "team")
    if named.startswith("E"):
        pairs = (("enterprise_id", "team_id"), ("context_enterprise_id", "context_team_id"))
        for enterprise, team in pairs:
            if named == text(payload, enterprise) and text(payload, team).startswith("T"):
                return text(payload, team)
        return ""
    if named:
        return named
    return "" if payload.get("is_ext_shared_channel") else workspace.team_id


class Directory:
    """Names, homes and files from the Web API. People are cached, the oldest forgotten first."""

    def __init__(
        self,
        *,
        cached_people: int = _CACHED_PEOPLE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people: OrderedDict[tuple[str, str], tuple[float, KnownPerson | None]] = OrderedDict()
        self._limit = cached_people
        self._now = now

    async def look_up(
        self,
        client: AsyncWebClient,
        workspace: Workspace,
        *,
        named: Iterable[str],
        homeless: Iterable[str],
        files: Iterable[str],
    ) -> Known:
        """People to name, people whose home must be known, and files to describe.

        A name or a file that cannot be had is left out. Raises PlatformError only where a home
        cannot be learned now but may be later.
        """
        must = set(homeless)
        users = list(dict.fromkeys([*must, *named]))
        people = {user: self._cached(workspace, user) for user in users}
        missing = [user for user, (fresh, _) in people.items() if not fresh]
        wanted = list(dict.fromkeys(files))
        described: dict[str, Json | None] = {}
        if missing or wanted:
            found = await asyncio.gather(
                *(self._person(client, workspace, user, must=user in must) for user in missing),
                *(_file(client, file_id) for file_id in wanted),
            )
            for user, person in zip(missing, found, strict=False):
                people[user] = (True, person if isinstance(person, KnownPerson) else None)
            for file_id, file in zip(wanted, found[len(missing) :], strict=True):
                described[file_id] = file if isinstance(file, Mapping) else None
        return Known(
            people={user: person for user, (_, person) in people.items() if person is not None},
            files={file_id: file for file_id, file in described.items() if file is not None},
        )

    def _cached(self, workspace: Workspace, user_id: str) -> tuple[bool, KnownPerson | None]:
        """Whether what is held is fresh, and what is held."""
        key = (workspace.team_id, user_id)
        if key not in self._people:
            return False, None
        self._people.move_to_end(key)
        until, person = self._people[key]
        return self._now() < until, person

    async def _person(
        self, client: AsyncWebClient, workspace: Workspace, user_id: str, *, must: bool
    ) -> KnownPerson | None:
        key = (workspace.team_id, user_id)
        try:
            async with translated("users.info", limits.LOOKUP_SECONDS):
                answer = await client.users_info(user=user_id)
        except (DestinationGone, NotPermitted):
            self._keep(key, None, _REFUSED_SECONDS)
            return None
        except PlatformError:
            if must:
                raise
            return self._cached(workspace, user_id)[1]
        body = answer.data if isinstance(answer.data, dict) else {}
        person = known_person(table(body, "user"))
        self._keep(key, person, _CACHED_SECONDS)
        return person

    def _keep(self, key: tuple[str, str], person: KnownPerson | None, seconds: float) -> None:
        self._people[key] = (self._now() + seconds, person)
        self._people.move_to_end(key)
        while len(self._people) > self._limit:
            self._people.popitem(last=False)


_GUEST_MARKS = ("is_restricted", "is_ultra_restricted")


def is_guest(
    person: KnownPerson | None, home: str, workspace: Workspace, profile: Json | None = None
) -> bool:
    """Whether somebody counts as a guest of their home.

    Where Slack would not describe them, what the message says of them counts. Where that says
    nothing either, whoever writes from our own workspace counts as one: a guest of it must not
    pass for a colleague because a lookup failed.
    """
    if person is not None:
        return person.is_guest
    said = profile or {}
    if any(isinstance(said.get(mark), bool) for mark in _GUEST_MARKS):
        return any(said.get(mark) is True for mark in _GUEST_MARKS)
    return home == workspace.team_id


def known_person(found: Json) -> KnownPerson:
    """The full name and the home team of a `users.info` answer."""
    profile = table(found, "profile")
    # The full name: a case summary is read by people who know nobody's nickname.
    name = text(profile, "real_name") or text(found, "real_name") or text(profile, "display_name")
    team = text(found, "team_id")
    return KnownPerson(
        name=name or text(found, "name"),
        home_team="" if team.startswith("E") else team,
        is_guest=any(found.get(mark) is True for mark in _GUEST_MARKS),
    )


async def describe_room(client: AsyncWebClient, channel_id: str) -> RoomDetails:
    """`conversations.info`, for linking a room to an account. Raises PlatformError."""
    async with translated("conversations.info"):
        answer = await client.conversations_info(channel=channel_id)
    channel = table(answer.data, "channel") if isinstance(answer.data, dict) else {}
    teams: list[str] = []
    for name in ("connected_team_ids", "shared_team_ids", "internal_team_ids"):
        listed = channel.get(name)
        teams += [t for t in listed if isinstance(t, str)] if isinstance(listed, list) else []
    return RoomDetails(
        name=text(channel, "name"),
        is_direct=bool(channel.get("is_im")),
        is_archived=bool(channel.get("is_archived")),
        is_externally_shared=bool(channel.get("is_ext_shared")),
        connected_teams=tuple(dict.fromkeys(teams)),
    )


async def _file(client: AsyncWebClient, file_id: str) -> Json | None:
    try:
        async with translated("files.info", limits.LOOKUP_SECONDS):
            answer = await client.files_info(file=file_id)
    except PlatformError:
        return None
    return table(answer.data, "file") if isinstance(answer.data, dict) else None
