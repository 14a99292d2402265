"""What every column of our tables holds, and what is left of it once somebody was forgotten.

The one source of erasure (`erasure.py`), of retention (`expiry.py`) and of docs/trust.md: a column
that is not named here fails the tests, and so does a personal one that nothing erases.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Holds(StrEnum):
    """Whom a column is about."""

    PERSONAL = "personal"  # what people write, are called, or can be found by
    ACCOUNT = "account"  # which company, and what it has and does
    TECHNICAL = "technical"  # our own ids, times, states and counts


class _Mark:
    """A value that no column has."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


KEPT: Final = _Mark("KEPT")  # stays as it is
PSEUDONYM: Final = _Mark("PSEUDONYM")  # the address of nobody: the same for the same person
TOOL: Final = _Mark("TOOL")  # the name of the row's tool, in place of a title with names in it
ERASED_NAME: Final = "(erased)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`what`: in words, for people. `blank`: what takes its place in a row that stays."""

    holds: Holds
    what: str
    blank: Any = KEPT


class Going(StrEnum):
    """What becomes of a table's rows when whom they are about is forgotten."""

    DELETED = "deleted"
    BLANKED = "blanked"  # the row stays under a pseudonym, for the books
    SEALED = "sealed"  # the key is destroyed, the row stays as it is
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One table: why it is there, how long (`retention` names the kind in agent.yaml), what in it.

    `of_conversation`: the column that says which conversation a row belongs to; rows go with it.
    `derived`: made from what all people of a conversation said: it goes when one is forgotten.
    """

    why: str
    long: str
    going: Going
    columns: Mapping[str, Column]
    retention: str = ""
    of_conversation: str = ""
    derived: bool = False


def _personal(what: str, blank: Any = KEPT) -> Column:
    return Column(holds=Holds.PERSONAL, what=what, blank=blank)


def _account(what: str, blank: Any = KEPT) -> Column:
    return Column(holds=Holds.ACCOUNT, what=what, blank=blank)


def _technical(what: str, blank: Any = KEPT) -> Column:
    return Column(holds=Holds.TECHNICAL, what=what, blank=blank)


_CONVERSATION: Final = _technical("our id of the conversation")
_WITH_IT: Final = "`conversations`: with the conversation"

HOLDINGS: Final[Mapping[str, Holding]] = {
    "hr_rooms": Holding(
        why="what a channel or chat is to us: whose account, who reads along",
        long="until unlinked, or its account or workspace is erased",
        going=Going.DELETED,
        columns={
            "room": _technical("the platform's address of the channel"),
            "audience": _technical("private, internal or shared"),
            "account_id": _account("the account it is linked to"),
            "mode": _technical("when the agent speaks there"),
            "is_support": _technical("whether cases are posted there"),
            "name": _account("the channel's name, as it was when linked"),
        },
    ),
    "hr_departures": Holding(
        why="workspaces and rooms that uninstalled the app, to be erased",
        long="until they are erased, or the app is installed again",
        going=Going.KEPT,
        columns={
            "place": _account("the workspace, or the room"),
            "left_at": _technical("when it was uninstalled"),
        },
    ),
    "hr_people": Holding(
        why="who has which role or capability",
        long="until forgotten",
        going=Going.DELETED,
        columns={"id": _technical("our id of the person"), "name": _personal("their name")},
    ),
    "hr_identities": Holding(
        why="which platform accounts are one person",
        long="until forgotten",
        going=Going.DELETED,
        columns={
            "identity": _personal("workspace or tenant, and id in it"),
            "person_id": _technical("our id of the person"),
            "position": _technical("order"),
        },
    ),
    "hr_roles": Holding(
        why="who may do what in which account",
        long="until taken or forgotten",
        going=Going.DELETED,
        columns={
            "person_id": _personal("our id of the person"),
            "account_id": _account("the account"),
            "role": _account("owner, billing admin, admin or member"),
        },
    ),
    "hr_capabilities": Holding(
        why="what the vendor's own people may do",
        long="until taken or forgotten",
        going=Going.DELETED,
        columns={
            "person_id": _personal("our id of the person"),
            "capability": _technical("staff, support, approver or lead"),
        },
    ),
    "hr_told": Holding(
        why="that a person was told they talk to an AI",
        long="`conversations`, then they are told again",
        retention="conversations",
        going=Going.DELETED,
        columns={"identity": _personal("who was told"), "at": _technical("when")},
    ),
    "hr_join_codes": Holding(
        why="one-time codes that join two identities of one person",
        long="a day after they ended",
        retention="codes",
        going=Going.DELETED,
        columns={
            "selector": _technical("the part of the code that finds it"),
            "digest": _technical("a salted hash of the rest"),
            "identity": _personal("who asked for it"),
            "name": _personal("their name"),
            "expires_at": _technical("when it ends"),
            "tries": _technical("how often it was entered wrongly"),
            "asked_by": _personal("who entered it"),
        },
    ),
    "hr_conversations": Holding(
        why="who has a conversation, and whose account it is about",
        long="`conversations` after its last word",
        retention="conversations",
        going=Going.DELETED,
        of_conversation="id",
        columns={
            "id": _CONVERSATION,
            "room": _personal("the channel or direct chat"),
            "destination": _personal("where replies go, with the thread's address"),
            "audience": _technical("private, internal or shared"),
            "account_id": _account("the account, fixed at the beginning"),
            "status": _technical("with agent, waiting, with support, resolved"),
            "epoch": _technical("grows when it changes hands"),
            "opened_at": _technical("when it began"),
            "support_person": _personal("our id of the support person who has it"),
            "subject": _account("the account that staff named"),
            "last_seq": _technical("how many entries there are"),
        },
    ),
    "hr_conversation_threads": Holding(
        why="which threads are one conversation",
        long=_WITH_IT,
        going=Going.DELETED,
        of_conversation="conversation_id",
        columns={
            "thread": _personal("the platform's address of the thread"),
            "conversation_id": _CONVERSATION,
        },
    ),
    "hr_transcript": Holding(
        why="what was said: the agent's memory, and the context of a case",
        long=_WITH_IT,
        going=Going.BLANKED,
        of_conversation="conversation_id",
        columns={
            "conversation_id": _CONVERSATION,
            "seq": _technical("place in the conversation"),
            "speaker": _technical("customer, staff, support, agent or code"),
            "name": _personal("the speaker's name", ERASED_NAME),
            "text": _personal("what was said; card numbers and credentials are masked", ""),
            "at": _technical("when"),
            "identity": _personal("the speaker's platform id", None),
            "message": _personal("the platform's id of the message", None),
            "edited_at": _technical("when it was changed"),
            "deleted_at": _technical("when its author deleted it, or when it was erased"),
            "told": _personal("of our own words: the platform id of whom they answer", None),
        },
    ),
    "hr_history_summaries": Holding(
        why="what was said long ago in a conversation, in short, for the model",
        long=f"{_WITH_IT}, or until a message in it is changed or deleted",
        going=Going.DELETED,
        of_conversation="conversation_id",
        derived=True,
        columns={
            "conversation_id": _CONVERSATION,
            "upto": _technical("the last entry that it covers"),
            "audience": _technical("who could read the room when it was made"),
            "text": _personal("the summary; card numbers and credentials are masked"),
            "written_by": _technical("the model that wrote it; empty: code"),
            "at": _technical("when"),
        },
    ),
    "hr_deliveries": Holding(
        why="each delivery of a platform is taken once, however often it comes",
        long="`deliveries`; at least 3 days: platforms deliver again",
        retention="deliveries",
        going=Going.KEPT,
        columns={
            "key": _technical("the platform's id of a message, press or form"),
            "at": _technical("when it was taken"),
        },
    ),
    "hr_inbox": Holding(
        why="what asks for the agent's work",
        long="`journals` once done",
        retention="journals",
        going=Going.DELETED,
        of_conversation="conversation_id",
        columns={
            "seq": _technical("order"),
            "conversation_id": _CONVERSATION,
            "kind": _technical("message, decision, refusal or undo"),
            "author": _personal("name and platform id of who wrote or pressed"),
            "author_key": _personal("the person's id, or the platform id of the unknown"),
            "received_at": _technical("when"),
            "transcript_seq": _technical("where the words are"),
            "proposal_id": _technical("the action it is about"),
            "status": _technical("new, claimed or done"),
            "turn_id": _technical("the turn that took it"),
            "trace": _technical("the trace of what caused it: random"),
        },
    ),
    "hr_turns": Holding(
        why="one piece of the agent's work",
        long="`journals` once over",
        retention="journals",
        going=Going.DELETED,
        of_conversation="conversation_id",
        columns={
            "id": _technical("our id of the turn"),
            "conversation_id": _CONVERSATION,
            "author": _personal("name and platform id of whom it is for"),
            "author_key": _personal("the person's id, or the platform id of the unknown"),
            "epoch": _technical("the conversation's"),
            "token": _technical("whose process may write"),
            "attempts": _technical("how often it was begun"),
            "status": _technical("running, finished or given up"),
            "started_at": _technical("when"),
            "trace": _technical("the trace of what caused it: random"),
        },
    ),
    "hr_journal": Holding(
        why="a turn that was cut off goes on where it was; a recorded one can be replayed",
        long="`journals` once the turn is over",
        retention="journals",
        going=Going.DELETED,
        columns={
            "turn_id": _technical("the turn"),
            "position": _technical("order"),
            "kind": _technical("what happened"),
            "body": _personal("the model's words and calls, and what tools gave back"),
            "at": _technical("when"),
        },
    ),
    "hr_proposals": Holding(
        why="an action with its exact arguments and the yeses it needed",
        long="`ledger`; its personal fields until forgotten",
        retention="ledger",
        going=Going.BLANKED,
        columns={
            "id": _technical("also the provider's idempotency key"),
            "conversation_id": _CONVERSATION,
            "account_id": _account("the account: kept, the books go by it"),
            "tool": _account("which action"),
            "arguments": _personal("exactly what was to be done", "{}"),
            "fingerprint": _technical("a hash that knows the same wish again"),
            "occurrence": _technical("how often this wish was made"),
            "title": _personal("in words", TOOL),
            "changes": _personal("before and after", "[]"),
            "notes": _personal("remarks on the card", "[]"),
            "amount": _account("money: kept, for the books"),
            "version": _technical("the account's version"),
            "requester": _personal("platform id of who asked", PSEUDONYM),
            "requester_key": _personal("the same, as the person's id where known", PSEUDONYM),
            "requester_name": _personal("their name", ERASED_NAME),
            "status": _technical("how it stands"),
            "rule": _technical("which rule of the policy decided"),
            "needs_confirmation": _technical("whether a yes was needed"),
            "approval": _technical("who must approve, by role or capability"),
            "epoch": _technical("the conversation's"),
            "inbox_seqs": _technical("the messages it came from"),
            "proposed_at": _technical("when"),
            "expires_at": _technical("until when a yes counts"),
            "confirmed_at": _technical("when its requester said yes"),
            "approver": _personal("platform id of who approved", None),
            "approver_name": _personal("their name", ""),
            "approved_at": _technical("when"),
            "card": _technical("our id of the card"),
            "approval_card": _technical("our id of the approval card"),
            "plan_id": _technical("the plan it is a step of"),
            "step": _technical("its place there"),
            "undoes": _technical("the effect that it takes back"),
            "approvals": _personal("who said yes so far", "[]"),
            "from_outside": _technical("whether none of it is in the requester's own words"),
            "asked_as": _personal(
                "the requester's accounts at the time, and whether a guest", None
            ),
            "account_name": _account("the account's name on the card", ""),
        },
    ),
    "hr_ledger": Holding(
        why="every effect outside, written before it happens: what was done, and was it",
        long="`ledger`: tax and trade law want books kept for years",
        retention="ledger",
        going=Going.BLANKED,
        columns={
            "key": _technical("also the provider's idempotency key"),
            "conversation_id": _CONVERSATION,
            "account_id": _account("the account: kept, the books go by it"),
            "tool": _account("which action"),
            "arguments": _personal("exactly what was done", "{}"),
            "amount": _account("money: kept, for the books"),
            "requester": _personal("platform id of who asked", PSEUDONYM),
            "person_id": _personal("our id of the person", None),
            "intended_at": _technical("when it was begun"),
            "outcome": _technical("succeeded, refused, failed or unknown"),
            "settled_at": _technical("when the outcome was known"),
            "title": _personal("in words", TOOL),
            "fields": _personal("the receipt's lines", "[]"),
            "content": _personal("what the model was told of it", None),
            "reason": _personal("why it was refused, failed or is unknown", ""),
            "undo_until": _technical("how long it can be undone: not once erased", None),
        },
    ),
    "hr_destinations": Holding(
        why="where to post: a thread, also before it exists",
        long=f"{_WITH_IT}; without one, `outgoing`: with the last post",
        going=Going.DELETED,
        columns={
            "id": _personal("our name for it, with the thread's or chat's address"),
            "address": _personal("room, thread and what the platform needs to post there"),
            "opens_thread": _technical("whether the first post opens the thread"),
            "thread": _personal("the thread, once it exists"),
            "last_seq": _technical("how many rows were on their way"),
            "lease_holder": _technical("the process that is sending"),
            "lease_until": _technical("until when"),
        },
    ),
    "hr_outgoing": Holding(
        why="every message of ours: on its way, and where it ended up",
        long="`outgoing` once sent",
        retention="outgoing",
        going=Going.DELETED,
        of_conversation="conversation_id",
        columns={
            "id": _personal("what caused it; may hold a platform id"),
            "destination": _personal("where it goes"),
            "message": _personal("the message"),
            "created_at": _technical("when"),
            "conversation_id": _CONVERSATION,
            "epoch": _technical("the conversation's"),
            "updates": _personal("the row whose message it replaces"),
            "seq": _technical("order"),
            "status": _technical("ready, started, sent, dropped or failed"),
            "attempts": _technical("how often it was tried"),
            "not_before": _technical("when it is, or was, tried again"),
            "posted": _personal("the platform's id of the post"),
            "problem": _technical("what the platform said"),
            "trace": _technical("the trace of what caused it: random"),
        },
    ),
    "hr_paces": Holding(
        why="when each room may be posted to next: processes share a room's pace",
        long="for good: a time for each room",
        going=Going.KEPT,
        columns={
            "room": _technical("the platform's address of the channel"),
            "due": _technical("the next time"),
        },
    ),
    "hr_floor": Holding(
        why="the oldest version that may work on this database",
        long="for good: one row",
        going=Going.KEPT,
        columns={"id": _technical("always 1"), "revision": _technical("of the tables")},
    ),
    "hr_escalations": Holding(
        why="cases: what people work on",
        long="`conversations` once closed; open ones stay",
        retention="conversations",
        going=Going.BLANKED,
        columns={
            "id": _technical("our id of the case"),
            "number": _technical("its number on both sides"),
            "conversation_id": _CONVERSATION,
            "account_id": _account("the account"),
            "reason": _technical("why a person is needed"),
            "priority": _technical("how soon"),
            "status": _technical("waiting, claimed, handed back or resolved"),
            "asked": _personal("what is asked, in the customer's words", ""),
            "asked_by": _personal("their name", ERASED_NAME),
            "suggestion": _personal("the suggested next step", ""),
            "destination": _technical("its thread in the support room"),
            "opened_at": _technical("when"),
            "card": _technical("our id of its first post"),
            "claimed_by": _personal("our id of the support person", None),
            "claimed_by_name": _personal("their name", ""),
            "claimed_at": _technical("when"),
            "closed_at": _technical("when"),
            "trace": _technical("the trace of what caused it: random"),
            "asker": _personal("platform id of who asked", None),
        },
    ),
    "hr_brakes": Holding(
        why="what is paused for now",
        long="until let go",
        going=Going.BLANKED,
        columns={
            "scope": _technical("all, account, room or tool"),
            "target": _account("which: a forgotten account stays paused"),
            "set_by": _personal("the name of who paused", ERASED_NAME),
            "set_at": _technical("when"),
            "reason": _personal("why, in their words", ""),
            "set_by_key": _personal("their person's id, or the platform id of the unknown", None),
        },
    ),
    "hr_counters": Holding(
        why="case numbers, and whose daily limits are being counted now",
        long="case numbers for good; a person's or account's row until forgotten",
        going=Going.DELETED,
        columns={
            "name": _personal("`case`, or a limit of one person or account"),
            "value": _technical("the newest case number; else 0"),
        },
    ),
    "hr_audit": Holding(
        why="who did what, in a chain that shows if it was changed",
        long="for good: a row that is taken out breaks the chain",
        going=Going.SEALED,
        columns={
            "chain": _account("the account, or `-`"),
            "seq": _technical("order"),
            "at": _technical("when"),
            "actor": _technical("agent, operator, or a reference that names nobody by itself"),
            "kind": _technical("what happened"),
            "subject": _technical("our id of what it is about; a room's address"),
            "person": _technical("under whose key the personal part lies"),
            "facts": _account("tool, amount, rule, outcome, role: nothing personal"),
            "sealed": _personal("names, platform ids, arguments: sealed under the person's key"),
            "salt": _technical("random"),
            "previous": _technical("the hash of the row before"),
            "hash": _technical("the row's hash"),
        },
    ),
    "hr_audit_keys": Holding(
        why="opens what is personal in the audit log",
        long="until forgotten: destroying it is the erasure",
        going=Going.DELETED,
        columns={
            "person": _technical("the reference"),
            "wrapped": _technical("the person's key, wrapped by the master key"),
        },
    ),
}


def blanks(table: str, *holds: Holds) -> dict[str, Any]:
    """What takes the place of a row's columns of these kinds: marks are for the caller."""
    return {
        name: column.blank
        for name, column in HOLDINGS[table].columns.items()
        if column.holds in holds and column.blank is not KEPT
    }


def with_conversation() -> tuple[str, ...]:
    """Tables whose rows go with their conversation; itself last."""
    found = [name for name, one in HOLDINGS.items() if one.of_conversation]
    return (*(name for name in found if name != "hr_conversations"), "hr_conversations")
