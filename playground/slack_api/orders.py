"""What the control routes accept, checked: one model an order."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from playground.slack_api.workspace import MentionOrder


class Order(BaseModel):
    """What every order checks: unknown fields and wrong types are answered with 400."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class File(Order):
    name: str
    mimetype: str = "application/octet-stream"
    content_base64: str


class Say(Order):
    user_id: str
    channel_id: str
    text: str
    thread_ts: str | None = None
    mention: bool = False
    broadcast: bool = False
    files: list[File] = []
    copies: int = Field(default=1, ge=1, le=100)
    order: MentionOrder | None = None


class Edit(Order):
    user_id: str
    channel_id: str
    ts: str
    text: str


class Delete(Order):
    user_id: str
    channel_id: str
    ts: str


class React(Order):
    user_id: str
    channel_id: str
    ts: str
    name: str
    remove: bool = False


class BotSay(Order):
    channel_id: str
    text: str
    thread_ts: str | None = None


class Join(Order):
    user_id: str
    channel_id: str


class Unshare(Order):
    channel_id: str
    team_id: str


class Direct(Order):
    user_id: str


class Place(Order):
    user_id: str
    action_id: str
    channel_id: str | None = None
    ts: str | None = None
    view_id: str | None = None


class Click(Place):
    block_id: str | None = None
    value: Any = None


class Options(Place):
    text: str


class Submit(Order):
    user_id: str
    view_id: str
    values: dict[str, dict[str, Any]] = {}


class CloseView(Order):
    user_id: str
    view_id: str


class Command(Order):
    user_id: str
    channel_id: str
    command: str
    text: str = ""


class Redeliver(Order):
    number: int | None = None
    event_id: str | None = None
    copies: int = Field(default=1, ge=1, le=100)


class LoseAcks(Order):
    times: int = Field(ge=0, le=1000)


class Emit(Order):
    event: dict[str, Any]
    channel_id: str | None = None
    team_id: str | None = None


class Settings(Order):
    request_url: str | None = None
    mention_order: MentionOrder | None = None
    reply_count_events: bool | None = None
    once_per_workspace: bool | None = None
    retry_delays: list[float] | None = None
    ack_seconds: float | None = None


class Disconnect(Order):
    reason: str = "refresh_requested"
