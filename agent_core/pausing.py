"""Sets and releases brakes, for the command line and for support leads, with an audit entry."""

from collections.abc import Collection, Iterable
from datetime import datetime
from difflib import get_close_matches

from agent_core.audit import NO_ACCOUNT, OPERATOR, AuditDraft, AuditKind
from agent_core.brakes import Brake, BrakeScope, brake_named
from agent_core.masking import masked
from agent_core.people import Capability, Requester
from agent_core.ports import UnitOfWork
from agent_core.tooling import Tool

HOW = (
    "Write “pause all”, “pause account ID”, “pause room ADDRESS” or “pause tool NAME”, with a "
    "reason after it if you like; “resume …” to let go; “pauses” to see what is paused."
)
PAUSE, RESUME, PAUSES = "pause", "resume", "pauses"


def is_pausing(text: str) -> bool:
    """Whether somebody's words are one of the three commands."""
    return text.strip().partition(" ")[0].casefold() in (PAUSE, RESUME, PAUSES)


def pause_in_words(
    tx: UnitOfWork, text: str, who: Requester, at: datetime, actions: Collection[str]
) -> str:
    """A support lead's command. Returns the sentence that answers it; nothing is raised.

    `actions`: the names of all that can be paused one by one.
    """
    if not who.can(Capability.LEAD):
        return "Only a support lead can pause the AI agent."
    verb, _, rest = text.strip().partition(" ")
    if verb.casefold() == PAUSES:
        return in_force(tx)
    scope, _, more = rest.strip().partition(" ")
    target, _, reason = ("", "", more) if scope == BrakeScope.ALL else more.strip().partition(" ")
    try:
        kind, checked = brake_named(scope.casefold(), target)
    except ValueError as error:
        return f"{error} {HOW}"
    if verb.casefold() == RESUME:
        return resume(tx, kind, checked, who.name, who.key, at)
    if kind is BrakeScope.TOOL and (refusal := no_such_action(checked, actions)):
        return refusal
    return pause(tx, kind, checked, who.name, who.key, at, reason.strip())


def pausable(tools: Iterable[Tool]) -> frozenset[str]:
    """The names of what can be paused one by one: actions, and what takes them back."""
    actions = [tool for tool in tools if tool.is_action]
    back = [tool.compensation.tool for tool in actions if tool.compensation is not None]
    return frozenset(str(name) for name in (*(tool.name for tool in actions), *back))


def no_such_action(name: str, actions: Collection[str]) -> str:
    """Why pausing this would stop nothing, with the nearest names; "" where it is an action."""
    wanted = name.casefold()
    if wanted in {one.casefold() for one in actions}:
        return ""
    near = get_close_matches(wanted, sorted(actions), n=3, cutoff=0.5)
    hint = (
        f"Do you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(actions))}."
    )
    return f"There is no action {name!r}, so nothing was paused. {hint}"


def pause(
    tx: UnitOfWork,
    scope: BrakeScope,
    target: str,
    by: str,
    key: str,
    at: datetime,
    reason: str = "",
) -> str:
    """Sets a brake. `key` is the person's, or OPERATOR. Acts within one step of every turn."""
    reason = masked(reason)[:500]
    brake = Brake(
        scope=scope, target=target, set_by=by, set_at=at, reason=reason,
        set_by_key=None if key == OPERATOR else key,
    )  # fmt: skip
    tx.brakes.set(brake)
    _note(tx, brake, AuditKind.BRAKE_SET, by, key, at)
    who = (
        "Whoever asks for it is told so"
        if scope is BrakeScope.TOOL
        else "Who writes now gets a person"
    )
    return (
        f"Paused: {brake.in_words}. {who}. An action that has begun finishes; nothing else begins, "
        f"also not the next step of a plan that has its yes.{_doubt(tx, scope, target)}"
    )


def _doubt(tx: UnitOfWork, scope: BrakeScope, target: str) -> str:
    """Said where it may be a slip of the pen: a brake that hits nothing stops nothing."""
    if scope is BrakeScope.ROOM and not any(
        str(one.room).casefold() == target.casefold() for one in tx.rooms.all()
    ):
        return " No linked channel has this address: check it, unless you mean a direct chat."
    if scope is BrakeScope.ACCOUNT and not any(
        str(account).casefold() == target.casefold()
        for account in (
            *(one.account_id for one in tx.rooms.all()),
            *(role for person in tx.people.all() for role in person.roles),
        )
    ):
        return " No linked channel and no person belongs to this account: check its id."
    return ""


def resume(tx: UnitOfWork, scope: BrakeScope, target: str, by: str, key: str, at: datetime) -> str:
    """Releases a brake."""
    brake = Brake(scope=scope, target=target, set_by=by, set_at=at)
    if not tx.brakes.release(scope, target):
        return f"{brake.in_words[:1].upper()}{brake.in_words[1:]} was not paused."
    _note(tx, brake, AuditKind.BRAKE_RELEASED, by, key, at)
    return f"Going on: {brake.in_words}. Conversations that people have stay with them."


def in_force(tx: UnitOfWork) -> str:
    """What is paused now, a line each."""
    lines = [
        f"{brake.in_words}, by {brake.set_by}, {brake.set_at:%d %B %H:%M} UTC"
        + (f": {brake.reason}" if brake.reason else "")
        for brake in tx.brakes.all()
    ]
    return "\n".join(["Paused:", *lines]) if lines else "Nothing is paused."


def _note(tx: UnitOfWork, brake: Brake, kind: AuditKind, by: str, key: str, at: datetime) -> None:
    chain = brake.target if brake.scope is BrakeScope.ACCOUNT else NO_ACCOUNT
    tx.audit.append(
        AuditDraft(
            chain=chain,
            at=at,
            actor=key,
            kind=kind,
            subject=f"{brake.scope}:{brake.target}",
            facts={"scope": brake.scope.value},
            personal={} if key == OPERATOR else {"name": by, "reason": brake.reason},
            whose="" if key == OPERATOR else key,
        )
    )
