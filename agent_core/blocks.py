"""The neutral vocabulary of message parts. Each platform's `render` draws every one of them.

All text here is untrusted: `render` escapes it. Markdown is allowed in `Text` only.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A card's title. Plain text, at most 150 characters."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph, or several, in Markdown."""

    markdown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One labelled value. Plain text."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Labelled values, in order."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of before → after. Plain text."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an action changes, as before → after lines."""

    changes: tuple[Change, ...]


class ReceiptState(StrEnum):
    """How an action ended; the words of `proposals.Outcome`."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the ledger says of an action. Written by code, never by the model."""

    state: ReceiptState
    title: str
    fields: tuple[Field, ...]
    reference: str  # the ledger key's short form, which support can search for


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of somebody, shown as theirs. Plain text; line breaks are kept."""

    speaker: str
    text: str
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A small line under the rest. Plain text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A source of what was said."""

    title: str
    url: str


class ButtonStyle(StrEnum):
    """How a button is drawn; its label alone must already say what it does."""

    DEFAULT = "default"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button. `action` and `value` come back in `ButtonPressed`.

    `action` is a dotted name such as `proposal.confirm`, unique within a message; `value` at most
    2,000 characters. `opens_form`: the press needs a form in the same request (a Teams dialog).
    """

    action: str
    label: str
    value: str
    style: ButtonStyle = ButtonStyle.DEFAULT
    opens_form: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    """A row of buttons, at most five."""

    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Calls people's attention: `platform:TENANT/USER` addresses, with names to show."""

    people: tuple[tuple[str, str], ...]  # (address, name)
    text: str = ""


Block = Heading | Text | Fields | Changes | Receipt | Quote | Note | Citation | Buttons | Mention


class InputKind(StrEnum):
    """What a form's field accepts."""

    LINE = "line"
    LINES = "lines"
    CHOICE = "choice"
    SEARCH = "search"  # choices come from `OptionsAsked`


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a field's choices."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One field of a form. `id` comes back as a key of `FormSubmitted.inputs`."""

    id: str
    label: str
    kind: InputKind
    initial: str = ""
    optional: bool = False
    choices: tuple[Choice, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A dialog. `form` and `value` come back in `FormSubmitted`. `title` at most 24 characters."""

    form: str
    value: str
    title: str
    inputs: tuple[Input, ...]
    submit_label: str
    intro: str = ""
