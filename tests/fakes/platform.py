"""A chat platform in memory: what was posted where, and faults on demand."""

from collections import deque
from dataclasses import dataclass, field

from agent_core.errors import DestinationGone, PlatformError, PlatformUnavailable
from agent_core.messages import (
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Platform,
    Posted,
    ReplyAddress,
    ThreadRef,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message as the platform has it."""

    posted: Posted
    message: OutboundMessage
    outgoing_id: OutgoingId


@dataclass(slots=True)
class MemoryPlatform:
    """`ports.PlatformAdapter`. `faults` are raised, in order, instead of posting.

    A fault that may have been accepted posts first, and then raises.
    """

    platform: Platform
    can_look_up: bool = True
    can_look_up_private: bool = False
    posts: list[Post] = field(default_factory=list)
    faults: deque[PlatformError] = field(default_factory=deque)
    calls: int = 0

    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        self.calls += 1
        fault = self.faults.popleft() if self.faults else None
        accepted = fault is None
        if isinstance(fault, PlatformUnavailable):
            accepted = fault.maybe_accepted
        posted = self._posted(address)
        if accepted:
            self.posts.append(Post(posted=posted, message=message, outgoing_id=outgoing_id))
        if fault is not None:
            raise fault
        return posted

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None:
        for number, one in enumerate(self.posts):
            if one.posted.message == posted:
                self.posts[number] = Post(
                    posted=one.posted, message=message, outgoing_id=one.outgoing_id
                )

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        if self.faults:
            raise self.faults.popleft()
        left = [one for one in self.posts if one.posted.message != posted]
        if len(left) == len(self.posts):
            raise DestinationGone("there is no such post")
        self.posts = left
        return 0

    async def find(self, address: ReplyAddress, outgoing_id: OutgoingId) -> Posted | None:
        return next((p.posted for p in self.posts if p.outgoing_id == outgoing_id), None)

    async def close(self) -> None:
        """Nothing to close."""

    def texts(self, thread_id: str | None = None) -> list[str]:
        """The plain text of every post, of one thread or of all."""
        return [
            one.message.fallback
            for one in self.posts
            if thread_id is None or one.posted.thread.thread_id == thread_id
        ]

    def _posted(self, address: ReplyAddress) -> Posted:
        number = f"posted-{self.calls}"
        thread_id = number if address.thread_id is None else address.thread_id
        return Posted(
            message=MessageRef(room=address.room, message_id=number),
            thread=ThreadRef(room=address.room, thread_id=thread_id),
            address=ReplyAddress(room=address.room, thread_id=thread_id, delivery=address.delivery),
        )
