"""Writes what happened into the audit log, in the transaction in which it happens.

Each function says which fields are facts, kept in clear, and which are personal, sealed under the
key of the person whom they are about. What people write is never noted, only that they did.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from agent_core.audit import AGENT, NO_ACCOUNT, OPERATOR, AuditDraft, AuditEntry, AuditKind
from agent_core.conversation import RoomBinding
from agent_core.escalations import Escalation
from agent_core.people import AccountId, Capability, Person, Requester
from agent_core.ports import UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId
from agent_core.tooling import Amount, Json

_PAGE = 1000
_BY_REQUESTER = frozenset({AuditKind.PROPOSED, AuditKind.CONFIRMED, AuditKind.CANCELLED})


def note_proposal(
    tx: UnitOfWork,
    proposal: Proposal,
    kind: AuditKind,
    at: datetime,
    *,
    who: Requester | None = None,
    by_agent: bool = False,
    facts: Json | None = None,
) -> None:
    """What became of a proposal. `who` decided; unless given, its requester or the agent.

    PROPOSED keeps the exact arguments and the effect, sealed, since they may name people.
    `by_agent`: the code withdrew it and not its requester.
    """
    told: dict[str, object] = {"tool": proposal.tool, "status": proposal.status.value}
    personal: dict[str, object]
    actor = AGENT
    if who is not None:
        actor, personal = who.key, _who(who)
    else:
        if kind in _BY_REQUESTER and not by_agent:
            actor = proposal.requester_key
        personal = {"name": proposal.requester_name, "identity": str(proposal.requester)}
    if kind is AuditKind.PROPOSED:
        told |= {
            "rule": proposal.rule,
            "occurrence": proposal.occurrence,
            "version": proposal.version,
            "amount": _amount(proposal.amount),
            "confirmation": proposal.needs_confirmation,
            "approval": proposal.approval is not None,
            "plan": proposal.plan_id,
            "step": proposal.step,
            "undoes": proposal.undoes,
        }
        personal |= {
            "title": proposal.title,
            "arguments": dict(proposal.arguments),
            "changes": [[one.label, one.before, one.after] for one in proposal.changes],
        }
    tx.audit.append(
        AuditDraft(
            chain=proposal.account_id,
            at=at,
            actor=actor,
            kind=kind,
            subject=proposal.id,
            facts={**told, **(facts or {})},
            personal=personal,
            whose=who.key if who is not None else proposal.requester_key,
        )
    )


def note_effect(
    tx: UnitOfWork,
    entry: LedgerEntry,
    kind: AuditKind,
    at: datetime,
    *,
    undoes: ProposalId | None = None,
) -> None:
    """INTENDED or SETTLED, by the agent on the requester's behalf.

    `undoes`: the effect that this one takes back; it is UNDONE once this one has succeeded.
    """
    facts: dict[str, object] = {"tool": entry.tool, "amount": _amount(entry.amount)}
    personal: dict[str, object] = {"identity": str(entry.requester)}
    if entry.outcome is not None:
        facts["outcome"] = entry.outcome.value
        personal |= {"title": entry.title, "reason": entry.reason}
    draft = AuditDraft(
        chain=entry.account_id,
        at=at,
        actor=AGENT,
        kind=kind,
        subject=entry.key,
        facts=facts,
        personal=personal,
        whose=str(entry.person_id) if entry.person_id else str(entry.requester),
    )
    tx.audit.append(draft)
    if undoes is not None and entry.outcome is Outcome.SUCCEEDED:
        undone = {"tool": entry.tool, "by": entry.key}
        tx.audit.append(
            replace(draft, kind=AuditKind.UNDONE, subject=undoes, facts=undone, personal={})
        )


def note_case(
    tx: UnitOfWork,
    case: Escalation,
    kind: AuditKind,
    at: datetime,
    *,
    who: Requester | None = None,
    facts: Json | None = None,
) -> None:
    """What became of a case. `who`: the support person; the agent unless given."""
    tx.audit.append(
        AuditDraft(
            chain=case.account_id or NO_ACCOUNT,
            at=at,
            actor=who.key if who is not None else AGENT,
            kind=kind,
            subject=case.id,
            facts={"case": case.number, "reason": case.reason.value, **(facts or {})},
            personal=_who(who) if who is not None else {},
        )
    )


def note_person(
    tx: UnitOfWork,
    before: Person | None,
    after: Person,
    at: datetime,
    *,
    by: Requester | None = None,
) -> None:
    """Every role and capability that was given or taken; an operator's doing unless `by` is given.

    Roles are noted in their account's chain, capabilities in the chain of no account.
    """
    roles = before.roles if before else {}
    for account in sorted({*roles, *after.roles}):
        was, now = roles.get(account), after.roles.get(account)
        if was is now:
            continue
        kind = AuditKind.ROLE_TAKEN if now is None else AuditKind.ROLE_GIVEN
        changed = {"role": now.value if now else None, "before": was.value if was else None}
        _note_person(tx, after, kind, at, by, account, changed)
    had = before.capabilities if before else frozenset[Capability]()
    for kind, which in (
        (AuditKind.CAPABILITY_GIVEN, after.capabilities - had),
        (AuditKind.CAPABILITY_TAKEN, had - after.capabilities),
    ):
        for capability in sorted(which):
            _note_person(tx, after, kind, at, by, None, {"capability": capability.value})


def note_joined(tx: UnitOfWork, kept: Person, other: Person, at: datetime) -> None:
    """Two records became one person; whoever erases one erases both."""
    facts = {"joined": [tx.audit.reference(key) for key in person_keys(other)]}
    _note_person(tx, kept, AuditKind.PEOPLE_JOINED, at, None, None, facts)


def note_room(
    tx: UnitOfWork, binding: RoomBinding, kind: AuditKind, at: datetime, *, why: str = ""
) -> None:
    """ROOM_LINKED or ROOM_UNLINKED. `why`: the platform's change; an operator's doing without."""
    facts = {
        "room": str(binding.room),
        "audience": binding.audience.value,
        "mode": binding.mode.value,
        "support": binding.is_support,
        **({"why": why} if why else {}),
    }
    tx.audit.append(
        AuditDraft(
            chain=binding.account_id or NO_ACCOUNT,
            at=at,
            actor=AGENT if why else OPERATOR,
            kind=kind,
            subject=str(binding.room),
            facts=facts,
        )
    )


def note_operation(
    tx: UnitOfWork,
    kind: AuditKind,
    subject: str,
    at: datetime,
    *,
    account: AccountId | None = None,
    by: Requester | None = None,
    facts: Json | None = None,
) -> None:
    """A brake, a change of policy: an operator's doing unless `by` is given."""
    tx.audit.append(
        AuditDraft(
            chain=account or NO_ACCOUNT,
            at=at,
            actor=by.key if by is not None else OPERATOR,
            kind=kind,
            subject=subject,
            facts=facts or {},
            personal=_who(by) if by is not None else {},
        )
    )


def erase(tx: UnitOfWork, keys: Iterable[str], at: datetime) -> int:
    """Destroys the keys of a person, and of every record that was joined to theirs.

    `keys`: all under which they are known (`person_keys`). Returns how many keys there were. The
    chains stay as they are; that somebody was erased is noted, under references alone.
    """
    references = with_joined(tx, keys)
    destroyed = sum(tx.audit.destroy_key(each) for each in sorted(references))
    for each in sorted(references):
        tx.audit.append(
            AuditDraft(
                chain=NO_ACCOUNT,
                at=at,
                actor=OPERATOR,
                kind=AuditKind.ERASED,
                subject=each,
                facts={"keys": destroyed},
            )
        )
    return destroyed


def with_joined(tx: UnitOfWork, keys: Iterable[str]) -> set[str]:
    """The references of these keys, and of every record that was joined to theirs."""
    references = {tx.audit.reference(key) for key in keys}
    joined = _joined(tx)
    while more := {each for one in references for each in joined.get(one, ())} - references:
        references |= more
    return references


def person_keys(person: Person) -> tuple[str, ...]:
    """All keys under which this person was noted: as known, and as unknown before that."""
    return (str(person.id), *(str(identity) for identity in person.identities))


# --- inner ------------------------------------------------------------------------------------


def _who(who: Requester) -> dict[str, object]:
    return {"name": who.name, "identity": str(who.identity)}


def _amount(amount: Amount | None) -> Json | None:
    return None if amount is None else {"minor": amount.minor, "currency": amount.currency}


def _note_person(
    tx: UnitOfWork,
    person: Person,
    kind: AuditKind,
    at: datetime,
    by: Requester | None,
    account: AccountId | None,
    facts: Json,
) -> None:
    tx.audit.append(
        AuditDraft(
            chain=account or NO_ACCOUNT,
            at=at,
            actor=by.key if by is not None else OPERATOR,
            kind=kind,
            subject=tx.audit.reference(str(person.id)),
            facts=facts,
            personal={
                "name": person.name,
                "identities": [str(identity) for identity in person.identities],
            },
            whose=str(person.id),
        )
    )


def _joined(tx: UnitOfWork) -> dict[str, set[str]]:
    """Which references were joined, in both directions."""
    found = defaultdict[str, set[str]](set)
    for entry in all_entries(tx, NO_ACCOUNT):
        if entry.kind == AuditKind.PEOPLE_JOINED:
            for each in json.loads(entry.facts)["joined"]:
                found[entry.subject].add(each)
                found[each].add(entry.subject)
    return found


def all_entries(tx: UnitOfWork, chain: str, *, after: int = 0) -> Iterator[AuditEntry]:
    """Every row of a chain, read a page at a time."""
    while page := tx.audit.entries(chain, after=after, limit=_PAGE):
        yield from page
        after = page[-1].seq
