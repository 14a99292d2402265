"""The names of all settings, what each may hold, and which belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bots.setting_values import (
    AppToken,
    AuditKey,
    BotToken,
    DatabaseUrl,
    Folder,
    HttpUrl,
    LogLevel,
    MetricsToken,
    Room,
    Switch,
    TeamsAppType,
    TeamsType,
    TracesExporter,
    TrueFalse,
)


class Environment(BaseSettings):
    """Every variable under its own name in lower case; None where it is not set."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    handrail_data: Folder | None = None
    handrail_database_url: DatabaseUrl | None = None
    handrail_accounts_url: DatabaseUrl | None = None
    handrail_payments_url: HttpUrl | None = None
    handrail_payments_key: SecretStr | None = None
    handrail_audit_key: AuditKey | None = None
    handrail_config: Folder | None = None
    handrail_support_room: Room | None = None
    handrail_log: LogLevel | None = None
    handrail_metrics_token: MetricsToken | None = None
    slack_signing_secret: SecretStr | None = None
    slack_bot_token: BotToken | None = None
    slack_app_token: AppToken | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_api_url: HttpUrl | None = None
    microsoft_app_id: str | None = None
    microsoft_app_password: SecretStr | None = None
    microsoft_app_tenant_id: str | None = None
    microsoft_app_type: TeamsType | None = None
    microsoft_openid_metadata_url: HttpUrl | None = None
    microsoft_token_url: HttpUrl | None = None
    teams_auth: Switch | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: HttpUrl | None = None
    openai_model: str | None = None
    openai_fallback_model: str | None = None
    openai_fallback_base_url: HttpUrl | None = None
    openai_fallback_api_key: SecretStr | None = None
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    otel_exporter_otlp_traces_endpoint: HttpUrl | None = None
    otel_exporter_otlp_headers: SecretStr | None = None
    otel_exporter_otlp_traces_headers: SecretStr | None = None
    otel_traces_exporter: TracesExporter | None = None
    otel_sdk_disabled: TrueFalse | None = None
    xdg_data_home: Folder | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `read` has joined the sources, so that it can tell mistakes."""
        return (init_settings,)


VARIABLES: Final = tuple(
    name.upper() for name in Environment.model_fields if name != "xdg_data_home"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong with one variable, in a sentence that says what to do."""

    variable: str
    sentence: str


def incomplete(env: Environment, *, already: set[str], given: Mapping[str, str]) -> list[Mistake]:
    """Partners that are missing; those with a mistake of their own are told already."""
    found = [
        *_missing_for_slack(env, given),
        *_missing_for_teams(env, given),
        *_missing_for_fallback(env, given),
    ]
    if (env.slack_client_id is None) != (env.slack_client_secret is None):
        name = "SLACK_CLIENT_SECRET" if env.slack_client_id else "SLACK_CLIENT_ID"
        found.append(
            Mistake(
                variable=name,
                sentence=f"{name} is missing: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET belong "
                "together (“Basic Information” of your Slack app).",
            )
        )
    return [each for each in found if each.variable not in already]


_SLACK: Final = ("signing_secret", "bot_token", "app_token", "client_id", "client_secret")


def _missing_for_slack(env: Environment, given: Mapping[str, str]) -> list[Mistake]:
    if not any(f"slack_{name}" in given for name in _SLACK):
        return []
    found = []
    if env.slack_bot_token is None and "slack_client_id" not in given:
        sentence = (
            "SLACK_BOT_TOKEN is missing: copy the “Bot User OAuth Token” (xoxb-…) from “OAuth & "
            "Permissions” of your Slack app, or set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET so "
            "that workspaces install it themselves. To leave Slack out, unset every SLACK_ "
            "variable."
        )
        found.append(Mistake(variable="SLACK_BOT_TOKEN", sentence=sentence))
    if env.slack_signing_secret is None and "slack_app_token" not in given:
        sentence = (
            "SLACK_SIGNING_SECRET is missing: copy it from “Basic Information” of your Slack app, "
            "or set SLACK_APP_TOKEN to use Socket Mode, which needs none."
        )
        found.append(Mistake(variable="SLACK_SIGNING_SECRET", sentence=sentence))
    return found


def _missing_for_teams(env: Environment, given: Mapping[str, str]) -> list[Mistake]:
    names = ("microsoft_app_id", "microsoft_app_password", "microsoft_app_tenant_id")
    if env.teams_auth == "off" or not any(name in given for name in names):
        return []
    needed = {
        "MICROSOFT_APP_ID": "copy the “Microsoft App ID” from the configuration of your Azure bot",
        "MICROSOFT_APP_PASSWORD": "make a client secret for the app and copy its value",
    }
    if env.microsoft_app_type is not TeamsAppType.MULTI_TENANT:
        needed["MICROSOFT_APP_TENANT_ID"] = (
            "copy the “App Tenant ID” from the configuration of your Azure bot (a MultiTenant "
            "bot needs none: then set MICROSOFT_APP_TYPE=MultiTenant)"
        )
    return [
        Mistake(
            variable=name,
            sentence=f"{name} is missing: {remedy}. To leave Teams out, unset every MICROSOFT_ "
            "variable.",
        )
        for name, remedy in needed.items()
        if name.lower() not in given
    ]


def _missing_for_fallback(env: Environment, given: Mapping[str, str]) -> list[Mistake]:
    names = ("openai_fallback_model", "openai_fallback_base_url", "openai_fallback_api_key")
    if not any(name in given for name in names):
        return []
    found = []
    if env.openai_api_key is None and env.openai_base_url is None:
        sentence = (
            "OPENAI_API_KEY is missing: a fallback stands in for a first model, so set "
            "OPENAI_API_KEY or OPENAI_BASE_URL too, or unset every OPENAI_FALLBACK_ variable."
        )
        found.append(Mistake(variable="OPENAI_API_KEY", sentence=sentence))
    if env.openai_fallback_model is None:
        sentence = (
            "OPENAI_FALLBACK_MODEL is missing: name the model that answers when the first does "
            "not, or unset every OPENAI_FALLBACK_ variable."
        )
        found.append(Mistake(variable="OPENAI_FALLBACK_MODEL", sentence=sentence))
    return found
