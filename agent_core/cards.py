"""What code says to people about proposals, decisions and receipts; each with its plain text."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from agent_core import presses
from agent_core.amounts import amount_text
from agent_core.blocks import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Changes,
    Citation,
    Field,
    Fields,
    Heading,
    Mention,
    Note,
    Quote,
    Receipt,
    Text,
)
from agent_core.conversation import ConversationId
from agent_core.messages import Author, OutboundMessage, PlatformIdentity
from agent_core.people import AccountId, Capability, Role
from agent_core.policy import ApprovalNeed
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId, ProposalStatus
from agent_core.tooling import Amount
from agent_core.visibility import covered, covered_arguments

_BOLD: Final = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")
_ROLE_NAMES: Final = {
    Role.OWNER: "an owner",
    Role.BILLING_ADMIN: "a billing admin",
    Role.ADMIN: "an admin",
    Role.MEMBER: "a member",
}
_CAPABILITY_NAMES: Final = {
    Capability.STAFF: "a colleague",
    Capability.SUPPORT: "the support team",
    Capability.APPROVER: "an approver of the support team",
    Capability.LEAD: "a support lead",
}
OUTCOME_TITLES: Final = {
    Outcome.SUCCEEDED: "Done",
    Outcome.REFUSED: "Not done",
    Outcome.FAILED: "Not done",
    Outcome.UNKNOWN: "Not certain",
}


# --- words ----------------------------------------------------------------------------------


def money_text(amount: Amount) -> str:
    """Minor units as people read them, e.g. "$1,250.00"."""
    return amount_text(amount.minor, amount.currency)


def time_text(at: datetime) -> str:
    """A moment as cards show it, e.g. "10:03 UTC, 4 March"."""
    return f"{at:%H:%M} UTC, {at.day} {at:%B}"


def short_reference(key: ProposalId) -> str:
    """The last eight characters of a ledger key, which support can search for."""
    return str(key)[-8:].upper()


def roles_text(roles: Iterable[Role]) -> str:
    """Roles in a sentence, e.g. "an owner or a billing admin"."""
    return one_of([_ROLE_NAMES[role] for role in Role if role in set(roles)])


def one_of(names: Sequence[str]) -> str:
    """Alternatives in a sentence: "a, b or c"."""
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def argument_label(name: str) -> str:
    """An argument's name as people read it: "amount_minor" is "Amount in minor units"."""
    words = name.removesuffix("_minor").replace("_", " ").strip() or name
    unit = " in minor units" if name.endswith("_minor") else ""
    return f"{words[:1].upper()}{words[1:]}{unit}"


def approvers_text(need: ApprovalNeed) -> str:
    """Who else must say yes, in a sentence."""
    names = [_ROLE_NAMES[role] for role in Role if role in need.roles]
    names += [_CAPABILITY_NAMES[one] for one in Capability if one in need.capabilities]
    who = one_of(names)
    return who if need.people == 1 else f"{need.people} different people, each of them {who},"


def plain_text(blocks: Sequence[Block]) -> str:
    """The whole of a message without any drawing; buttons are named, so that a reader knows."""
    return "\n".join(line for block in blocks for line in _plain_lines(block) if line)


def without_emphasis(markdown: str) -> str:
    """Markdown's bold taken off, for places that show plain text."""
    return _BOLD.sub(r"\1", markdown)


def _plain_lines(block: Block) -> list[str]:
    match block:
        case Heading(text=text) | Note(text=text):
            return [text]
        case Text(markdown=text):
            return [without_emphasis(text)]
        case Fields(fields=fields):
            return [f"{field.label}: {field.value}" for field in fields]
        case Changes(changes=changes):
            return [f"{one.label}: {one.before} → {one.after}" for one in changes]
        case Receipt():
            lines = [block.title, *(f"{field.label}: {field.value}" for field in block.fields)]
            return [*lines, f"Reference {block.reference}"]
        case Quote():
            return [f"{block.speaker}{f' ({block.at})' if block.at else ''}: {block.text}"]
        case Citation():
            return [f"{block.title}: {block.url}"]
        case Mention():
            return [" ".join([*(name for _, name in block.people), block.text]).strip()]
        case Buttons(buttons=buttons):
            return ["Choices: " + " · ".join(button.label for button in buttons)]


def message_of(
    blocks: Sequence[Block | None], *, private_to: PlatformIdentity | None = None
) -> OutboundMessage:
    shown = tuple(block for block in blocks if block is not None)
    return OutboundMessage(
        blocks=shown, fallback=plain_text(shown), author=Author.CODE, private_to=private_to
    )


def notice(text: str, *, private_to: PlatformIdentity | None = None) -> OutboundMessage:
    """A sentence by code."""
    return message_of([Text(markdown=text)], private_to=private_to)


def working(conversation_id: ConversationId) -> OutboundMessage:
    """While a turn takes long."""
    stop = button(presses.STOP, "Stop", str(conversation_id))
    return message_of([Text(markdown="Working on it…"), Buttons(buttons=(stop,))])


# --- proposals ------------------------------------------------------------------------------


def _account_text(proposal: Proposal, account_name: str) -> str:
    return account_name or proposal.account_name or str(proposal.account_id)


def facts_of(proposal: Proposal, account_name: str, *, requester: bool) -> Fields:
    fields = [Field(label="Account", value=_account_text(proposal, account_name))]
    if proposal.amount is not None:
        fields.append(Field(label="Amount", value=money_text(proposal.amount)))
    if requester:
        fields.append(Field(label="Requested by", value=proposal.requester_name))
    return Fields(fields=tuple(fields))


def _changes(proposal: Proposal) -> Changes | None:
    return Changes(changes=proposal.changes) if proposal.changes else None


def _notes(proposal: Proposal) -> list[Block]:
    notes = list(proposal.notes)
    if proposal.plan_id is not None:
        notes.append(
            f"Step {proposal.step} of a plan: no step runs before every approval is there."
        )
    return [Note(text=note) for note in notes]


def button(action: str, label: str, value: str, style: ButtonStyle = ButtonStyle.DEFAULT) -> Button:
    return Button(action=action, label=label, value=value, style=style)


def proposal_card(proposal: Proposal, account_name: str = "") -> OutboundMessage:
    """What would happen, with Confirm and Cancel for the requester.

    Any other status than `awaiting_confirmation` is drawn as it stands now.
    """
    if proposal.status is ProposalStatus.AWAITING_APPROVAL:
        return waiting_card(proposal, account_name)
    if proposal.status is not ProposalStatus.AWAITING_CONFIRMATION:
        return decided_card(proposal, account_name)
    if proposal.approval is not None and not proposal.needs_confirmation:
        return _askable_card(proposal, proposal.approval, account_name)
    then = ""
    if proposal.approval is not None:
        then = f" After your yes, {approvers_text(proposal.approval)} must approve it."
    value = str(proposal.id)
    return message_of(
        [
            Heading(text=f"{proposal.title}?"),
            facts_of(proposal, account_name, requester=False),
            _changes(proposal),
            *_notes(proposal),
            Note(
                text=f"Only {proposal.requester_name} can confirm this, until "
                f"{time_text(proposal.expires_at)}.{then}"
            ),
            Buttons(
                buttons=(
                    button(presses.CONFIRM, "Confirm", value, ButtonStyle.PRIMARY),
                    button(presses.CANCEL, "Cancel", value),
                )
            ),
        ]
    )


def _askable_card(proposal: Proposal, need: ApprovalNeed, account_name: str) -> OutboundMessage:
    """What the requester may not do, but may ask for."""
    value = str(proposal.id)
    who = approvers_text(need)
    return message_of(
        [
            Heading(text=f"Not done: {proposal.title}"),
            facts_of(proposal, account_name, requester=False),
            _changes(proposal),
            *_notes(proposal),
            Note(text=f"This needs {who}."),
            Buttons(
                buttons=(
                    button(presses.ASK_OWNER, f"Ask {who}", value, ButtonStyle.PRIMARY),
                    button(presses.CANCEL, "Leave it", value),
                )
            ),
        ]
    )


def waiting_card(proposal: Proposal, account_name: str = "") -> OutboundMessage:
    """For the requester, while somebody else decides."""
    who = approvers_text(proposal.approval) if proposal.approval else "somebody else"
    return message_of(
        [
            Heading(text=f"{proposal.title}: waiting for approval"),
            facts_of(proposal, account_name, requester=True),
            _changes(proposal),
            *_notes(proposal),
            Note(
                text=f"{who[:1].upper()}{who[1:]} must approve this. {_given_text(proposal)}"
                "Nothing has changed yet."
            ),
            Buttons(
                buttons=(button(presses.CANCEL, "Cancel the request", str(proposal.id)),),
            ),
        ]
    )


def approval_card(
    proposal: Proposal, account_name: str = "", requester_line: str = "", *, exact: bool = False
) -> OutboundMessage:
    """For those who approve: the very arguments that run, with Approve and Decline.

    What a shared room may not read is covered, unless `exact`, which is for support's own room:
    which rule of which policy asks for it is told there alone.
    """
    if proposal.status is not ProposalStatus.AWAITING_APPROVAL:
        return decided_card(proposal, account_name)
    value = str(proposal.id)
    need = approvers_text(proposal.approval) if proposal.approval else "an approver"
    hidden = frozenset[str]() if exact else covered_arguments(proposal)
    why = f"Why: {proposal.rule}." if exact else "A change like this needs a second person's yes."
    arguments = tuple(
        Field(
            label=argument_label(name),
            value=covered(str(value)) if name in hidden else _argument_text(value),
        )
        for name, value in sorted(proposal.arguments.items())
    )
    return message_of(
        [
            Heading(text=f"Approval needed: {proposal.title}"),
            facts_of(proposal, account_name, requester=True),
            Text(markdown=requester_line) if requester_line else None,
            _changes(proposal),
            Fields(fields=arguments) if arguments else None,
            *_notes(proposal),
            Note(
                text=f"{need[:1].upper()}{need[1:]} must decide, until "
                f"{time_text(proposal.expires_at)}. {_given_text(proposal)}{why} "
                f"Reference {short_reference(proposal.id)}"
            ),
            Buttons(
                buttons=(
                    button(presses.APPROVE, "Approve", value, ButtonStyle.PRIMARY),
                    button(presses.DECLINE, "Decline", value, ButtonStyle.DANGER),
                )
            ),
        ]
    )


def _given_text(proposal: Proposal) -> str:
    """The approvals given so far, and how many are missing; "" before the first."""
    said = [f"Approved by {one.name} at {time_text(one.at)}." for one in proposal.approvals]
    need = proposal.approval
    if said and need is not None and len(said) < need.people:
        more = need.people - len(said)
        said.append("One more person must." if more == 1 else f"{more} more people must.")
    return "".join(f"{one} " for one in said)


def _argument_text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def decided_card(
    proposal: Proposal,
    account_name: str = "",
    *,
    entry: LedgerEntry | None = None,
    replaced: bool = False,
) -> OutboundMessage:
    """A card after its decision: no buttons, and a line that says who decided what and when.

    `entry` adds how it ended; `replaced` says that a newer proposal stands in its place.
    """
    return message_of(
        [
            Heading(text=f"{proposal.title}: {_state_text(proposal, entry, replaced)}"),
            facts_of(proposal, account_name, requester=True),
            _changes(proposal),
            Note(text=_decision_text(proposal, replaced)),
        ]
    )


def _state_text(proposal: Proposal, entry: LedgerEntry | None, replaced: bool) -> str:
    if entry is not None and entry.outcome is not None:
        return OUTCOME_TITLES[entry.outcome].lower()
    if replaced:
        return "replaced"
    return {
        ProposalStatus.AWAITING_CONFIRMATION: "waiting for a yes",
        ProposalStatus.AWAITING_APPROVAL: "waiting for approval",
        ProposalStatus.DECIDED: "running",
        ProposalStatus.CONSUMED: "confirmed",
        ProposalStatus.CANCELLED: "cancelled",
        ProposalStatus.DECLINED: "declined",
        ProposalStatus.EXPIRED: "expired",
        ProposalStatus.REFUSED: "not possible",
    }[proposal.status]


def _decision_text(proposal: Proposal, replaced: bool) -> str:
    said: list[str] = []
    if proposal.confirmed_at is not None:
        said.append(
            f"Confirmed by {proposal.requester_name} at {time_text(proposal.confirmed_at)}."
        )
    status = proposal.status
    if proposal.approved_at is not None and status is not ProposalStatus.DECLINED:
        given = [(one.name, one.at) for one in proposal.approvals]
        for name, at in given or [(proposal.approver_name, proposal.approved_at)]:
            said.append(f"Approved by {name} at {time_text(at)}.")
    if replaced:
        said.append("Replaced by a newer request. Nothing was changed by this one.")
    elif status is ProposalStatus.CANCELLED:
        said.append("Cancelled. Nothing was changed.")
    elif status is ProposalStatus.DECLINED:
        said.append(f"Declined by {proposal.approver_name or 'the approver'}. Nothing was changed.")
    elif status is ProposalStatus.EXPIRED:
        said.append("No longer open. Nothing was changed.")
    elif status is ProposalStatus.DECIDED:
        alone = "Running now; the receipt follows."
        in_plan = "It runs with the other steps of its plan, once every approval is there."
        said.append(in_plan if proposal.plan_id else alone)
    return " ".join([*said, f"Reference {short_reference(proposal.id)}"])


# --- refusals, questions ------------------------------------------------------------


def refusal_card(
    reason: str,
    *,
    title: str = "",
    account_name: str = "",
    conversation_id: ConversationId,
    ask_owner: ProposalId | None = None,
    may_ask: frozenset[Role] = frozenset(),
    ask_access: bool = False,
    ask_support: bool = True,
) -> OutboundMessage:
    """Why something is not done, and whom to ask. Never a dead end.

    `ask_owner` is the stored proposal that one of `may_ask` could approve.
    """
    buttons: list[Button] = []
    if ask_owner is not None:
        label = f"Ask {roles_text(may_ask) or 'an owner'}"
        buttons.append(button(presses.ASK_OWNER, label, str(ask_owner), ButtonStyle.PRIMARY))
    if ask_access:
        buttons.append(button(presses.ASK_ACCESS, "Ask for access", str(conversation_id)))
    if ask_support:
        buttons.append(button(presses.ASK_SUPPORT, "Talk to support", str(conversation_id)))
    fields = Fields(fields=(Field(label="Account", value=account_name),)) if account_name else None
    return message_of(
        [
            Heading(text=f"Not done: {title}") if title else None,
            fields,
            Text(markdown=reason),
            Buttons(buttons=tuple(buttons)) if buttons else None,
        ]
    )


def account_picker(
    conversation_id: ConversationId,
    candidates: Sequence[tuple[AccountId, str]],
    query: str = "",
) -> OutboundMessage:
    """Which account is meant: a button each (at most five), or how to ask more exactly."""
    if not candidates:
        sought = f" No account matches “{query}”." if query else ""
        return notice(f"Which account is this about?{sought} Please write its exact name or id.")
    # A row each: the buttons share one action, and Slack wants actions unique within a row.
    rows = [
        Buttons(
            buttons=(
                button(
                    presses.CHOOSE_ACCOUNT, f"{name} ({account})", f"{conversation_id}|{account}"
                ),
            )
        )
        for account, name in candidates[:5]
    ]
    more = None
    if len(candidates) > len(rows):
        more = Note(text="There are more. Write the exact name or id if yours is not among them.")
    return message_of([Heading(text="Which account is this about?"), *rows, more])
