"""Assembles the Teams channel from plain arguments: webhook, sender and what they share."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from agent_core.errors import ConfigurationError
from agent_core.ports import Receiver
from bots.teams import limits
from bots.teams.auth import AccessTokens, ConnectorTokens, KeySet
from bots.teams.cloud_adapter import ConnectorAuthentication, TeamsCloudAdapter
from bots.teams.connector import SessionConnectorFactory
from bots.teams.sender import ServicePlaces, TeamsSender
from bots.teams.webhook import TeamsWebhook

OPENID_METADATA_URL: Final = "https://login.botframework.com/v1/.well-known/openidconfiguration"
TOKEN_URL: Final = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"  # noqa: S105
MESSAGES_PATH: Final = "/api/messages"
_SHARED_AUTHORITY: Final = "botframework.com"


class AppType(StrEnum):
    """How the app is registered, in Microsoft's words."""

    SINGLE_TENANT = "SingleTenant"
    MULTI_TENANT = "MultiTenant"
    MANAGED_IDENTITY = "UserAssignedMSI"


class TeamsChannel:
    """Teams in and out. Build it inside a running event loop.

    `token_url` may hold `{tenant}`, which becomes the app's authority. `allowed_tenants` adds to
    the app's own tenant. `default_service_url` serves rooms of tenants that have not written yet;
    None: Microsoft's, or in development the loopback address that the keys come from. `development`
    also allows service URLs on loopback addresses. `auth_off` takes unsigned deliveries: the caller
    vouches that the server is bound to a loopback address. Raises ConfigurationError with every
    mistake.
    """

    def __init__(
        self,
        *,
        app_id: str,
        app_password: str,
        tenant_id: str,
        receiver: Receiver,
        app_type: str = AppType.SINGLE_TENANT,
        openid_metadata_url: str = OPENID_METADATA_URL,
        token_url: str = TOKEN_URL,
        default_service_url: str | None = None,
        allowed_tenants: Iterable[str] = (),
        allowed_service_hosts: Iterable[str] = limits.KNOWN_SERVICE_HOSTS,
        development: bool = False,
        auth_off: bool = False,
        session: aiohttp.ClientSession | None = None,
        update_retry_delays: tuple[float, ...] = (0.5, 2.0),
    ) -> None:
        tenants = frozenset(t.lower() for t in (tenant_id, *allowed_tenants) if t)
        local = development or auth_off
        places = ServicePlaces(
            hosts=tuple(allowed_service_hosts),
            default_url=default_service_url or _service_url(openid_metadata_url, local=local),
            development=local,
        )
        _check(app_id, app_password, tenant_id, app_type, tenants, places, auth_off)
        self._own_session = session is None
        self._session = session or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200, limit_per_host=100),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        shared = app_type != AppType.SINGLE_TENANT
        authority = _SHARED_AUTHORITY if shared else tenant_id
        tokens = AccessTokens(
            self._session,
            token_url=token_url.replace("{tenant}", authority),
            app_id=app_id,
            app_password=app_password,
        )
        inbound = ConnectorTokens(KeySet(self._session, openid_metadata_url), app_id=app_id)
        factory = SessionConnectorFactory(
            self._session, tokens if app_password else None, update_retry_delays
        )
        authentication = ConnectorAuthentication(None if auth_off else inbound, factory)
        cloud = TeamsCloudAdapter(authentication, app_id=app_id)
        self.sender = TeamsSender(cloud, places, app_id=app_id)
        self._webhook = TeamsWebhook(
            cloud,
            receiver,
            places,
            allowed_tenants=None if auth_off and not allowed_tenants else tenants,
            any_channel=auth_off,
            learn=self.sender.learn,
        )

    def routes(self) -> list[web.RouteDef]:
        """`POST /api/messages`."""
        return [web.post(MESSAGES_PATH, self._webhook.handle)]

    async def close(self) -> None:
        """Closes the session, unless it was given."""
        await self.sender.close()
        if self._own_session:
            await self._session.close()


def _service_url(openid_metadata_url: str, *, local: bool) -> str:
    """A Connector on this machine answers where its keys are published; Microsoft's does not."""
    parts = urlsplit(openid_metadata_url)
    if local and limits.is_loopback(parts.hostname or ""):
        return f"{parts.scheme}://{parts.netloc}/"
    return limits.DEFAULT_SERVICE_URL


def _check(
    app_id: str,
    app_password: str,
    tenant_id: str,
    app_type: str,
    tenants: frozenset[str],
    places: ServicePlaces,
    auth_off: bool,
) -> None:
    mistakes: list[str] = []
    if app_type not in list(AppType):
        known = ", ".join(AppType)
        mistakes.append(f"The Teams app type {app_type!r} is unknown; use one of: {known}.")
    if app_type == AppType.MANAGED_IDENTITY:
        mistakes.append(
            "The Teams app type UserAssignedMSI is not supported yet: register the app as"
            " SingleTenant with a client secret."
        )
    if not app_id and not auth_off:
        mistakes.append("The Teams app id is missing.")
    if not app_password and not auth_off:
        mistakes.append("The Teams app's password (client secret) is missing.")
    if app_type == AppType.SINGLE_TENANT and not tenant_id and not auth_off:
        mistakes.append("The Teams app's tenant id is missing; SingleTenant apps need it.")
    if app_type == AppType.MULTI_TENANT and not tenants and not auth_off:
        mistakes.append("A MultiTenant Teams app must name the tenants that it serves.")
    if not places.allows(places.default_url):
        mistakes.append(
            f"The default service URL {places.default_url} must be https and on an allowed host."
        )
    if mistakes:
        raise ConfigurationError(mistakes)
