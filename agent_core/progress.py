"""A turn that takes long says so, with a button to stop it. Its last commit takes that down."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_core import notices
from agent_core.boundary import open_boundary
from agent_core.conversation import ConversationStatus
from agent_core.errors import StoreError, TurnLost
from agent_core.live_turn import LiveTurn, progress_row
from agent_core.outgoing import OutgoingRow
from agent_core.ports import UnitOfWork
from agent_core.services import Services

log = logging.getLogger(__name__)


@asynccontextmanager
async def shown(services: Services, live: LiveTurn) -> AsyncIterator[None]:
    """Shows progress while the body runs, if that takes longer than `limits.progress_seconds`."""
    sign = asyncio.get_running_loop().create_task(_show(services, live))
    try:
        yield
    finally:
        sign.cancel()


async def _show(services: Services, live: LiveTurn) -> None:
    await asyncio.sleep(services.limits.progress_seconds)
    live.shows_progress = True  # before the row: whoever closes the turn looks for it
    try:
        await services.store.run(lambda tx: _put_up(tx, services, live))
    except TurnLost:
        return
    except StoreError as error:
        log.warning("progress of turn %s not shown: %s", live.turn.id, type(error).__name__)


def _put_up(tx: UnitOfWork, services: Services, live: LiveTurn) -> None:
    """Bears the turn's epoch: held back as the agent's own words are, once a person took over."""
    boundary = open_boundary(tx, services, live, services.clock.now())
    conversation, turn = boundary.conversation, live.turn
    with_agent = conversation.status is ConversationStatus.WITH_AGENT
    if not with_agent or conversation.epoch != turn.epoch:
        return
    services.outbox.queue(
        tx,
        OutgoingRow(
            id=progress_row(live.turn),
            destination=conversation.destination,
            message=notices.working(conversation.id),
            created_at=boundary.at,
            conversation_id=conversation.id,
            epoch=turn.epoch,
        ),
    )
