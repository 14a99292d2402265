"""Whose words an action's details come from: the requester's own, or somebody else's. Pure.

The model reads messages of others, files and tool results, and any of them may hold an instruction.
What it calls with details that the requester never said is shown to them before it happens.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from agent_core.conversation import Speaker
from agent_core.live_turn import LiveTurn
from agent_core.tooling import Json, ToolCall
from agent_core.turn_state import Kind

FROM_OUTSIDE: Final = (
    "You have not said these details in this request: they were looked up, or come from earlier "
    "messages, other people or documents. Please check them."
)

WISH_FROM_OUTSIDE: Final = (
    "This may come from earlier messages, other people or documents, and not from what you asked "
    "for just now. Please check it."
)

_NOT_OWN: Final = re.compile(r"^\s*(?:>|\[attached file: ).*$", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d+(?:[.,' ]\d{3})*(?:[.,]\d{1,2})?(?!\d)")
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")  # INV-1042, INV1042 and "inv 1042" are the same two
_ADDRESS: Final = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_ONES: Final = _WORD.findall(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS: Final = _WORD.findall("twenty thirty forty fifty sixty seventy eighty ninety")
_ONE_BY_ANOTHER_WORD: Final = frozenset({"a", "an", "another", "single"})
_BY_WORD: Final = {
    **{word: number for number, word in enumerate(_ONES)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
}


def warning(arguments: Json) -> str:
    """What is said of a wish from outside: of its details, or of itself where it has none."""
    return FROM_OUTSIDE if any(True for _ in _values(arguments)) else WISH_FROM_OUTSIDE


def from_outside(
    arguments: Json, own_words: Sequence[str], *, known: Iterable[str] = (), alone: bool = False
) -> bool:
    """Whether none of these arguments is grounded in what the requester said themselves.

    `arguments`: as the model sent them. `own_words`: the requester's messages of this turn.
    `known`: what code tells of them, such as their name. `alone`: the model has read nothing but
    their words; it decides where there is no argument to judge by.
    """
    values = list(_values(arguments))
    if not values:
        return not alone
    said = _Said([*own_words, *known])
    return not any(said.holds(value) for value in values)


def is_from_outside(live: LiveTurn, call: ToolCall) -> bool:
    """The same of a call in its turn: own words are those that the turn has claimed."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = {}
    rows = {row.transcript_seq for row in live.rows}
    said = [
        entry.text
        for seq, entry in live.transcript.items()
        if seq in rows and entry.deleted_at is None
    ]
    known = [live.requester.name, live.account_name, str(live.conversation.account or "")]
    return from_outside(arguments, said, known=known, alone=_is_alone(live, rows))


def _is_alone(live: LiveTurn, rows: set[int | None]) -> bool:
    """The model has read neither anybody else's words in this turn, nor a tool's answer."""
    ours = (Speaker.AGENT, Speaker.CODE)
    # A summary may hold anybody's words.
    others = live.summary is not None or any(
        entry.speaker not in ours and entry.identity != live.turn.author.identity
        for seq, entry in live.transcript.items()
        if seq not in rows
    )
    files = any(
        own(entry.text) != entry.text for seq, entry in live.transcript.items() if seq in rows
    )
    answers = any(
        entry.kind == Kind.RESULT and not entry.body["draft"] and not entry.body["told"]
        for entry in live.journal
    )
    return not (others or files or answers)


def own(text: str) -> str:
    """A message without what its author only passes on: quoted lines and files' names."""
    return _NOT_OWN.sub("", text)


def _values(value: Any) -> Iterator[str | int]:
    """The leaves that say something. A yes or no, and nothing at all, are in nobody's words."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | str):
        if value != "":
            yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _values(one)


class _Said:
    """Somebody's words, to be asked whether a value is in them."""

    def __init__(self, texts: Sequence[str]) -> None:
        text = "\n".join(own(each) for each in texts).casefold()
        self._words = _WORD.findall(text)
        self._numbers = set(_numbers(text))
        self._addresses = set(_ADDRESS.findall(text))

    def holds(self, value: str | int) -> bool:
        if isinstance(value, int):
            return bool({value, value / 100} & self._numbers)
        text = value.casefold().strip()
        if "@" in text:
            return text in self._addresses
        if _is_number(text):
            return bool(set(_numbers(text)) & self._numbers)
        return self._in_a_row(_WORD.findall(text))

    def _in_a_row(self, words: Sequence[str]) -> bool:
        """These words stand together."""
        count = len(words)
        places = range(len(self._words) - count + 1)
        return bool(words) and any(self._words[at : at + count] == words for at in places)


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _numbers(text: str) -> Iterator[float]:
    """Every number, in figures ("1,250.50") and in English words ("twenty-five")."""
    for match in _NUMBER.finditer(text):
        yield _figure(match[0])
        if " " in match[0]:  # "1 250" may be one number or two
            yield from (_figure(part) for part in match[0].split())
    before = 0
    for word in re.findall(r"[^\W\d_]+", text):
        if word in _ONE_BY_ANOTHER_WORD:
            yield 1.0
        number = _BY_WORD.get(word, -1)
        if number >= 0:
            yield float(number)
            if before in range(20, 100, 10) and 0 < number < 10:
                yield float(before + number)
        before = max(number, 0)


def _figure(text: str) -> float:
    """`1,250.50`, `1.250,50` and `1 250` as people mean them."""
    whole, fraction = text, ""
    if match := re.search(r"[.,](\d{1,2})$", text):
        whole, fraction = text[: match.start()], match[1]
    return float(re.sub(r"\D", "", whole) + (f".{fraction}" if fraction else ""))
