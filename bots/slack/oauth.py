"""The two pages by which a workspace installs the app: to Slack's consent page, and back."""

import hmac
import logging
import secrets
from collections import OrderedDict
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from cryptography.fernet import InvalidToken

from agent_core.errors import PlatformError, PlatformUnavailable, RateLimited
from bots.slack.api import SlackApi
from bots.slack.errors import translated
from bots.slack.install import InstalledWorkspaces, installation_from, seal_from
from bots.slack.manifest import BOT_SCOPES

AUTHORIZE_URL: Final = "https://slack.com/oauth/v2/authorize"
INSTALL_PATH: Final = "/slack/install"
REDIRECT_PATH: Final = "/slack/oauth_redirect"
_COOKIE: Final = "handrail-slack-install"
_STATE_SECONDS: Final = 600
_STATE_LENGTH: Final = 500  # ours is shorter
_USED_STATES: Final = 10_000
_log = logging.getLogger(__name__)


class SlackInstaller:
    """OAuth. The state is sealed with a time in it and bound to the browser by a cookie."""

    def __init__(
        self,
        *,
        api: SlackApi,
        workspaces: InstalledWorkspaces,
        client_id: str,
        client_secret: str,
        secret: str,
        public_url: str | None,
        authorize_url: str,
    ) -> None:
        self._api = api
        self._workspaces = workspaces
        self._client_id = client_id
        self._client_secret = client_secret
        self._seal = seal_from(f"oauth state {secret}")
        self._redirect = public_url.rstrip("/") + REDIRECT_PATH if public_url else None
        self._authorize_url = authorize_url
        self._used: OrderedDict[str, None] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(INSTALL_PATH, self.install), web.get(REDIRECT_PATH, self.redirected)]

    async def install(self, request: web.Request) -> web.StreamResponse:
        """Sends the browser to Slack's consent page."""
        state = self._seal.encrypt(secrets.token_bytes(16)).decode()
        asked = {"client_id": self._client_id, "scope": ",".join(BOT_SCOPES), "state": state}
        if self._redirect:
            asked["redirect_uri"] = self._redirect
        response = web.Response(
            status=302, headers={"Location": f"{self._authorize_url}?{urlencode(asked)}"}
        )
        response.set_cookie(
            _COOKIE,
            state,
            max_age=_STATE_SECONDS,
            path="/slack",
            httponly=True,
            samesite="Lax",
            secure=request.secure or (self._redirect or "").startswith("https://"),
        )
        return response

    async def redirected(self, request: web.Request) -> web.StreamResponse:
        """Takes the code that Slack's page sent back, and keeps the installation."""
        if request.query.get("error"):
            return _page(400, "Not installed", "The installation was cancelled. Nothing changed.")
        code, state = request.query.get("code", ""), request.query.get("state", "")
        if not self._is_ours(state, request.cookies.get(_COOKIE, "")):
            again = "This link is too old or was opened in another browser. Start again."
            return _page(400, "Not installed", again)
        if not code or len(code) > _STATE_LENGTH:
            return _page(400, "Not installed", "Slack sent no code. Start again.")
        self._use(state)
        try:
            async with translated("oauth.v2.access"):
                sent = {
                    "client_id": self._client_id,
                    "client_secret": self._client_secret,
                    "code": code,
                }
                if self._redirect:
                    sent["redirect_uri"] = self._redirect
                answer = await self._api.client(None).api_call("oauth.v2.access", data=sent)
        except PlatformError as error:
            _log.warning("slack installation failed: %s", error)
            later = isinstance(error, PlatformUnavailable | RateLimited)
            words = "Slack did not confirm it. Please start again."
            return _page(502 if later else 400, "Not installed", words)
        installation = installation_from(answer.data if isinstance(answer.data, dict) else {})
        if not installation.team_id:
            only = "The app is installed in one workspace at a time, not in a whole organisation."
            return _page(400, "Not installed", only)
        await self._workspaces.save(installation)
        _log.info("slack app installed in %s", installation.team_id)
        response = _page(200, "Installed", "Invite the app to a channel and mention it there.")
        response.del_cookie(_COOKIE, path="/slack")
        return response

    def _is_ours(self, state: str, cookie: str) -> bool:
        """Whether this browser began here, a short while ago, and has not come back yet."""
        # A cookie may hold any bytes, and reaches us as text that cannot be encoded again.
        if not (state.isascii() and cookie.isascii() and 0 < len(state) <= _STATE_LENGTH):
            return False
        if not hmac.compare_digest(state, cookie) or state in self._used:
            return False
        try:
            self._seal.decrypt(state, ttl=_STATE_SECONDS)
        except InvalidToken:
            return False
        return True

    def _use(self, state: str) -> None:
        """A state serves once in this process; Slack's own code serves once everywhere."""
        self._used[state] = None
        while len(self._used) > _USED_STATES:
            self._used.popitem(last=False)


def _page(status: int, title: str, words: str) -> web.Response:
    """A page of fixed words: nothing from the request is in it."""
    return web.Response(
        status=status,
        content_type="text/html",
        charset="utf-8",
        text=f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>{words}</p></html>",
    )
