"""Everyday wording → what is wished for. Rules over words; what they do not cover is said so."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Wish:
    """A tool and its arguments. `latest_invoice`: the invoice is the newest, to be looked up."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    latest_invoice: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Understood, but something is missing: the question to ask."""

    question: str


@dataclass(frozen=True, slots=True)
class Say:
    """Small talk, or a question about the agent itself: the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """They want a person."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Words that no rule covers. `asks`: they look like a request, so a person must see them."""

    text: str
    asks: bool


Meaning = Wish | Ask | Say | Person | NotUnderstood

ABOUT_ME: Final = (
    "I am an AI agent, not a person. Say “I want to talk to someone” at any time, and a person "
    "from the support team takes over."
)
ABILITIES: Final = (
    "I can look up your account, plans, invoices, usage and earlier requests; change the plan; "
    "add or remove seats; refund an invoice; change the billing contact; reset a member's access; "
    "and pause, resume or cancel the subscription. I show every change and ask before I make it."
)
HYPOTHETICAL: Final = (
    "I change nothing until you say so. Ask for the change itself, for example “add 5 seats”, and "
    "I show what exactly would happen and what it costs. You can still cancel then."
)
WHICH_INVOICE: Final = "Which invoice should I refund? Please give me its number, such as INV-1042."
WHICH_PLAN: Final = "Which plan would you like: Starter, Team or Business?"
WHICH_CONTACT: Final = "Who should be the billing contact? I need a full name and an email address."
WHICH_MEMBER: Final = (
    "Whose access should I reset? Please give me their email address or full name."
)
HOW_MANY_MORE: Final = (
    "How many seats should I add? Please give me the number to add, not the total."
)
HOW_MANY_LESS: Final = (
    "How many seats should I remove? Please give me the number to remove, not the total."
)
HOW_MUCH: Final = (
    "How much of the invoice should I refund? Please give me an exact amount, or say all."
)

_NUMBERS: Final = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"dozen": 12, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
_NUMBER: Final = r"(?:\d{1,5}|" + "|".join(_NUMBERS) + r")"
_SEATS: Final = r"(?:seats?|licen[cs]es?|users?|spots?)"
_INVOICE: Final = re.compile(r"\b(inv(?:oice)?[-\s#]*(?:no\.?\s*)?(\d{3,}))\b", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^@\s<>|,;:()]+@[^@\s<>|,;:()]+\.[^@\s<>|,;:()]*[^@\s<>|,;:().!?]")
_MONEY: Final = re.compile(
    r"(?:[$€£]\s?(\d[\d,]*(?:\.\d{1,2})?))|(\d[\d,]*(?:\.\d{1,2})?)\s?(?:dollars?|usd|euros?|eur|€|\$)",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"\b[A-ZÀ-Þ][\w'’-]*[\wÀ-ÿ](?:\s+[A-ZÀ-Þ][\w'’-]*[\wÀ-ÿ])+")

_NEGATED: Final = re.compile(
    r"\b(don'?t|do not|never|not|no longer want to|rather not)\b(?! (?:able|working|sure))", re.I
)
_HYPOTHETICAL: Final = re.compile(
    r"\b(how much (would|does|do|is|will)|what (would|happens|if)|would (it|that|\w+ more) cost|if (we|i) |"
    r"how (do|can|would) (i|we|one)\b|should (we|i)\b|thinking (about|of)|considering|might |"
    r"what does it cost to|is it possible to)",
    re.IGNORECASE,
)
_REQUEST: Final = re.compile(
    r"\?\s*$|^(please|can|could|would|will|how|why|what|when|where|who|send|delete|export|make|"
    r"create|set|turn|enable|disable|fix|tell|explain|give|get|i want|we want|i need|we need|"
    r"i'?d like|we'?d like|help)\b",
    re.IGNORECASE,
)


def number_in(text: str) -> int | None:
    """The one number in the text, in digits or words; None for none or several."""
    found = re.findall(rf"\b{_NUMBER}\b", text.lower())
    values = {_NUMBERS[word] if word in _NUMBERS else int(word) for word in found}
    return values.pop() if len(values) == 1 else None


def _seats(text: str) -> int | None:
    """How many seats are meant; None where nobody can tell."""
    low = text.lower()
    near = re.findall(
        rf"\b({_NUMBER})\b(?:\s+(?:more|additional|extra|new|unused|fewer|less|of the|of our|of))*\s+"
        rf"(?:\w+\s+)?{_SEATS}\b",
        low,
    )
    if len(set(near)) == 1:
        return number_in(near[0])
    if not near and re.search(
        r"\b(?:a|an|another|an? (?:extra|additional|new)) (?:more )?seat\b", low
    ):
        return 1
    return number_in(low) if not near else None


def _add_seats(text: str) -> Meaning:
    if _is_total(text):
        return Ask(HOW_MANY_MORE)
    seats = _seats(text)
    if seats is None or seats < 1:
        return Ask(HOW_MANY_MORE)
    return Wish("add_seats", {"seats": seats})


def _remove_seats(text: str) -> Meaning:
    if _is_total(text):
        return Ask(HOW_MANY_LESS)
    seats = _seats(text)
    if seats is None or seats < 1:
        return Ask(HOW_MANY_LESS)
    return Wish("remove_seats", {"seats": seats})


def _is_total(text: str) -> bool:
    """ "up to 15 seats": a total, which is not the number to add."""
    return bool(
        re.search(rf"\b(?:to|total of|until)\s+{_NUMBER}\s*(?:{_SEATS}|in total|$)", text, re.I)
    )


def _refund(text: str) -> Meaning:
    low = text.lower()
    invoices = {match.group(2) for match in _INVOICE.finditer(text)}
    amounts = {a or b for a, b in _MONEY.findall(_INVOICE.sub(" ", text))}
    if len(amounts) > 1 or re.search(
        r"\b(half|part of|partly|partial(?:ly)?|some|a third|percent)\b|%", low
    ):
        return Ask(HOW_MUCH)
    amount = _minor(amounts.pop()) if amounts else None
    if amount == 0:
        return Ask(HOW_MUCH)
    if len(invoices) == 1:
        return Wish("refund_invoice", {"invoice": f"INV-{invoices.pop()}", "amount_minor": amount})
    latest = re.search(
        r"\b(?:last|latest|newest|most recent)\b.*\b(?:invoice|bill|payment|charge)\b", low
    )
    if not invoices and latest:
        return Wish("refund_invoice", {"amount_minor": amount}, latest_invoice=True)
    return Ask(WHICH_INVOICE)


def _minor(amount: str) -> int:
    """`1,250.5` in cents."""
    whole, _, rest = amount.replace(",", "").partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def _change_plan(text: str) -> Meaning:
    low = text.lower()
    target = re.search(
        r"\b(?:to|for|onto|want|need|take|choose|upgrade us|downgrade us)\s+(?:the |a |our )?"
        r"(starter|team|business)\b",
        low,
    )
    if target:
        return Wish("change_plan", {"plan": target.group(1)})
    named = {word for word in ("starter", "team", "business") if re.search(rf"\b{word}\b", low)}
    if len(named) == 1:
        return Wish("change_plan", {"plan": named.pop()})
    return Ask(WHICH_PLAN)


def _billing_contact(text: str) -> Meaning:
    emails = _EMAIL.findall(text)
    rest = re.sub(r"(?i)\b(billing|contact|invoices?|please|change|set|send|to)\b", " | ", text)
    for email in emails:
        rest = rest.replace(email, " | ")
    names = _NAME.findall(rest)
    if len(emails) == 1 and len(names) == 1:
        return Wish("change_billing_contact", {"name": names[0], "email": emails[0]})
    return Ask(WHICH_CONTACT)


def _reset_access(text: str) -> Meaning:
    emails = _EMAIL.findall(text)
    if len(emails) == 1:
        return Wish("reset_member_access", {"member": emails[0]})
    if re.search(r"\b(i am|i'm|i|me|my|myself)\b", text, re.I) and not _NAME.search(text):
        own = re.search(
            r"\b(?:i am|i'm|i) (?:locked|can'?t|cannot|forgot)|\bmy (?:own )?(?:access|password|login|account)",
            text,
            re.IGNORECASE,
        )
        if own:
            return Wish("reset_member_access", {"member": "(requester)"})
    plain = re.sub(r"(?i)^\W*(please|can you|could you|reset|unlock)\b|['’]s\b", " ", text)
    names = _NAME.findall(plain) or re.findall(r"\b[A-ZÀ-Þ][a-zà-ÿ]{2,}\b", plain)
    names = [name for name in names if name.lower() not in _NO_NAMES]
    if len(set(names)) == 1:
        return Wish("reset_member_access", {"member": names[0]})
    return Ask(WHICH_MEMBER)


_NO_NAMES: Final = frozenset(
    {"please", "reset", "unlock", "can", "could", "hello", "hi", "slack", "access"}
)


def _read(tool: str, **arguments: Any) -> Callable[[str], Meaning]:
    return lambda _: Wish(tool, arguments)


def _status(text: str) -> Meaning:
    reference = re.search(r"\b(?:reference|ref\.?|request)\s+#?([A-Za-z0-9_-]{6,})\b", text)
    return Wish("request_status", {"reference": reference.group(1) if reference else None})


def _invoices(text: str) -> Meaning:
    many = re.search(rf"\blast\s+({_NUMBER})\s+invoices", text, re.IGNORECASE)
    limit = number_in(many.group(1)) if many else None
    return Wish("list_invoices", {"limit": limit if limit and limit <= 50 else None})


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
        r"\b(talk|speak|chat|write) (to|with) (an? |the |your |some)?(human|person|real|someone|somebody|one|"
        r"agent|support|representative|rep|manager|people|colleague|team|living)|"
        r"\b(human|real person|person|representative|somebody|someone)\b.{0,12}\b(please|help|take over|call)|"
        r"\b(want|need|get|give|connect|put|transfer|pass|hand|bring|fetch)\b.{0,18}\b(human|real person|person|"
        r"someone|somebody|representative|support team|support|supervisor|manager|real people)\b|"
        r"\bescalate|\bcall me( back)?\b|^\W*(human|support|agent|person|operator|representative)\W*$|"
        r"\bhow (do|can) i (reach|contact|get hold of) (support|someone|somebody|a (human|person))",
        lambda _: Person(),
    ),
    _rule(r"\bwhat can you do|\bwhat do you do|^\W*help\W*$|\bhow can you help", lambda _: Say(ABILITIES)),
    _rule(
        r"\b(refund|reimburse|money back|credit us back|give .{0,12}back .{0,20}\binv)", _refund, acts=True
    ),
    _rule(
        r"\bbilling (contact|email|address)\b.*\b(to|is|should|becomes?|change|set|update)\b|"
        r"\b(change|set|update|make|replace)\b.{0,30}\bbilling (contact|email)|"
        r"\b(send|mail|address)\b.{0,12}\b(invoices?|bills?)\b.{0,6}\bto\b|"
        r"\binvoices? (should|must|shall) go to",
        _billing_contact,
        acts=True,
    ),
    _rule(
        r"\b(reset|unlock|re-?enable)\b.{0,50}\b(access|password|login|account|sign-?in)\b|"
        r"\b(unlock|reset)\s+\S+@|\bunlock\s+[A-Z]|\breset access\b|"
        r"\b(?<!who is )(?<!who's )(?:is|am|'m|are|was|got|been) locked out|"
        r"\b(can'?t|cannot|can not|unable to) (log|sign) ?(in|on)|\bforgot (my|his|her|their) password",
        _reset_access,
        acts=True,
    ),
    _rule(
        r"\bcancel\b.{0,20}\b(subscription|account|plan|contract|membership|everything)\b|"
        r"\b(end|terminate|stop) (our|the|my) subscription|\bwe (want|would like|'d like) to leave\b|"
        r"\bunsubscribe us\b",
        _read("cancel_subscription"),
        acts=True,
    ),
    _rule(
        r"\b(pause|suspend|freeze)\b.{0,20}\b(subscription|account|plan|us|everything)\b|"
        r"\bput\b.{0,25}\bon hold\b",
        _read("pause_subscription"),
        acts=True,
    ),
    _rule(
        r"\b(resume|reactivate|restart|unpause|continue|keep|un-?cancel)\b.{0,20}"
        r"\b(subscription|account|plan)\b",
        _read("resume_subscription"),
        acts=True,
    ),
    _rule(
        rf"\b(remove|drop|cut|delete|release|return|give (?:back|up)|reduce|cancel|get rid of|take away)\b"
        rf".{{0,30}}\b{_SEATS}\b|\b{_NUMBER} (?:fewer|less) {_SEATS}\b|"
        rf"\b{_NUMBER}\s+{_SEATS} (?:too many|fewer|less)\b|\b(?:fewer|less) {_SEATS}\b",
        _remove_seats,
        acts=True,
    ),
    _rule(
        rf"\b(add|buy|get|need|want|order|purchase|book|increase|give|like|take|bring|raise)\b.{{0,30}}\b{_SEATS}\b|"
        rf"\b{_NUMBER} (?:more|additional|extra|new) {_SEATS}\b|\b{_NUMBER} {_SEATS} more\b|"
        rf"\b(?:more|another|additional|extra) (?:\w+ )?{_SEATS}\b",
        _add_seats,
        acts=True,
    ),
    _rule(
        r"\b(upgrade|downgrade)\b|\b(switch|change|move|go|put|get|want|take)\b.{0,25}"
        r"\b(starter|team plan|business|(?:another|different|the|our) plan)\b|\bchange (of )?plan\b",
        _change_plan,
        acts=True,
    ),
    _rule(
        r"\bstatus of\b|\bdid (my|our|the)\b.*\b(go through|work|happen|succeed)|\bwhat happened (to|with)\b|"
        r"\b(has|have|is|was)\b.{0,30}\b(been )?(done|processed|completed|finished|gone through)\b|"
        r"\b(earlier|previous|past|last) requests?\b",
        _status,
    ),
    _rule(
        r"\b(show|list|see|send|get|find|give|what|which|any|all|our|my)\b.{0,30}\b(invoices?|bills)\b|"
        r"\bwhat did we pay\b|\bbilling history\b|^\W*invoices\W*$",
        _invoices,
    ),
    _rule(
        r"\b(usage|storage|api calls?|quota)\b|\b(near|close to|over)\b.{0,10}\blimits?\b",
        _read("get_usage"),
    ),
    _rule(
        r"\bwho (has|uses|holds) (a |an |our |the )?(seats?|access|licen[cs]es?)|\blist\b.{0,12}\b(members|users|people)\b|"
        r"\bwho(?:'s| is| are) (locked out|a member|in our account|on our account|our members)|"
        r"\b(show|our|the|all) (?:\w+ )?members\b",
        _read("list_members"),
    ),
    _rule(
        r"\b(which|what|list|show|your|all)\b.{0,20}\bplans\b|\bpricing\b|\bprice list\b|"
        r"\b(what|how much) (does|is|do|are)\b.{0,12}\b(starter|team|business)\b|\bwhat do you (sell|offer)\b",
        _read("list_plans"),
    ),
    _rule(
        r"\b(what|which) plan\b|\bhow many (seats|licen[cs]es|users)\b|\baccount (details|status|overview|info\w*|summary)\b|"
        r"\b(our|my|the) (account|plan|seats|credit|balance|subscription|billing (contact|period))\b|"
        r"\b(look up|show|check)\b.{0,20}\baccount\b|\bwhen do(es)? (we|our|it|the)\b.{0,20}\b(renew|end|expire)|"
        r"\bwhat do we pay\b|\bbilling contact\b",
        _read("look_up_account"),
    ),
)  # fmt: skip

_SMALL_TALK: Final = re.compile(
    r"^\W*(?:(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings)(?: there| all| team| everyone)?"
    r"|how are you(?: doing)?(?: today)?)\W*$",
    re.IGNORECASE,
)
_THANKS: Final = re.compile(
    r"^\W*(?:(?:ok|okay|great|perfect|cool|nice|awesome|super)\W*)*(?:many )?"
    r"(?:thanks|thank you|thx|cheers|ok|okay|great|perfect|cool|good|that'?s (?:all|it)|bye|goodbye)"
    r"(?: (?:a lot|so much|very much|for your help|for now|all|again|everyone))*\W*$",
    re.IGNORECASE,
)
_FILLER: Final = re.compile(
    r"^\W*(?:please|pls|also|then|so|well|just|now|and|too)?\W*$", re.IGNORECASE
)
_SPLIT: Final = re.compile(
    r"(?<=[.!?;])\s+|\n+|;\s*|,?\s+(?:and then|and also|and|then|also|plus)\s+(?=\S)|,\s*(?=please\b)",
    re.IGNORECASE,
)


def meanings(text: str) -> list[Meaning]:
    """What the message asks for, in its order. Empty for nothing but filler."""
    whole = _meaning(text)
    clauses = _clauses(text)
    if len(clauses) <= 1:
        return [whole] if whole is not None else []
    found = [meaning for clause in clauses if (meaning := _meaning(clause)) is not None]
    understood = [one for one in found if not isinstance(one, NotUnderstood)]
    if not understood:
        return [whole] if whole is not None else found
    return _tidied(found, whole)


def _tidied(found: list[Meaning], whole: Meaning | None) -> list[Meaning]:
    """Greetings fall away beside a request; half-understood parts give way to the whole."""
    wishes = [one for one in found if isinstance(one, Wish)]
    asks = [one for one in found if isinstance(one, Ask)]
    if asks and not wishes and isinstance(whole, Wish):
        return [whole]
    serious = [one for one in found if not isinstance(one, Say)]
    kept = serious if wishes or asks or any(isinstance(o, Person) for o in serious) else found
    kept = [one for one in kept if not isinstance(one, NotUnderstood) or one.asks]
    unique: list[Meaning] = []
    for one in kept or found:
        if one not in unique:
            unique.append(one)
    return unique


def _clauses(text: str) -> list[str]:
    """The message in parts that each may hold a wish; a part without a noun borrows "seats"."""
    parts = [part.strip(" ,") for part in _SPLIT.split(text) if part and part.strip(" ,.")]
    parts = [part for part in parts if not _FILLER.match(part)]
    clauses: list[str] = []
    for part in parts:
        bare = re.fullmatch(
            rf"(?i)(?:please )?(add|remove|drop)\s+({_NUMBER})(?: more)?[.!]?", part
        )
        if bare and any(re.search(_SEATS, clause, re.I) for clause in clauses):
            part = f"{part.rstrip('.!')} seats"
        clauses.append(part)
    return clauses


def _meaning(text: str) -> Meaning | None:
    if _FILLER.match(text):
        return None
    if _SMALL_TALK.match(text):
        return Say(f"Hello. {ABILITIES}")
    if _THANKS.match(text):
        return Say("You are welcome.")
    rule = next((rule for rule in RULES if rule.pattern.search(text)), None)
    if rule is None:
        return NotUnderstood(text.strip(), asks=bool(_REQUEST.search(text.strip())))
    meaning = rule.meaning(text)
    if not rule.acts:
        return meaning
    if _HYPOTHETICAL.search(text):
        return Say(HYPOTHETICAL)
    if _NEGATED.search(text):
        return Say("Understood: I change nothing.")
    return meaning
