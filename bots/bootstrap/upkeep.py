"""What runs beside the requests: the timers, and the erasing of departed workspaces."""

from agent_core.chasing import Chasing
from agent_core.compacting import Compacting
from agent_core.deadlines import Deadlines
from agent_core.departures import Departures
from agent_core.forget import Forgetting
from agent_core.limits import Limits
from agent_core.messages import Platform, RoomRef
from agent_core.ports import ChatModel, PostRemover
from bots.bootstrap.parts import Parts
from bots.configuration import Configuration
from bots.slack.adapter import SlackChannel
from bots.teams.adapter import TeamsChannel
from bots.timers import Timers
from escalation.brief import Briefing, Reminders
from escalation.crowd import Crowd


def timers_of(parts: Parts, model: ChatModel, limits: Limits) -> Timers:
    """What falls due beside the requests."""
    crowd = Crowd()
    return Timers(
        briefing=Briefing(
            store=parts.store,
            desk=parts.desk,
            accounts=parts.directory,
            clock=parts.clock,
            crowd=crowd,
        ),
        reminders=Reminders(store=parts.store, desk=parts.desk, clock=parts.clock, crowd=crowd),
        deadlines=Deadlines(store=parts.store, decisions=parts.decisions, clock=parts.clock),
        chasing=Chasing(
            store=parts.store,
            outbox=parts.delivery,
            desk=parts.desk,
            decisions=parts.decisions,
            clock=parts.clock,
            limits=limits,
        ),
        compacting=Compacting(store=parts.store, model=model, clock=parts.clock, limits=limits),
    )


def departures_of(
    parts: Parts,
    configuration: Configuration,
    support_room: RoomRef,
    slack: SlackChannel | None,
    teams: TeamsChannel | None,
) -> Departures:
    """What erases uninstalled workspaces, and takes our posts about them back in the others."""
    removers: dict[Platform, PostRemover] = {}
    if slack is not None:
        removers[Platform.SLACK] = slack.sender
    if teams is not None:
        removers[Platform.TEAMS] = teams.sender

    async def installed(place: RoomRef) -> bool:
        return slack is not None and await slack.installed(place.tenant_id)

    named = frozenset(one for ids in configuration.tenants.values() for one in ids)
    return Departures(
        parts.store,
        forgetting=Forgetting(parts.store, removers=removers, clock=parts.clock),
        clock=parts.clock,
        days=configuration.retention.workspaces,
        own=named | {support_room.tenant_id},
        installed=installed,
    )
