"""Brakes in SQL."""

from collections.abc import Sequence

import sqlalchemy as sa

from agent_core.brakes import Brake, BrakeScope
from agent_core.store.rows import BRAKES
from agent_core.store.sql import Sql, given

_BRAKES = BRAKES.table
_ALL = BRAKES.select().order_by(_BRAKES.c.scope, _BRAKES.c.target)
_RELEASE = sa.delete(_BRAKES).where(
    _BRAKES.c.scope == given("scope"), _BRAKES.c.target == given("target")
)


class SqlBrakes:
    """`ports.Brakes`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def all(self) -> Sequence[Brake]:
        return [BRAKES.from_row(row) for row in self._sql.all(_ALL)]

    def set(self, brake: Brake) -> None:
        self._sql.put(_BRAKES, BRAKES.to_row(brake), BRAKES.names[2:])

    def release(self, scope: BrakeScope, target: str) -> bool:
        params = {"b_scope": scope.value, "b_target": target}
        return self._sql.change(_RELEASE, params) > 0
