"""What one process does of the service."""

from enum import StrEnum


class Role(StrEnum):
    """What this process does of the service. Apart only on Postgres."""

    ALL = "all"
    INTAKE = "intake"  # the platforms' doors; sends what it commits itself; runs no turns
    WORKER = "worker"  # turns, timers, the reconciler, and what others left unsent

    @property
    def has_doors(self) -> bool:
        return self is not Role.WORKER

    @property
    def runs_turns(self) -> bool:
        return self is not Role.INTAKE
