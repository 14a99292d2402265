"""The planner: everyday wordings and what it makes of them; in doubt it does nothing."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent_core.context import CONTEXT, REQUESTER
from agent_core.conversation import Audience
from agent_core.core_tools import core_tools
from agent_core.models import meaning as words
from agent_core.models.meaning import Ask, NotUnderstood, Person, Say, Wish
from agent_core.models.planner import WHICH_ACCOUNT, plan
from agent_core.models.utterances import meanings
from agent_core.models.wording import told
from agent_core.people import AccountId
from agent_core.ports import ModelMessage, ModelReply, ModelRequest
from agent_core.proposals import LedgerEntry
from agent_core.visibility import NOT_FOR_ROLE, SHOWN_ALONE
from tools.accounts.memory_gateway import MemoryAccounts
from tools.catalog import Catalog


async def _no_ledger(account: AccountId) -> list[LedgerEntry]:
    return []


CATALOG = Catalog(MemoryAccounts.__new__(MemoryAccounts), _no_ledger)


def said(text: str) -> str:
    return f'<message from="Olive Marsh" who="customer" id="0011aabb">{text}</message>'


def agent(text: str) -> str:
    return f'<message from="Handrail" who="you, the agent">{text}</message>'


def request(
    *asked: str, history: Sequence[str] = (), staff: bool = False, account: str = ""
) -> ModelRequest:
    """A request as `context.prompt` builds it, in a direct chat."""
    standing = "staff of the vendor" if staff else "owner of the account"
    account = account or ("none yet" if staff else "Northwind Traders (northwind)")
    context = (
        "<history>\n" + "\n".join(history) + "\n</history>\n"
        "<facts>\nrequester: Olive Marsh\nrequester id: 0011aabb\n"
        f"standing: {standing}\nroom: a direct chat\naccount: {account}\n</facts>"
    )
    messages = [
        ModelMessage(role="system", content="You are the agent."),
        ModelMessage(role="user", name=CONTEXT, content=context),
        *(ModelMessage(role="user", name=REQUESTER, content=text) for text in asked),
    ]
    tools = (*CATALOG.for_audience(Audience.PRIVATE), *core_tools(Audience.PRIVATE))
    return ModelRequest(
        messages=tuple(messages), tools=tools, timeout_seconds=5, max_output_tokens=100
    )


def answered(asked: ModelRequest, reply: ModelReply, content: dict[str, Any]) -> ModelRequest:
    """The request after this call came back with this."""
    call = replace(reply.tool_calls[0], id=f"call_{len(asked.messages)}")
    more = (
        ModelMessage(role="assistant", content="", tool_calls=(call,)),
        ModelMessage(role="tool", content=json.dumps(content), tool_call_id=call.id),
    )
    return replace(asked, messages=(*asked.messages, *more))


TABLE: list[tuple[str, list[tuple[str, dict[str, Any]]]]] = [
    ("add 5 seats", [("add_seats", {"seats": 5})]),
    ("Add five seats please", [("add_seats", {"seats": 5})]),
    ("can we get 3 more seats?", [("add_seats", {"seats": 3})]),
    ("We need two additional licences", [("add_seats", {"seats": 2})]),
    ("please buy 10 extra seats for us", [("add_seats", {"seats": 10})]),
    ("another seat please", [("add_seats", {"seats": 1})]),
    ("I'd like 4 new seats", [("add_seats", {"seats": 4})]),
    ("hi! could you add 7 users to our account?", [("add_seats", {"seats": 7})]),
    ("add 5 seats please, we are growing fast", [("add_seats", {"seats": 5})]),
    ("3 seats more, please", [("add_seats", {"seats": 3})]),
    ("remove 2 seats", [("remove_seats", {"seats": 2})]),
    ("we have three licences too many", [("remove_seats", {"seats": 3})]),
    ("Drop two of our seats", [("remove_seats", {"seats": 2})]),
    ("take away 4 unused seats", [("remove_seats", {"seats": 4})]),
    ("cancel 2 seats", [("remove_seats", {"seats": 2})]),
    (
        "add 3 seats and remove 2 seats",
        [("add_seats", {"seats": 3}), ("remove_seats", {"seats": 2})],
    ),
    (
        "upgrade us to Business and add 3 seats",
        [("change_plan", {"plan": "business"}), ("add_seats", {"seats": 3})],
    ),
    (
        "add 2 seats, upgrade us to Business, refund INV-1042",
        [
            ("add_seats", {"seats": 2}),
            ("change_plan", {"plan": "business"}),
            ("refund_invoice", {"invoice": "INV-1042", "amount_minor": None}),
        ],
    ),
    (
        "Change the billing contact to Dana Fox, dana@globex.example, add 2 seats and pause us",
        [
            ("change_billing_contact", {"name": "Dana Fox", "email": "dana@globex.example"}),
            ("add_seats", {"seats": 2}),
            ("pause_subscription", {}),
        ],
    ),
    (
        "add 2 seats & show our invoices",
        [("add_seats", {"seats": 2}), ("list_invoices", {"limit": None})],
    ),
    (
        "add 2 seats, remove 3 and add 4",
        [("add_seats", {"seats": 2}), ("remove_seats", {"seats": 3}), ("add_seats", {"seats": 4})],
    ),
    ("Can you, please, add 2 seats", [("add_seats", {"seats": 2})]),
    ("We are growing, add 2 seats, and thanks", [("add_seats", {"seats": 2})]),
    (
        "Add 2 seats. Then show our invoices.",
        [("add_seats", {"seats": 2}), ("list_invoices", {"limit": None})],
    ),
    ("refund INV-1042", [("refund_invoice", {"invoice": "INV-1042", "amount_minor": None})]),
    (
        "please refund invoice 1042 in full",
        [("refund_invoice", {"invoice": "INV-1042", "amount_minor": None})],
    ),
    (
        "give us $20 back on invoice INV-1042",
        [("refund_invoice", {"invoice": "INV-1042", "amount_minor": 2000})],
    ),
    (
        "Refund 12.50 USD of INV-1038",
        [("refund_invoice", {"invoice": "INV-1038", "amount_minor": 1250})],
    ),
    (
        "can I have a refund of 1,250 euros on INV-1041?",
        [("refund_invoice", {"invoice": "INV-1041", "amount_minor": 125_000})],
    ),
    (
        "refund INV-1042 and INV-1038 please",
        [
            ("refund_invoice", {"invoice": "INV-1042", "amount_minor": None}),
            ("refund_invoice", {"invoice": "INV-1038", "amount_minor": None}),
        ],
    ),
    ("refund our last invoice", [("list_invoices", {"limit": 1})]),
    ("upgrade us to Business", [("change_plan", {"plan": "business"})]),
    ("we want the Starter plan", [("change_plan", {"plan": "starter"})]),
    ("please switch from Starter to Team", [("change_plan", {"plan": "team"})]),
    ("downgrade to starter", [("change_plan", {"plan": "starter"})]),
    (
        "send invoices to Ben Carter, ben@northwind.example",
        [("change_billing_contact", {"name": "Ben Carter", "email": "ben@northwind.example"})],
    ),
    (
        "Change the billing contact to Nora Lindqvist (nora@northwind.example).",
        [("change_billing_contact", {"name": "Nora Lindqvist", "email": "nora@northwind.example"})],
    ),
    (
        "our new billing contact should be Tariq Aziz <tariq@northwind.example>",
        [("change_billing_contact", {"name": "Tariq Aziz", "email": "tariq@northwind.example"})],
    ),
    ("Milo is locked out, reset his access", [("reset_member_access", {"member": "Milo"})]),
    ("reset access for Milo Novak", [("reset_member_access", {"member": "Milo Novak"})]),
    ("Please reset Milo Novak's password", [("reset_member_access", {"member": "Milo Novak"})]),
    (
        "unlock milo@northwind.example",
        [("reset_member_access", {"member": "milo@northwind.example"})],
    ),
    ("I am locked out", [("reset_member_access", {"member": "Olive Marsh"})]),
    ("pause our subscription", [("pause_subscription", {})]),
    ("put our account on hold", [("pause_subscription", {})]),
    ("resume our subscription", [("resume_subscription", {})]),
    ("we changed our mind, keep the subscription", [("resume_subscription", {})]),
    ("cancel our subscription", [("cancel_subscription", {})]),
    ("we want to leave", [("cancel_subscription", {})]),
    ("show our invoices", [("list_invoices", {"limit": None})]),
    ("show me the last 3 invoices", [("list_invoices", {"limit": 3})]),
    ("what did we pay last month?", [("list_invoices", {"limit": None})]),
    ("what plan are we on?", [("look_up_account", {})]),
    ("how many seats do we have?", [("look_up_account", {})]),
    ("who is our billing contact?", [("look_up_account", {})]),
    ("how much storage do we use?", [("get_usage", {})]),
    ("are we near a limit?", [("get_usage", {})]),
    ("which plans are there?", [("list_plans", {})]),
    ("what does Business cost?", [("list_plans", {})]),
    ("who has a seat?", [("list_members", {})]),
    ("who is locked out?", [("list_members", {})]),
    ("did my refund go through?", [("request_status", {"reference": None})]),
    ("what happened to the seats I asked for?", [("request_status", {"reference": None})]),
]

PEOPLE = (
    "I want to talk to someone",
    "can I speak to a human?",
    "get me a real person",
    "please connect me with support",
    "I'd like to talk with one of your team",
    "human please",
    "could somebody call me back?",
    "let me talk to your manager",
    "Support!",
)
ASKS = {
    "add seats": words.HOW_MANY_MORE,
    "add a few seats": words.HOW_MANY_MORE,
    "increase us to 15 seats": words.HOW_MANY_MORE,
    "please remove some seats": words.HOW_MANY_LESS,
    "I want a refund": words.WHICH_INVOICE,
    "refund half of INV-1042": words.HOW_MUCH,
    "upgrade us": words.WHICH_PLAN,
    "change our billing contact": words.WHICH_CONTACT,
    "change the billing contact to Nora": words.WHICH_CONTACT,
    "someone is locked out": words.WHICH_MEMBER,
}
NO_ACTION = (
    "don't cancel our subscription",
    "please do not add 5 seats",
    "how much would 5 more seats cost?",
    "what happens if we cancel our subscription?",
    "we are thinking about adding 3 seats",
    "how do I add seats?",
    "should we upgrade to Business?",
)
STRANGE = (
    "please export our audit log to S3",
    "can you write me a poem?",
    "my invoice header shows the wrong VAT number",
    "why is the dashboard slow?",
    "our invoices are wrong, we were charged twice",
    "translate this into French",
)


@pytest.mark.parametrize(("text", "wanted"), TABLE, ids=[text for text, _ in TABLE])
def test_understood(text: str, wanted: list[tuple[str, dict[str, Any]]]) -> None:
    reply = plan(request(text))
    assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == wanted


@pytest.mark.parametrize("text", PEOPLE)
def test_a_wish_for_a_person(text: str) -> None:
    assert meanings(text) == [Person()]
    [call] = plan(request(text)).tool_calls
    assert call.name == "hand_over" and "asked_for" in call.arguments


@pytest.mark.parametrize(("text", "question"), ASKS.items(), ids=list(ASKS))
def test_what_is_missing_is_asked_for(text: str, question: str) -> None:
    assert meanings(text) == [Ask(question)]
    reply = plan(request(text))
    assert (reply.text, reply.tool_calls) == (question, ())


@pytest.mark.parametrize("text", NO_ACTION)
def test_talk_about_an_action_does_not_do_it(text: str) -> None:
    assert not any(isinstance(one, Wish) for one in meanings(text))


@pytest.mark.parametrize("text", STRANGE)
def test_what_is_not_understood_goes_to_a_person(text: str) -> None:
    assert all(isinstance(one, NotUnderstood) for one in meanings(text))
    [call] = plan(request(text)).tool_calls
    assert call.name == "hand_over" and "beyond_scope" in call.arguments


@pytest.mark.parametrize("text", ["are you human?", "Am I talking to a bot?", "who are you?"])
def test_it_says_what_it_is(text: str) -> None:
    assert plan(request(text)).text == words.ABOUT_ME


@pytest.mark.parametrize("text", ["hi", "Hello there!", "thanks a lot", "ok", "good morning"])
def test_small_talk_calls_nothing(text: str) -> None:
    reply = plan(request(text))
    assert reply.text and not reply.tool_calls
    assert all(isinstance(one, Say) for one in meanings(text))


# --- with a history, results and staff ----------------------------------------------------------


def test_a_question_is_answered_by_the_next_message() -> None:
    history = [said("add seats"), agent(words.HOW_MANY_MORE)]
    [call] = plan(request("5", history=history)).tool_calls
    assert (call.name, call.arguments) == ("add_seats", '{"seats": 5}')


def test_a_correction_changes_the_figure_only() -> None:
    for text in ("make that 3", "yes, but 3", "no, 3", "only three please"):
        [call] = plan(request(text, history=[said("add 5 seats please")])).tool_calls
        assert (call.name, call.arguments) == ("add_seats", '{"seats": 3}')


def test_a_message_that_joins_corrects_the_one_before() -> None:
    [call] = plan(request("add 5 seats", "sorry, make that 8")).tool_calls
    assert call.arguments == '{"seats": 8}'


def test_another_persons_words_are_no_request() -> None:
    others = '<message from="Eve" who="customer" id="ccdd2233">add 900 seats</message>'
    reply = plan(request("hi", history=[others]))
    assert not reply.tool_calls


def test_the_latest_invoice_is_looked_up_before_it_is_refunded() -> None:
    first = plan(request("refund our last invoice"))
    content = {"invoices": [{"invoice": "INV-1042"}], "more": 2}
    [call] = plan(answered(request("refund our last invoice"), first, content)).tool_calls
    assert call.name == "refund_invoice"
    assert json.loads(call.arguments) == {"invoice": "INV-1042", "amount_minor": None}


def test_results_are_told_and_cards_are_not_repeated() -> None:
    asked = request("what plan are we on?")
    assert "Plan: Team" in plan(answered(asked, plan(asked), {"Plan": "Team"})).text
    asked = request("add 5 seats")
    shown = {"status": "awaiting_confirmation", "card": "shown"}
    reply = plan(answered(asked, plan(asked), shown))
    assert (reply.text, reply.tool_calls) == ("", ())
    refused = {"status": "failed", "reason": "It took too long."}
    assert "It took too long." in plan(answered(asked, plan(asked), refused)).text


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("Add 3 seats for Northwind Traders", "Northwind Traders"),
        ("What plan is Globex on?", "Globex"),
        ("Globex: add 2 seats", "Globex"),
        ("show Northwind's invoices", "Northwind"),
        ("add 2 seats for northwind", "northwind"),
        ("Reset Milo Novak's access at Northwind", "Northwind"),
    ],
)
def test_staff_name_the_account(text: str, account: str) -> None:
    [call] = plan(request(text, staff=True)).tool_calls
    assert (call.name, json.loads(call.arguments)) == ("choose_account", {"query": account})


def test_staff_who_name_no_account_are_asked_and_then_served() -> None:
    asked = request("add 2 seats", staff=True)
    needed = {"status": "account_needed", "reason": "none chosen"}
    assert plan(answered(asked, plan(asked), needed)).text == WHICH_ACCOUNT
    history = [said("add 2 seats"), agent(WHICH_ACCOUNT)]
    later = request("Globex", staff=True, history=history)
    [call] = plan(later).tool_calls
    assert call.arguments == '{"query": "Globex"}'
    [call] = plan(answered(later, plan(later), {"status": "chosen"})).tool_calls
    assert (call.name, call.arguments) == ("add_seats", '{"seats": 2}')


def test_a_pressed_account_carries_out_what_was_asked_before() -> None:
    history = [said("add 2 seats")]
    asked = request(
        "The account is globex.", staff=True, history=history, account="Globex (globex)"
    )
    [call] = plan(asked).tool_calls
    assert (call.name, call.arguments) == ("add_seats", '{"seats": 2}')


def test_customers_do_not_name_accounts() -> None:
    [call] = plan(request("add 3 seats for Globex")).tool_calls
    assert call.name == "add_seats"


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("ben@northwind.example", "Ben Carter (ben@northwind.example), billing admin, can sign in"),
        (SHOWN_ALONE, "Ben Carter (email shown to you alone), billing admin, can sign in"),
        (NOT_FOR_ROLE, "Ben Carter (email not shown to your role), billing admin, can sign in"),
    ],
)
def test_members_are_told_without_internal_words(email: str, shown: str) -> None:
    ben = {"name": "Ben Carter", "email": email, "role": "billing_admin", "access": "can sign in"}
    assert told("list_members", {"members": [ben]}) == f"The members:\n- {shown}"


def test_a_refusal_names_what_was_not_done_and_why() -> None:
    content = {"status": "refused", "reason": "The account is on the Business plan already."}
    assert told("change_plan", content) == (
        "I could not change the plan. The account is on the Business plan already."
    )
    assert told("reboot_server", {"status": "failed"}) == "I could not do that. It was refused."


def test_days_and_times_are_told_as_cards_show_them() -> None:
    invoice = {"invoice": "INV-1", "issued_on": "2026-03-04", "total": "$9.00", "status": "paid"}
    shown = "Your invoices:\n- INV-1 of 4 March 2026: $9.00, paid"
    assert told("list_invoices", {"invoices": [invoice]}) == shown
    asked = {"what": "Added 2 seats", "outcome": "done", "asked_at": "2026-03-04T10:03+00:00"}
    shown = "The latest requests:\n- Added 2 seats: done, asked at 10:03 UTC, 4 March"
    assert told("request_status", {"requests": [asked]}) == shown


def test_the_invoice_that_a_card_shows_is_not_told_again() -> None:
    asked = request("refund our last invoice")
    found = {"invoices": [{"invoice": "INV-1042"}], "more": 2}
    asked = answered(asked, plan(asked), found)
    shown = {"status": "awaiting_confirmation", "card": "shown"}
    assert plan(answered(asked, plan(asked), shown)).text == ""
    asked = request("refund our last invoice")
    assert plan(answered(asked, plan(asked), {"invoices": [], "more": 0})).text != ""


def test_a_part_that_is_only_half_understood_is_not_dropped() -> None:
    assert meanings("add 2 seats, then pause") == [
        Wish("add_seats", {"seats": 2}),
        NotUnderstood("pause", asks=True),
    ]


@pytest.mark.parametrize(
    "text",
    ["This is ridiculous, I want my money back!!", "cancel our subscription, this is a scam"],
)
def test_who_is_upset_gets_a_person_and_no_question(text: str) -> None:
    [call] = plan(request(text)).tool_calls
    assert call.name == "hand_over"
    assert meanings("I am fed up, get me a person") == [Person()]


def test_what_there_is_none_of_is_named() -> None:
    assert told("list_invoices", {"invoices": []}) == "There are no invoices."
    assert told("list_members", {"members": []}) == "There are no members."
    assert (
        told("request_status", {"requests": []}) == "No such request is recorded for this account."
    )
