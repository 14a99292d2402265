"""The environment, read once and typed; every mistake in it is told at once, with its remedy."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, unquote_plus, urlsplit

from pydantic import SecretStr, ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from agent_core.errors import ConfigurationError
from agent_core.messages import Platform, RoomRef
from bots.setting_names import VARIABLES, Environment, Mistake, incomplete
from bots.setting_values import TeamsAppType

SLACK_API_URL: Final = "https://slack.com/api/"
OPENID_METADATA_URL: Final = "https://login.botframework.com/v1/.well-known/openidconfiguration"
TOKEN_URL: Final = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"  # noqa: S105
MULTI_TENANT_AUTHORITY: Final = "botframework.com"
OPENAI_MODEL: Final = "gpt-4.1-mini"
NO_SUPPORT_ROOM: Final = (
    "HANDRAIL_SUPPORT_ROOM is missing: name the room where people take cases, as "
    "slack:TEAM/CHANNEL or teams:TENANT/CONVERSATION."
)
OTLP_URL: Final = "http://localhost:4318/v1/traces"
NO_VARIABLE: Final = "platform"  # what a mistake names that no single variable makes
NO_PLATFORM: Final = (
    "No platform is set up: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET for Slack, or "
    "MICROSOFT_APP_ID, MICROSOFT_APP_PASSWORD and MICROSOFT_APP_TENANT_ID for Teams. "
    "To try Handrail without either: handrail demo."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """Slack's side. `bot_token` None: workspaces install the app themselves (client id, secret).

    `signing_secret` None: Socket Mode alone. `api_url` ends in a slash.
    """

    signing_secret: SecretStr | None
    bot_token: SecretStr | None
    app_token: SecretStr | None
    client_id: str | None
    client_secret: SecretStr | None
    api_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsSettings:
    """Teams' side. `verify` False: requests are taken without a token, on loopback only.

    `app_password` None only where `verify` is False. Ids are in lower case.
    """

    app_id: str
    app_password: SecretStr | None
    tenant_id: str
    app_type: TeamsAppType
    openid_metadata_url: str
    token_url: str
    verify: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """A language model. `base_url` None: OpenAI's. `name` None: the first that the endpoint lists.

    `api_key` None: an endpoint that asks for none (Ollama, llama.cpp).
    """

    api_key: SecretStr | None
    base_url: str | None
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSettings:
    """Where spans go, over OTLP/HTTP. `endpoint` is the whole address, path included.

    `headers`: key=value pairs, separated by commas. They often hold a key.
    """

    endpoint: str
    headers: SecretStr | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where state is, what is reached and how. `model` None: the scripted model, which is rules.

    URLs of databases may hold passwords, so they are secrets: sqlite:///… or postgresql://….
    `fallback_model` answers where `model` does not. `audit_key` None: it lies in a file of the
    data folder.
    """

    data_folder: Path
    database_url: SecretStr
    accounts_url: SecretStr
    payments_url: str | None
    payments_key: SecretStr | None
    configuration_folder: Path | None
    support_room: RoomRef | None
    log_level: str
    slack: SlackSettings | None
    teams: TeamsSettings | None
    model: ModelSettings | None
    fallback_model: ModelSettings | None = None
    audit_key: SecretStr | None = None
    metrics_token: SecretStr | None = None
    traces: TraceSettings | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything here that nobody may read, to be kept out of the log."""
        own = [getattr(self, each.name) for each in fields(self)]
        parts = [self, *(value for value in own if is_dataclass(value))]
        named = [(each.name, getattr(part, each.name)) for part in parts for each in fields(part)]
        return tuple(
            found
            for name, value in named
            if isinstance(value, SecretStr | str)
            for found in _secret_in(name, value)
        )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, *, serve_on: str | None = None) -> Self:
        """Raises ConfigurationError with every mistake. See `read`."""
        settings, mistakes, _ = read(environ, serve_on=serve_on)
        if mistakes:
            raise ConfigurationError([each.sentence for each in mistakes])
        assert isinstance(settings, cls)
        return settings

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that are set up."""
        sides = ((Platform.SLACK, self.slack), (Platform.TEAMS, self.teams))
        return tuple(platform for platform, side in sides if side is not None)


def read(
    environ: Mapping[str, str] | None = None, *, serve_on: str | None = None
) -> tuple[Settings, tuple[Mistake, ...], frozenset[str]]:
    """The settings as far as they can be used, every mistake, and the variables that are set.

    `environ` None: the process's environment over the file `.env` in the working directory.
    `serve_on`: the host of a server that is to start; it needs a platform.
    """
    mistakes: list[Mistake] = []
    given = _given(environ, mistakes)
    env = _typed(given, mistakes)
    mistakes += incomplete(env, already={each.variable for each in mistakes}, given=given)
    settings = _settings(env)
    mistakes += _contradictions(settings, env, serve_on, frozenset(m.variable for m in mistakes))
    return settings, tuple(mistakes), frozenset(name.upper() for name in given) & {*VARIABLES}


def foreign_environment() -> dict[str, str]:
    """The process's environment without any setting of ours, for processes that we start."""
    return {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}


def _given(environ: Mapping[str, str] | None, mistakes: list[Mistake]) -> dict[str, str]:
    """Variables that are set and not empty, in lower case."""
    found: dict[str, Any] = {}
    if environ is None:
        try:
            found |= DotEnvSettingsSource(Environment, env_file=Path(".env"))()
        except (OSError, UnicodeDecodeError) as problem:
            reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
            mistakes.append(
                Mistake(variable=".env", sentence=f"The file .env cannot be read: {reason}.")
            )
        environ = EnvSettingsSource(Environment)()
    found |= {name.lower(): value for name, value in environ.items() if value}
    known = {name: str(value).strip() for name, value in found.items() if value}
    return {name: value for name, value in known.items() if name in Environment.model_fields}


def _typed(given: dict[str, str], mistakes: list[Mistake]) -> Environment:
    """What is left when each wrong value is told and left out."""
    try:
        return Environment.model_validate(given)
    except ValidationError as error:
        wrong: dict[str, str] = {}
        for each in error.errors(include_url=False, include_input=False):
            reason = each.get("ctx", {}).get("error", each["msg"])
            wrong.setdefault(str(each["loc"][0]), f"{each['loc'][0]} {reason}")
        mistakes += [
            Mistake(variable=name.upper(), sentence=text.replace(name, name.upper(), 1))
            for name, text in wrong.items()
        ]
        return Environment.model_validate({k: v for k, v in given.items() if k not in wrong})


_SIDES: Final = {Platform.SLACK: ("SLACK_",), Platform.TEAMS: ("MICROSOFT_", "TEAMS_")}


def _contradictions(
    settings: Settings, env: Environment, serve_on: str | None, wrong: frozenset[str]
) -> list[Mistake]:
    found = []
    # A platform whose own variables are wrong is told there, and not once more as missing.
    tried = {
        platform
        for platform, prefixes in _SIDES.items()
        if any(name.startswith(prefixes) for name in wrong)
    }
    room = settings.support_room
    if room is not None and room.platform not in {*settings.platforms, *tried}:
        sentence = (
            f"HANDRAIL_SUPPORT_ROOM is in {room.platform.value.capitalize()}, which is not set "
            "up: set its variables, or name a room of the other platform."
        )
        found.append(Mistake(variable="HANDRAIL_SUPPORT_ROOM", sentence=sentence))
    url = settings.database_url.get_secret_value()
    if url.startswith("sqlite") and url == settings.accounts_url.get_secret_value():
        sentence = (
            "HANDRAIL_ACCOUNTS_URL is the same file as HANDRAIL_DATABASE_URL: accounts need a "
            "file of their own, because they behave as a remote system."
        )
        found.append(Mistake(variable="HANDRAIL_ACCOUNTS_URL", sentence=sentence))
    if serve_on is None:
        return found
    if env.teams_auth == "off" and not is_loopback(serve_on):
        sentence = (
            f"TEAMS_AUTH=off is accepted only on a loopback address, and the server is to listen "
            f"on {serve_on}: unset TEAMS_AUTH, or start with --host 127.0.0.1."
        )
        found.append(Mistake(variable="TEAMS_AUTH", sentence=sentence))
    if room is None and "HANDRAIL_SUPPORT_ROOM" not in wrong:
        found.append(Mistake(variable="HANDRAIL_SUPPORT_ROOM", sentence=NO_SUPPORT_ROOM))
    if not settings.platforms and not tried:
        found.append(Mistake(variable=NO_VARIABLE, sentence=NO_PLATFORM))
    return found


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that is bound to `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def misspelt(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that are set and that nobody reads, each with the one that is probably meant."""
    given = EnvSettingsSource(Environment).env_vars if environ is None else environ
    near = {
        name.upper(): get_close_matches(name.upper(), VARIABLES, n=1, cutoff=0.9)
        for name in given
        if name.upper() not in VARIABLES
    }
    return {name: matches[0] for name, matches in near.items() if matches}


# --- building --------------------------------------------------------------------------------


def _settings(env: Environment) -> Settings:
    data = env.handrail_data or (env.xdg_data_home or Path.home() / ".local/share") / "handrail"
    return Settings(
        data_folder=data,
        database_url=env.handrail_database_url or _file_url(data / "handrail.db"),
        accounts_url=env.handrail_accounts_url or _file_url(data / "accounts.db"),
        payments_url=env.handrail_payments_url,
        payments_key=env.handrail_payments_key,
        configuration_folder=env.handrail_config,
        support_room=env.handrail_support_room,
        log_level=env.handrail_log or "info",
        slack=_slack(env),
        teams=_teams(env),
        model=_model(env),
        fallback_model=_fallback_model(env),
        audit_key=env.handrail_audit_key,
        metrics_token=env.handrail_metrics_token,
        traces=_traces(env),
    )


def _traces(env: Environment) -> TraceSettings | None:
    """As the OpenTelemetry SDK reads them: spans go out only where an address is set."""
    if env.otel_sdk_disabled == "true" or env.otel_traces_exporter == "none":
        return None
    endpoint = env.otel_exporter_otlp_traces_endpoint
    if endpoint is None and env.otel_exporter_otlp_endpoint is not None:
        endpoint = f"{env.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"
    if endpoint is None and env.otel_traces_exporter == "otlp":
        endpoint = OTLP_URL
    if endpoint is None:
        return None
    headers = env.otel_exporter_otlp_traces_headers or env.otel_exporter_otlp_headers
    return TraceSettings(endpoint=endpoint, headers=headers)


def _secret_in(name: str, held: SecretStr | str) -> tuple[str, ...]:
    """The secret; of an address the password, as it is written and as it is meant."""
    value = held if isinstance(held, str) else held.get_secret_value()
    if isinstance(held, SecretStr) and not name.endswith("_url"):
        headers = [one.partition("=")[2] for one in value.split(",") if "=" in one]
        return (value, *headers)
    if "://" not in value:
        return ()
    parts = urlsplit(value)
    given = [one.partition("=") for one in parts.query.split("&")]
    written = {parts.password or ""} | {word for key, _, word in given if "password" in key}
    meant = {unquote(word) for word in written} | {unquote_plus(word) for word in written}
    return tuple(filter(None, written | meant))


def _file_url(path: Path) -> SecretStr:
    return SecretStr(f"sqlite:///{path.absolute()}")


def _slack(env: Environment) -> SlackSettings | None:
    can_post = env.slack_bot_token or (env.slack_client_id and env.slack_client_secret)
    if not (can_post and (env.slack_signing_secret or env.slack_app_token)):
        return None
    return SlackSettings(
        signing_secret=env.slack_signing_secret,
        bot_token=env.slack_bot_token,
        app_token=env.slack_app_token,
        client_id=env.slack_client_id,
        client_secret=env.slack_client_secret,
        api_url=f"{(env.slack_api_url or SLACK_API_URL).rstrip('/')}/",
    )


def _teams(env: Environment) -> TeamsSettings | None:
    off = env.teams_auth == "off"
    app_type = env.microsoft_app_type or TeamsAppType.SINGLE_TENANT
    single = app_type is TeamsAppType.SINGLE_TENANT
    complete = (
        env.microsoft_app_id
        and env.microsoft_app_password
        and (env.microsoft_app_tenant_id or not single)
    )
    if not (off or complete):
        return None
    tenant = (env.microsoft_app_tenant_id or "").lower()
    authority = tenant if single and tenant else MULTI_TENANT_AUTHORITY
    return TeamsSettings(
        app_id=(env.microsoft_app_id or "").lower(),
        app_password=env.microsoft_app_password,
        tenant_id=tenant,
        app_type=app_type,
        openid_metadata_url=env.microsoft_openid_metadata_url or OPENID_METADATA_URL,
        token_url=env.microsoft_token_url or TOKEN_URL.format(tenant=authority),
        verify=not off,
    )


def _model(env: Environment) -> ModelSettings | None:
    if env.openai_api_key is None and env.openai_base_url is None:
        return None
    name = env.openai_model or (None if env.openai_base_url else OPENAI_MODEL)
    return ModelSettings(api_key=env.openai_api_key, base_url=env.openai_base_url, name=name)


def _fallback_model(env: Environment) -> ModelSettings | None:
    """Another model of the same endpoint, unless it has an address of its own."""
    if env.openai_fallback_model is None or _model(env) is None:
        return None
    same = env.openai_fallback_base_url is None
    return ModelSettings(
        api_key=env.openai_fallback_api_key or (env.openai_api_key if same else None),
        base_url=env.openai_base_url if same else env.openai_fallback_base_url,
        name=env.openai_fallback_model,
    )
