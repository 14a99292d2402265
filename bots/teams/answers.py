"""What an invoke is answered with, from the event and the core's answer. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent_core.blocks import Choice, Form, Input, InputKind
from agent_core.messages import FormSubmitted, InboundEvent
from agent_core.ports import Answer
from bots.teams import cards, render, wire
from bots.teams.activity import IncomingActivity
from bots.teams.wire import Json

_NOT_OURS = "This button does not belong to this app any more."


def invoke_body(activity: IncomingActivity, event: InboundEvent, answer: Answer) -> Json:
    """The body of the HTTP answer to an invoke."""
    match activity.name:
        case "adaptiveCard/action":
            return _card_answer(answer)
        case "task/fetch" | "task/submit":
            return _task_answer(activity, event, answer)
        case "application/search":
            return _search_answer(answer)
        case _:
            return {}


def not_understood(activity: IncomingActivity) -> Json:
    """The answer to an invoke that is none of ours."""
    if activity.name in ("task/fetch", "task/submit"):
        return _task_message(_NOT_OURS)
    if activity.name in ("adaptiveCard/action", "application/search"):
        value = {"code": "BadRequest", "message": _NOT_OURS}
        return {"statusCode": 400, "type": wire.ERROR_TYPE, "value": value}
    return {}


def _card_answer(answer: Answer) -> Json:
    if answer.card is not None:
        content = render.render_card(answer.card)
        return {"statusCode": 200, "type": wire.CARD_TYPE, "value": content}
    words = answer.notice
    if answer.form is not None:
        # Only a button that was drawn as a dialog's can open one.
        words = words or "This needs a form that this button cannot open. Write your answer here."
    elif answer.form_errors:
        words = words or "; ".join(answer.form_errors.values())
    return {"statusCode": 200, "type": wire.MESSAGE_TYPE, "value": words or "Received."}


def _task_answer(activity: IncomingActivity, event: InboundEvent, answer: Answer) -> Json:
    if answer.form_errors:
        form = answer.form or _form_again(activity, event)
        if form is None:
            return _task_message("; ".join(answer.form_errors.values()))
        return _continue(form, answer.form_errors)
    if answer.form is not None:
        return _continue(answer.form, {})
    return _task_message(answer.notice) if answer.notice else {}


def _continue(form: Form, errors: Mapping[str, str]) -> Json:
    attachment = {"contentType": wire.CARD_TYPE, "content": cards.form_card(form, errors)}
    value = {"title": form.title, "card": attachment, "height": "medium", "width": "medium"}
    return {"task": {"type": "continue", "value": value}}


def _task_message(words: str) -> Json:
    return {"task": {"type": "message", "value": words}}


def _search_answer(answer: Answer) -> Json:
    results = [{"title": c.label, "value": c.value} for c in answer.options]
    return {"statusCode": 200, "type": wire.SEARCH_TYPE, "value": {"results": results}}


# --- the form that came back with its submission ---------------------------------------------


class _Choice(BaseModel):
    title: str
    value: str


class _Input(BaseModel):
    id: str
    label: str
    kind: InputKind
    optional: bool = False
    hint: str = ""
    choices: tuple[_Choice, ...] = ()


class _Shown(BaseModel):
    model_config = ConfigDict(extra="ignore")

    title: str
    submit: str
    intro: str = ""
    inputs: tuple[_Input, ...]


def _form_again(activity: IncomingActivity, event: InboundEvent) -> Form | None:
    """The form as the person saw it, with what they typed. It went through their client, so that
    nothing but their own picture depends on it."""
    if not isinstance(event, FormSubmitted):
        return None
    value: Any = activity.value
    data = value.get("data") if isinstance(value, dict) else None
    try:
        drawn = _Shown.model_validate(wire.own_part(data).get(wire.SHOWN))
    except ValidationError:
        return None
    inputs = tuple(_input(field) for field in drawn.inputs)
    typed = tuple(replace(i, initial=event.inputs.get(i.id, "")) for i in inputs)
    return Form(
        form=event.form,
        value=event.value,
        title=drawn.title,
        inputs=typed,
        submit_label=drawn.submit,
        intro=drawn.intro,
    )


def _input(field: _Input) -> Input:
    return Input(
        id=field.id,
        label=field.label,
        kind=field.kind,
        optional=field.optional,
        hint=field.hint,
        choices=tuple(Choice(value=c.value, label=c.title) for c in field.choices),
    )
