"""Draws the forms that support people fill in."""

from agent_core import presses
from agent_core.blocks import Form, Input, InputKind
from agent_core.escalations import Escalation


def reply_form(case: Escalation) -> Form:
    """What the Reply button opens."""
    return Form(
        form=presses.REPLY_FORM,
        value=str(case.id),
        title=f"Reply, {case.label}"[:24],
        inputs=(
            Input(
                id=presses.REPLY_TEXT,
                label="What the customer reads, under your name",
                kind=InputKind.LINES,
            ),
        ),
        submit_label="Send",
        intro=f"To {case.asked_by}, in the customer's thread.",
    )
