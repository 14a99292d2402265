"""Whom to forget, what was found of them, and the receipt of what was and was not reached."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent_core.conversation import ConversationId
from agent_core.messages import MessageRef, OutboundMessage, OutgoingId, ReplyAddress
from agent_core.people import AccountId, PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """A person, or an account with the people who are known through it alone.

    `addresses`: their platform identities, written out. `names`: as far as they are known.
    `rooms`: everything that was said in this room, or workspace (`slack:TEAM/*`).
    """

    account: AccountId | None = None
    rooms: str = ""
    people: frozenset[PersonId] = frozenset()
    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        """All values of `Requester.key` that were ever theirs."""
        return self.addresses | {str(person) for person in self.people}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A conversation that they took part in. `whole`: nobody else's words are in it."""

    conversation: ConversationId
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where something of them is. `whom` is completed: with names, and an account's strangers."""

    whom: Whom
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPost:
    """A post of ours with something of theirs in it, as the platform has it."""

    outgoing_id: OutgoingId
    address: ReplyAddress
    posted: MessageRef
    message: OutboundMessage


class PostOutcome(StrEnum):
    """What became of one of our posts."""

    DELETED = "deleted"
    GONE = "gone already"
    LEFT = "not deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """What no command of ours can erase, and whom to ask."""

    what: str
    ask: str


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What was erased, by table, and what was not, and why. Names nobody.

    `posts_left`: addresses of our posts that are still there. `left`: conversations and effects
    that were not touched, each with the reason.
    """

    subject: str
    dry_run: bool
    erased: Counter[str] = field(default_factory=Counter)
    posts: Counter[PostOutcome] = field(default_factory=Counter)
    posts_left: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unreached: tuple[Unreached, ...] = ()

    def facts(self) -> Mapping[str, object]:
        """What the audit log keeps of it, in clear."""
        return {
            "erased": dict(sorted(self.erased.items())),
            "posts": {outcome.value: count for outcome, count in sorted(self.posts.items())},
            "left": len(self.left),
            "unreached": [one.what for one in self.unreached],
        }
