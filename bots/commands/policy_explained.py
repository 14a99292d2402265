"""What policy says of one request, put together and put into words."""

from dataclasses import dataclass
from datetime import datetime

from agent_core.amounts import amount_text
from agent_core.conversation import Audience
from agent_core.daily_limits import Counted, Use, limit_text, used, within_limits
from agent_core.people import AccountId, Requester
from agent_core.policy import (
    Decision,
    Policy,
    Question,
    Ruling,
    confirmed_by_staff,
    has_standing,
)
from agent_core.ports import UnitOfWork
from agent_core.tooling import Json, Preview, Standing, Tool
from agent_core.wording import approvers_text, roles_text

_HAPPENS = {
    Decision.ALLOW: "It is done at once.",
    Decision.CONFIRM: "It is done after {name} confirms it.",
    Decision.REFUSE: "It is refused.",
    Decision.ESCALATE: "A person of the support team takes over.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as it would be judged at `at`. `preview` None: it changes nothing."""

    tool: Tool
    arguments: Json
    preview: Preview | None
    who: Requester
    audience: Audience
    account: AccountId | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The ruling, and what is used of each limit that the request counts against."""

    asked: Asked
    version: str
    ruling: Ruling
    uses: tuple[Use, ...]


def explained(tx: UnitOfWork, policy: Policy, asked: Asked) -> Explained:
    """The same steps as in a turn: policy, daily limits, and what staff always confirm."""
    amount = asked.preview.amount if asked.preview else None
    role = asked.who.role_in(asked.account)
    ruling = policy.decide(
        Question(
            tool=asked.tool,
            arguments=asked.arguments,
            requester=asked.who,
            audience=asked.audience,
            account_id=asked.account,
            amount=amount,
            account_facts=asked.preview.account_facts if asked.preview else {},
            now=asked.at,
        )
    )
    uses: tuple[Use, ...] = ()
    if asked.account is not None:
        counted = Counted(
            account_id=asked.account,
            person=asked.who.key,
            amount=amount,
            at=asked.at,
            addresses=asked.who.addresses,
        )
        uses = tuple(used(tx, limit, counted) for limit in ruling.limits)
        ruling = within_limits(tx, ruling, counted, holding=False)
    if asked.tool.is_action:
        ruling = confirmed_by_staff(ruling, role)
    standing = has_standing(asked.who, role, asked.audience)
    if asked.tool.standing is Standing.KNOWN and not standing:
        ruling = Ruling(
            decision=Decision.REFUSE,
            rule=f"tools.{asked.tool.name}.standing",
            reason=f"{asked.who.name} has no role in this account.",
        )
    return Explained(asked=asked, version=policy.version, ruling=ruling, uses=uses)


def as_json(found: Explained) -> dict[str, object]:
    """The stable form for scripts."""
    ruling, preview, need = found.ruling, found.asked.preview, found.ruling.approval
    amount = preview.amount if preview else None
    return {
        "decision": ruling.decision.value,
        "confirm": ruling.confirm,
        "approval": None
        if need is None
        else {
            "by": sorted(one.value for one in (*need.roles, *need.capabilities)),
            "people": need.people,
        },
        "reason": ruling.reason,
        "may_ask": sorted(one.value for one in ruling.may_ask),
        "rule": ruling.rule,
        "where": ruling.where or None,
        "version": found.version,
        "title": preview.title if preview else None,
        "amount": None if amount is None else {"minor": amount.minor, "currency": amount.currency},
        "arguments": dict(found.asked.arguments),
        "limits": [_limit_json(use) for use in found.uses],
    }


def _limit_json(use: Use) -> dict[str, object]:
    limit = use.limit
    return {
        "rule": limit.rule,
        "where": limit.where,
        "per": limit.per.value,
        "count": limit.count,
        "money": dict(limit.money),
        "used_count": use.count,
        "used_minor": use.minor,
        "over": limit.over.value,
    }


def lines(found: Explained) -> list[str]:
    """The same for people."""
    asked, ruling = found.asked, found.ruling
    account = f" for {asked.account}" if asked.account else ""
    what = asked.preview.title if asked.preview else asked.tool.name
    said = [f"{asked.who.name}, {asked.audience.value} room{account}: {what}"]
    if asked.preview and asked.preview.amount:
        amount = asked.preview.amount
        said.append(f"  Amount: {amount_text(amount.minor, amount.currency)}")
    said.append(f"  {_happens(found)}")
    if ruling.reason:
        said.append(f"  Reason: {ruling.reason}")
    if ruling.may_ask:
        said.append(f"  They are offered to ask {roles_text(ruling.may_ask)}.")
    where = ruling.where or "the tool's own default"
    said.append(f"  Rule: {ruling.rule.partition(' ')[0]} ({where}; policy {found.version})")
    said += [f"  Limit: {_left(use, found)}" for use in found.uses]
    return said


def _happens(found: Explained) -> str:
    ruling, name = found.ruling, found.asked.who.name
    if ruling.decision is not Decision.APPROVE or ruling.approval is None:
        return _HAPPENS.get(ruling.decision, "It is refused.").format(name=name)
    first = f"{name} confirms it, then " if ruling.confirm else ""
    who = approvers_text(ruling.approval).rstrip(",")
    sentence = f"{first}{who} must approve it. {name} cannot."
    return sentence[:1].upper() + sentence[1:]


def _left(use: Use, found: Explained) -> str:
    so_far = f"{use.count} used today"
    amount = found.asked.preview.amount if found.asked.preview else None
    if amount is not None and amount.currency in use.limit.money:
        so_far += f", {amount_text(use.minor, amount.currency)}"
    return f"{limit_text(use.limit)}: {so_far} ({use.limit.where})"
