"""`handrail link`, `unlink` and `rooms`: what each channel or chat is to us."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_room
from agent_core.conversation import Audience, RoomBinding, RoomMode
from agent_core.errors import ConfigurationError, PlatformError
from agent_core.ids import SystemIds
from agent_core.messages import Platform, PlatformIdentity, RoomRef
from agent_core.people import AccountId, Role
from agent_core.ports import UnitOfWork
from bots.commands import people_changes
from bots.commands.opening import account_state, opened_accounts, opened_store
from bots.commands.people_changes import PersonChange
from bots.commands.running import Refused, run, show_json
from bots.configuration import Configuration, load_configuration, person_address
from bots.setting_values import room_address
from bots.settings import Settings

if TYPE_CHECKING:
    from bots.slack.identity import RoomDetails

_ROOM = "slack:TEAM/CHANNEL or teams:TENANT/CONVERSATION"
RoomAddress = Annotated[str, typer.Argument(metavar="ROOM", help=_ROOM, show_default=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What `link` was told, checked as far as words go."""

    room: RoomRef
    account: str
    mode: RoomMode | None
    audience: Audience
    owners: tuple[PlatformIdentity, ...]
    support: bool


def link(
    room: RoomAddress,
    account: Annotated[
        str, typer.Argument(help="The account; left out for --support and internal rooms.")
    ] = "",
    mode: Annotated[RoomMode | None, typer.Option(help="When the agent speaks there.")] = None,
    audience: Annotated[Audience | None, typer.Option(help="Who reads along.")] = None,
    owner: Annotated[
        list[str] | None, typer.Option(metavar="PERSON", help="An owner of the account.")
    ] = None,
    support: Annotated[bool, typer.Option("--support", help="Cases are posted there.")] = False,
    check: Annotated[bool, typer.Option(help="Ask Slack whether the channel is there.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the room as JSON.")] = False,
) -> None:
    """Bind a room to an account: from then on it is about that account alone."""

    async def work() -> tuple[RoomBinding, "RoomDetails | None"]:
        settings = Settings.load()
        configuration = load_configuration(settings.configuration_folder)
        order = _order(room, account, mode, audience, owner or [], support=support)
        if order.account:
            async with opened_accounts(settings) as accounts:
                await account_state(accounts, order.account)
        details = await _described(settings, order) if check else None
        binding = _binding(order, configuration, details.name if details else "")
        async with opened_store(settings) as store:
            await store.run(lambda tx: _write(tx, binding, order))
        return binding, details

    binding, details = run(work())
    teams = list(details.connected_teams) if details else []
    if json:
        show_json({**as_json(binding), "connected_teams": teams})
        return
    typer.echo(sentence(binding))
    if teams:
        typer.echo(f"Connected workspaces: {', '.join(teams)}")


def unlink(room: RoomAddress) -> None:
    """Forget what a room is. Conversations that began there keep their account."""

    async def work() -> RoomBinding:
        settings = Settings.load()
        ref = _room(room, [])
        async with opened_store(settings) as store:
            return await store.run(lambda tx: _removed(tx, ref))

    typer.echo(f"Not linked any more: {run(work()).room}")


def rooms(
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """All rooms that are linked."""

    async def work() -> list[RoomBinding]:
        async with opened_store(Settings.load()) as store:
            return await store.run(lambda tx: list(tx.rooms.all()))

    known = run(work())
    if json:
        show_json([as_json(each) for each in known])
        return
    for each in known:
        typer.echo(sentence(each))
    if not known:
        typer.echo("No room is linked yet: handrail link ROOM ACCOUNT")


# --- inner -----------------------------------------------------------------------------------


def _room(address: str, mistakes: list[str]) -> RoomRef:
    try:
        return room_address(address)
    except ValueError as problem:
        raise ConfigurationError([f"ROOM {problem}", *mistakes]) from None


def _order(
    room: str,
    account: str,
    mode: RoomMode | None,
    audience: Audience | None,
    owners: list[str],
    *,
    support: bool,
) -> _Order:
    mistakes = []
    if audience is None:
        audience = Audience.INTERNAL if support else Audience.SHARED
    if support and (account or owners):
        mistakes.append("The support room belongs to no account: leave out ACCOUNT and --owner.")
    elif support and audience is not Audience.INTERNAL:
        mistakes.append("The support room is for your own people: leave out --audience.")
    elif not account and audience is not Audience.INTERNAL:
        mistakes.append("ACCOUNT is missing: only support and internal rooms go without one.")
    elif not account and owners:
        mistakes.append("--owner needs ACCOUNT.")
    identities = []
    for each in owners:
        try:
            identities.append(person_address(each))
        except ValueError as problem:
            mistakes.append(f"--owner {problem}")
    ref = _room(room, mistakes)
    if mistakes:
        raise ConfigurationError(mistakes)
    return _Order(
        room=ref,
        account=account,
        mode=mode,
        audience=audience,
        owners=tuple(identities),
        support=support,
    )


async def _described(settings: Settings, order: _Order) -> "RoomDetails | None":
    """What Slack says of the channel; None where it cannot be asked. Raises Refused."""
    slack = settings.slack
    if order.room.platform is not Platform.SLACK or slack is None or slack.bot_token is None:
        return None
    from bots.slack.check import SlackCheck  # brings Slack's SDK: loaded when it is needed

    try:
        async with SlackCheck(slack.bot_token.get_secret_value(), url=slack.api_url) as slack_check:
            team = (await slack_check.workspace()).team_id
            if team != order.room.tenant_id:
                raise Refused(
                    f"SLACK_BOT_TOKEN belongs to the workspace {team}: write the room as "
                    f"slack:{team}/{order.room.room_id}, also where the channel is shared."
                )
            details = await slack_check.room(order.room.room_id)
    except PlatformError as problem:
        raise Refused(
            f"Slack cannot show {order.room.room_id} ({problem}): invite the app to the channel "
            "and copy the channel's id from its details. To link it unseen: --no-check"
        ) from None
    if details.is_archived:
        raise Refused(f"#{details.name} is archived.")
    if details.is_externally_shared and order.audience is not Audience.SHARED:
        raise Refused(
            f"#{details.name} is shared with {', '.join(details.connected_teams)}: "
            "a channel that others read is linked as --audience shared only."
        )
    return details


def _binding(order: _Order, configuration: Configuration, name: str) -> RoomBinding:
    return RoomBinding(
        room=order.room,
        audience=order.audience,
        account_id=AccountId(order.account) if order.account else None,
        mode=order.mode or configuration.room_modes[order.audience],
        is_support=order.support,
        name=name,
    )


def _write(tx: UnitOfWork, binding: RoomBinding, order: _Order) -> None:
    known = tx.rooms.get(binding.room)
    if known is not None and (known.account_id, known.is_support) != (
        binding.account_id,
        binding.is_support,
    ):
        raise Refused(
            f"{sentence(known)} To give it to another: handrail unlink {known.room}, then link it."
        )
    now = datetime.now(UTC)
    if known != binding:
        tx.rooms.put(binding)
        note_room(tx, binding, AuditKind.ROOM_LINKED, now)
    for identity in order.owners:
        roles = {AccountId(order.account): Role.OWNER}
        people_changes.apply(tx, PersonChange(identity=identity, roles=roles), SystemIds(), now)


def _removed(tx: UnitOfWork, room: RoomRef) -> RoomBinding:
    known = tx.rooms.get(room)
    if known is None:
        raise Refused(f"{room} is not linked. See: handrail rooms")
    tx.rooms.remove(room)
    note_room(tx, known, AuditKind.ROOM_UNLINKED, datetime.now(UTC))
    return known


def as_json(binding: RoomBinding) -> dict[str, object]:
    """The stable form for scripts."""
    return {
        "room": str(binding.room),
        "name": binding.name,
        "account": binding.account_id,
        "audience": binding.audience.value,
        "mode": binding.mode.value,
        "support": binding.is_support,
    }


def sentence(binding: RoomBinding) -> str:
    """What the room is, in one line."""
    what = "the support room" if binding.is_support else "an internal room"
    if binding.account_id:
        what = f"linked to {binding.account_id}"
    name = f" (#{binding.name})" if binding.name else ""
    return f"{binding.room}{name} is {what}: {binding.audience}, mode {binding.mode}."
