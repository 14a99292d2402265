"""Every mistake in the environment is told at once, in words, and no secret is ever shown."""

from pathlib import Path

import pytest

from agent_core.errors import ConfigurationError
from agent_core.messages import Platform
from bots.setting_names import VARIABLES
from bots.setting_values import TeamsAppType
from bots.settings import OPENAI_MODEL, Settings, misspelt

SLACK = {"SLACK_BOT_TOKEN": "xoxb-s3cret-token", "SLACK_SIGNING_SECRET": "s3cret-signing"}
TEAMS = {
    "MICROSOFT_APP_ID": "AAAA-1",
    "MICROSOFT_APP_PASSWORD": "s3cret-password",
    "MICROSOFT_APP_TENANT_ID": "BBBB-2",
}


ROOT = Path(__file__).parents[2]


def test_the_pages_name_every_variable() -> None:
    for page in (".env.example", "docs/configuration.md", "docs/architecture.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [name for name in VARIABLES if name not in text] == [], page


def mistakes(environ: dict[str, str], *, serve_on: str | None = None) -> list[str]:
    try:
        Settings.load(environ, serve_on=serve_on)
    except ConfigurationError as error:
        return list(error.mistakes)
    return []


def test_nothing_set_is_enough_for_commands_and_not_for_serving() -> None:
    assert mistakes({}) == []
    told = mistakes({}, serve_on="127.0.0.1")
    assert len(told) == 2
    assert "HANDRAIL_SUPPORT_ROOM is missing" in told[0]
    assert "No platform is set up" in told[1]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_SIGNING_SECRET is missing"),
        ({"SLACK_SIGNING_SECRET": "s"}, "SLACK_BOT_TOKEN is missing"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN is missing"),
        ({**SLACK, "SLACK_BOT_TOKEN": "xapp-1"}, "belongs in SLACK_APP_TOKEN"),
        ({**SLACK, "SLACK_APP_TOKEN": "xoxb-1"}, "belongs in SLACK_BOT_TOKEN"),
        ({**SLACK, "SLACK_CLIENT_ID": "1.2"}, "SLACK_CLIENT_SECRET is missing"),
        ({**TEAMS, "MICROSOFT_APP_PASSWORD": ""}, "MICROSOFT_APP_PASSWORD is missing"),
        ({**TEAMS, "MICROSOFT_APP_TENANT_ID": ""}, "MICROSOFT_APP_TENANT_ID is missing"),
        ({**TEAMS, "MICROSOFT_APP_TYPE": "Managed"}, "write SingleTenant or MultiTenant"),
        ({**TEAMS, "MICROSOFT_TOKEN_URL": "login"}, "MICROSOFT_TOKEN_URL is not an address"),
        ({"TEAMS_AUTH": "no"}, "write on or off"),
        ({"HANDRAIL_SUPPORT_ROOM": "#support"}, "slack:TEAM/CHANNEL or teams:TENANT/CONV"),
        ({"HANDRAIL_SUPPORT_ROOM": "slack:T1/C1"}, "Slack, which is not set up"),
        ({**SLACK, "HANDRAIL_SUPPORT_ROOM": "teams:t/19:x"}, "Teams, which is not set up"),
        ({"HANDRAIL_DATABASE_URL": "mysql://h/d"}, "names mysql, which is not served"),
        ({"HANDRAIL_DATABASE_URL": "sqlite://"}, "names no file"),
        ({"HANDRAIL_DATABASE_URL": "postgresql://host"}, "names no database"),
        ({"HANDRAIL_DATABASE_URL": "handrail.db"}, "is not a database URL"),
        ({"HANDRAIL_PAYMENTS_URL": "http://h:port"}, "HANDRAIL_PAYMENTS_URL is not an address"),
        ({"OPENAI_BASE_URL": "localhost:11434"}, "OPENAI_BASE_URL is not an address"),
        ({"HANDRAIL_LOG": "loud"}, "write debug or info or warning or error"),
    ],
)
def test_each_mistake_is_told_once_with_its_remedy(environ: dict[str, str], said: str) -> None:
    told = mistakes(environ)
    assert len(told) == 1, told
    assert said in told[0]


def test_all_mistakes_come_at_once() -> None:
    told = mistakes(
        {
            "SLACK_BOT_TOKEN": "xoxp-1",
            "MICROSOFT_APP_ID": "a",
            "HANDRAIL_DATABASE_URL": "mysql://h/d",
            "HANDRAIL_SUPPORT_ROOM": "here",
            "HANDRAIL_LOG": "loud",
            "TEAMS_AUTH": "maybe",
        },
        serve_on="0.0.0.0",
    )
    assert len(told) == 8
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "MICROSOFT_APP_PASSWORD",
        "MICROSOFT_APP_TENANT_ID",
        "HANDRAIL_DATABASE_URL",
        "HANDRAIL_SUPPORT_ROOM",
        "HANDRAIL_LOG",
        "TEAMS_AUTH",
    ):
        assert any(each.startswith(name) for each in told), name


def test_requests_without_a_token_stay_on_this_machine() -> None:
    room = {"HANDRAIL_SUPPORT_ROOM": "teams:t/19:x"}
    assert mistakes({"TEAMS_AUTH": "off", **room}, serve_on="127.0.0.1") == []
    assert mistakes({"TEAMS_AUTH": "OFF", **room}, serve_on="::1") == []
    (told,) = mistakes({"TEAMS_AUTH": "off", **room}, serve_on="0.0.0.0")
    assert "start with --host 127.0.0.1" in told


def test_one_file_cannot_hold_both_databases() -> None:
    url = "sqlite:////var/handrail.db"
    (told,) = mistakes({"HANDRAIL_DATABASE_URL": url, "HANDRAIL_ACCOUNTS_URL": url})
    assert "file of their own" in told


def test_values_are_typed_and_defaults_hold() -> None:
    settings = Settings.load(
        {**SLACK, **TEAMS, "HANDRAIL_SUPPORT_ROOM": "teams:BBBB-2/19:x@thread.tacv2;messageid=7"}
    )
    assert settings.platforms == (Platform.SLACK, Platform.TEAMS)
    assert settings.slack is not None and settings.slack.api_url == "https://slack.com/api/"
    assert settings.teams is not None and settings.teams.verify
    assert settings.teams.app_type is TeamsAppType.SINGLE_TENANT
    assert settings.teams.token_url.endswith("/bbbb-2/oauth2/v2.0/token")
    assert str(settings.support_room) == "teams:bbbb-2/19:x@thread.tacv2"


def test_state_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings.load({"HANDRAIL_DATA": str(tmp_path)})
    assert settings.database_url.get_secret_value() == f"sqlite:///{tmp_path}/handrail.db"
    assert settings.accounts_url.get_secret_value() == f"sqlite:///{tmp_path}/accounts.db"
    other = Settings.load({"XDG_DATA_HOME": str(tmp_path)})
    assert other.data_folder == tmp_path / "handrail"


def test_postgres_is_written_in_one_way() -> None:
    settings = Settings.load({"HANDRAIL_DATABASE_URL": "postgres://u:p@host/name"})
    assert settings.database_url.get_secret_value() == "postgresql://u:p@host/name"


def test_an_address_alone_selects_a_real_model() -> None:
    assert Settings.load({}).model is None
    local = Settings.load({"OPENAI_BASE_URL": "http://localhost:11434/v1"}).model
    assert local is not None and local.name is None and local.api_key is None
    with_key = Settings.load({"OPENAI_API_KEY": "sk-1"}).model
    assert with_key is not None and with_key.name == OPENAI_MODEL


def test_a_key_goes_to_no_other_endpoint_than_its_own() -> None:
    first = {"OPENAI_API_KEY": "sk-1", "OPENAI_FALLBACK_MODEL": "small"}
    same = Settings.load(first).fallback_model
    assert same is not None and same.name == "small" and same.api_key is not None
    other = Settings.load({**first, "OPENAI_FALLBACK_BASE_URL": "http://localhost:1/v1"})
    assert other.fallback_model is not None and other.fallback_model.api_key is None


def test_a_fallback_is_named_and_stands_behind_a_first_model() -> None:
    told = mistakes({"OPENAI_FALLBACK_BASE_URL": "http://localhost:1/v1"})
    assert [each.split()[0] for each in told] == ["OPENAI_API_KEY", "OPENAI_FALLBACK_MODEL"]


def test_secrets_are_never_shown() -> None:
    environ = {
        **SLACK,
        **TEAMS,
        "OPENAI_API_KEY": "s3cret-key",
        "HANDRAIL_PAYMENTS_KEY": "s3cret-pay",
        "HANDRAIL_DATABASE_URL": "postgresql://u:s3cret-db@host/name",
    }
    settings = Settings.load(environ)
    assert "s3cret" not in repr(settings) + str(settings)
    wrong = {**environ, "SLACK_BOT_TOKEN": "xapp-s3cret", "SLACK_APP_TOKEN": "xoxb-s3cret"}
    wrong["HANDRAIL_DATABASE_URL"] = "mysql://u:s3cret-db@host/name"
    told = mistakes(wrong)
    assert len(told) == 3
    assert "s3cret" not in "\n".join(told)


def test_the_file_in_the_folder_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("HANDRAIL_LOG=debug\nHANDRAIL_DATA=/from/file\n")
    monkeypatch.setenv("HANDRAIL_DATA", "/from/environment")
    monkeypatch.delenv("HANDRAIL_LOG", raising=False)
    settings = Settings.load()
    assert settings.log_level == "debug"
    assert settings.data_folder == Path("/from/environment")


def test_a_name_that_nobody_reads_is_recognised() -> None:
    given = {"HANDRAIL_SUPORT_ROOM": "x", "HANDRAIL_CHAOS_ROUNDS": "3", "SLACK_BOT_TOKEN": "x"}
    assert misspelt(given) == {"HANDRAIL_SUPORT_ROOM": "HANDRAIL_SUPPORT_ROOM"}
