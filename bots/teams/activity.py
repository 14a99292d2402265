"""The shape of an incoming activity: checked where it enters, and read by parse."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bots.teams.errors import MalformedActivity


def _text_or_empty(value: Any) -> Any:
    return "" if value is None else value


def _list_or_empty(value: Any) -> Any:
    return [] if value is None else value


Text = Annotated[str, BeforeValidator(_text_or_empty)]
Id = Annotated[str, Field(min_length=1, max_length=1_024)]


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True
    )


class Account(_Part):
    """Who sent or receives it. `aad_object_id` is the directory's id of a person.

    `tenant_id` is named where somebody's home is not the tenant in which they write. `user_role`
    and `user_principal_name` are the roster's words, and come with some activities only.
    """

    id: Id
    name: Text = ""
    aad_object_id: Text = ""
    tenant_id: Text = ""
    role: Text = ""
    user_role: Text = ""
    user_principal_name: Text = ""


class Place(_Part):
    """The conversation: `id` may end in `;messageid=<root>`."""

    id: Id
    conversation_type: Text = ""
    tenant_id: Text = ""


class Named(_Part):
    """Anything of which only the id counts."""

    id: Text = ""


class ChannelParts(_Part):
    """What Teams adds to an activity."""

    tenant: Named = Named()
    event_type: Text = ""


class Entity(_Part):
    """A mention, or something else that is not looked at."""

    type: Text = ""
    text: Text = ""
    mentioned: Named | None = None


class Attachment(_Part):
    """A file, or the rich form of the text."""

    content_type: Text = ""
    content_url: Text = ""
    name: Text = ""
    content: Any = None


class IncomingActivity(_Part):
    """An activity with every field that we read. `value` is checked where it is used."""

    type: Id
    id: Text = ""
    timestamp: AwareDatetime
    channel_id: Id
    service_url: Id
    from_: Account = Field(alias="from")
    conversation: Place
    recipient: Account
    channel_data: Annotated[ChannelParts, BeforeValidator(lambda v: v or {})] = ChannelParts()
    text: str | None = None
    text_format: Text = ""
    name: Text = ""
    action: Text = ""
    reply_to_id: Text = ""
    value: Any = None
    entities: Annotated[tuple[Entity, ...], BeforeValidator(_list_or_empty)] = ()
    attachments: Annotated[tuple[Attachment, ...], BeforeValidator(_list_or_empty)] = ()
    members_added: Annotated[tuple[Named, ...], BeforeValidator(_list_or_empty)] = ()
    members_removed: Annotated[tuple[Named, ...], BeforeValidator(_list_or_empty)] = ()

    @property
    def tenant_id(self) -> str:
        """The tenant it happened in, in lower case; "" where Teams names none."""
        return (self.channel_data.tenant.id or self.conversation.tenant_id).lower()

    @property
    def at(self) -> datetime:
        return self.timestamp


def read_activity(body: bytes) -> IncomingActivity:
    """An activity from a request's body. Raises MalformedActivity without any of its content."""
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedActivity("the body is not JSON") from None
    if not isinstance(decoded, dict):
        raise MalformedActivity("the body is not a JSON object")
    return activity_from(decoded)


def activity_from(decoded: dict[str, Any]) -> IncomingActivity:
    """An activity from decoded JSON. Raises MalformedActivity that names the wrong fields."""
    try:
        activity = IncomingActivity.model_validate(decoded)
    except ValidationError as problem:
        wrong = sorted({".".join(map(str, error["loc"][:2])) for error in problem.errors()})
        raise MalformedActivity(f"missing or wrong: {', '.join(wrong)}") from None
    if not activity.tenant_id:
        raise MalformedActivity("missing or wrong: channelData.tenant.id")
    if activity.type in ("message", "messageUpdate", "messageDelete", "invoke") and not activity.id:
        raise MalformedActivity("missing or wrong: id")
    return activity
