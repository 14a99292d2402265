"""A Receiver that keeps what it is given and answers what it is told to."""

from collections.abc import Callable
from typing import TypeVar

from agent_core.messages import InboundEvent
from agent_core.ports import Answer

T = TypeVar("T")


class RecordingReceiver:
    """Keeps every event. `failing`: raise instead, as when the database is away."""

    def __init__(self) -> None:
        self.events: list[InboundEvent] = []
        self.failing: Exception | None = None
        self.answer: Callable[[InboundEvent], Answer] = lambda _: Answer()

    async def receive(self, event: InboundEvent) -> Answer:
        if self.failing is not None:
            raise self.failing
        self.events.append(event)
        return self.answer(event)

    def of(self, kind: type[T]) -> list[T]:
        """The events of one kind, in the order they came."""
        return [event for event in self.events if isinstance(event, kind)]
