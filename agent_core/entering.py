"""Entering a turn: one transaction that takes over an unfinished turn or begins a new one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from agent_core.boundary import Boundary, as_trusted, read_transcript, rows_of_one
from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    ConversationStatus,
    HistorySummary,
)
from agent_core.directory import requester_of
from agent_core.errors import StoreError
from agent_core.giving_up import give_up
from agent_core.history import window_of
from agent_core.holds import budget_used_up, give_to_people, hold_on, words_of
from agent_core.journal import InboxKind, InboxRow, JournalEntry, Turn, TurnId, TurnStatus
from agent_core.live_turn import LiveTurn, row_body
from agent_core.people import Capability
from agent_core.ports import UnitOfWork
from agent_core.services import Services
from agent_core.telemetry import within
from agent_core.turn_state import Kind

SUSPECT_ATTEMPTS: Final = 2
LEFT_TO_NEWER: Final = timedelta(minutes=15)  # at least; see _may_go_on


class Suspect:
    """A turn that was begun twice and never ended: its processes may have died of it."""


def enter(
    tx: UnitOfWork, services: Services, conversation_id: ConversationId, *, alone: bool = True
) -> LiveTurn | Suspect | None:
    """The turn to work on, with a fresh token; None where nothing is to be done.

    A turn that was started too often is given up here: the person gets an apology and a case. So is
    one of a newer version that has not gone on with it for long, as that upgrade was taken back.
    """
    conversation = tx.conversations.get(conversation_id)
    if conversation is None:
        return None
    conversation = as_trusted(tx, conversation)
    running = tx.turns.running(conversation_id)
    if running is not None:
        if not alone and running.attempts >= SUSPECT_ATTEMPTS:
            return Suspect()
        entries = list(tx.turns.journal(running.id))
        strange = {entry.kind for entry in entries} - {*Kind}
        if strange and _may_go_on(services, running, entries):
            # In a rolling upgrade. Nothing is written, so this is no attempt, and asked again.
            raise StoreError(
                f"turn {running.id} was begun by a newer version ({min(strange)}): left to that one"
            )
        live = _taken_over(tx, services, conversation, running, entries)
        if live.turn.attempts <= services.limits.attempts and not strange:
            return live
        with within(trace=running.trace, conversation=conversation_id, turn=running.id):
            give_up(_boundary(tx, services, live))
        conversation = as_trusted(tx, tx.conversations.get(conversation_id) or conversation)
    return _begun(tx, services, conversation)


# --- a turn that somebody began ---------------------------------------------------------------


def _may_go_on(services: Services, running: Turn, entries: Sequence[JournalEntry]) -> bool:
    """Since its last begin, as far as that can be read, less time went by than a turn may take."""
    begins = [running.started_at, *(one.at for one in entries if one.kind == Kind.RESUMED)]
    longest = max(LEFT_TO_NEWER, timedelta(seconds=services.limits.turn_seconds))
    return services.clock.now() < max(begins) + longest


def _taken_over(
    tx: UnitOfWork,
    services: Services,
    conversation: Conversation,
    running: Turn,
    entries: Sequence[JournalEntry],
) -> LiveTurn:
    turn = tx.turns.take_over(running.id, services.ids.new("token"))
    live = LiveTurn(
        turn=turn,
        conversation=conversation,
        requester=requester_of(tx, turn.author),
        entries=[_readable(entry) for entry in entries],
        transcript={},
        rows=list(tx.inbox.of_turn(turn.id)),
    )
    boundary = _boundary(tx, services, live)
    live.transcript = read_transcript(boundary)
    live.summary = _summary_shown(boundary)
    boundary.note(Kind.RESUMED, {"attempt": turn.attempts})
    tx.turns.append(turn.id, turn.token, boundary.news)
    live.entries += boundary.news
    return live


def _readable(entry: JournalEntry) -> JournalEntry:
    """One of a kind that this version does not know says nothing, and keeps its place."""
    if entry.kind in {*Kind}:
        return entry
    return replace(entry, kind=Kind.FACTS.value, body={"text": ""})


def _summary_shown(boundary: Boundary) -> HistorySummary | None:
    """The summary that the turn began with; None where it is erased, or not for this room."""
    upto = boundary.live.entries[0].body.get("summary", 0)
    conversation = boundary.conversation
    found = boundary.tx.transcript.summary(conversation.id, upto, conversation.audience)
    return found if found is not None and found.upto == upto else None


def _boundary(tx: UnitOfWork, services: Services, live: LiveTurn) -> Boundary:
    return Boundary(
        tx=tx,
        services=services,
        live=live,
        conversation=live.conversation,
        requester=live.requester,
        at=services.clock.now(),
    )


# --- a new turn -------------------------------------------------------------------------------


def _begun(tx: UnitOfWork, services: Services, conversation: Conversation) -> LiveTurn | None:
    rows = list(tx.inbox.new_rows(conversation.id))
    with within(trace=rows[0].trace if rows else None, conversation=conversation.id):
        return _begun_with(tx, services, conversation, rows)


def _begun_with(
    tx: UnitOfWork, services: Services, conversation: Conversation, rows: list[InboxRow]
) -> LiveTurn | None:
    silent = conversation.status is not ConversationStatus.WITH_AGENT
    if not silent and rows and _is_held(tx, services, conversation, rows):
        silent = True
        conversation = tx.conversations.get(conversation.id) or conversation
    if silent:
        rows = _only_decisions(tx, rows)
    if not rows:
        return None
    mine = rows_of_one(rows, rows[0].author_key)
    turn = Turn(
        id=TurnId(services.ids.new("turn")),
        conversation_id=conversation.id,
        author=mine[0].author,
        author_key=mine[0].author_key,
        epoch=conversation.epoch,
        token=services.ids.new("token"),
        attempts=1,
        status=TurnStatus.RUNNING,
        started_at=services.clock.now(),
        trace=mine[0].trace,
    )
    tx.turns.add(turn)
    tx.inbox.claim([row.seq for row in mine], turn.id)
    live = LiveTurn(
        turn=turn,
        conversation=conversation,
        requester=requester_of(tx, turn.author),
        entries=[],
        transcript={},
        rows=mine,
    )
    _open_journal(_boundary(tx, services, live), mine, silent=silent)
    return live


def _is_held(
    tx: UnitOfWork, services: Services, conversation: Conversation, rows: Sequence[InboxRow]
) -> bool:
    """Something keeps the agent out of here: whoever wrote gets a person instead."""
    hold = hold_on(tx, services, conversation) or budget_used_up(tx, services, conversation)
    if hold is not None:
        give_to_people(tx, services, conversation, hold, rows[0].author, words_of(tx, rows))
    return hold is not None


def _only_decisions(tx: UnitOfWork, rows: Sequence[InboxRow]) -> list[InboxRow]:
    """While people have the conversation the agent answers nobody; decided actions still run.

    Who pressed Undo before they took it is told why it is not undone.
    """
    kept = (InboxKind.DECISION, InboxKind.UNDO)
    tx.inbox.finish([row.seq for row in rows if row.kind not in kept])
    return [row for row in rows if row.kind in kept]


def _open_journal(boundary: Boundary, rows: Sequence[InboxRow], *, silent: bool) -> None:
    live, services = boundary.live, boundary.services
    _settle_on_only_account(boundary)
    live.transcript = read_transcript(boundary)
    tools = services.tools(live.conversation.audience)
    upto = max(live.transcript, default=0)
    asked = [row.transcript_seq for row in rows if row.transcript_seq is not None]
    window = window_of(
        boundary.tx,
        boundary.conversation,
        min(asked, default=upto + 1) - 1,
        min(live.transcript, default=1),
        services.limits,
    )
    live.summary = window.summary
    boundary.note(
        Kind.ENTERED,
        {
            "rows": [row_body(row) for row in rows],
            "upto": upto,
            "from": window.start,
            "summary": window.summary.upto if window.summary else 0,
            "silent": silent,
            "audience": live.conversation.audience.value,
            "instructions": services.instructions_version,
            "tools": [str(tool.name) for tool in tools],
            "policy": services.policy_source.current().version,
            "model": services.model.label,
        },
    )
    boundary.tx.turns.append(live.turn.id, live.turn.token, boundary.news)
    live.entries = boundary.news


def _settle_on_only_account(boundary: Boundary) -> None:
    """In a direct chat, a customer with a role in one account means that one."""
    conversation, requester = boundary.conversation, boundary.requester
    roles = requester.person.roles if requester.person else {}
    if (
        conversation.account is None
        and conversation.audience is Audience.PRIVATE
        and not requester.can(Capability.STAFF)
        and len(roles) == 1
    ):
        boundary.save_conversation(replace(conversation, subject=next(iter(roles))))
        boundary.live.conversation = boundary.conversation
