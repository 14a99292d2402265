"""A chat platform: its way out, its way in, and what is owed inside a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agent_core.blocks import Choice, Form
from agent_core.messages import (
    InboundEvent,
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Platform,
    Posted,
    ReplyAddress,
)


class PlatformAdapter(Protocol):
    """A chat platform's way out. Raises PlatformError by family.

    `can_look_up`: whether `find` can tell if an ambiguous post arrived; `can_look_up_private`: also
    of one that a single person sees, which is in no chat platform's history.
    """

    @property
    def platform(self) -> Platform: ...
    @property
    def can_look_up(self) -> bool: ...
    @property
    def can_look_up_private(self) -> bool: ...
    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        """`outgoing_id` travels with the post, so that `find` can find it."""
        ...

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None: ...
    async def find(self, address: ReplyAddress, outgoing_id: OutgoingId) -> Posted | None: ...
    async def close(self) -> None: ...


class PostRemover(Protocol):
    """A platform on which our own posts can be deleted. Raises PlatformError by family."""

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        """How many parts of it could not be reached and are still there.

        Raises DestinationGone where it is not there any more.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is owed inside the request. Built from stored state, with no model and no queue.

    `notice`: a sentence for the one who acted, in private. `form`: to be opened now.
    `form_errors`: by input id; the form stays open. `card`: how the pressed card looks now.
    `options`: for a picker. All empty: a bare acknowledgement.
    """

    notice: str = ""
    form: Form | None = None
    form_errors: Mapping[str, str] = field(default_factory=dict)
    card: OutboundMessage | None = None
    options: tuple[Choice, ...] = ()


class Receiver(Protocol):
    """The way in: what each adapter's webhook calls once a delivery is verified and parsed."""

    async def receive(self, event: InboundEvent) -> Answer:
        """Returns once the event is committed. Idempotent by the event's own identity."""
        ...
