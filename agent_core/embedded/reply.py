"""What a call on an embedded agent gives back: words, cards, proposals and receipts."""

from dataclasses import dataclass
from typing import Final

from agent_core.blocks import Buttons, Receipt, Text
from agent_core.conversation import ConversationStatus
from agent_core.embedded.room import Message
from agent_core.messages import Author, OutboundMessage
from agent_core.proposals import Proposal

DISCLOSURE: Final = (
    "You are writing with an AI agent, not with a person. You can ask for a person at any time."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of one call, and how the conversation stands now.

    `messages`: everything that appeared in the conversation, in order, each exactly once.
    `pressed`: the card of the proposal that was decided, as it looks now. `notice`: a sentence for
    the one who decided alone, such as why their yes does not count; "" where it did.
    `proposals`: those that are open now, and the one that was decided. `status` says who has the
    conversation: while it is not `with_agent`, the agent answers nothing.
    """

    conversation: str
    status: ConversationStatus
    messages: tuple[Message, ...]
    proposals: tuple[Proposal, ...]
    notice: str = ""
    pressed: OutboundMessage | None = None

    @property
    def text(self) -> str:
        """What is said in words: by the agent, by support, and in notices by code.

        A person's first reply opens with the sentence that this is an AI.
        """
        said = [one.content.fallback for one in self.messages if _is_words(one.content)]
        told = any(one.content.discloses_ai for one in self.messages)
        return "\n\n".join([DISCLOSURE, *said] if told else said)

    @property
    def cards(self) -> tuple[OutboundMessage, ...]:
        """Cards by code, as neutral blocks: what is asked, refused, chosen or decided.

        A receipt is among them where it bears a button, such as Undo.
        """
        posted = (one.content for one in self.messages)
        shown = [
            one
            for one in posted
            if not _is_words(one) and (not _receipts(one) or _has_buttons(one))
        ]
        return tuple(([self.pressed] if self.pressed else []) + shown)

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What the ledger says of each action that ended."""
        return tuple(block for one in self.messages for block in _receipts(one.content))


def _is_words(message: OutboundMessage) -> bool:
    return message.author is not Author.CODE or all(isinstance(b, Text) for b in message.blocks)


def _has_buttons(message: OutboundMessage) -> bool:
    return any(isinstance(block, Buttons) for block in message.blocks)


def _receipts(message: OutboundMessage) -> tuple[Receipt, ...]:
    return tuple(block for block in message.blocks if isinstance(block, Receipt))
