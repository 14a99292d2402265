"""Forgets a person or an account: finds them, takes our posts back, erases, and writes a receipt.

It works beside the running service, a conversation in each transaction, so that nobody waits long.
What was cut off is done again from the start: who they are goes last, and is what finds the rest.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from agent_core.audit import NO_ACCOUNT, OPERATOR, AuditDraft, AuditKind
from agent_core.audit_notes import erase, note_person, note_room, person_keys, with_joined
from agent_core.errors import DestinationGone, HandrailError, PlatformError, RateLimited
from agent_core.forgetting import (
    OwnPost,
    Place,
    PostOutcome,
    Receipt,
    Unreached,
    Whereabouts,
    Whom,
)
from agent_core.messages import OutgoingId, Platform, PlatformIdentity, RoomRef
from agent_core.open_work import open_work
from agent_core.people import AccountId, Person, PersonId, Role
from agent_core.ports import Clock, PostRemover, Store, UnitOfWork

_log = logging.getLogger(__name__)

TRIES: Final = 5  # of one post that the platform limits, and of a conversation that goes on
LONGEST_WAIT_SECONDS: Final = 60.0


class InTheWay(HandrailError):
    """Nothing was erased: something is not over. `reasons` say what, and what to do about it."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n- ".join(["Nothing was erased. First:", *reasons]))
        self.reasons = reasons


class _Undone(Exception):
    """Ends a transaction that was only tried."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self.counts = counts


def person_to_forget(tx: UnitOfWork, who: PlatformIdentity | PersonId) -> Whom | None:
    """Everything that this person is known by. None for an id that nobody has."""
    known = tx.people.find(who) if isinstance(who, PlatformIdentity) else tx.people.get(who)
    if known is None:
        return Whom(addresses=frozenset({str(who)})) if isinstance(who, PlatformIdentity) else None
    return _whom(tx, [known])


def account_to_forget(tx: UnitOfWork, account: AccountId) -> Whom:
    """The account, and the people who are known through it and nothing else."""
    members = tx.people.with_role(account, frozenset(Role))
    theirs = [one for one in members if set(one.roles) == {account} and not one.capabilities]
    return replace(_whom(tx, theirs), account=account)


def place_to_forget(tx: UnitOfWork, place: RoomRef) -> Whom:
    """All that was said in a room or workspace, and who is known by it alone."""
    home = f"{place.platform}:{place.tenant_id}/"
    theirs = [
        one
        for one in tx.people.all()
        if place.room_id == "*"
        and one.identities
        and not one.capabilities
        and all(str(identity).startswith(home) for identity in one.identities)
    ]
    return replace(_whom(tx, theirs), rooms=str(place))


def _whom(tx: UnitOfWork, people: list[Person]) -> Whom:
    """With the records that were joined to theirs: rows still bear the ids and names of these."""
    references = with_joined(tx, (key for one in people for key in person_keys(one)))
    emptied = [one for one in tx.people.all() if not one.identities]
    people = people + [
        one
        for one in emptied
        if one not in people and tx.audit.reference(str(one.id)) in references
    ]
    return Whom(
        people=frozenset(one.id for one in people),
        addresses=frozenset(str(identity) for one in people for identity in one.identities),
        names=frozenset(one.name for one in people if one.name),
    )


class Forgetting:
    """One run of `handrail forget`. `removers` take our posts back; without one they are left."""

    def __init__(
        self,
        store: Store,
        *,
        removers: Mapping[Platform, PostRemover],
        clock: Clock,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._removers = removers
        self._clock = clock
        self._wait = wait

    async def forget(
        self,
        whom: Whom,
        *,
        dry_run: bool = False,
        force: bool = False,
        unreached: tuple[Unreached, ...] = (),
    ) -> Receipt:
        """Raises InTheWay, and nothing was erased.

        `dry_run` erases nothing and counts. `force`: effects in doubt stay as they are, findable,
        and the rest is erased. Where the receipt has something `left`, it is to be run again.
        """
        found = await self._store.run(lambda tx: tx.upkeep.whereabouts(whom))
        reasons = await self._in_the_way(found, force)
        if reasons:
            raise InTheWay(reasons)
        receipt = Receipt(
            subject="account" if whom.account else "place" if whom.rooms else "person",
            dry_run=dry_run,
            unreached=unreached,
        )
        for place in found.places:
            await self._place(found.whom, place, receipt, force)
        doubt = await self._store.run(lambda tx: tx.upkeep.doubtful(found.whom))
        if not receipt.left:
            await self._what_is_left(found.whom, receipt)
        receipt.left += [f"the effect {key} is in doubt and was kept as it is" for key in doubt]
        _log.info("forgotten", extra={"rows": receipt.erased.total(), "left": len(receipt.left)})
        return receipt

    async def _in_the_way(self, found: Whereabouts, force: bool) -> list[str]:
        reasons = []
        for place in found.places:
            here = await self._store.run(
                lambda tx, place=place: _in_the_way(tx, found.whom, place, force)  # type: ignore[misc]
            )
            reasons += [f"{place.conversation}: {one}" for one in here]
        if not reasons:
            reasons += await self._store.run(lambda tx: tx.upkeep.unfinished(found.whom))
        doubt = await self._store.run(lambda tx: tx.upkeep.doubtful(found.whom))
        told = "\n".join(reasons)
        if not force:
            reasons += [
                f"the outcome of {key} is not known: find out first, or --force keeps it as it is"
                for key in doubt
                if key not in told
            ]
        return reasons

    async def _what_is_left(self, whom: Whom, receipt: Receipt) -> None:
        """Answers that belong to no conversation are taken back first: the rows go with the rest,
        and after that nothing tells where they were posted."""
        tried: set[OutgoingId] = set()
        await self._take_back_all(lambda tx: tx.upkeep.posts_alone(whom), tried, receipt)

        def erase_rest(tx: UnitOfWork) -> Counter[str]:
            if any(post.outgoing_id not in tried for post in tx.upkeep.posts_alone(whom)):
                receipt.left.append("they were answered meanwhile: run it again")
                return Counter()
            return _rest(tx, whom, receipt, self._clock.now())

        await self._try(receipt.dry_run, receipt, erase_rest)

    # --- one conversation -------------------------------------------------------------------

    async def _place(self, whom: Whom, place: Place, receipt: Receipt, force: bool) -> None:
        tried: set[OutgoingId] = set()
        for _ in range(TRIES):
            await self._take_back_all(lambda tx: tx.upkeep.own_posts(whom, place), tried, receipt)
            reasons: list[str] = []

            def erase_here(tx: UnitOfWork, reasons: list[str] = reasons) -> Counter[str]:
                reasons += _in_the_way(tx, whom, place, force)
                late = {post.outgoing_id for post in tx.upkeep.own_posts(whom, place)} - tried
                if late:
                    reasons.append("")  # posted meanwhile: it is taken back first
                if reasons:
                    return Counter()
                return tx.upkeep.erase_conversation(whom, place, self._clock.now())

            await self._try(receipt.dry_run, receipt, erase_here)
            if not reasons:
                return
            if any(reasons):
                receipt.left.append(f"{place.conversation}: {'; '.join(filter(None, reasons))}")
                return
        receipt.left.append(f"{place.conversation}: it goes on: pause the agent there first")

    async def _take_back_all(
        self,
        find: Callable[[UnitOfWork], Sequence[OwnPost]],
        tried: set[OutgoingId],
        receipt: Receipt,
    ) -> None:
        """Those that were not tried yet."""
        for post in await self._store.run(find):
            if post.outgoing_id not in tried:
                tried.add(post.outgoing_id)
                await self._take_back(post, receipt)

    async def _take_back(self, post: OwnPost, receipt: Receipt) -> None:
        """Best effort: whatever comes of it is in the receipt."""
        remover = self._removers.get(post.posted.room.platform)
        if receipt.dry_run:
            receipt.posts[PostOutcome.DELETED] += 1
            return
        outcome = PostOutcome.LEFT
        if remover is not None:
            outcome = await self._removed(remover, post)
        receipt.posts[outcome] += 1
        if outcome is PostOutcome.LEFT:
            receipt.posts_left.append(str(post.posted))

    async def _removed(self, remover: PostRemover, post: OwnPost) -> PostOutcome:
        for _ in range(TRIES):
            try:
                rest = await remover.remove(
                    post.address, post.posted, post.message, post.outgoing_id
                )
            except RateLimited as error:
                await self._wait(min(error.retry_after_seconds, LONGEST_WAIT_SECONDS))
            except DestinationGone:
                return PostOutcome.GONE
            except (PlatformError, ValueError):
                return PostOutcome.LEFT
            else:
                return PostOutcome.LEFT if rest else PostOutcome.DELETED
        return PostOutcome.LEFT

    async def _try(
        self, dry_run: bool, receipt: Receipt, work: Callable[[UnitOfWork], Counter[str]]
    ) -> None:
        def undone(tx: UnitOfWork) -> Counter[str]:
            raise _Undone(work(tx))

        try:
            counts = await self._store.run(undone if dry_run else work)
        except _Undone as tried:
            counts = tried.counts
        receipt.erased += counts


def _in_the_way(tx: UnitOfWork, whom: Whom, place: Place, force: bool) -> list[str]:
    conversation = tx.conversations.get(place.conversation)
    if conversation is None:
        return []
    if place.whole:
        found = open_work(tx, conversation, with_doubt=not force)
    else:
        found = list(tx.upkeep.in_the_way(whom, place))
    on_its_way = tx.upkeep.on_its_way(whom, place)
    return [*found, *(one for one in on_its_way if one not in found)]


def _rest(tx: UnitOfWork, whom: Whom, receipt: Receipt, at: datetime) -> Counter[str]:
    """The last transaction: after it nothing tells any more whose all this was."""
    unfinished = tx.upkeep.unfinished(whom)
    if unfinished and not receipt.dry_run:
        receipt.left += unfinished
        return Counter()
    counts = tx.upkeep.erase_rest(whom, at)
    if whom.account is not None:
        counts += _unlinked(tx, whom.account, at)
    if whom.rooms:
        counts += _left(tx, whom.rooms, at)
    counts["hr_audit_keys"] += erase(tx, whom.keys, at)
    told = replace(receipt, erased=receipt.erased + counts)
    tx.audit.append(
        AuditDraft(
            chain=whom.account or NO_ACCOUNT,
            at=at,
            actor=OPERATOR,
            kind=AuditKind.FORGOTTEN,
            subject=str(whom.account or whom.rooms or tx.audit.reference(min(whom.keys))),
            facts=told.facts(),
        )
    )
    return +counts


def _unlinked(tx: UnitOfWork, account: AccountId, at: datetime) -> Counter[str]:
    """Nobody asks for the account any more: its rooms are nobody's, its roles are taken."""
    counts = Counter[str]()
    for binding in tx.rooms.all():
        if binding.account_id == account:
            tx.rooms.remove(binding.room)
            note_room(tx, binding, AuditKind.ROOM_UNLINKED, at)
            counts["hr_rooms"] += 1
    for person in tx.people.with_role(account, frozenset(Role)):
        roles = {one: role for one, role in person.roles.items() if one != account}
        after = replace(person, roles=roles)
        tx.people.put(after)
        note_person(tx, person, after, at)
        counts["hr_roles"] += 1
    return counts


def _left(tx: UnitOfWork, place: str, at: datetime) -> Counter[str]:
    """Rooms of a place that is left are nobody's. The support room stays what it is."""
    counts = Counter[str]()
    for binding in tx.rooms.all():
        inside = str(binding.room).startswith(place[:-1]) if place.endswith("/*") else False
        if not binding.is_support and (inside or str(binding.room) == place):
            tx.rooms.remove(binding.room)
            note_room(tx, binding, AuditKind.ROOM_UNLINKED, at)
            counts["hr_rooms"] += 1
    return counts
