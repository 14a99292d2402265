"""How the page looks and handles: contrast, names, keyboard, phone, theme; checked with axe."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from playground import people as sample
from playground.loopback import serving
from playground.site import SiteOptions, SupportPlatform
from tests.fixtures.browser import OpenPage
from tests.playground.page_bot import Json
from tests.playground.page_town import (
    GLOBEX,
    SUPPORT,
    Town,
    built,
    confirmation_card,
    posts_card,
    proposal_blocks,
    reply_view,
    section,
    text,
)

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
PHONE = (390, 844)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LIGHT_WIDE, DARK_WIDE = ((1440, 900), False), ((1440, 900), True)
LOOKS = [LIGHT_WIDE, DARK_WIDE, (PHONE, False), (PHONE, True)]


async def _furnish(town: Town) -> None:
    """Something of every kind: cards, a receipt, private words, a thread, reactions."""
    asked = town.slack.say("U0GRETA", GLOBEX, "5 more *seats*, `now`", mention=True)
    in_thread = {"channel": GLOBEX, "thread_ts": asked["ts"]}
    posted = await town.bot.call(
        "chat.postMessage", **in_thread, text="Add 5 seats?", blocks=proposal_blocks()
    )
    town.slack.react("U0GRETA", GLOBEX, posted["ts"], "+1")
    await town.bot.call("chat.postEphemeral", **in_thread, user="U0GRETA", text="Only you")
    await town.bot.call(
        "assistant.threads.setStatus", channel_id=GLOBEX, thread_ts=asked["ts"], status="is looking"
    )
    case = await town.bot.call(
        "chat.postMessage", channel=SUPPORT, text="Case", blocks=proposal_blocks()
    )
    quote = section("*Greta* · 10:03\n> word " + "w" * 120)
    await town.bot.call(
        "chat.postMessage", channel=SUPPORT, thread_ts=case["ts"], text="x", blocks=[quote]
    )
    room = sample.TEAMS_PERSONAL.conversation_id
    town.teams.post("sam", room, "Add 2 seats for Initech")
    posts_card(town, room, confirmation_card())
    states = [
        {"type": "Container", "style": style, "items": [text(f"**{style}** _state_")]}
        for style in ("good", "warning", "attention", "emphasis")
    ]
    posts_card(town, room, {"type": "AdaptiveCard", "version": "1.5", "body": states})


async def _violations(page: Page) -> list[str]:
    # Through the debugger and not as a <script>: the page's own policy lets no other script in.
    await page.evaluate(AXE.read_text())
    options = {"runOnly": {"type": "tag", "values": TAGS}}
    found = await page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes']][:4]}"
        for v in found["violations"]
    ]


async def _ready(page: Page) -> Page:
    await page.wait_for_selector("html[data-ready]", timeout=20_000)
    return page


async def _is_wider_than_the_screen(page: Page) -> bool:
    wide: bool = await page.evaluate(
        "document.scrollingElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide


@pytest.fixture
async def supervisor() -> AsyncIterator[str]:
    """What the demo's supervisor tells: a kill counts as a restart, a second look sees 25 seats."""
    seen = {"restarts": 0, "looks": 0}

    async def status(_: web.Request) -> web.Response:
        worker = {"pid": 7, "state": "running", "restarts": seen["restarts"]}
        model = {"label": "planner", "is_language_model": False}
        return web.json_response({"worker": worker, "model": model, "support": "slack"})

    async def proposals(_: web.Request) -> web.Response:
        return web.json_response([PROPOSAL])

    async def ledger(_: web.Request) -> web.Response:
        return web.json_response([LEDGER_ROW])

    async def accounts(_: web.Request) -> web.Response:
        seen["looks"] += 1
        fields = {"Plan": "Business", "Seats": "20" if seen["looks"] == 1 else "25"}
        return web.json_response([{"id": "globex", "name": "Globex", "fields": fields}])

    async def kill(_: web.Request) -> web.Response:
        seen["restarts"] += 1
        return web.json_response({})

    app = web.Application()
    for path, handler in (
        ("status", status),
        ("proposals", proposals),
        ("ledger", ledger),
        ("accounts", accounts),
    ):
        app.router.add_get(f"/demo/{path}", handler)
    app.router.add_post("/demo/kill-worker", kill)
    async with serving(app) as address:
        yield address


PROPOSAL: Json = {
    "id": "prop-1",
    "title": "Add 5 seats to Globex",
    "account": "globex",
    "tool": "add_seats",
    "arguments": {"seats": 5},
    "status": "executed",
    "rule": "seats-by-owner",
    "requester": "Greta Holm",
    "approver": None,
    "proposed_at": "2026-01-02T10:03:00Z",
    "expires_at": "2026-01-02T10:18:00Z",
}
LEDGER_ROW: Json = {
    "key": "prop-1",
    "account": "globex",
    "tool": "add_seats",
    "arguments": {"seats": 5},
    "amount_minor": 8750,
    "currency": "USD",
    "outcome": "succeeded",
    "intended_at": "2026-01-02T10:03:10Z",
    "settled_at": "2026-01-02T10:03:11Z",
    "requester": "Greta Holm",
    "reason": "",
}


@pytest.mark.parametrize(("viewport", "dark"), LOOKS)
async def test_axe_finds_nothing(
    open_page: OpenPage, supervisor: str, viewport: tuple[int, int], dark: bool
) -> None:
    async with built(SiteOptions(inspect_url=supervisor)) as town:
        await _furnish(town)
        page = await _ready(await open_page(town.address, viewport=viewport, dark=dark))
        assert await _violations(page) == []
        if viewport == PHONE:
            await page.get_by_role("tab", name="Support").click()
        await page.get_by_role("button", name="Under the hood").click()
        await expect(page.get_by_text("seats-by-owner")).to_be_visible()
        assert await _violations(page) == []


@pytest.mark.parametrize("dark", [False, True])
async def test_axe_finds_nothing_in_a_form_with_errors(
    open_page: OpenPage, town: Town, dark: bool
) -> None:
    async def open_form(payload: Json) -> None:
        await town.bot.call("views.open", trigger_id=payload["trigger_id"], view=reply_view())

    town.bot.on_click = open_form
    await _furnish(town)
    page = await _ready(await open_page(town.address, dark=dark))
    await page.locator("#pane-support").get_by_role("button", name="Confirm").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_text("Error:")).to_be_visible()
    assert await _violations(page) == []


async def test_a_phone_shows_one_pane_and_nothing_sideways(open_page: OpenPage, town: Town) -> None:
    await _furnish(town)
    smallest = await _ready(await open_page(town.address, viewport=(320, 640)))
    assert not await _is_wider_than_the_screen(smallest)
    page = await _ready(await open_page(town.address, viewport=PHONE))
    for name in ("Northwind", "Globex", "Staff", "Support"):
        await page.get_by_role("tab", name=name).click()
        assert await page.locator(".pane:visible").count() == 1
        assert not await _is_wider_than_the_screen(page)
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("tab", name="Staff")).to_have_attribute("aria-selected", "true")
    await page.get_by_role("button", name="Under the hood").click()
    assert not await _is_wider_than_the_screen(page)
    close = page.get_by_role("button", name="Close")
    box = await close.bounding_box()
    assert box and box["x"] + box["width"] > PHONE[0] - 40  # in its corner
    await close.click()
    town.slack.say("U0GRETA", GLOBEX, "news")
    await expect(page.get_by_role("tab", name="Globex")).to_contain_text("new")


async def test_wide_shows_four_panes_and_nothing_sideways(open_page: OpenPage, town: Town) -> None:
    await _furnish(town)
    for width in (1440, 1000):
        page = await _ready(await open_page(town.address, viewport=(width, 900)))
        assert await page.locator(".pane:visible").count() == 4
        assert not await _is_wider_than_the_screen(page)


async def test_a_long_word_has_the_cards_whole_width(open_page: OpenPage, town: Town) -> None:
    words = ("*Account*\nGlobex", "*Seats*\n20", "*Billing email*\nfelix@globex.example")
    fields = {"type": "section", "fields": [{"type": "mrkdwn", "text": text} for text in words]}
    await town.bot.call("chat.postMessage", channel=GLOBEX, text="Globex", blocks=[fields])
    page = await _ready(await open_page(town.address, viewport=(1440, 900)))
    account, seats, email = await page.locator("#pane-globex .bk-fields dd").all()
    lines = [await each.bounding_box() for each in (account, seats, email)]
    assert len({box["height"] for box in lines if box}) == 1  # nothing is broken in two
    assert lines[0] and lines[1] and lines[0]["y"] == lines[1]["y"]  # short ones stand in a row


async def test_what_is_read_aloud_has_names_and_no_markup(open_page: OpenPage, town: Town) -> None:
    town.slack.say("U0GRETA", GLOBEX, "5 more seats", mention=True)
    page = await _ready(await open_page(town.address))
    reply = page.locator("#pane-globex").get_by_text("Reply in thread")
    await expect(reply).to_have_accessible_name(
        "Reply in thread, Greta Holm: @Acme Assistant 5 more seats"
    )


async def test_the_theme_can_be_chosen_and_is_kept(open_page: OpenPage, town: Town) -> None:
    page = await _ready(await open_page(town.address, dark=True))
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    await page.get_by_role("button", name="Dark").click()
    await _ready(page)
    await page.reload()
    await _ready(page)
    assert await page.evaluate("document.documentElement.dataset.theme") == "light"


async def test_the_drawer_shows_request_rule_ledger_and_the_changed_account(
    open_page: OpenPage, supervisor: str
) -> None:
    async with built(SiteOptions(inspect_url=supervisor)) as town:
        page = await _ready(await open_page(town.address))
        await expect(page.locator("#model-label")).to_have_text(
            "Scripted rules, not a language model"
        )
        toggle = page.get_by_role("button", name="Under the hood")
        await toggle.focus()
        await page.keyboard.press("Enter")
        drawer = page.locator("#drawer")
        town.slack.say("U0GRETA", GLOBEX, "5 more seats", mention=True)
        await expect(drawer.get_by_text("X-Slack-Signature")).to_be_visible()
        await expect(drawer.get_by_text("5 more seats")).to_be_visible()
        await expect(drawer.get_by_text("seats-by-owner")).to_be_visible()
        await expect(drawer.get_by_text("$87.50")).to_be_visible()
        await expect(drawer.locator("del")).to_have_text("20")
        await expect(drawer.locator("ins")).to_have_text("25")
        await page.keyboard.press("Escape")
        await expect(drawer).to_be_hidden()
        await expect(toggle).to_be_focused()


async def test_the_drawers_buttons_make_the_trouble_they_name(
    open_page: OpenPage, supervisor: str
) -> None:
    async with built(SiteOptions(inspect_url=supervisor)) as town:
        page = await _ready(await open_page(town.address))
        await page.get_by_role("button", name="Under the hood").click()
        said = page.locator(".drawer-said")
        ten_times = page.get_by_role("button", name="Deliver the last message ten times")
        await ten_times.click()
        await expect(said).to_contain_text("Write a message first")
        town.slack.say("U0GRETA", GLOBEX, "once")
        await town.slack.settled()
        await expect(page.locator("#request-pick option")).to_have_count(2)
        await ten_times.click()
        await expect(said).to_contain_text("Sent ten more times")
        await town.slack.settled()
        ids = [payload["event_id"] for payload in town.bot.slack]
        assert (len(ids), len(set(ids))) == (11, 1)
        await page.get_by_role("button", name="Let Slack answer 429").click()
        await expect(said).to_contain_text("Armed for 3 posts")
        assert [(f.method, f.times) for f in town.slack.faults.pending("slack")] == [
            ("chat.postMessage", 3)
        ]
        await page.get_by_role("button", name="Kill the agent").click()
        await expect(page.locator("#worker-label")).to_have_text("running, restarted 1×")
        await page.get_by_role("button", name="Drop the payment").press("Enter")
        await expect(said).to_contain_text("No payment provider is connected")


async def test_support_may_be_in_teams_with_threads_in_place(open_page: OpenPage) -> None:
    async with built(SiteOptions(support=SupportPlatform.TEAMS)) as town:
        page = await _ready(await open_page(town.address))
        pane = page.locator("#pane-support")
        root = posts_card(town, sample.TEAMS_SUPPORT_CHANNEL.conversation_id, confirmation_card())
        thread = pane.locator(".thread")
        reply = thread.get_by_role("button", name="Reply in thread")
        await reply.click()
        await page.keyboard.press("Escape")
        await expect(reply).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(thread.get_by_label("Reply as Rita Vance")).to_be_focused()
        await page.keyboard.type("I know them")
        await page.keyboard.press("Enter")
        await expect(thread.locator(".replies .message")).to_contain_text("I know them")
        await expect(pane.locator(".thread")).to_have_count(1)
        await town.teams.settled()
        (heard,) = town.bot.teams
        assert heard["conversation"]["id"].endswith(f";messageid={root}")


async def test_a_lost_playground_is_said_and_news_is_spoken(open_page: OpenPage) -> None:
    async with built() as town:
        page = await _ready(await open_page(town.address))
        town.slack.say("U0GRETA", GLOBEX, "listen")
        spoken = page.locator("#spoken")
        await expect(spoken).to_contain_text("Greta Holm in # acme-globex: listen")
        await expect(page.locator("#lost")).to_be_hidden()
    await expect(page.locator("#lost")).to_be_visible()


async def test_without_a_supervisor_the_page_says_so_quietly(
    open_page: OpenPage, town: Town
) -> None:
    page = await _ready(await open_page(town.address))
    await expect(page.locator("#model-label")).to_have_text("not connected")
    await page.get_by_role("button", name="Under the hood").click()
    await expect(page.locator("#drawer").get_by_text("Not connected.").first).to_be_visible()
