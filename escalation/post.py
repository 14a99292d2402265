"""Draws what support people see, purely: the case's card, the brief behind it, and relays."""

from collections.abc import Sequence
from dataclasses import replace

from agent_core import presses
from agent_core.blocks import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Field,
    Fields,
    Heading,
    Mention,
    Note,
    Quote,
    Text,
)
from agent_core.conversation import Conversation, RoomBinding, Speaker, TranscriptEntry
from agent_core.escalations import Brief, Escalation, EscalationReason, EscalationStatus
from agent_core.messages import Author, OutboundMessage, Platform, PlatformIdentity
from agent_core.notices import plain_text
from agent_core.outgoing import OutgoingRow
from agent_core.people import Person
from agent_core.proposals import LedgerEntry, Outcome, Proposal
from agent_core.telemetry import trace_id
from agent_core.wording import time_text

REASONS = {
    EscalationReason.ASKED_FOR: "asked for a person",
    EscalationReason.POLICY: "policy says a person decides",
    EscalationReason.REPEATED_FAILURE: "the AI agent failed several times",
    EscalationReason.TOOL_FAILURE: "the account system failed",
    EscalationReason.MODEL_FAILURE: "the model failed",
    EscalationReason.UNKNOWN_OUTCOME: "an action's outcome is unknown",
    EscalationReason.BEYOND_SCOPE: "beyond what the AI agent can do",
    EscalationReason.TAKEN_OVER: "a colleague answered in the customer's thread",
    EscalationReason.DELIVERY_FAILURE: "a message to the customer could not be delivered",
    EscalationReason.UNANSWERED_APPROVAL: "nobody gave an approval in time",
    EscalationReason.PAUSED: "the AI agent is paused here",
    EscalationReason.REPLY_BUDGET: "the AI agent answered too often in a short time",
    EscalationReason.OVERLOADED: "more requests came than the AI agent can answer in time",
    EscalationReason.ACCESS: "somebody asks for access",
}
SPEAKERS = {
    Speaker.CUSTOMER: "",
    Speaker.STAFF: " (staff)",
    Speaker.SUPPORT: " (support)",
}
SOFTWARE = {Speaker.AGENT: "AI agent", Speaker.CODE: "Automatic message"}  # it bears no name
QUOTE_LENGTH = 1500


def message(*blocks: Block, private_to: PlatformIdentity | None = None) -> OutboundMessage:
    """A message by code with its plain text."""
    return OutboundMessage(
        blocks=blocks, fallback=plain_text(blocks), author=Author.CODE, private_to=private_to
    )


def card(case: Escalation, lines: Sequence[Field]) -> OutboundMessage:
    """The first post of the support thread, as the case stands now."""
    state = _state(case)
    fields = (
        Field(label="Who", value=case.asked_by),
        *lines,
        Field(label="Why", value=REASONS[case.reason]),
        Field(label="Priority", value=case.priority.value),
        Field(label="State", value=state),
        *_trace(case),
    )
    blocks: list[Block] = [
        Heading(text=f"{case.label}: {REASONS[case.reason]}"),
        Fields(fields=fields),
        Quote(speaker=f"{case.asked_by} asks", text=case.asked),
        Note(text=f"Opened {time_text(case.opened_at)}. What you write in this thread stays here."),
    ]
    if buttons := _buttons(case):
        blocks.append(Buttons(buttons=buttons))
    return message(*blocks)


def _trace(case: Escalation) -> tuple[Field, ...]:
    """By this id the request is found in the log, in traces and with `handrail trace`."""
    found = trace_id(case.trace)
    return (Field(label="Trace", value=found),) if found else ()


def _state(case: Escalation) -> str:
    who = f"{case.claimed_by_name}" if case.claimed_by_name else "nobody"
    return {
        EscalationStatus.WAITING: "waiting, nobody has it",
        EscalationStatus.CLAIMED: f"{who} has it"
        + (f" since {time_text(case.claimed_at)}" if case.claimed_at else ""),
        EscalationStatus.HANDED_BACK: f"handed back to the AI agent by {who}",
        EscalationStatus.RESOLVED: f"resolved by {who}",
    }[case.status]


def _buttons(case: Escalation) -> tuple[Button, ...]:
    if not case.status.is_open:
        return ()
    value = str(case.id)
    claim = Button(action=presses.CLAIM, label="Claim", value=value, style=ButtonStyle.PRIMARY)
    rest = (
        Button(action=presses.REPLY, label="Reply", value=value, opens_form=True),
        Button(action=presses.HAND_BACK, label="Hand back", value=value),
        Button(action=presses.RESOLVE, label="Resolve", value=value),
    )
    if case.status is EscalationStatus.WAITING:
        return (claim, *rest)
    return (*rest, Button(action=presses.CLAIM, label="Take over (leads)", value=value))


def account_fields(brief: Brief) -> tuple[Field, ...]:
    """The lines of the card that tell which account and room this is."""
    lines = tuple(Field(label=label, value=value) for label, value in brief.account_lines)
    return (*lines, Field(label="Where", value=brief.room))


def remembered_lines(first_post: OutgoingRow | None) -> tuple[Field, ...]:
    """The same lines, taken from the card as it was first posted."""
    if first_post is None:
        return ()
    ours = {"Who", "Why", "Priority", "State", "Trace"}
    return tuple(
        field
        for block in first_post.message.blocks
        if isinstance(block, Fields)
        for field in block.fields
        if field.label not in ours
    )


# --- the replies under the card -------------------------------------------------------------


def transcript(brief: Brief) -> OutboundMessage:
    """What was said so far, oldest first."""
    quotes = [_quoted(entry) for entry in brief.transcript]
    return message(Heading(text="What was said so far"), *quotes)


def done_so_far(brief: Brief) -> OutboundMessage:
    """What is done, not done and unknown, and what still waits for somebody."""
    groups = (
        ("Done", [e for e in brief.ledger if e.outcome is Outcome.SUCCEEDED]),
        ("Not done", [e for e in brief.ledger if e.outcome in (Outcome.REFUSED, Outcome.FAILED)]),
        ("Unknown", [e for e in brief.ledger if e.outcome in (None, Outcome.UNKNOWN)]),
    )
    lines = [Field(label=label, value=_ledger_line(e)) for label, found in groups for e in found]
    lines += [Field(label="Waiting", value=_proposal_line(p)) for p in brief.open_proposals]
    heading = Heading(text="Actions in this conversation")
    if not lines:
        return message(heading, Text(markdown="None. Nothing was changed on the account."))
    return message(heading, Fields(fields=tuple(lines)))


def next_step(brief: Brief) -> OutboundMessage:
    """What the agent suggests. A suggestion only."""
    return message(Heading(text="Suggested next step"), Text(markdown=brief.escalation.suggestion))


def _ledger_line(entry: LedgerEntry) -> str:
    at = time_text(entry.settled_at or entry.intended_at)
    why = f" ({entry.reason})" if entry.reason else ""
    return f"{entry.title or entry.tool}, {at}{why}, reference {str(entry.key)[-8:].upper()}"


def _proposal_line(proposal: Proposal) -> str:
    return f"{proposal.title}: {proposal.status.value.replace('_', ' ')}"


def _quoted(entry: TranscriptEntry) -> Quote:
    text = entry.text if entry.deleted_at is None else "(deleted by its author)"
    edited = " (edited)" if entry.edited_at is not None and entry.deleted_at is None else ""
    if len(text) > QUOTE_LENGTH:
        text = f"{text[:QUOTE_LENGTH]} … (shortened)"
    speaker = f"{SOFTWARE.get(entry.speaker) or entry.name + SPEAKERS[entry.speaker]}{edited}"
    return Quote(speaker=speaker, text=text, at=time_text(entry.at))


def relayed(entry: TranscriptEntry) -> OutboundMessage:
    """Words of the customer's thread as support sees them: all of them, however long."""
    first = _quoted(replace(entry, text=entry.text[:QUOTE_LENGTH]))
    if entry.deleted_at is not None:
        return message(first)
    rest = range(QUOTE_LENGTH, len(entry.text), QUOTE_LENGTH)
    more = [Quote(speaker="…", text=entry.text[at : at + QUOTE_LENGTH]) for at in rest]
    return message(first, *more)


def remark_hint(
    words: str, value: str, *, to: PlatformIdentity, refusal: str = ""
) -> OutboundMessage:
    """For the author of a remark alone: it stays inside, unless this very text is sent."""
    quote = Quote(speaker="You", text=words)
    if refusal:
        return message(Text(markdown=f"This stays inside. {refusal}"), quote, private_to=to)
    button = Button(action=presses.SEND_TO_CUSTOMER, label="Send to customer", value=value)
    return message(
        Text(markdown="This stays inside: the customer does not see it."),
        quote,
        Buttons(buttons=(button,)),
        private_to=to,
    )


def words_of_hint(hint: OutboundMessage) -> str:
    """The words that a hint's button sends; "" where it holds none."""
    return next((block.text for block in hint.blocks if isinstance(block, Quote)), "")


def take_over_hint(case: Escalation, to: PlatformIdentity) -> OutboundMessage:
    """For the colleague who answered in the customer's thread."""
    give_back = Button(
        action=presses.HAND_BACK, label="Give it back to the AI agent", value=str(case.id)
    )
    return message(
        Text(markdown=f"You have this conversation now ({case.label}): the AI agent is silent."),
        Buttons(buttons=(give_back,)),
        private_to=to,
    )


def calling(
    people: Sequence[Person], platform: Platform, text: str, message: OutboundMessage
) -> OutboundMessage:
    """The message, calling these people's attention where the platform knows them."""
    called = tuple(
        dict.fromkeys(
            (str(identity), person.name)
            for person in people
            for identity in person.identities
            if identity.platform is platform
        )
    )
    if not called:
        return message
    names = ", ".join(name for _, name in called)
    return replace(
        message,
        blocks=(Mention(people=called, text=text), *message.blocks),
        fallback=f"{names}, {text}\n{message.fallback}",
    )


def still_waiting(case: Escalation) -> Text:
    """The reminder's line."""
    return Text(markdown=f"{case.label} has been waiting since {time_text(case.opened_at)}.")


def not_support(address: PlatformIdentity) -> str:
    """For somebody who presses what only support people may."""
    return (
        "You are not named as a support person, so you cannot do this. An operator can name you: "
        f"handrail people set {address} --can support"
    )


def is_yours(case: Escalation, before: str) -> Text:
    """For the one who claimed it, in the support thread."""
    taken = f", taken over from {before}" if before else ""
    return Text(
        markdown=f"{case.claimed_by_name} has {case.label}{taken}. The AI agent is silent: all "
        "that it said or did before is above."
    )


# --- sentences ------------------------------------------------------------------------------


def customer_notice(case: Escalation, hours: str) -> str:
    """What happens next, for the customer. Without configured hours no time is named."""
    when = f" {hours}" if hours else ""
    said = f"I have passed this on to the support team as **{case.label}**."
    if case.reason is EscalationReason.OVERLOADED:
        said = (
            "more requests are coming in than I can answer in time. I have passed yours on to the "
            f"support team as **{case.label}**."
        )
    opening = f"{case.asked_by}, {said}" if case.asked_by else f"{said[0].upper()}{said[1:]}"
    return (
        f"{opening} A person will answer you here.{when} They see what was said and "
        "done so far, so you need not repeat it."
    )


def another_reason(reason: EscalationReason, asked: str, asked_by: str, suggestion: str) -> str:
    """A line for a case that is open already."""
    return f"Again: {REASONS[reason]}. {asked_by}: “{asked}” {suggestion}"


def asked_where(conversation: Conversation, binding: RoomBinding | None) -> str:
    """Where the request was made, for an approver."""
    return f"Asked in {(binding.name if binding else '') or conversation.room}."
