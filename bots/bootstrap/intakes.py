"""The way in: what takes a delivery, whichever platform brought it."""

from typing import Final

from agent_core.access import Access
from agent_core.conversation import Audience
from agent_core.different import Houses
from agent_core.intake import Intake, UnboundRooms
from agent_core.message_intake import MessageIntake
from agent_core.messages import Platform
from agent_core.overload import Overload
from agent_core.pausing import pausable
from agent_core.press_intake import PressIntake
from agent_core.room_intake import RoomIntake
from bots.bootstrap.parts import Parts
from bots.configuration import Configuration
from escalation.commands import Commands
from tools.catalog import Catalog

# A Slack channel that nobody linked may be shared with anybody; Teams lies in our own tenant.
UNBOUND: Final = {Platform.SLACK: Audience.SHARED, Platform.TEAMS: Audience.INTERNAL}


def intake_of(parts: Parts, configuration: Configuration, catalog: Catalog) -> Intake:
    """What takes every delivery, once each."""
    commands = Commands(
        desk=parts.desk, outbox=parts.delivery, decisions=parts.decisions, clock=parts.clock
    )
    return Intake(
        store=parts.store,
        commands=commands,
        accounts=parts.directory,
        words=MessageIntake(
            outbox=parts.delivery,
            engine=parts.engine,
            desk=parts.desk,
            commands=commands,
            decisions=parts.decisions,
            ids=parts.ids,
            overload=Overload(configuration.limits),
            houses=Houses(tenants=configuration.tenants),
            shares=parts.shares,
        ),
        presses=PressIntake(
            engine=parts.engine,
            desk=parts.desk,
            commands=commands,
            decisions=parts.decisions,
            access=Access(outbox=parts.delivery, desk=parts.desk, ids=parts.ids),
            houses=Houses(tenants=configuration.tenants),
        ),
        room_changes=RoomIntake(),
        unbound=UnboundRooms(audiences=UNBOUND, modes=configuration.room_modes),
        homes=configuration.tenants,
        actions=pausable(catalog.tools),
        clock=parts.clock,
        telemetry=parts.observer,
    )
