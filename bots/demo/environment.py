"""The service's environment in the demo: every address outside is a stand-in's."""

from dataclasses import dataclass
from pathlib import Path

import bots
from bots.demo.options import Support
from bots.settings import ModelSettings, foreign_environment
from playground import people


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIns:
    """Where the stand-ins listen, without a slash at the end. `page` ends in one."""

    page: str
    slack_api: str
    teams: str
    payments: str


def root() -> Path:
    """The folder that the packages lie in: the source tree, or where they were installed."""
    return Path(bots.__file__).resolve().parents[1]


def example_configuration() -> Path:
    """The sample company's configuration folder."""
    return root() / "examples" / "acme"


def support_room(support: Support) -> str:
    """The support channel, as rooms are written."""
    if support is Support.TEAMS:
        channel = people.TEAMS_SUPPORT_CHANNEL.conversation_id
        return f"teams:{people.TEAMS_TENANT_ID}/{channel}"
    return f"slack:{people.VENDOR_TEAM.team_id}/{people.SUPPORT_ROOM.channel_id}"


def for_children() -> dict[str, str]:
    """What every child gets: no setting of somebody's real service, and the same packages."""
    return {**foreign_environment(), "PYTHONPATH": str(root()), "PYTHONUNBUFFERED": "1"}


def of_service(
    data: Path, stand_ins: StandIns, support: Support, model: ModelSettings | None
) -> dict[str, str]:
    """The settings of the service, and of everything that works on the same databases."""
    tenant = people.TEAMS_TENANT_ID
    return {
        "HANDRAIL_DATA": str(data),
        "HANDRAIL_CONFIG": str(example_configuration()),
        "HANDRAIL_SUPPORT_ROOM": support_room(support),
        "HANDRAIL_PAYMENTS_URL": stand_ins.payments,
        "HANDRAIL_PAYMENTS_KEY": people.PAYMENTS_API_KEY,
        "SLACK_SIGNING_SECRET": people.SLACK_SIGNING_SECRET,
        "SLACK_BOT_TOKEN": people.SLACK_BOT_TOKEN,
        "SLACK_API_URL": f"{stand_ins.slack_api}/api/",
        "MICROSOFT_APP_ID": people.TEAMS_APP_ID,
        "MICROSOFT_APP_PASSWORD": people.TEAMS_APP_PASSWORD,
        "MICROSOFT_APP_TENANT_ID": tenant,
        "MICROSOFT_OPENID_METADATA_URL": f"{stand_ins.teams}/.well-known/openidconfiguration",
        "MICROSOFT_TOKEN_URL": f"{stand_ins.teams}/{tenant}/oauth2/v2.0/token",
        **_of_model(model),
    }


def _of_model(model: ModelSettings | None) -> dict[str, str]:
    if model is None:
        return {}
    key = model.api_key.get_secret_value() if model.api_key else None
    named = {
        "OPENAI_API_KEY": key,
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_MODEL": model.name,
    }
    return {name: value for name, value in named.items() if value}
