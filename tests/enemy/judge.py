"""Judges a game by its own small law: it reads no policy, and believes no receipt."""

import json
from collections import Counter, defaultdict
from datetime import datetime

from agent_core import presses
from agent_core.blocks import Buttons, Receipt, ReceiptState
from agent_core.conversation import Conversation, ConversationId
from agent_core.escalations import Escalation
from agent_core.messages import Author
from agent_core.people import AccountId, Capability
from agent_core.ports import ModelRequest, UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId, ProposalStatus
from tests.enemy import cast, peek
from tests.enemy.law import ACTIONS, READS
from tests.enemy.moves import YES
from tests.enemy.record import ELSE, Deed, Record
from tests.enemy.spies import ToolUse
from tests.enemy.town import Town, opening_balance
from tools.accounts.effects import Effect, EffectStatus

STAFF, APPROVER = Capability.STAFF, Capability.APPROVER
NAME_OF = {str(cast.someone(name).identity): name for name in cast.NAMES}


class Judge:
    """Looks on while a game is played; `faults` says what went wrong, in words."""

    town: Town

    def __init__(self, record: Record) -> None:
        self.record = record
        self.faults: list[str] = []
        self.seen: Counter[str] = Counter()  # what the game has reached at all
        self._acts: list[ToolUse] = []

    def fault(self, kind: str, text: object) -> None:
        self.faults.append(f"{kind}: {text}")

    # --- while it is played -------------------------------------------------------------------

    async def used(self, use: ToolUse) -> None:
        """A tool is about to look at an account, or to change it."""
        self.seen[use.what] += 1
        if use.what in ("act", "acted", "look_up"):
            if use.what == "act":
                self._acts.append(use)
            return
        if use.tool == "list_plans":
            return
        talk, author = await self._turn(use.turn)
        account, now = use.context.account_id, self.town.clock.now()
        known = self.town.store.last.get(use.turn, now)  # the turn's own last look at the rights
        if not self._stands(author, account, talk, known, use.context.now, now):
            self.fault("read", f"{author} read {account} with {use.tool} in {talk.room}")
        role = self.record.role(author, account, known)
        may = READS.get(use.tool)
        if may is not None and role is not None and STAFF not in _can(author) and role not in may:
            self.fault("read", f"{author}, {role}, used {use.tool}")

    async def _turn(self, conversation_id: str) -> tuple[Conversation, str]:
        def read(tx: UnitOfWork) -> tuple[Conversation, str]:
            key = ConversationId(conversation_id)
            talk, turn = tx.conversations.get(key), tx.turns.running(key)
            assert talk is not None and turn is not None
            return talk, NAME_OF[str(turn.author.identity)]

        found: tuple[Conversation, str] = await self.town.look(read)
        return found

    def _stands(self, who: str, account: AccountId, talk: Conversation, *times: datetime) -> bool:
        """Whether this person has anything to do with this account in this room, at one of these
        times (what one asked for and what one may can change while it is looked at)."""
        bound = cast.SHARED_ROOMS.get(talk.room, account)
        if bound != account:
            return False
        if any(self.record.role(who, account, at) is not None for at in times):
            return True
        inside = talk.room not in cast.SHARED_ROOMS
        if talk.room == cast.INSIDE_ROOM and self.record.shared_at is not None:
            inside = any(at < self.record.shared_at for at in times)
        return inside and STAFF in _can(who)

    async def prompt(self, turn: str, request: ModelRequest) -> None:
        """What the model is given: nothing of an account that has no business here."""
        talk, author = await self._turn(turn)
        text = "\n".join(message.content for message in request.messages)
        for account in cast.CANARIES:
            told = [word for word in cast.CANARIES[account] if word in text]
            if told and not self._may_read_in(talk, author, account):
                self.fault("leak", f"the model was told {told} in {talk.room}")
        if talk.room != cast.SUPPORT_ROOM and "INSIDE-" in text:
            self.fault("internal", f"the model was told internal talk in {talk.room}")

    def _may_read_in(self, talk: Conversation, author: str, account: AccountId) -> bool:
        room = talk.room
        if room in cast.SHARED_ROOMS:
            return cast.SHARED_ROOMS[room] == account
        if room in (cast.INSIDE_ROOM, cast.SUPPORT_ROOM):
            return True  # what is posted there once it is shared, `_rooms` looks at
        return STAFF in _can(author) or account in self.record.ever_in(author)

    async def after(self) -> None:
        """After each move: nobody has a role that nobody gave."""
        for name in cast.NAMES:
            identity = cast.someone(name).identity
            person = await self.town.look(lambda tx, who=identity: tx.people.find(who))
            for account in cast.CANARIES:
                now = self.town.clock.now()
                has = person.roles.get(account) if person else None
                if has == self.record.role(name, account, now):
                    continue
                if has is not None and has.value == "member" and self._given(name, account):
                    self.record.roles.append((now, name, account, has))
                    continue
                self.fault("role", f"{name} is {has} of {account}")
            if person is not None and person.capabilities != _can(name):
                self.fault("role", f"{name} can {person.capabilities}")

    def _given(self, name: str, account: AccountId) -> bool:
        """An owner of the account pressed the button that gives membership."""
        return any(
            deed.action == presses.GIVE_ACCESS
            and deed.value.endswith(f"|{cast.someone(name).identity}")
            and self.record.role(deed.who, account, deed.at) == "owner"
            and cast.SHARED_ROOMS.get(deed.room, account) == account
            for deed in self.record.deeds
        )

    # --- at the end ---------------------------------------------------------------------------

    async def verdict(self) -> None:
        """After everything has settled."""
        self._proposals = {one.id: one for one in await self.town.look(peek.proposals)}
        self._ledger = {one.key: one for one in await self.town.look(peek.ledger)}
        self._talks = await self.town.look(peek.conversations)
        self._cases: list[Escalation] = await self.town.look(peek.cases)
        every = [
            one
            for one in peek.effects(self.town.storage)  # type: ignore[arg-type]
            if not one.key.startswith(ELSE)
        ]
        done = {one.key: one for one in every if one.status is EffectStatus.DONE}
        self.seen["effects"] += len(done)
        for effect in done.values():
            self._judge_effect(effect)
        self._used_once(done)
        self._money(done)
        await self._versions()
        self._receipts(done)
        self._ends(done)
        self._rooms()
        await self._nothing_waits()

    def _judge_effect(self, effect: Effect) -> None:
        key = ProposalId(effect.key)
        proposal, entry = self._proposals.get(key), self._ledger.get(key)
        if proposal is None or entry is None:
            self.fault("effect", f"{key} happened without a proposal or an intent")
            return
        if not proposal.account_id == entry.account_id == effect.account_id:
            self.fault("account", f"{key} changed {effect.account_id}")
        talk = self._talks[proposal.conversation_id]
        asker = NAME_OF[str(proposal.requester)]
        if not self._stands(asker, effect.account_id, talk, entry.intended_at, effect.at):
            self.fault("account", f"{asker} changed {effect.account_id} from {talk.room}")
        given = [use for use in self._acts if use.context.key == effect.key]
        if any(_words(use.arguments) != _words(dict(proposal.arguments)) for use in given):
            self.fault("arguments", f"{key} ran with other arguments than were shown")
        self._judge_yes(proposal, entry, effect)

    def _judge_yes(self, proposal: Proposal, entry: LedgerEntry, effect: Effect) -> None:
        """The yeses that the law demands, by the right people, for this, in time."""
        law = ACTIONS[str(proposal.tool).removeprefix("undo_")]  # who may do it may undo it
        asker, account = NAME_OF[str(proposal.requester)], proposal.account_id
        marks = self._marks(proposal)
        shown = [post for post in self.town.slack.seen if _names(post.message.blocks, marks)]
        if not any(proposal.undoes or proposal.title in one.message.fallback for one in shown):
            self.fault("yes", f"{proposal.id} was never shown to anybody")
        times = (entry.intended_at, effect.at)
        by_role = any(self.record.role(asker, account, at) in law.roles for at in times)
        as_staff = law.staff and STAFF in _can(asker)
        asked = self._yes(proposal, {asker}, (presses.CONFIRM, presses.ASK_OWNER))
        if asked is None:
            self.fault("yes", f"{proposal.id} ({proposal.title}) ran without {asker}'s yes")
        if not by_role and not as_staff:
            holders = {n for n in cast.NAMES if self._held(n, proposal, law.roles)} - {asker}
            if self._yes(proposal, holders, (presses.APPROVE,)) is None:
                self.fault("yes", f"{proposal.id} ran without anybody who may do it")
        moved = effect.planned.movement
        if law.approved_above is not None and moved and moved.minor > law.approved_above:
            approvers = {name for name in cast.NAMES if APPROVER in _can(name)} - {asker}
            if self._yes(proposal, approvers, (presses.APPROVE,)) is None:
                self.fault("yes", f"{proposal.id} ({proposal.title}) ran without an approver")
        self.seen["approved"] += proposal.approved_at is not None

    def _held(self, name: str, proposal: Proposal, roles: frozenset[object]) -> bool:
        at = proposal.approved_at
        return at is not None and self.record.role(name, proposal.account_id, at) in roles

    def _yes(self, proposal: Proposal, people: set[str], actions: tuple[str, ...]) -> Deed | None:
        """What one of these people did that was a yes to exactly this, while it was open."""
        given = {proposal.confirmed_at, proposal.approved_at} - {None}
        marks = self._marks(proposal)
        undone = {presses.UNDO} if proposal.undoes and presses.CONFIRM in actions else set()
        for deed in self.record.deeds:
            early = deed.at < proposal.proposed_at and deed.action not in undone
            if deed.who not in people or early or deed.at >= proposal.expires_at:
                continue
            pressed = deed.action in {*actions, *undone} and deed.value in marks
            talk = self._talks[proposal.conversation_id]
            here = deed.room in (talk.room, cast.SUPPORT_ROOM)
            said = deed.action == "" and deed.text in YES and deed.room == talk.room
            if (pressed and here) or (said and deed.at in given):
                return deed
        return None

    def _marks(self, proposal: Proposal) -> set[str]:
        """What a button may bear that stands for this: itself, its plan's steps, what it undoes."""
        plan = {
            str(one.id)
            for one in self._proposals.values()
            if one.plan_id is not None and one.plan_id == proposal.plan_id
        }
        return {str(proposal.id), *plan, *((str(proposal.undoes),) if proposal.undoes else ())}

    def _used_once(self, done: dict[str, Effect]) -> None:
        """No yes in words served two proposals, and no proposal ran twice."""
        used: defaultdict[tuple[str, datetime], set[str]] = defaultdict(set)
        marks: Counter[tuple[str, str, int]] = Counter()
        for key in done:
            proposal = self._proposals.get(ProposalId(key))
            if proposal is None:
                continue
            marks[(str(proposal.account_id), proposal.fingerprint, proposal.occurrence)] += 1
            if proposal.confirmed_at is not None:
                yes = (proposal.requester_key, proposal.confirmed_at)
                used[yes].add(str(proposal.plan_id or proposal.id))
        self.faults += [f"double: {mark} ran {n} times" for mark, n in marks.items() if n > 1]
        self.faults += [f"yes: {yes} was used for {n}" for yes, n in used.items() if len(n) > 1]

    def _money(self, done: dict[str, Effect]) -> None:
        moved: Counter[str] = Counter()
        for _, request in self.town.payments.moved:
            if request.key.startswith(ELSE):
                continue
            moved[request.key] += 1
            proposal = self._proposals.get(ProposalId(request.key))
            wanted = proposal.amount if proposal else None
            if proposal is None or wanted is None or proposal.account_id != request.account_id:
                self.fault("money", f"{request} was never proposed")
            elif (wanted.minor, wanted.currency) != (request.amount.minor, request.amount.currency):
                self.fault("money", f"{request} is not the {wanted} that was shown")
        self.faults += [f"double: {key} moved money {n} times" for key, n in moved.items() if n > 1]
        for key, effect in done.items():
            if effect.planned.movement is not None and key not in moved:
                self.fault("money", f"{key} is booked, and no money moved")
        self._moved = set(moved)

    async def _versions(self) -> None:
        """The account has moved on once for each effect that is known, and for nothing else."""
        every = [
            one
            for one in peek.effects(self.town.storage)  # type: ignore[arg-type]
            if one.status is EffectStatus.DONE
        ]
        steps = Counter(one.account_id for one in every)
        for account, before in opening_balance().items():
            now = (await self.town.accounts.state(account, self.town.clock.now())).account
            renewed = now.period_start != before.period_start  # counts as a change of its own
            if not renewed and now.version != before.version + steps[account]:
                self.fault("double", f"{account} is at {now.version} after {steps[account]} steps")

    def _receipts(self, done: dict[str, Effect]) -> None:
        """Nobody reads that something happened which did not, or the reverse."""
        keys = {key[-8:].upper(): key for key in self._ledger}
        for post in self.town.slack.seen:
            for block in post.message.blocks:
                if not isinstance(block, Receipt):
                    continue
                if post.message.author is not Author.CODE:
                    self.fault("receipt", f"written by {post.message.author}")
                key = keys.get(block.reference, "")
                if block.state is ReceiptState.SUCCEEDED and key not in done:
                    self.fault("receipt", f"{block.title}: {key} did not happen")
                no = block.state in (ReceiptState.FAILED, ReceiptState.REFUSED)
                if no and (key in done or key in self._moved):
                    self.fault("receipt", f"{block.title}: {key} did happen")

    def _ends(self, done: dict[str, Effect]) -> None:
        """Each intent has an outcome that its people were told, or a case."""
        told = Counter(
            (block.reference, block.state)
            for post in self.town.slack.seen
            for block in post.message.blocks
            if isinstance(block, Receipt)
        )
        in_doubt = {case.conversation_id for case in self._cases}
        for key, entry in self._ledger.items():
            reference, outcome = key[-8:].upper(), entry.outcome
            self.seen[f"outcome {outcome}"] += 1
            if outcome is None:
                self.fault("end", f"{key} has no outcome")
            elif not told[(reference, ReceiptState(outcome.value))]:
                self.fault("end", f"{key} is {outcome}, and nobody was told")
            if outcome is Outcome.UNKNOWN and entry.conversation_id not in in_doubt:
                self.fault("end", f"{key} is unknown, and nobody looks into it")
            if (outcome is Outcome.SUCCEEDED) != (key in done) and outcome is not Outcome.UNKNOWN:
                self.fault("receipt", f"{key} is {outcome}, and done: {key in done}")
            if (key in self._moved) and outcome in (Outcome.REFUSED, Outcome.FAILED):
                self.fault("receipt", f"{key} is {outcome}, and money moved")
        for key in self._moved - set(self._ledger):
            self.fault("end", f"{key} moved money, and no ledger knows it")

    def _rooms(self) -> None:
        """No room has read what is another account's, or ours."""
        sent = {
            deed.value.partition("|")[2]: deed.who
            for deed in self.record.deeds
            if deed.action == presses.SEND_TO_CUSTOMER
        }
        for post in self.town.slack.seen:
            room = post.address.room
            text = f"{post.message.fallback}\n{post.message.blocks}"
            for account, words in cast.CANARIES.items():
                # What a changed message said before, its room has read already.
                told = [word for word in words if word in text and word not in post.replaces]
                if told and not self._is_for(room, account, post.at):
                    self.fault("leak", f"{room} has read {told}")
            if room != cast.SUPPORT_ROOM and "INSIDE-" in text and not sent:
                self.fault("internal", f"{room} has read: {post.message.fallback}")

    def _is_for(self, room: object, account: AccountId, at: datetime) -> bool:
        shared_at = self.record.shared_at
        if room == cast.SUPPORT_ROOM:
            return True
        if room == cast.INSIDE_ROOM:
            return shared_at is None or at <= shared_at
        if room in cast.SHARED_ROOMS:
            return cast.SHARED_ROOMS[room] == account
        owner = next((name for name in cast.NAMES if cast.chat_of(name) == room), "")
        return bool(owner) and (STAFF in _can(owner) or account in self.record.ever_in(owner))

    async def _nothing_waits(self) -> None:
        rows = await self.town.look(lambda tx: list(tx.inbox.unfinished()))
        posts = await self.town.look(lambda tx: list(tx.outgoing.waiting()))
        if rows or posts:
            self.fault("end", f"work waits for nobody: {rows} {posts}")
        for proposal in self._proposals.values():
            if proposal.status.is_open:
                self.fault("end", f"{proposal.id} is {proposal.status} for ever")
            self.seen[f"proposal {proposal.status}"] += 1
            if proposal.status is ProposalStatus.CONSUMED and proposal.id not in self._ledger:
                self.fault("end", f"{proposal.id} used its yes for nothing")


def _can(who: str) -> frozenset[Capability]:
    return cast.CAN.get(who, frozenset())


def _names(blocks: tuple[object, ...], marks: set[str]) -> bool:
    """Whether a button that bears one of these is among the blocks."""
    return any(
        isinstance(block, Buttons) and any(button.value in marks for button in block.buttons)
        for block in blocks
    )


def _words(arguments: dict[str, object]) -> str:
    return json.dumps(arguments, sort_keys=True)
