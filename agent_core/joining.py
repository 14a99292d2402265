"""Joins two identities of one person by a one-time code that they carry from one to the other.

The code is shown once, to one person, and kept only as a salted hash. Entering it first shows whom
one would be joined with: a code that somebody was talked into typing must not give rights away.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from agent_core import presses
from agent_core.audit_notes import note_joined, note_person
from agent_core.blocks import Button, Buttons, ButtonStyle, Text
from agent_core.different import Houses
from agent_core.messages import Author, OutboundMessage, Platform, PlatformIdentity
from agent_core.notices import plain_text
from agent_core.people import JoinCode, Person, PersonId, Requester
from agent_core.ports import UnitOfWork

LIFETIME: Final = timedelta(minutes=10)
TRIES: Final = 5
_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that is read as another
_WORDS: Final = re.compile(
    rf"\s*join(?:\s+((?:[{_LETTERS}]{{4}}[-\s]?){{2}}[{_LETTERS}]{{4}})(\s+yes)?)?\s*[.!]?\s*",
    re.IGNORECASE,
)
_NAMES: Final = {Platform.SLACK: "Slack", Platform.TEAMS: "Microsoft Teams"}
_ADMIN_ONLY: Final = (
    "{why}, so a code cannot join it with another account. An operator has to do it: "
    "handrail people join PERSON {address}"
)
_OVER: Final = "This code does not count any more. Ask for a new one where you got it."


@dataclass(frozen=True, slots=True)
class _Entered:
    """What somebody typed after `join`. `code` is "" for the bare word."""

    code: str
    sure: bool


def is_joining(text: str) -> bool:
    """Whether the words are `join`, `join CODE` or `join CODE yes`, and nothing else."""
    return _WORDS.fullmatch(text) is not None


def _entered(text: str) -> _Entered:
    found = _WORDS.fullmatch(text)
    code = re.sub(r"[-\s]", "", found.group(1) or "").upper() if found else ""
    return _Entered(code, bool(found and found.group(2)))


def joined_in_words(
    tx: UnitOfWork, houses: Houses, text: str, who: Requester, now: datetime
) -> OutboundMessage:
    """The answer to `join` in a direct chat. It bears no code: its button shows one in private."""
    entered = _entered(text)
    if entered.code:
        return _message(Text(markdown=_enter(tx, houses, entered, who, now)))
    explained = Text(
        markdown="I can learn that your account here and the one on the other platform are both "
        "yours. Take a code here, and write “join CODE” to me in a direct chat there."
    )
    button = Button(
        action=presses.JOIN_CODE, label="Show my code", value="join", style=ButtonStyle.PRIMARY
    )
    return _message(explained, Buttons(buttons=(button,)))


def join_command(tx: UnitOfWork, houses: Houses, text: str, who: Requester, now: datetime) -> str:
    """The answer to the slash command, which only the one who typed it reads."""
    entered = _entered(text)
    return (
        _enter(tx, houses, entered, who, now) if entered.code else give_code(tx, houses, who, now)
    )


def give_code(tx: UnitOfWork, houses: Houses, who: Requester, now: datetime) -> str:
    """A new code in a sentence, for this person's eyes alone. Earlier ones of theirs end."""
    problem = _why_not_by_code(tx, houses, who)
    if problem is not None:
        return problem
    raw = "".join(secrets.choice(_LETTERS) for _ in range(12))
    selector, secret = raw[:4], raw[4:]
    taken = tx.people.join_code(selector)
    if taken is not None and taken.identity != who.identity and taken.expires_at > now:
        return give_code(tx, houses, who, now)
    tx.people.remove_join_codes(who.identity)
    tx.people.put_join_code(
        JoinCode(
            selector=selector,
            digest=_digest(secret, selector, who.identity),
            identity=who.identity,
            name=who.name,
            expires_at=now + LIFETIME,
        )
    )
    return (
        f"Your code is {raw[:4]}-{raw[4:8]}-{raw[8:]}. Within 10 minutes, write "
        f"“join {raw[:4]}-{raw[4:8]}-{raw[8:]}” to me in a direct chat on the other platform. Give "
        "it to nobody: whoever enters it becomes one person with you."
    )


def _enter(tx: UnitOfWork, houses: Houses, entered: _Entered, who: Requester, now: datetime) -> str:
    problem = _why_not_by_code(tx, houses, who)
    if problem is not None:
        return problem
    selector, secret = entered.code[:4], entered.code[4:]
    code = tx.people.join_code(selector)
    if code is None:
        return "I do not know this code. Check it, or ask for a new one where you got it."
    if code.expires_at <= now or code.tries >= TRIES:
        return _OVER
    if not hmac.compare_digest(code.digest, _digest(secret, selector, code.identity)):
        tx.people.put_join_code(replace(code, tries=code.tries + 1))
        return "I do not know this code. Check it, or ask for a new one where you got it."
    there = _NAMES.get(code.identity.platform, str(code.identity.platform))
    if code.identity.platform is who.identity.platform:
        return f"This code was given on {there} too. Enter it on the other platform."
    problem = _why_not_these(tx, houses, who, code)
    if problem is not None:
        return problem
    if not entered.sure or code.asked_by != who.identity:
        tx.people.put_join_code(replace(code, asked_by=who.identity))
        shown = f"{entered.code[:4]}-{entered.code[4:8]}-{entered.code[8:]}"
        return (
            f"This would make you one person with {code.name} on {there} ({code.identity}), with "
            f"all rights of both. If that is you, write “join {shown} yes”. If somebody else gave "
            "you this code, do not, and tell your support lead."
        )
    return _join(tx, code, who, now, there)


def _join(tx: UnitOfWork, code: JoinCode, who: Requester, now: datetime, there: str) -> str:
    first = tx.people.find(code.identity) or _nobody_yet(code.identity, code.name)
    second = who.person or _nobody_yet(who.identity, who.name)
    problem = why_not_joined(first, second)
    if problem is not None:
        return f"{problem} An operator can sort this out."
    joined = merged(first, second)
    if tx.people.get(second.id) is not None:
        # What was recorded under the second id stays; the record itself is left with nothing.
        tx.people.put(replace(second, identities=(), roles={}, capabilities=frozenset()))
    tx.people.put(joined)
    tx.people.remove_join_codes(code.identity)  # used once
    tx.people.remove_join_codes(who.identity)
    note_joined(tx, first, second, now)
    note_person(tx, first, joined, now, by=who)
    return f"Done: you are {joined.name} here and on {there}."


def _why_not_by_code(tx: UnitOfWork, houses: Houses, who: Requester) -> str | None:
    """Why this one can neither take nor enter a code, in a sentence; None if they can.

    A guest's account is whoever the inviter says it is, and a code proves no more than that two
    accounts are held by those who agree: rights for the vendor pass between its own tenants alone.
    """
    if who.is_guest:
        return _ADMIN_ONLY.format(
            why="You are a guest here as far as the platform tells", address=who.identity
        )
    if who.capabilities and not _is_at_home(tx, houses, who.identity):
        why = "Your account here belongs to none of our own workspaces or tenants"
        return _ADMIN_ONLY.format(why=why, address=who.identity)
    return None


def _why_not_these(tx: UnitOfWork, houses: Houses, who: Requester, code: JoinCode) -> str | None:
    """Rights for the vendor on one side, and a tenant of somebody else on the other."""
    giver = tx.people.find(code.identity)
    if not (who.capabilities or (giver and giver.capabilities)):
        return None
    for identity in (who.identity, code.identity):
        if not _is_at_home(tx, houses, identity):
            why = f"{identity} belongs to none of our own workspaces or tenants"
            return _ADMIN_ONLY.format(why=why, address=identity)
    return None


def _is_at_home(tx: UnitOfWork, houses: Houses, identity: PlatformIdentity) -> bool:
    return identity.tenant_id in houses.of(tx, identity.platform)


def _nobody_yet(identity: PlatformIdentity, name: str) -> Person:
    person_id = PersonId(f"person_{secrets.token_hex(12)}")
    return Person(id=person_id, name=name, identities=(identity,))


def why_not_joined(first: Person, second: Person) -> str | None:
    """Why these two cannot be one person, in a sentence; None if they can."""
    if first.id == second.id:
        return f"They are one person already: {first.name}."
    clashes = [
        f"{account} ({first.roles[account]} and {role})"
        for account, role in second.roles.items()
        if first.roles.get(account, role) is not role
    ]
    if clashes:
        return f"{first.name} and {second.name} have different roles in {', '.join(clashes)}."
    return None


def merged(first: Person, second: Person) -> Person:
    """All that both have, under the first one's id and name."""
    return replace(
        first,
        identities=(*first.identities, *second.identities),
        roles={**first.roles, **second.roles},
        capabilities=first.capabilities | second.capabilities,
    )


def _digest(secret: str, selector: str, identity: PlatformIdentity) -> str:
    """Slow on purpose: the code is short, and a stolen table must not tell it in its lifetime."""
    salt = f"{selector}|{identity}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**12, r=8, p=1, dklen=32).hex()


def _message(*blocks: Text | Buttons) -> OutboundMessage:
    return OutboundMessage(blocks=blocks, fallback=plain_text(blocks), author=Author.CODE)
