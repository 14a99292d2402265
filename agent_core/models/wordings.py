"""The planner's rules, in the order they are tried: wordings, and what each of them means."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent_core.models.meaning import ABILITIES, ABOUT_ME, Meaning, Person, Say
from agent_core.models.slots import (
    NUMBER,
    SEATS,
    add_seats,
    billing_contact,
    change_plan,
    invoices,
    refund,
    remove_seats,
    request_status,
    reset_access,
    without_slots,
)


def _rule(pattern: str, meaning: Callable[[str], Meaning], *, acts: bool = False) -> "Rule":
    return Rule(re.compile(pattern, re.IGNORECASE), meaning, acts)


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and what it means. `acts`: it changes something, so a mere "if" must not do it."""

    pattern: re.Pattern[str]
    meaning: Callable[[str], Meaning]
    acts: bool


RULES: Final = (
    _rule(
        r"\bare you (really )?(an? )?(human|bot|robot|real|person|ai|machine|computer)|"
        r"\bam i (really )?(talking|speaking|chatting|writing) (to|with) an? "
        r"(human|bot|robot|real|person|machine|ai|computer)|\b(who|what) are you\b|"
        r"\bis this an? (bot|ai|human|person|robot|real)",
        lambda _: Say(ABOUT_ME),
    ),
    _rule(
        r"\b(talk|speak|chat|write) (to|with) (an? |the |your |some)?(human|person|real|someone|"
        r"somebody|one|"
        r"agent|support|representative|rep|manager|people|colleague|team|living)|"
        r"\b(human|real person|person|representative|somebody|someone)\b.{0,12}\b(please|help|"
        r"take over|call)|"
        r"\b(want|need|get|give|connect|put|transfer|pass|hand|bring|fetch)\b.{0,18}\b(human|"
        r"real person|person|"
        r"someone|somebody|representative|support team|support|supervisor|manager|real people)\b|"
        r"\bescalate|\bcall me( back)?\b|^\W*(human|support|agent|person|operator|"
        r"representative)\W*$|"
        r"\bhow (do|can) i (reach|contact|get hold of) (support|someone|somebody|a (human|person))",
        lambda _: Person(),
    ),
    _rule(
        r"\bwhat can you do|\bwhat do you do|^\W*help\W*$|\bhow can you help",
        lambda _: Say(ABILITIES),
    ),
    _rule(
        r"\bstatus of\b|\bdid (my|our|the)\b.*\b(go through|work|happen|succeed)|\bwhat "
        r"happened (to|with)\b|"
        r"\b(has|have|is|was)\b.{0,30}\b(been )?(done|processed|completed|finished|gone through)\b|"
        r"\b(earlier|previous|past|last) requests?\b",
        request_status,
    ),
    _rule(r"\bwho(?:'s| is| are) locked out", without_slots("list_members")),
    _rule(
        r"\b(refund|reimburse|money back|credit us back|give .{0,12}back .{0,20}\binv)",
        refund,
        acts=True,
    ),
    _rule(
        r"\bbilling (contact|email|address)\b.*\b(to|is|should|becomes?|change|set|update)\b|"
        r"\b(change|set|update|make|replace)\b.{0,30}\bbilling (contact|email)|"
        r"\b(send|mail|address)\b.{0,12}\b(invoices?|bills?)\b.{0,6}\bto\b|"
        r"\binvoices? (should|must|shall) go to",
        billing_contact,
        acts=True,
    ),
    _rule(
        r"\b(reset|unlock|re-?enable)\b.{0,50}\b(access|password|login|account|sign-?in)\b|"
        r"\b(unlock|reset)\s+\S+@|\bunlock\s+[A-Z]|\breset access\b|"
        r"\b(?<!who is )(?<!who's )(?:is|am|'m|are|was|got|been) locked out|"
        r"\b(can'?t|cannot|can not|unable to) (log|sign) ?(in|on)|\bforgot (my|his|her|their) "
        r"password",
        reset_access,
        acts=True,
    ),
    _rule(
        r"\bcancel\b.{0,20}\b(subscription|account|plan|contract|membership|everything)\b|"
        r"\b(end|terminate|stop) (our|the|my) subscription|\bwe (want|would like|'d like) to "
        r"leave\b|"
        r"\bunsubscribe us\b",
        without_slots("cancel_subscription"),
        acts=True,
    ),
    _rule(
        r"\b(pause|suspend|freeze)\b.{0,20}\b(subscription|account|plan|us|everything)\b|"
        r"\bput\b.{0,25}\bon hold\b",
        without_slots("pause_subscription"),
        acts=True,
    ),
    _rule(
        r"\b(resume|reactivate|restart|unpause|continue|keep|un-?cancel)\b.{0,20}"
        r"\b(subscription|account|plan)\b",
        without_slots("resume_subscription"),
        acts=True,
    ),
    _rule(
        rf"\b(remove|drop|cut|delete|release|return|give (?:back|up)|reduce|cancel|get rid of|"
        rf"take away)\b"
        rf".{{0,30}}\b{SEATS}\b|\b{NUMBER} (?:fewer|less) {SEATS}\b|"
        rf"\b{NUMBER}\s+{SEATS} (?:too many|fewer|less)\b|\b(?:fewer|less) {SEATS}\b",
        remove_seats,
        acts=True,
    ),
    _rule(
        rf"\b(add|buy|get|need|want|order|purchase|book|increase|give|like|take|bring|raise)"
        rf"\b.{{0,30}}\b{SEATS}\b|"
        rf"\b{NUMBER} (?:more|additional|extra|new) {SEATS}\b|\b{NUMBER} {SEATS} more\b|"
        rf"\b(?:more|another|additional|extra) (?:\w+ )?{SEATS}\b",
        add_seats,
        acts=True,
    ),
    _rule(
        r"\b(upgrade|downgrade)\b|\b(switch|change|move|go|put|get|want|take)\b.{0,25}"
        r"\b(starter|team plan|business|(?:another|different|the|our) plan)\b|\bchange (of )"
        r"?plan\b",
        change_plan,
        acts=True,
    ),
    _rule(
        r"\b(show|list|see|send|get|find|give|what|which|any|all)\b.{0,30}\b(invoices?|bills)\b|"
        r"\b(our|my) (last |latest |recent )?(invoices|bills)\b|"
        r"\bwhat did we pay\b|\bbilling history\b|^\W*invoices\W*$",
        invoices,
    ),
    _rule(
        r"\b(usage|storage|api calls?|quota)\b|\b(near|close to|over)\b.{0,10}\blimits?\b",
        without_slots("get_usage"),
    ),
    _rule(
        r"\bwho (has|uses|holds) (a |an |our |the )?(seats?|access|licen[cs]es?)|"
        r"\blist\b.{0,12}\b(members|users|people)\b|"
        r"\bwho(?:'s| is| are) (locked out|a member|in our account|on our account|our members)|"
        r"\b(show|our|the|all) (?:\w+ )?members\b",
        without_slots("list_members"),
    ),
    _rule(
        r"\b(which|what|list|show|your|all)\b.{0,20}\bplans\b|\bpricing\b|\bprice list\b|"
        r"\b(what|how much) (does|is|do|are)\b.{0,12}\b(starter|team|business)\b|\bwhat do you "
        r"(sell|offer)\b",
        without_slots("list_plans"),
    ),
    _rule(
        r"\b(what|which) plan\b|\bhow many (seats|licen[cs]es|users)\b|\baccount (details|"
        r"status|overview|info\w*|summary)\b|"
        r"\b(our|my|the) (account|plan|seats|credit|balance|subscription|billing (contact|"
        r"period))\b|"
        r"\b(look up|show|check)\b.{0,20}\baccount\b|\bwhen do(es)? (we|our|it|the)"
        r"\b.{0,20}\b(renew|end|expire)|"
        r"\bwhat do we pay\b|\bbilling contact\b",
        without_slots("look_up_account"),
    ),
)  # fmt: skip
