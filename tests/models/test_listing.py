"""Which model an endpoint lists, and what is said of endpoints that list none."""

import pytest
from aiohttp import web

from agent_core.errors import ConfigurationError
from agent_core.models.listing import first_model
from playground.loopback import serving


async def listed(body: str, kind: str = "application/json") -> str:
    """What comes of an endpoint that answers this."""

    async def models(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type=kind)

    app = web.Application()
    app.add_routes([web.get("/v1/models", models)])
    async with serving(app) as address:
        known = address.replace("http://", "http://u:s3cret@")  # pragma: allowlist secret
        return await first_model(f"{known}/v1", None)


async def test_the_key_is_shown() -> None:
    seen: list[str | None] = []

    async def models(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"data": [{"id": "tiny"}]})

    app = web.Application()
    app.add_routes([web.get("/v1/models", models)])
    async with serving(app) as address:
        assert await first_model(f"{address}/v1", "the-key") == "tiny"
    assert seen == ["Bearer the-key"]


async def test_the_first_is_taken() -> None:
    assert await listed('{"data": [{"id": "tiny"}, {"id": "large"}]}') == "tiny"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>Welcome</html>", "text/html"),
        ("{", "application/json"),
        ("[1]", "application/json"),
        ("{}", "application/json"),
        ('{"data": null}', "application/json"),
        ('{"data": []}', "application/json"),
        ('{"data": [{}]}', "application/json"),
        ('{"data": [1]}', "application/json"),
        ('{"data": {"id": "x"}}', "application/json"),
    ],
)
async def test_what_lists_no_model_is_told_in_words(body: str, kind: str) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_MODEL") as raised:
        await listed(body, kind)
    assert "127.0.0.1" in str(raised.value) and "s3cret" not in str(raised.value)
