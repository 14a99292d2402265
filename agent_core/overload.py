"""Whether a new request may still wait for the agent, measured by the rows that wait already.

A share is an account, or the room where there is none. What is over a bound is not queued and not
lost: intake opens a case for it, and tells the customer.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic

from agent_core.conversation import Conversation, ConversationId
from agent_core.journal import Waiting
from agent_core.limits import Limits
from agent_core.ports import UnitOfWork

CALM_SECONDS = 5.0  # how old a count may be while less than a quarter of every bound is used
FRESH_SECONDS = 1.0  # else
BUSY_SECONDS = 0.5  # where it would turn somebody away


class Overload:
    """Counts what waits, at most a few times a second, and adds what this process took since.

    Asked in store threads, inside intake's transaction. The lock is held for no statement: the
    event loop, which tells what was taken, would wait for the database then. Several processes
    that take messages see each other's rows at the next count: together they may go over a bound by
    what they take within a second.
    """

    def __init__(self, limits: Limits, *, seconds: Callable[[], float] = monotonic) -> None:
        self._limits = limits
        self._seconds = seconds
        self._lock = threading.Lock()
        self._counted_at: float | None = None
        self._rows: Counter[ConversationId] = Counter()
        self._shares: Counter[str] = Counter()
        self._under_way: list[list[Waiting]] = []  # taken since each count that runs began
        self._begun = 0  # counts so far, and that of the one in force
        self._in_force = 0

    def problem(self, tx: UnitOfWork, conversation: Conversation) -> str | None:
        """Why another message of this conversation is not queued, for people; None: it may be."""
        with self._lock:
            calm = self._is_calm(conversation)
            old = self._age() > (CALM_SECONDS if calm else FRESH_SECONDS)
        if old:
            self._count(tx)
        problem, age = self._standing(conversation)
        if problem is not None and age > BUSY_SECONDS:
            self._count(tx)
            problem, _ = self._standing(conversation)
        return problem

    def took(self, conversation: Conversation) -> None:
        """One more message of it waits, and is committed."""
        waiting = Waiting(conversation_id=conversation.id, share=conversation.share, rows=1)
        with self._lock:
            for since in self._under_way:
                since.append(waiting)
            self._add(waiting)

    def _standing(self, conversation: Conversation) -> tuple[str | None, float]:
        """What is wrong, and how old the count is that says so."""
        with self._lock:
            return self._problem(conversation), self._age()

    def _age(self) -> float:
        return float("inf") if self._counted_at is None else self._seconds() - self._counted_at

    def _is_calm(self, conversation: Conversation) -> bool:
        limits = self._limits
        return (
            len(self._rows) * 4 < limits.waiting
            and self._shares[conversation.share] * 4 < limits.waiting_of_account
            and self._rows[conversation.id] * 4 < limits.waiting_messages
        )

    def _problem(self, conversation: Conversation) -> str | None:
        limits = self._limits
        rows = self._rows[conversation.id]
        if rows >= limits.waiting_messages:
            return f"{rows} messages of this conversation wait for the agent already."
        if rows:
            return None  # it waits or is worked on already, and takes no second place
        if self._shares[conversation.share] >= limits.waiting_of_account:
            whose = "account" if conversation.account_id else "room"
            return (
                f"{self._shares[conversation.share]} conversations of this {whose} wait for the "
                "agent already."
            )
        if len(self._rows) >= limits.waiting:
            return f"{len(self._rows)} conversations wait for the agent already."
        return None

    def _count(self, tx: UnitOfWork) -> None:
        since: list[Waiting] = []
        with self._lock:
            self._under_way.append(since)
            self._begun += 1
            number = self._begun
        try:
            found: Sequence[Waiting] = tx.inbox.backlog(self._limits.waiting * 2)
        finally:
            with self._lock:
                self._under_way = [one for one in self._under_way if one is not since]
        with self._lock:
            if number < self._in_force:
                return  # one that began later is in already
            self._in_force = number
            self._rows.clear()
            self._shares.clear()
            for each in (*found, *since):  # rather one twice than one not at all
                self._add(each)
            self._counted_at = self._seconds()

    def _add(self, waiting: Waiting) -> None:
        if waiting.conversation_id not in self._rows:
            self._shares[waiting.share] += 1
        self._rows[waiting.conversation_id] += waiting.rows
