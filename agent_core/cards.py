"""What code says to people about proposals and decisions; each with its plain text."""

from collections.abc import Sequence
from dataclasses import replace

from agent_core import presses
from agent_core.blocks import Button, Buttons, ButtonStyle, Field, Fields, Heading, Note, Text
from agent_core.conversation import ConversationId
from agent_core.decided_cards import decided_card
from agent_core.messages import OutboundMessage
from agent_core.notices import button, message_of, notice
from agent_core.people import AccountId, Role
from agent_core.policy import ApprovalNeed
from agent_core.proposal_facts import changes_of, facts_of, notes_of
from agent_core.proposals import Proposal, ProposalId, ProposalStatus
from agent_core.visibility import covered, covered_arguments
from agent_core.wording import (
    approvers_text,
    argument_label,
    money_text,
    roles_text,
    short_reference,
    time_text,
)


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
            changes_of(proposal),
            *notes_of(proposal),
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
            changes_of(proposal),
            *notes_of(proposal),
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
            changes_of(proposal),
            *notes_of(proposal),
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
        _covered_argument(name, value) if name in hidden else argument_field(proposal, name)
        for name, value in sorted(proposal.arguments.items())
        if not _is_the_amount(proposal, name)
    )
    return message_of(
        [
            Heading(text=f"Approval needed: {proposal.title}"),
            facts_of(proposal, account_name, requester=True),
            Text(markdown=requester_line) if requester_line else None,
            changes_of(proposal),
            Fields(fields=arguments) if arguments else None,
            *notes_of(proposal),
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


def _is_the_amount(proposal: Proposal, name: str) -> bool:
    """The card shows it above already, under the same name."""
    amount = proposal.amount
    shown = amount is not None and proposal.arguments[name] == amount.minor
    return name == "amount_minor" and shown


def argument_field(proposal: Proposal, name: str) -> Field:
    """One of the arguments that run, as people read it: minor units in the proposal's currency."""
    value = proposal.arguments[name]
    money = proposal.amount
    if name.endswith("_minor") and isinstance(value, int) and money is not None:
        label = argument_label(name.removesuffix("_minor"))
        return Field(label=label, value=money_text(replace(money, minor=value)))
    return Field(label=argument_label(name), value=_argument_text(value))


def _covered_argument(name: str, value: object) -> Field:
    return Field(label=argument_label(name), value=covered(str(value)))


def _argument_text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


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
