"""The doctor's look at the environment and at the configuration folder."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agent_core.errors import ConfigurationError
from agent_core.people import Capability
from bots.commands.findings import Finding, note, right, unset, wrong
from bots.configuration import AGENT_FILE, POLICY_FILE, Configuration, load_configuration
from bots.setting_names import VARIABLES, Mistake
from bots.settings import OPENAI_MODEL, OPENID_METADATA_URL, SLACK_API_URL, Settings, misspelt

SETTINGS: Final = "Settings"
CONFIGURATION: Final = "Configuration"


def check_variables(
    settings: Settings, mistakes: Iterable[Mistake], given: frozenset[str]
) -> list[Finding]:
    """One finding for each mistake, and one for each variable without."""
    found = [
        wrong(SETTINGS, each.variable, each.sentence.removeprefix(f"{each.variable} "))
        for each in mistakes
    ]
    found += [
        wrong(SETTINGS, name, "nobody reads this variable", f"Probably meant: {meant}")
        for name, meant in misspelt().items()
    ]
    told = {each.name for each in found}
    meant = _when_unset(settings)
    for name in VARIABLES:
        if name in told:
            continue
        if name in given:
            found.append(right(SETTINGS, name, "set"))
        else:
            found.append(unset(SETTINGS, name, f"not set: {meant.get(name, 'not used')}"))
    if settings.teams is not None and not settings.teams.verify:
        message = "requests are taken without a token, on a loopback address only"
        found = [each for each in found if each.name != "TEAMS_AUTH"]
        found.append(note(SETTINGS, "TEAMS_AUTH", message, "For real use, unset TEAMS_AUTH."))
    return found


def _when_unset(settings: Settings) -> dict[str, str]:
    data = settings.data_folder
    return {
        "HANDRAIL_DATA": str(data),
        "HANDRAIL_DATABASE_URL": f"the file {data / 'handrail.db'}",
        "HANDRAIL_ACCOUNTS_URL": f"the file {data / 'accounts.db'}",
        "HANDRAIL_PAYMENTS_URL": "nothing can be charged or refunded",
        "HANDRAIL_PAYMENTS_KEY": "the payment service is called without a key",
        "HANDRAIL_AUDIT_KEY": "the file audit.key in the data folder, made at first use",
        "HANDRAIL_CONFIG": "the built-in defaults",
        "HANDRAIL_LOG": "info",
        "HANDRAIL_METRICS_TOKEN": "this machine alone may read /metrics",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "no span is made",
        "SLACK_API_URL": SLACK_API_URL,
        "MICROSOFT_APP_TYPE": "SingleTenant",
        "MICROSOFT_OPENID_METADATA_URL": OPENID_METADATA_URL,
        "MICROSOFT_TOKEN_URL": "Microsoft's",
        "TEAMS_AUTH": "on",
        "OPENAI_BASE_URL": "OpenAI's, where there is a key",
        "OPENAI_MODEL": f"{OPENAI_MODEL}; behind OPENAI_BASE_URL, the first that it lists",
        "OPENAI_FALLBACK_MODEL": "no second model: people take over while the first is down",
        "OPENAI_FALLBACK_BASE_URL": "the first model's",
        "OPENAI_FALLBACK_API_KEY": "the first model's, where it is the same endpoint",
    }


def check_data_folder(settings: Settings) -> list[Finding]:
    """Whether files can be made there. Makes none."""
    folder = settings.data_folder.absolute()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return [wrong(SETTINGS, "data folder", f"{there} is not a folder", "Set HANDRAIL_DATA.")]
    if not os.access(there, os.W_OK | os.X_OK):
        remedy = "Give this account the right to write there, or set HANDRAIL_DATA."
        return [wrong(SETTINGS, "data folder", f"{there} cannot be written", remedy)]
    made = "" if there == folder else ", is made when it is needed"
    return [right(SETTINGS, "data folder", f"{folder}{made}")]


def check_policy(folder: Path | None) -> list[Finding]:
    """Whether policy.yaml can be used."""
    path = folder / POLICY_FILE if folder else None
    if path is None or not path.is_file():
        return [note(CONFIGURATION, POLICY_FILE, "not there: each tool's own defaults hold")]
    from bots import bootstrap  # builds on every adapter: loaded when it is needed

    mistakes = bootstrap.policy_mistakes(path)
    if mistakes:
        return [wrong(CONFIGURATION, POLICY_FILE, each) for each in mistakes]
    left_open = [note(CONFIGURATION, POLICY_FILE, each) for each in bootstrap.policy_gaps(path)]
    return [right(CONFIGURATION, POLICY_FILE, str(path)), *left_open]


def check_configuration(folder: Path | None) -> tuple[Configuration, list[Finding]]:
    """The configuration (the defaults where it is wrong) and what was found."""
    try:
        configuration = load_configuration(folder)
    except ConfigurationError as error:
        return Configuration(), [wrong(CONFIGURATION, AGENT_FILE, each) for each in error.mistakes]
    if folder is None:
        remedy = "Write a folder with: handrail init, and set HANDRAIL_CONFIG."
        return configuration, [
            note(CONFIGURATION, AGENT_FILE, "there is no configuration folder", remedy)
        ]
    found = [right(CONFIGURATION, AGENT_FILE, f"{configuration.agent} of {configuration.company}")]
    if configuration.policy_path is None:
        found.append(note(CONFIGURATION, "policy.yaml", "not there: the built-in policy is used"))
    if not configuration.able_to(Capability.APPROVER):
        message = "nobody is an approver: what the policy sends to support stays open"
        found.append(note(CONFIGURATION, "people", message, "Give somebody can: [approver]."))
    return configuration, found
