"""`python -m bots.demo.prepare`: tables, sample accounts, rooms and people, once."""

import asyncio
from datetime import UTC, datetime

from agent_core.ids import SystemIds
from agent_core.ports import UnitOfWork
from bots import bootstrap
from bots.commands import people_changes
from bots.demo import sample
from bots.demo.options import Support
from bots.settings import Settings
from tools.accounts.seed import seed


async def prepare(settings: Settings, support: Support) -> None:
    """Makes what is missing; on data that was kept, what is there stays as it is."""
    await asyncio.gather(_fill_store(settings, support), _fill_accounts(settings))


async def _fill_store(settings: Settings, support: Support) -> None:
    await asyncio.to_thread(bootstrap.migrate, settings)
    store = bootstrap.open_store(settings)
    try:
        await store.run(lambda tx: _furnish(tx, support))
    finally:
        await store.close()


def _furnish(tx: UnitOfWork, support: Support) -> None:
    for room in sample.rooms(support):
        tx.rooms.put(room)
    for person in sample.customers():
        people_changes.apply(tx, person, SystemIds(), datetime.now(UTC))


async def _fill_accounts(settings: Settings) -> None:
    accounts = bootstrap.open_accounts(settings)
    try:
        await accounts.prepare()
        await seed(accounts, accounts.payments, datetime.now(UTC))
    finally:
        await accounts.close()


def main() -> None:
    """Prepares what the environment names."""
    settings = Settings.load()
    room = settings.support_room
    support = Support(room.platform.value) if room else Support.SLACK
    asyncio.run(prepare(settings, support))


if __name__ == "__main__":
    main()
