"""Where the app is installed: one workspace by its token, or many from an encrypted store."""

import asyncio
import base64
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from sqlalchemy import Engine, MetaData, Table, Text, create_engine, desc, make_url

from agent_core.errors import NotPermitted
from bots.slack.api import SlackApi
from bots.slack.errors import translated
from bots.slack.identity import Workspace
from bots.slack.shapes import text

_SECRETS = (
    "bot_token",
    "bot_refresh_token",
    "user_token",
    "user_refresh_token",
    "incoming_webhook_url",
)
_SEALED = "gAAAA"  # how every Fernet token begins


class Workspaces(Protocol):
    """The installations. Cached: asked on every event before it is acknowledged."""

    async def get(self, team_id: str) -> Workspace | None:
        """The installation in this team; None for a team that is not ours. Raises PlatformError."""
        ...

    async def of_bot(self, bot_id: str) -> Workspace | None:
        """The installation whose bot this is. Raises PlatformError."""
        ...

    async def forget(self, team_id: str) -> None:
        """The app was uninstalled, or its token revoked."""
        ...

    async def close(self) -> None: ...


class SingleWorkspace:
    """The one workspace that `SLACK_BOT_TOKEN` belongs to. Asked for once, with `auth.test`."""

    def __init__(self, api: SlackApi, bot_token: str) -> None:
        self._api = api
        self._token = bot_token
        self._found: Workspace | None = None
        self._asking = asyncio.Lock()

    async def get(self, team_id: str) -> Workspace | None:
        found = await self.ours()
        return found if team_id in (found.team_id, found.enterprise_id or None) else None

    async def of_bot(self, bot_id: str) -> Workspace | None:
        found = await self.ours()
        return found if bot_id and bot_id == found.bot_id else None

    async def ours(self) -> Workspace:
        """The workspace of the token. Raises PlatformError where Slack does not tell."""
        async with self._asking:
            if self._found is None:
                async with translated("auth.test"):
                    answer = await self._api.client(self._token).auth_test()
                body = answer.data if isinstance(answer.data, dict) else {}
                self._found = Workspace(
                    team_id=text(body, "team_id"),
                    bot_token=self._token,
                    bot_user_id=text(body, "user_id"),
                    bot_id=text(body, "bot_id"),
                    enterprise_id=text(body, "enterprise_id"),
                )
            return self._found

    async def forget(self, team_id: str) -> None:
        self._found = None
        self._api.forget(self._token)

    async def close(self) -> None:
        return None


class EncryptedStore(SQLAlchemyInstallationStore):
    """slack_sdk's installation store, with every token sealed by Fernet before it is written."""

    def __init__(self, client_id: str, engine: Engine, seal: Fernet) -> None:
        super().__init__(client_id, engine)
        self._seal = seal

    @classmethod
    def build_installations_table(cls, metadata: MetaData, table_name: str) -> Table:
        return _roomier(super().build_installations_table(metadata, table_name))

    @classmethod
    def build_bots_table(cls, metadata: MetaData, table_name: str) -> Table:
        return _roomier(super().build_bots_table(metadata, table_name))

    def save(self, installation: Installation) -> None:
        sealed = Installation(**installation.to_dict())
        self._each_secret(sealed, self._sealed)
        super().save(sealed)

    def save_bot(self, bot: Bot) -> None:
        sealed = Bot(**bot.to_dict())
        self._each_secret(sealed, self._sealed)
        super().save_bot(sealed)

    def latest(self, *, team_id: str = "", bot_id: str = "") -> Bot | None:
        """The newest installation in a team, or of a bot, opened. Raises NotPermitted."""
        columns = self.bots.c
        wanted = columns.team_id == team_id if team_id else columns.bot_id == bot_id
        query = (
            self.bots.select()
            .where(columns.client_id == self.client_id, wanted, columns.bot_token.is_not(None))
            .order_by(desc(columns.installed_at), desc(columns.id))
            .limit(1)
        )
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        bot = self.build_bot_entity(row)
        self._each_secret(bot, self._opened)
        return bot

    def remove(self, team_id: str) -> None:
        """Deletes everything that is held of a team."""
        with self.engine.begin() as connection:
            for held in (self.bots, self.installations):
                connection.execute(
                    held.delete().where(
                        held.c.client_id == self.client_id, held.c.team_id == team_id
                    )
                )

    def _each_secret(self, entity: Bot | Installation, change: "_Change") -> None:
        for name in _SECRETS:
            if value := getattr(entity, name, None):
                setattr(entity, name, change(value))

    def _sealed(self, value: str) -> str:
        return value if value.startswith(_SEALED) else self._seal.encrypt(value.encode()).decode()

    def _opened(self, value: str) -> str:
        try:
            return self._seal.decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise NotPermitted(
                "a stored Slack token cannot be opened with this key; install the app again"
            ) from error


class _Change(Protocol):
    def __call__(self, value: str) -> str: ...


KEPT_SECONDS: Final = 60.0  # another process may have taken an installation, or an uninstall


class InstalledWorkspaces:
    """Workspaces that installed the app through OAuth."""

    def __init__(self, store: EncryptedStore, api: SlackApi) -> None:
        self._store = store
        self._api = api
        self._cache: dict[str, Workspace] = {}
        self._read_at: dict[str, float] = {}
        self._ready = False
        self._preparing = asyncio.Lock()

    async def get(self, team_id: str) -> Workspace | None:
        if monotonic() - self._read_at.get(team_id, -KEPT_SECONDS) >= KEPT_SECONDS:
            found = await self._latest(team_id=team_id)
            if found is None:
                self._cache.pop(team_id, None)
                self._read_at.pop(team_id, None)  # another look may have found it meanwhile
                return None
            self._cache[team_id], self._read_at[team_id] = found, monotonic()
        return self._cache[team_id]

    async def of_bot(self, bot_id: str) -> Workspace | None:
        held = next((w for w in self._cache.values() if bot_id and w.bot_id == bot_id), None)
        return held or (await self._latest(bot_id=bot_id) if bot_id else None)

    async def save(self, installation: Installation) -> None:
        """Keeps a new installation; it replaces what was known of its team."""
        await self._prepare()
        await asyncio.to_thread(self._store.save, installation)
        self._cache.pop(installation.team_id or "", None)
        self._read_at.pop(installation.team_id or "", None)

    async def forget(self, team_id: str) -> None:
        await self._prepare()
        await asyncio.to_thread(self._store.remove, team_id)
        self._read_at.pop(team_id, None)
        if (held := self._cache.pop(team_id, None)) is not None:
            self._api.forget(held.bot_token)

    async def close(self) -> None:
        await asyncio.to_thread(self._store.engine.dispose)

    async def _latest(self, *, team_id: str = "", bot_id: str = "") -> Workspace | None:
        await self._prepare()
        bot = await asyncio.to_thread(self._store.latest, team_id=team_id, bot_id=bot_id)
        if bot is None or not bot.bot_token:
            return None
        return Workspace(
            team_id=bot.team_id or "",
            bot_token=bot.bot_token,
            bot_user_id=bot.bot_user_id or "",
            bot_id=bot.bot_id or "",
            app_id=bot.app_id or "",
            enterprise_id=bot.enterprise_id or "",
        )

    async def _prepare(self) -> None:
        async with self._preparing:
            if not self._ready:
                await asyncio.to_thread(self._store.metadata.create_all, self._store.engine)
                self._ready = True


def seal_from(secret: str) -> Fernet:
    """The seal of this deployment, derived from a secret that is not itself stored."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"handrail slack tokens").derive(
        secret.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))


def installed_workspaces(
    *, database_url: str, client_id: str, secret: str, api: SlackApi
) -> InstalledWorkspaces:
    """The installations held in this database. Tables are made at first use."""
    url = make_url(database_url)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    store = EncryptedStore(client_id, create_engine(url), seal_from(secret))
    return InstalledWorkspaces(store, api)


def installation_from(answer: dict[str, object]) -> Installation:
    """What `oauth.v2.access` says, as slack_sdk keeps it."""
    enterprise = bool(answer.get("is_enterprise_install"))
    return Installation(
        app_id=text(answer, "app_id"),
        enterprise_id=text(answer, "enterprise", "id") or None,
        enterprise_name=text(answer, "enterprise", "name") or None,
        team_id=text(answer, "team", "id") or None,
        team_name=text(answer, "team", "name") or None,
        bot_token=text(answer, "access_token"),
        bot_user_id=text(answer, "bot_user_id"),
        bot_scopes=text(answer, "scope"),
        user_id="",  # who installed it is nothing that we need
        is_enterprise_install=enterprise,
        token_type=text(answer, "token_type") or "bot",
        installed_at=datetime.now(UTC).timestamp(),
    )


def _roomier(table: Table) -> Table:
    """Sealed tokens are longer than the 200 characters of the stock columns."""
    for name in _SECRETS:
        if name in table.c:
            table.c[name].type = Text()
    return table
