"""The names under which a card carries our action, form and value through a client and back."""

from collections.abc import Mapping
from typing import Any, Final

OWN: Final = "handrail"
ACTION: Final = "action"
FORM: Final = "form"
VALUE: Final = "value"
SHOWN: Final = "shown"  # the form as it was drawn, so that it can be drawn again with errors
DATASET_MARK: Final = "#"  # FORM#FIELD names a picker

CARD_TYPE: Final = "application/vnd.microsoft.card.adaptive"
MESSAGE_TYPE: Final = "application/vnd.microsoft.activity.message"
ERROR_TYPE: Final = "application/vnd.microsoft.error"
SEARCH_TYPE: Final = "application/vnd.microsoft.search.searchResponse"

Json = dict[str, Any]


def own_part(data: Any) -> Mapping[str, Any]:
    """What we put into a button's data; empty where it is not our button."""
    part = data.get(OWN) if isinstance(data, dict) else None
    return part if isinstance(part, dict) else {}


def inputs(data: Any) -> dict[str, str]:
    """The fields that a person filled in, as text."""
    if not isinstance(data, dict):
        return {}
    return {
        str(key): "" if value is None else str(value)
        for key, value in data.items()
        if key not in (OWN, "msteams") and isinstance(value, str | int | float | bool | None)
    }
