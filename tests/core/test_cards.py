"""Cards: complete in plain text, buttons only while open, money and times as people read them."""

from dataclasses import replace

import pytest

from agent_core import cards, decided_cards, presses, wording
from agent_core.blocks import Buttons, Change
from agent_core.messages import OutboundMessage
from agent_core.people import AccountId, Capability, Role
from agent_core.policy import ApprovalNeed
from agent_core.proposals import Outcome, ProposalStatus
from agent_core.receipts import receipt_message
from agent_core.tooling import Amount
from tests.builders import NOON, a_ledger_entry, a_proposal

SUPPORT = ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))
OWNERS = ApprovalNeed(roles=frozenset({Role.OWNER}))
CHANGES = (Change(label="Seats", before="10", after="15"),)


def actions(message: OutboundMessage) -> list[str]:
    rows = (block for block in message.blocks if isinstance(block, Buttons))
    return [button.action for row in rows for button in row.buttons]


def test_an_open_card_shows_account_price_and_change_also_in_plain_text() -> None:
    card = cards.proposal_card(a_proposal(changes=CHANGES), "Acme")
    for part in ("Add 5 seats?", "Account: Acme", "$125.00", "Seats: 10 → 15", "Only Ada"):
        assert part in card.fallback
    assert actions(card) == [presses.CONFIRM, presses.CANCEL]


def test_what_may_only_be_asked_for_offers_to_ask() -> None:
    card = cards.proposal_card(a_proposal(needs_confirmation=False, approval=OWNERS))
    assert actions(card) == [presses.ASK_OWNER, presses.CANCEL]


def test_an_approver_sees_the_very_arguments() -> None:
    waiting = a_proposal(status=ProposalStatus.AWAITING_APPROVAL, approval=SUPPORT)
    card = cards.approval_card(waiting, "Acme", "Ada, owner")
    assert actions(card) == [presses.APPROVE, presses.DECLINE]
    for part in ("Seats: 5", "Ada, owner", "Requested by: Ada"):
        assert part in card.fallback
    assert actions(cards.proposal_card(waiting, "Acme")) == [presses.CANCEL]


def test_the_name_of_a_rule_stays_inside() -> None:
    rule = "tools.refund_invoice.approve_above (policy.yaml@1a2b)"
    waiting = a_proposal(status=ProposalStatus.AWAITING_APPROVAL, approval=OWNERS, rule=rule)
    assert rule in cards.approval_card(waiting, "Acme", exact=True).fallback
    told = cards.approval_card(waiting, "Acme").fallback
    assert "policy" not in told and "approve_above" not in told
    assert "needs a second person's yes" in told


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("amount_minor", "Amount: $480.00"),
        ("invoice", "Invoice: 48000"),
        ("billing_email", "Billing email: 48000"),
    ],
)
def test_an_approver_reads_arguments_by_names_for_people(name: str, line: str) -> None:
    waiting = a_proposal(
        status=ProposalStatus.AWAITING_APPROVAL, approval=SUPPORT, arguments={name: 48_000}
    )
    assert line in cards.approval_card(waiting, "Acme").fallback.splitlines()


def test_an_approver_reads_the_amount_once() -> None:
    waiting = a_proposal(status=ProposalStatus.AWAITING_APPROVAL, approval=SUPPORT)
    assert waiting.amount is not None
    arguments = {"amount_minor": waiting.amount.minor, "fee_minor": waiting.amount.minor}
    card = cards.approval_card(replace(waiting, arguments=arguments), "Acme")
    shown = [line.partition(":")[0] for line in card.fallback.splitlines()]
    assert (shown.count("Amount"), shown.count("Fee")) == (1, 1)


def test_minor_units_without_a_currency_are_not_shown_as_money() -> None:
    waiting = a_proposal(
        status=ProposalStatus.AWAITING_APPROVAL,
        approval=SUPPORT,
        arguments={"amount_minor": 48_000},
        amount=None,
    )
    shown = cards.approval_card(waiting, "Acme").fallback.splitlines()
    assert "Amount in minor units: 48000" in shown


@pytest.mark.parametrize(
    "status", [s for s in ProposalStatus if not s.value.startswith("awaiting")]
)
def test_a_decided_card_has_no_buttons_and_says_who(status: ProposalStatus) -> None:
    decided = a_proposal(
        status=status, confirmed_at=NOON, approver_name="Lena", approved_at=NOON, approval=SUPPORT
    )
    for card in (cards.proposal_card(decided), cards.approval_card(decided)):
        assert actions(card) == []
        assert "Confirmed by Ada at 12:00 UTC, 4 March" in card.fallback
        assert "Lena" in card.fallback


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_receipt_says_how_it_ended_and_why(outcome: Outcome) -> None:
    entry = a_ledger_entry(outcome=outcome, title="Added 5 seats", reason="No seats left")
    receipt = receipt_message(entry, "Acme").fallback
    assert "Added 5 seats" in receipt and "Account: Acme" in receipt and "Reference" in receipt
    assert ("No seats left" in receipt) == (outcome is not Outcome.SUCCEEDED)
    assert receipt.startswith("Done") == (outcome is Outcome.SUCCEEDED)


def test_a_receipt_needs_an_outcome() -> None:
    with pytest.raises(ValueError, match="outcome"):
        receipt_message(a_ledger_entry())


def test_a_picker_offers_five_at_most_and_says_that_there_are_more() -> None:
    many = [(AccountId(f"a{n}"), f"Account {n}") for n in range(7)]
    card = cards.account_picker(a_proposal().conversation_id, many)
    assert actions(card) == [presses.CHOOSE_ACCOUNT] * 5
    assert "There are more" in card.fallback
    none = cards.account_picker(a_proposal().conversation_id, [], "Foo")
    assert actions(none) == [] and "Foo" in none.fallback


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (125_000, "USD", "$1,250.00"),
        (5, "EUR", "€0.05"),
        (1_000, "JPY", "¥1,000"),
        (1_234, "KWD", "KWD 1.234"),
        (-250, "USD", "-$2.50"),
    ],
)
def test_money_as_people_read_it(minor: int, currency: str, text: str) -> None:
    assert wording.money_text(Amount(minor=minor, currency=currency)) == text


def test_a_replaced_card_says_so() -> None:
    cancelled = replace(a_proposal(), status=ProposalStatus.CANCELLED)
    assert "replaced" in decided_cards.decided_card(cancelled, replaced=True).fallback
