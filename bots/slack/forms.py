"""Draws dialogs, their errors and their options, as Slack views. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ExternalDataSelectElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from agent_core.blocks import Choice, Form, Input, InputKind
from bots.slack import limits
from bots.slack.drawing import plain, section, sections
from bots.slack.entities import escape


def render_form(form: Form) -> dict[str, Any]:
    """The view: `callback_id` is the form's name, `private_metadata` its value.

    An input's id is both its block's and its element's, so that errors and values find it.
    Raises SlackObjectFormationError for a form that Slack cannot hold.
    """
    drawn: list[Block] = sections(escape(form.intro)) if form.intro else []
    drawn += [_input(field) for field in form.inputs]
    view = View(
        type="modal",
        callback_id=form.form,
        private_metadata=form.value,
        title=plain(form.title, limits.VIEW_TITLE),
        submit=plain(form.submit_label, limits.VIEW_BUTTON) if form.inputs else None,
        close=plain("Cancel", limits.VIEW_BUTTON),
        blocks=drawn or [section(" ")],
    )
    return dict(view.to_dict())


def render_notice(title: str, text: str) -> dict[str, Any]:
    """A view that only tells something."""
    view = View(
        type="modal",
        title=plain(title, limits.VIEW_TITLE),
        close=plain("Close", limits.VIEW_BUTTON),
        blocks=sections(escape(text)) or [section(" ")],
    )
    return dict(view.to_dict())


def render_errors(errors: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a submission that keeps the form open and says what is wrong, by field."""
    return {"response_action": "errors", "errors": dict(errors)}


def render_options(choices: Sequence[Choice]) -> dict[str, Any]:
    """The answer to a picker's question."""
    return {"options": [_option(choice).to_dict() for choice in choices[: limits.OPTIONS]]}


def _input(field: Input) -> Block:
    return InputBlock(
        block_id=field.id,
        label=plain(field.label, limits.INPUT_LABEL),
        element=_element(field),
        hint=plain(field.hint, limits.INPUT_HINT) if field.hint else None,
        optional=field.optional,
    )


def _element(field: Input) -> InputInteractiveElement:
    match field.kind:
        case InputKind.LINE | InputKind.LINES:
            return PlainTextInputElement(
                action_id=field.id,
                multiline=field.kind is InputKind.LINES,
                initial_value=field.initial[: limits.INPUT_INITIAL] or None,
            )
        case InputKind.CHOICE:
            options = [_option(choice) for choice in field.choices[: limits.OPTIONS]]
            return StaticSelectElement(
                action_id=field.id,
                placeholder=plain("Choose", limits.PLACEHOLDER),
                options=options,
                initial_option=next((o for o in options if o.value == field.initial), None),
            )
        case InputKind.SEARCH:
            initial = next((c for c in field.choices if c.value == field.initial), None)
            return ExternalDataSelectElement(
                action_id=field.id,
                placeholder=plain("Type to search", limits.PLACEHOLDER),
                initial_option=_option(initial) if initial else None,
                min_query_length=1,
            )


def _option(choice: Choice) -> Option:
    return Option(value=choice.value, text=plain(choice.label, limits.OPTION_TEXT))
