"""The JSON bodies that the page sends, checked."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from playground.teams_api.delivery import DeliveryOptions
from playground.teams_api.tokens import TokenKind


class JsonBody(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class DeliveredBody(JsonBody):
    token: TokenKind = TokenKind.VALID
    times: int = 1
    tenant_id: str | None = None
    service_url: str | None = None

    def options(self) -> DeliveryOptions:
        return DeliveryOptions(
            token=self.token,
            times=self.times,
            tenant_id=self.tenant_id,
            service_url=self.service_url,
        )


class PostBody(DeliveredBody):
    person: str
    room: str
    text: str
    thread: str | None = None
    mention: bool = False
    attachments: list[dict[str, Any]] = Field(default_factory=list)


class OnMessageBody(JsonBody):
    person: str
    message: str


class EditBody(OnMessageBody):
    text: str
    mention: bool = False


class ReactionBody(OnMessageBody):
    reaction: str
    added: bool = True


class ClickBody(OnMessageBody):
    action: str
    inputs: dict[str, Any] = Field(default_factory=dict)


class SearchBody(OnMessageBody):
    input: str
    text: str = ""


class ChatBody(JsonBody):
    person: str


class FeedbackBody(OnMessageBody):
    reaction: str
    text: str = ""


class DialogClickBody(JsonBody):
    person: str
    action: str
    inputs: dict[str, Any] = Field(default_factory=dict)


class MemberBody(JsonBody):
    person: str
    room: str
    added: bool = True
    by: str | None = None


class InstallationBody(JsonBody):
    person: str
    room: str
    added: bool = True


class ReadsAllBody(JsonBody):
    room: str
    reads_all: bool


class DeliverBody(DeliveredBody):
    message: str | None = None
    delivery: str | None = None
    activity: dict[str, Any] | None = None
    raw: str | None = None


class EndpointBody(JsonBody):
    url: str | None = None
    patience_seconds: float | None = Field(default=None, gt=0)
    redeliveries: int | None = Field(default=None, ge=0)


class RollBody(JsonBody):
    keep_old: bool = True


class RefusalBody(JsonBody):
    status: int
    method: str = "*"
    code: str = ""
    times: int = 1
