"""The routes of the two token issuers: the Connector's keys, and the directory's token endpoint."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from playground.faults import answer_with_fault
from playground.teams_api.connector import fault_response
from playground.teams_api.tokens import CONNECTOR_ISSUER, TokenRefused
from playground.teams_api.wires import SERVER
from playground.teams_api.world import TeamsWorld

Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


class IdentityRoutes:
    """OpenID metadata and keys of the Connector; metadata, keys and tokens of the directory."""

    def __init__(self, world: TeamsWorld) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Add all routes."""
        for verb, path, operation, act in (
            ("GET", "/.well-known/openidconfiguration", "openid", self._metadata),
            ("GET", "/.well-known/keys", "jwks", self._keys),
            ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", "authority", self._about),
            ("GET", "/{tenant}/discovery/v2.0/keys", "directoryKeys", self._directory_keys),
            ("POST", "/{tenant}/oauth2/v2.0/token", "token", self._token),
        ):
            app.router.add_route(verb, path, self._faulty(operation, act))

    def _faulty(self, operation: str, act: Act) -> Act:
        async def handler(request: web.Request) -> web.StreamResponse:
            fault = self._world.faults.take(SERVER, operation)
            early = fault and fault_response(fault)
            return early or await answer_with_fault(request, fault, lambda: act(request))

        return handler

    async def _metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": CONNECTOR_ISSUER,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{self._world.base_url}/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._world.channel_tokens.jwks())

    async def _about(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        base = f"{self._world.base_url}/{tenant}"
        return web.json_response(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "issuer": f"{base}/v2.0",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _directory_keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._world.directory.jwks())

    async def _token(self, request: web.Request) -> web.Response:
        form = {key: value for key, value in (await request.post()).items() if _is_text(value)}
        tenant = request.match_info["tenant"]
        try:
            answer = self._world.directory.grant(tenant, {k: str(v) for k, v in form.items()})
        except TokenRefused as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return web.json_response(body, status=refused.status)
        finally:
            tokens = self._world.directory
            self._world.feed.publish("token", issued=tokens.issued, refused=tokens.refused)
        return web.json_response(answer, headers={"Cache-Control": "no-store"})


def _is_text(value: object) -> bool:
    return isinstance(value, str)
