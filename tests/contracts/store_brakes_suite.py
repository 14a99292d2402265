"""What every store does with brakes."""

from datetime import timedelta

from agent_core.brakes import Brake, BrakeScope
from agent_core.ports import Store
from tests.builders import NOON
from tests.contracts.store_suite import do

GLOBEX = Brake(
    scope=BrakeScope.ACCOUNT, target="globex", set_by="Lena", set_at=NOON, reason="audit"
)
ALL = Brake(scope=BrakeScope.ALL, target="", set_by="Lena", set_at=NOON)


class BrakeContract:
    """A handful of rows by scope and target."""

    async def test_what_is_set_is_read_until_it_is_released(self, store: Store) -> None:
        await do(store, lambda tx: (tx.brakes.set(GLOBEX), tx.brakes.set(ALL)))
        assert list(await do(store, lambda tx: tx.brakes.all())) == [GLOBEX, ALL]
        assert await do(store, lambda tx: tx.brakes.release(BrakeScope.ALL, ""))
        assert not await do(store, lambda tx: tx.brakes.release(BrakeScope.ALL, ""))
        assert list(await do(store, lambda tx: tx.brakes.all())) == [GLOBEX]

    async def test_set_again_it_is_replaced(self, store: Store) -> None:
        later = Brake(
            scope=GLOBEX.scope, target="globex", set_by="Rita", set_at=NOON + timedelta(hours=1)
        )
        await do(store, lambda tx: (tx.brakes.set(GLOBEX), tx.brakes.set(later)))
        assert list(await do(store, lambda tx: tx.brakes.all())) == [later]
