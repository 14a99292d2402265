"""The sample world as plain constants, shared by every stand-in and by the page."""

from dataclasses import dataclass
from enum import StrEnum


class SamplePart(StrEnum):
    """What somebody is in the story; the agent learns it only from configuration."""

    OWNER = "owner"
    BILLING_ADMIN = "billing_admin"
    ADMIN = "admin"
    MEMBER = "member"
    OUTSIDER = "outsider"
    COLLEAGUE = "colleague"
    SUPPORT = "support"
    LEAD = "lead"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackTeam:
    """A Slack workspace. `account_id` is set for customers only."""

    team_id: str
    name: str
    domain: str
    account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackPerson:
    """A member of one workspace. `key` is the same for one human on both platforms."""

    user_id: str
    team_id: str
    key: str
    name: str
    email: str
    title: str
    part: SamplePart


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackRoom:
    """A channel; shared with other workspaces when `connected_team_ids` names more than one."""

    channel_id: str
    name: str
    connected_team_ids: tuple[str, ...]
    member_ids: tuple[str, ...]
    topic: str = ""
    account_id: str | None = None

    @property
    def is_shared(self) -> bool:
        """True for a Slack Connect channel."""
        return len(self.connected_team_ids) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsPerson:
    """A person of the vendor's tenant. `teams_id` is the Bot Framework id (29:…)."""

    object_id: str
    teams_id: str
    key: str
    name: str
    email: str
    title: str
    part: SamplePart


class TeamsRoomKind(StrEnum):
    """The three values of `conversation.conversationType`."""

    PERSONAL = "personal"
    GROUP = "groupChat"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsRoom:
    """A Teams conversation; `team_id` is the thread id of the team that owns a channel."""

    conversation_id: str
    kind: TeamsRoomKind
    name: str
    member_ids: tuple[str, ...]
    team_id: str | None = None
    team_name: str | None = None


# --- Slack: the workspaces -------------------------------------------------------------------
VENDOR_NAME = "Acme Cloud"
VENDOR_TEAM = SlackTeam(team_id="T0ACME", name=VENDOR_NAME, domain="acme-cloud")
NORTHWIND_TEAM = SlackTeam(
    team_id="T0NORTH", name="Northwind Traders", domain="northwind", account_id="northwind"
)
GLOBEX_TEAM = SlackTeam(team_id="T0GLOBEX", name="Globex", domain="globex", account_id="globex")
AGENCY_TEAM = SlackTeam(team_id="T0AGENCY", name="Brightside Agency", domain="brightside")
SLACK_TEAMS = (VENDOR_TEAM, NORTHWIND_TEAM, GLOBEX_TEAM, AGENCY_TEAM)

# --- Slack: our app in the vendor's workspace, and the secrets of the local stand-in ----------
SLACK_APP_ID = "A0HANDRAIL"
SLACK_BOT_ID = "B0HANDRAIL"
SLACK_BOT_USER_ID = "U0HANDRAIL"
SLACK_BOT_NAME = "Acme Assistant"
SLACK_CLIENT_ID = "1000.2000"
SLACK_CLIENT_SECRET = "playground-client-secret"
SLACK_SIGNING_SECRET = "playground-signing-secret"
SLACK_BOT_TOKEN = "xoxb-playground-bot"
SLACK_APP_TOKEN = "xapp-playground-app"

# --- The payment provider ------------------------------------------------------------------------
PAYMENTS_API_KEY = "playground-payments-key"

# --- Slack: people ---------------------------------------------------------------------------
COLLEAGUE = SlackPerson(
    user_id="U0SAM",
    team_id="T0ACME",
    key="sam",
    name="Sam Okafor",
    email="sam@acme-cloud.example",
    title="Account manager",
    part=SamplePart.COLLEAGUE,
)
SUPPORT_RITA = SlackPerson(
    user_id="U0RITA",
    team_id="T0ACME",
    key="rita",
    name="Rita Vance",
    email="rita@acme-cloud.example",
    title="Support engineer",
    part=SamplePart.SUPPORT,
)
SUPPORT_TOMAS = SlackPerson(
    user_id="U0TOMAS",
    team_id="T0ACME",
    key="tomas",
    name="Tomas Lind",
    email="tomas@acme-cloud.example",
    title="Support engineer",
    part=SamplePart.SUPPORT,
)
LEAD = SlackPerson(
    user_id="U0LENA",
    team_id="T0ACME",
    key="lena",
    name="Lena Brandt",
    email="lena@acme-cloud.example",
    title="Support lead",
    part=SamplePart.LEAD,
)
NORTHWIND_OWNER = SlackPerson(
    user_id="U0OLIVE",
    team_id="T0NORTH",
    key="olive",
    name="Olive Marsh",
    email="olive@northwind.example",
    title="Chief executive",
    part=SamplePart.OWNER,
)
NORTHWIND_BILLING = SlackPerson(
    user_id="U0BEN",
    team_id="T0NORTH",
    key="ben",
    name="Ben Carter",
    email="ben@northwind.example",
    title="Finance",
    part=SamplePart.BILLING_ADMIN,
)
NORTHWIND_ADMIN = SlackPerson(
    user_id="U0ANIKA",
    team_id="T0NORTH",
    key="anika",
    name="Anika Rao",
    email="anika@northwind.example",
    title="IT administrator",
    part=SamplePart.ADMIN,
)
NORTHWIND_MEMBER = SlackPerson(
    user_id="U0MILO",
    team_id="T0NORTH",
    key="milo",
    name="Milo Novak",
    email="milo@northwind.example",
    title="Warehouse planner",
    part=SamplePart.MEMBER,
)
GLOBEX_OWNER = SlackPerson(
    user_id="U0GRETA",
    team_id="T0GLOBEX",
    key="greta",
    name="Greta Holm",
    email="greta@globex.example",
    title="Managing director",
    part=SamplePart.OWNER,
)
GLOBEX_BILLING = SlackPerson(
    user_id="U0FELIX",
    team_id="T0GLOBEX",
    key="felix",
    name="Felix Moreau",
    email="felix@globex.example",
    title="Accounts payable",
    part=SamplePart.BILLING_ADMIN,
)
GLOBEX_ADMIN = SlackPerson(
    user_id="U0AIDA",
    team_id="T0GLOBEX",
    key="aida",
    name="Aida Haddad",
    email="aida@globex.example",
    title="Platform team",
    part=SamplePart.ADMIN,
)
GLOBEX_MEMBER = SlackPerson(
    user_id="U0PAUL",
    team_id="T0GLOBEX",
    key="paul",
    name="Paul Jensen",
    email="paul@globex.example",
    title="Analyst",
    part=SamplePart.MEMBER,
)
OUTSIDER = SlackPerson(
    user_id="U0VIC",
    team_id="T0AGENCY",
    key="vic",
    name="Vic Torres",
    email="vic@brightside.example",
    title="Contractor",
    part=SamplePart.OUTSIDER,
)
SLACK_PEOPLE = (
    COLLEAGUE,
    SUPPORT_RITA,
    SUPPORT_TOMAS,
    LEAD,
    NORTHWIND_OWNER,
    NORTHWIND_BILLING,
    NORTHWIND_ADMIN,
    NORTHWIND_MEMBER,
    GLOBEX_OWNER,
    GLOBEX_BILLING,
    GLOBEX_ADMIN,
    GLOBEX_MEMBER,
    OUTSIDER,
)

# --- Slack: channels (the bot is a member of each) -------------------------------------------
NORTHWIND_ROOM = SlackRoom(
    channel_id="C0NORTH",
    name="acme-northwind",
    connected_team_ids=("T0ACME", "T0NORTH", "T0AGENCY"),
    member_ids=("U0HANDRAIL", "U0SAM", "U0OLIVE", "U0BEN", "U0ANIKA", "U0MILO", "U0VIC"),
    topic="Northwind Traders and Acme Cloud",
    account_id="northwind",
)
GLOBEX_ROOM = SlackRoom(
    channel_id="C0GLOBEX",
    name="acme-globex",
    connected_team_ids=("T0ACME", "T0GLOBEX"),
    member_ids=("U0HANDRAIL", "U0SAM", "U0GRETA", "U0FELIX", "U0AIDA", "U0PAUL"),
    topic="Globex and Acme Cloud",
    account_id="globex",
)
SUPPORT_ROOM = SlackRoom(
    channel_id="C0SUPPORT",
    name="support",
    connected_team_ids=("T0ACME",),
    member_ids=("U0HANDRAIL", "U0SAM", "U0RITA", "U0TOMAS", "U0LENA"),
    topic="Cases that people work on",
)
INTERNAL_ROOM = SlackRoom(
    channel_id="C0INTERNAL",
    name="acme-team",
    connected_team_ids=("T0ACME",),
    member_ids=("U0HANDRAIL", "U0SAM", "U0RITA", "U0TOMAS", "U0LENA"),
    topic="Acme Cloud only",
)
SLACK_ROOMS = (NORTHWIND_ROOM, GLOBEX_ROOM, SUPPORT_ROOM, INTERNAL_ROOM)

# --- Teams: the vendor's tenant, our bot, people, rooms ---------------------------------------
TEAMS_TENANT_ID = "0acec10d-0000-4000-8000-000000000001"
TEAMS_APP_ID = "0acec10d-0000-4000-8000-0000000000b0"
TEAMS_APP_PASSWORD = "playground-app-password"
TEAMS_BOT_ID = f"28:{TEAMS_APP_ID}"
TEAMS_BOT_NAME = SLACK_BOT_NAME

TEAMS_COLLEAGUE = TeamsPerson(
    object_id="0acec10d-0000-4000-8000-0000000000a1",
    teams_id="29:1samokafor",
    key="sam",
    name="Sam Okafor",
    email="sam@acme-cloud.example",
    title="Account manager",
    part=SamplePart.COLLEAGUE,
)
TEAMS_SUPPORT = TeamsPerson(
    object_id="0acec10d-0000-4000-8000-0000000000a2",
    teams_id="29:1ritavance",
    key="rita",
    name="Rita Vance",
    email="rita@acme-cloud.example",
    title="Support engineer",
    part=SamplePart.SUPPORT,
)
TEAMS_LEAD = TeamsPerson(
    object_id="0acec10d-0000-4000-8000-0000000000a3",
    teams_id="29:1lenabrandt",
    key="lena",
    name="Lena Brandt",
    email="lena@acme-cloud.example",
    title="Support lead",
    part=SamplePart.LEAD,
)
TEAMS_PEOPLE = (TEAMS_COLLEAGUE, TEAMS_SUPPORT, TEAMS_LEAD)

TEAMS_PERSONAL = TeamsRoom(
    conversation_id="a:1samokafor-acme-assistant",
    kind=TeamsRoomKind.PERSONAL,
    name="Sam Okafor and Acme Assistant",
    member_ids=("29:1samokafor",),
)
TEAMS_GROUP = TeamsRoom(
    conversation_id="19:0acec10d0000400080000000000000c1@thread.v2",
    kind=TeamsRoomKind.GROUP,
    name="Renewals",
    member_ids=("29:1samokafor", "29:1ritavance", "29:1lenabrandt"),
)
TEAMS_SUPPORT_CHANNEL = TeamsRoom(
    conversation_id="19:0acec10d0000400080000000000000c2@thread.tacv2",
    kind=TeamsRoomKind.CHANNEL,
    name="Support cases",
    member_ids=("29:1samokafor", "29:1ritavance", "29:1lenabrandt"),
    team_id="19:0acec10d0000400080000000000000c0@thread.tacv2",
    team_name="Acme Support",
)
TEAMS_ROOMS = (TEAMS_PERSONAL, TEAMS_GROUP, TEAMS_SUPPORT_CHANNEL)
