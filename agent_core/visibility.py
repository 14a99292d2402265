"""What of a tool's answer a room may read: the rest is covered there, and kept for the person.

A tool names what is private (`Tool.private`). In a room with readers of other companies nothing of
it enters what is stored, posted or given to the model; people whose role does not reach read it
nowhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agent_core.blocks import Change, Field
from agent_core.conversation import Audience
from agent_core.people import Capability, Role
from agent_core.proposals import Proposal
from agent_core.tooling import Preview, Tool, ToolContext, ToolResult
from agent_core.wording import argument_label

# Placeholders in what the model is given.
SHOWN_ALONE: Final = "withheld in this room: shown to the person alone"
NOT_FOR_ROLE: Final = "withheld: this person's role may not read it"

_EMAIL: Final = re.compile(r"([\w+%-])[\w.+%-]*(@[\w-]+(?:\.[\w-]+)+)")
_COVER: Final = "•••"
_SHORTEST: Final = 4  # shorter values are not sought in other texts: they would be everywhere


def covered(text: str) -> str:
    """Addresses covered, as `f•••@globex.example`; wholly where the text is anything else too."""
    shown, count = _EMAIL.subn(rf"\1{_COVER}\2", text)
    if not text or _COVER in text:
        return shown
    return shown if count and not _EMAIL.sub("", text).strip(" ,;") else _COVER


def read_by(tool: Tool, context: ToolContext, result: ToolResult) -> ToolResult:
    """A read's result as this person may have it in this room."""
    hidden = _hidden(tool, context)
    return _without(tool, context, result, hidden) if hidden else result


def done_for(tool: Tool, context: ToolContext, result: ToolResult) -> ToolResult:
    """An action's result as the ledger and the receipt have it for this person in this room."""
    hidden = _hidden(tool, context)
    return _without(tool, context, result, hidden) if hidden else result


def preview_for(tool: Tool, context: ToolContext, preview: Preview) -> Preview:
    """The same of a preview. Its arguments stay exact: they are what runs."""
    hidden = _hidden(tool, context)
    if not hidden:
        return preview
    cover = _Cover(tool=tool, context=context, hidden=hidden)
    changes = tuple(cover.change(one) for one in preview.changes)
    private = {name: preview.arguments[name] for name in sorted(hidden & set(preview.arguments))}
    for value in private.values():
        cover.sought += _texts(value)
    notes = [cover.note(note) for note in preview.notes]
    changes = tuple(_change_in_text(cover, one) for one in changes)
    for name, value in private.items():
        if value is not None and not _is_marked(name, changes, notes):
            notes.append(cover.mark(name, value))
    return replace(
        preview,
        title=cover.text(preview.title),
        changes=changes,
        notes=tuple(notes),
        for_person=cover.for_person,
    )


def covered_arguments(proposal: Proposal) -> frozenset[str]:
    """The arguments whose values its card covers, as its room's readers may not have them.

    `preview_for` leaves a covered change or note of each: a proposal does not hold its tool.
    """
    texts = [proposal.title, *proposal.notes]
    texts += [text for one in proposal.changes for text in (one.before, one.after)]
    shown = "\n".join(texts)
    return frozenset(
        name
        for name, value in proposal.arguments.items()
        if _is_marked(name, proposal.changes, proposal.notes)
        or (
            isinstance(value, str)
            and _EMAIL.search(value)
            and covered(value) in shown
            and value not in shown
        )
    )


def private_names(tool: Tool) -> Mapping[str, frozenset[Role]]:
    """`Tool.private`, with every name that such an argument goes by.

    Whoever declares a tool may name the field or its alias; arguments are stored by either.
    """
    found = dict(tool.private)
    for name, one in tool.arguments.model_fields.items():
        aliases = (one.alias, one.validation_alias, one.serialization_alias)
        names = (name, *(alias for alias in aliases if isinstance(alias, str)))
        for said in names:
            if said in tool.private:
                found = dict.fromkeys(names, tool.private[said]) | found
    return found


# --- inner ----------------------------------------------------------------------------------------


def _hidden(tool: Tool, context: ToolContext) -> frozenset[str]:
    """The names whose values are not for this room, or not for this person.

    An action that somebody may only ask others for tells them no more than a read does.
    """
    private = private_names(tool)
    if context.audience is Audience.SHARED:
        return frozenset(private)
    if context.requester.can(Capability.STAFF):
        return frozenset()
    return frozenset(name for name in private if not _may_read(tool, context, name))


def _may_read(tool: Tool, context: ToolContext, name: str) -> bool:
    return context.requester.role_in(context.account_id) in private_names(tool)[name]


def _without(
    tool: Tool, context: ToolContext, result: ToolResult, hidden: frozenset[str]
) -> ToolResult:
    cover = _Cover(tool=tool, context=context, hidden=hidden)
    content = cover.content(result.content)
    fields = tuple(cover.field(one) for one in result.fields)
    return replace(
        result,
        content=cover.everywhere(content),
        title=cover.text(result.title),
        fields=tuple(replace(one, value=cover.text(one.value)) for one in fields),
        for_person=cover.for_person,
    )


def _is_marked(name: str, changes: Sequence[Change], notes: Sequence[str]) -> bool:
    """Whether a change or a note of this argument is there, and covered."""
    label = argument_label(name)
    return any(one.label in (name, label) and _COVER in one.after for one in changes) or any(
        note.startswith(f"{label}: ") and _COVER in note for note in notes
    )


def _change_in_text(cover: "_Cover", change: Change) -> Change:
    return replace(change, before=cover.text(change.before), after=cover.text(change.after))


@dataclass(slots=True)
class _Cover:
    """One pass over an answer: covers, and collects what was covered."""

    tool: Tool
    context: ToolContext
    hidden: frozenset[str]
    sought: list[str] = field(default_factory=list)
    kept: dict[tuple[str, str], Field] = field(default_factory=dict)

    @property
    def for_person(self) -> tuple[Field, ...]:
        return tuple(self.kept.values())

    def content(self, value: Any, owner: str = "") -> Any:
        if isinstance(value, Mapping):
            owner = str(value["name"]) if isinstance(value.get("name"), str) else owner
            return {
                key: self._placed(key, one, owner)
                if key in self.hidden and one not in (None, "", [], {})
                else self.content(one, owner)
                for key, one in value.items()
            }
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.content(one, owner) for one in value]
        return value

    def _placed(self, name: str, value: Any, owner: str) -> str:
        label = f"{owner}, {name}" if owner else name.replace("_", " ").capitalize()
        self._keep(name, label, value if isinstance(value, str) else _spelt(value))
        shown = _may_read(self.tool, self.context, name)
        return SHOWN_ALONE if shown else NOT_FOR_ROLE

    def field(self, one: Field) -> Field:
        if one.label not in self.hidden:
            return one
        self._keep(one.label, one.label, one.value)
        return replace(one, value=covered(one.value))

    def change(self, one: Change) -> Change:
        if one.label not in self.hidden:
            return one
        self._keep(one.label, one.label, f"{one.before} → {one.after}")
        self.sought += [one.before, one.after]
        return replace(one, before=covered(one.before), after=covered(one.after))

    def note(self, note: str) -> str:
        label, is_labelled, value = note.partition(": ")
        if is_labelled and label in self.hidden:
            self._keep(label, label, value)
            return f"{label}: {covered(value)}"
        shown = self.text(note)
        if shown != note and all(
            _may_read(self.tool, self.context, name) for name in self.tool.private
        ):
            self.kept[("", note)] = Field(label="In full", value=note)
        return shown

    def mark(self, name: str, value: Any) -> str:
        """A note of an argument that the preview does not show."""
        label, spelt = argument_label(name), _spelt(value)
        self._keep(name, label, spelt)
        return f"{label}: {covered(spelt)}"

    def text(self, text: str) -> str:
        """Any other text: without the values that are covered, and without addresses."""
        for value in self.sought:
            if len(value) >= _SHORTEST and _COVER not in value:
                text = text.replace(value, covered(value))
        return _EMAIL.sub(rf"\1{_COVER}\2", text)

    def everywhere(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if value in (SHOWN_ALONE, NOT_FOR_ROLE) else self.text(value)
        if isinstance(value, Mapping):
            return {key: self.everywhere(one) for key, one in value.items()}
        if isinstance(value, Sequence):
            return [self.everywhere(one) for one in value]
        return value

    def _keep(self, name: str, label: str, value: str) -> None:
        if not value or _COVER in value:  # covered before: nobody has it here
            return
        self.sought.append(value)
        if _may_read(self.tool, self.context, name):  # else the reply says so, and no card
            self.kept.setdefault((name.casefold(), value), Field(label=label, value=value))


def _texts(value: Any) -> list[str]:
    """Everything in it that other texts could repeat."""
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [text for one in value for text in _texts(one)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _spelt(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_spelt(one)}" for key, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_spelt(one) for one in value)
    return str(value)
