"""The configuration folder: agent.yaml, checked and typed, with every mistake by file and line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from agent_core.conversation import Audience, RoomMode
from agent_core.errors import ConfigurationError
from agent_core.limits import Limits
from agent_core.messages import Platform, PlatformIdentity
from agent_core.people import Capability
from agent_core.retention import Retention
from agent_core.rules.yaml_lines import YamlFile, read_yaml

AGENT_FILE: Final = "agent.yaml"
POLICY_FILE: Final = "policy.yaml"
FOREVER: Final = "forever"
LEAST_DAYS: Final = 3
MOST_DAYS: Final = 36_500  # no calendar goes back for ever
MOST: Final = 1_000_000  # of anything that a limit counts
MOST_MINUTES: Final = 60 * 24 * 365
ROOM_MODES: Final = {
    Audience.SHARED: RoomMode.MENTION,
    Audience.INTERNAL: RoomMode.MENTION,
    Audience.PRIVATE: RoomMode.ALWAYS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredPerson:
    """One of the vendor's own people, as agent.yaml names them."""

    name: str
    capabilities: frozenset[Capability]
    identities: tuple[PlatformIdentity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """How the agent behaves. The defaults serve where there is no configuration folder.

    `instructions` and `tone` go to the model; `support_hours` is a sentence for customers, "" where
    no time may be named. `tenants` holds the vendor's own workspaces and tenants; a platform that
    is absent has no restriction. `policy_path` is the file in the folder, if it is there.
    """

    folder: Path | None = None
    company: str = "our company"
    agent: str = "AI assistant"
    instructions: str = ""
    tone: str = ""
    support_hours: str = ""
    tenants: Mapping[Platform, frozenset[str]] = field(default_factory=dict)
    room_modes: Mapping[Audience, RoomMode] = field(default_factory=lambda: dict(ROOM_MODES))
    people: tuple[ConfiguredPerson, ...] = ()
    limits: Limits = field(default_factory=Limits)
    retention: Retention = field(default_factory=Retention)
    policy_path: Path | None = None

    def able_to(self, capability: Capability) -> tuple[ConfiguredPerson, ...]:
        """The people who are given this capability."""
        return tuple(person for person in self.people if capability in person.capabilities)


def load_configuration(folder: Path | None) -> Configuration:
    """Reads the folder; None gives the defaults. Raises ConfigurationError with every mistake."""
    if folder is None:
        return Configuration()
    path = folder / AGENT_FILE
    if not path.is_file():
        remedy = f"write one with: handrail init {folder}"
        missing = "is not there" if not folder.is_dir() else f"has no {AGENT_FILE}"
        raise ConfigurationError([f"The configuration folder {folder} {missing}: {remedy}"])
    file = read_yaml(path)
    if file.mistakes:
        raise ConfigurationError(file.mistakes)
    try:
        agent = _AgentFile.model_validate(file.content)
    except ValidationError as error:
        raise ConfigurationError(_sentences(file, error)) from None
    mistakes = _shared_identities(file, agent)
    if mistakes:
        raise ConfigurationError(mistakes)
    return _configuration(folder, agent)


# --- the file --------------------------------------------------------------------------------

_LIMITS: Final = Limits()
_KEPT: Final = Retention()
_FORM: Final = "slack:TEAM/USER or teams:TENANT/OBJECT_ID"


def person_address(address: str) -> PlatformIdentity:
    """A person as people write them; Teams' ids in lower case, as Teams itself may mix them."""
    identity = PlatformIdentity.parse(address)
    if identity.platform is Platform.EMBEDDED:
        raise ValueError(f"{address!r} is not of the form {_FORM}")
    if identity.platform is Platform.SLACK:
        return identity
    return PlatformIdentity(
        platform=identity.platform,
        tenant_id=identity.tenant_id.lower(),
        user_id=identity.user_id.lower(),
    )


def _identity(value: object) -> PlatformIdentity:
    if not isinstance(value, str):
        raise ValueError(f"write {_FORM}")
    return person_address(value)


def _slack_team(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("T"):
        raise ValueError("write the workspace's id, which begins with T (not its name)")
    return value


def _days(value: object) -> object:
    if value == FOREVER or (
        isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_DAYS
    ):
        return value
    raise ValueError(f"write a number of days, 1 to {MOST_DAYS}, or: forever")


def _or_none(value: int | str) -> int | None:
    return value if isinstance(value, int) else None


def _word(value: object) -> object:
    # YAML reads `on` and `off` as booleans: a wrong word is told with the words that fit.
    return str(value).lower()


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Mode = Annotated[RoomMode, BeforeValidator(_word)]
_Can = Annotated[Capability, BeforeValidator(_word)]


class _Part(BaseModel):
    """Refuses what it does not know, and takes no number for a text. Empty means left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, content: object) -> object:
        if not isinstance(content, dict):
            return content
        return {str(name): value for name, value in content.items() if value is not None}


class _Tenants(_Part):
    slack: tuple[Annotated[str, BeforeValidator(_slack_team)], ...] = ()
    teams: tuple[_Line, ...] = ()


class _Rooms(_Part):
    shared: _Mode = ROOM_MODES[Audience.SHARED]
    internal: _Mode = ROOM_MODES[Audience.INTERNAL]
    private: _Mode = ROOM_MODES[Audience.PRIVATE]


class _PersonEntry(_Part):
    name: _Line
    can: tuple[_Can, ...] = Field(min_length=1)
    ids: tuple[Annotated[PlatformIdentity, PlainValidator(_identity)], ...] = Field(min_length=1)


class _Limits(_Part):
    """The limits that may be set; times in minutes or seconds, as the names say."""

    model_calls: int = Field(_LIMITS.model_calls, ge=1, le=100)
    tool_calls: int = Field(_LIMITS.tool_calls, ge=1, le=200)
    turn_seconds: float = Field(_LIMITS.turn_seconds, ge=5, le=3600)
    tokens: int = Field(_LIMITS.tokens, ge=1000, le=100 * MOST)
    model_seconds: float = Field(_LIMITS.model_seconds, ge=1, le=600)
    output_tokens: int = Field(_LIMITS.output_tokens, ge=100, le=MOST)
    turns: int = Field(_LIMITS.turns, ge=1, le=MOST)
    waiting: int = Field(_LIMITS.waiting, ge=1, le=MOST)
    waiting_of_account: int = Field(_LIMITS.waiting_of_account, ge=1, le=MOST)
    waiting_messages: int = Field(_LIMITS.waiting_messages, ge=1, le=MOST)
    confirmation_minutes: float = Field(_LIMITS.confirmation_seconds / 60, ge=1, le=MOST_MINUTES)
    approval_minutes: float = Field(_LIMITS.approval_seconds / 60, ge=1, le=MOST_MINUTES)
    approval_remind_minutes: float = Field(
        _LIMITS.approval_remind_seconds / 60, ge=1, le=MOST_MINUTES
    )
    approval_pass_on_minutes: float = Field(
        _LIMITS.approval_pass_on_seconds / 60, ge=1, le=MOST_MINUTES
    )


_Days = Annotated[int | Literal["forever"], BeforeValidator(_days)]


class _Retention(_Part):
    """How many days each kind is kept, or `forever`."""

    conversations: _Days = _KEPT.conversations or FOREVER
    journals: _Days = _KEPT.journals or FOREVER
    outgoing: _Days = _KEPT.outgoing or FOREVER
    deliveries: _Days = _KEPT.deliveries or FOREVER
    ledger: _Days = _KEPT.ledger or FOREVER
    workspaces: _Days = _KEPT.workspaces or FOREVER

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        whole = _or_none(self.conversations)
        for name in ("journals", "outgoing"):
            part = _or_none(getattr(self, name))
            if whole is not None and (part is None or part > whole):
                raise ValueError(
                    f"{name} cannot be kept longer than conversations: they belong to them"
                )
        for name in ("journals", "outgoing", "deliveries"):
            part = _or_none(getattr(self, name))
            if part is not None and part < LEAST_DAYS:
                raise ValueError(
                    f"{name} has to be {LEAST_DAYS} days or more: platforms deliver again, and "
                    "cards of open matters are changed that much later"
                )
        return self


class _AgentFile(_Part):
    company: _Line
    agent: _Line
    instructions: _Text
    tone: str = ""
    support_hours: str = ""
    tenants: _Tenants = _Tenants()
    rooms: _Rooms = _Rooms()
    people: tuple[_PersonEntry, ...] = ()
    limits: _Limits = _Limits()
    retention: _Retention = _Retention()


# --- building --------------------------------------------------------------------------------


_REASONS: Final = {
    "extra_forbidden": "is not known here; take it out or correct its spelling",
    "missing": "is missing",
    "string_type": "has to be text; put it in quotes",
    "string_too_short": "is empty",
    "too_short": "needs at least one entry",
    "tuple_type": "has to be a list",
    "model_type": "has to be names with values below it",
}


def _sentences(file: YamlFile, error: ValidationError) -> list[str]:
    """One for each mistake, in the order of the file."""
    found = error.errors(include_url=False, include_input=False)
    told = [
        each
        for each in found
        # A list that is empty only because its entries are wrong: those are told.
        if each["type"] != "too_short"
        or not any(other["loc"][:-1] == each["loc"] for other in found)
    ]
    told.sort(key=lambda each: file.line(each["loc"]))
    return [file.mistake(each["loc"], _reason(each)) for each in told]


def _reason(error: ErrorDetails) -> str:
    place = error["loc"]
    name = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
    own = error.get("ctx", {}).get("error")
    said = _REASONS.get(error["type"]) if own is None else f"is wrong: {own}"
    reason = said or f"is wrong: {error['msg'][:1].lower()}{error['msg'][1:]}"
    return f"{name or 'the file'} {reason}"


def _shared_identities(file: YamlFile, agent: _AgentFile) -> list[str]:
    first: dict[PlatformIdentity, str] = {}
    mistakes = []
    for position, person in enumerate(agent.people):
        for place, identity in enumerate(person.ids):
            if identity in first:
                reason = f"{identity} belongs to {first[identity]} already"
                mistakes.append(file.mistake(("people", position, "ids", place), reason))
            first.setdefault(identity, person.name)
    return mistakes


def _configuration(folder: Path, agent: _AgentFile) -> Configuration:
    chosen = agent.limits
    policy = folder / POLICY_FILE
    tenants = {
        Platform.SLACK: frozenset(agent.tenants.slack),
        Platform.TEAMS: frozenset(tenant.lower() for tenant in agent.tenants.teams),
    }
    return Configuration(
        folder=folder,
        company=agent.company,
        agent=agent.agent,
        instructions=agent.instructions,
        tone=agent.tone.strip(),
        support_hours=agent.support_hours.strip(),
        tenants={platform: ids for platform, ids in tenants.items() if ids},
        room_modes={audience: getattr(agent.rooms, audience.value) for audience in Audience},
        people=tuple(
            ConfiguredPerson(
                name=person.name,
                capabilities=frozenset(person.can),
                identities=tuple(dict.fromkeys(person.ids)),
            )
            for person in agent.people
        ),
        limits=Limits(
            model_calls=chosen.model_calls,
            tool_calls=chosen.tool_calls,
            turn_seconds=chosen.turn_seconds,
            tokens=chosen.tokens,
            model_seconds=chosen.model_seconds,
            output_tokens=chosen.output_tokens,
            turns=chosen.turns,
            waiting=chosen.waiting,
            waiting_of_account=chosen.waiting_of_account,
            waiting_messages=chosen.waiting_messages,
            confirmation_seconds=chosen.confirmation_minutes * 60,
            approval_seconds=chosen.approval_minutes * 60,
            approval_remind_seconds=chosen.approval_remind_minutes * 60,
            approval_pass_on_seconds=chosen.approval_pass_on_minutes * 60,
        ),
        retention=Retention(
            **{name: _or_none(getattr(agent.retention, name)) for name in _Retention.model_fields}
        ),
        policy_path=policy if policy.is_file() else None,
    )
