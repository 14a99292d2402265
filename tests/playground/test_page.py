"""The web page in a real browser: what is drawn, what a click sends, and who sees what."""

import pytest
from playwright.async_api import Locator, Page, expect

from playground import people as sample
from tests.fixtures.browser import OpenPage
from tests.playground.page_bot import Json
from tests.playground.page_town import (
    GLOBEX,
    SUPPORT,
    Town,
    button,
    card,
    confirmation_card,
    plain,
    posts_card,
    proposal_blocks,
    reply_view,
    seats_form,
    section,
    text,
)

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=\"document.title='broken'\"><b>bold</b> [x](javascript:alert(1))"


async def _shown(open_page: OpenPage, town: Town, **more: object) -> Page:
    page = await open_page(town.address, **more)
    await page.wait_for_selector("html[data-ready]", timeout=20_000)
    return page


def _pane(page: Page, name: str) -> Locator:
    return page.locator(f"#pane-{name}")


async def _write(pane: Locator, words: str) -> None:
    box = pane.locator(":scope > .composer textarea")
    await box.fill(words)
    await box.press("Enter")


async def test_what_a_person_writes_reaches_the_agent_signed(
    open_page: OpenPage, town: Town
) -> None:
    page = await _shown(open_page, town)
    pane = _pane(page, "globex")
    await _write(pane, "Please add 5 seats")
    await expect(pane.locator(".message-body")).to_contain_text("Please add 5 seats")
    await town.slack.settled()
    (mention,) = town.bot.events("app_mention")
    assert mention["text"] == f"<@{sample.SLACK_BOT_USER_ID}> Please add 5 seats"
    assert mention["user"] == "U0GRETA"
    assert town.bot.unsigned == []


async def test_without_the_tick_nobody_is_mentioned(open_page: OpenPage, town: Town) -> None:
    page = await _shown(open_page, town)
    pane = _pane(page, "northwind")
    await pane.get_by_label("You are").select_option("U0MILO")
    await pane.get_by_label("Mention @Acme Assistant").uncheck()
    await _write(pane, "hello all")
    await expect(pane.locator(".message-body")).to_contain_text("hello all")
    await town.slack.settled()
    assert town.bot.events("app_mention") == []
    assert [event["user"] for event in town.bot.events("message")] == ["U0MILO"]


async def test_blocks_are_drawn_in_the_thread_and_a_click_arrives(
    open_page: OpenPage, town: Town
) -> None:
    page = await _shown(open_page, town)
    pane = _pane(page, "globex")
    asked = town.slack.say("U0GRETA", GLOBEX, "5 more seats", mention=True)
    await town.bot.call(
        "chat.postMessage",
        channel=GLOBEX,
        thread_ts=asked["ts"],
        text="Add 5 seats?",
        blocks=proposal_blocks(),
    )
    thread = pane.locator(".thread").filter(has_text="5 more seats")
    drawn = thread.locator(".replies .message")
    await expect(drawn.get_by_role("heading", name="Add 5 seats?")).to_be_visible()
    await expect(drawn.locator("strong")).to_have_text("Globex")
    await expect(drawn.locator("li").first).to_contain_text("now: $87.50")
    await expect(drawn.get_by_role("link", name="Terms")).to_have_attribute(
        "href", "https://example.com/"
    )
    await expect(drawn.locator("dt").first).to_have_text("Seats")
    await drawn.get_by_role("button", name="Confirm: Add 5 seats?").click()
    await expect(drawn.locator("[aria-busy]")).to_have_count(0)
    (pressed,) = town.bot.interactions("block_actions")
    assert pressed["user"]["id"] == "U0GRETA"
    assert pressed["actions"][0]["action_id"] == "proposal.confirm"
    assert pressed["actions"][0]["value"] == "p1"
    assert town.bot.unsigned == []


async def test_an_update_replaces_the_card_and_keeps_the_focus_near(
    open_page: OpenPage, town: Town
) -> None:
    page = await _shown(open_page, town)
    pane = _pane(page, "globex")
    posted = await town.bot.call(
        "chat.postMessage", channel=GLOBEX, text="Add 5 seats?", blocks=proposal_blocks()
    )
    await pane.get_by_role("button", name="Confirm").focus()
    await town.bot.call(
        "chat.update", channel=GLOBEX, ts=posted["ts"], text="Done", blocks=[section("*Done*")]
    )
    await expect(pane.get_by_role("button", name="Confirm")).to_have_count(0)
    await expect(pane.locator(".message-body")).to_have_text("Done")
    assert await page.evaluate("document.activeElement.matches('article.message')")


async def test_a_private_message_is_for_one_person_only(open_page: OpenPage, town: Town) -> None:
    page = await _shown(open_page, town)
    pane = _pane(page, "globex")
    asked = town.slack.say("U0PAUL", GLOBEX, "cancel everything", mention=True)
    await town.bot.call(
        "chat.postEphemeral",
        channel=GLOBEX,
        user="U0PAUL",
        thread_ts=asked["ts"],
        text="Only an owner may do this.",
        blocks=[section("Only an owner may do this."), _actions(button("Ask", "access.ask"))],
    )
    await expect(pane.locator(".thread")).to_have_count(1)
    await expect(pane.get_by_text("Only an owner may do this.")).to_have_count(0)
    await pane.get_by_label("You are").select_option("U0PAUL")
    private = pane.locator(".message-private")
    await expect(private).to_contain_text("Only visible to you")
    await expect(private).to_contain_text("Only an owner may do this.")
    await private.get_by_role("button", name="Ask").click()
    await expect(private.locator("[aria-busy]")).to_have_count(0)
    (pressed,) = town.bot.interactions("block_actions")
    assert (pressed["user"]["id"], pressed["container"]["is_ephemeral"]) == ("U0PAUL", True)


def _actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


async def test_a_form_opens_is_checked_and_is_sent(open_page: OpenPage, town: Town) -> None:
    async def open_form(payload: Json) -> None:
        await town.bot.call("views.open", trigger_id=payload["trigger_id"], view=reply_view())

    async def check(payload: Json) -> Json:
        words = payload["view"]["state"]["values"]["words"]["words"]["value"]
        if len(words.split()) >= 3:
            return {"response_action": "clear"}
        return {"response_action": "errors", "errors": {"words": "Write three words or more."}}

    town.bot.on_click, town.bot.on_submit = open_form, check
    page = await _shown(open_page, town)
    pane = _pane(page, "support")
    blocks = [section("Case 7"), _actions(button("Reply", "case.reply"))]
    await town.bot.call("chat.postMessage", channel=SUPPORT, text="Case 7", blocks=blocks)
    await pane.get_by_role("button", name="Reply: ").click()
    dialog = page.get_by_role("dialog", name="Reply to the customer")
    await expect(dialog).to_be_visible()
    box = dialog.get_by_label("Your reply")
    await expect(box).to_be_focused()
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_text("Please complete this required field.")).to_be_visible()
    assert town.bot.interactions("view_submission") == []
    await box.fill("too short")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_text("Error: Write three words or more.")).to_be_visible()
    await expect(box).to_have_attribute("aria-invalid", "true")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("too short")
    await box.fill("long enough now")
    await dialog.get_by_label("Priority").select_option("High")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_have_count(0)
    sent = town.bot.interactions("view_submission")[-1]["view"]["state"]["values"]
    assert sent["words"]["words"]["value"] == "long enough now"
    assert sent["mood"]["mood"]["selected_option"]["value"] == "high"
    await expect(pane.get_by_role("button", name="Reply: ")).to_be_focused()


async def test_a_picker_asks_the_agent_while_somebody_types(
    open_page: OpenPage, town: Town
) -> None:
    element = {"type": "external_select", "action_id": "account", "min_query_length": 1}
    field = {"type": "input", "block_id": "account", "label": plain("Account"), "element": element}

    async def open_form(payload: Json) -> None:
        view = {**reply_view(), "blocks": [field]}
        await town.bot.call("views.open", trigger_id=payload["trigger_id"], view=view)

    async def search(payload: Json) -> Json:
        names = [name for name in ("Globex", "Initech") if payload["value"] in name.lower()]
        return {"options": [{"text": plain(name), "value": name.lower()} for name in names]}

    town.bot.on_click, town.bot.on_search = open_form, search
    page = await _shown(open_page, town)
    blocks = [section("Case 7"), _actions(button("Reply", "case.reply"))]
    await town.bot.call("chat.postMessage", channel=SUPPORT, text="Case 7", blocks=blocks)
    await _pane(page, "support").get_by_role("button", name="Reply: ").click()
    box = page.get_by_role("dialog").get_by_role("combobox", name="Account")
    await box.press_sequentially("ini")
    await expect(page.get_by_role("dialog").get_by_role("option")).to_have_text(["Initech"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("Initech")
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    (sent,) = town.bot.interactions("view_submission")
    chosen = sent["view"]["state"]["values"]["account"]["account"]["selected_option"]
    assert chosen["value"] == "initech"


async def test_escape_closes_a_form_without_sending(open_page: OpenPage, town: Town) -> None:
    async def open_form(payload: Json) -> None:
        await town.bot.call("views.open", trigger_id=payload["trigger_id"], view=reply_view())

    town.bot.on_click = open_form
    page = await _shown(open_page, town)
    blocks = [section("Case 7"), _actions(button("Reply", "case.reply"))]
    await town.bot.call("chat.postMessage", channel=SUPPORT, text="Case 7", blocks=blocks)
    await _pane(page, "support").get_by_role("button", name="Reply: ").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert town.bot.interactions("view_submission") == []
    assert town.slack.state.views == {}


async def test_markup_that_people_write_is_only_text(open_page: OpenPage, town: Town) -> None:
    page = await _shown(open_page, town)
    title = await page.title()
    await _write(_pane(page, "globex"), ATTACK)
    await _write(_pane(page, "teams"), ATTACK)
    escaped = ATTACK.replace("<", "&lt;").replace(">", "&gt;")
    await town.bot.call(
        "chat.postMessage", channel=GLOBEX, text="x", blocks=[section(f"> {escaped}")]
    )
    posts_card(town, sample.TEAMS_PERSONAL.conversation_id, card(text(ATTACK), text("END")))
    await expect(_pane(page, "globex").locator("blockquote")).to_contain_text("<img src=x onerror=")
    await expect(_pane(page, "teams")).to_contain_text("END")
    await expect(_pane(page, "teams").locator(".message-own")).to_contain_text("<b>bold</b>")
    assert await page.locator(".panes img, .panes b, a[href^='javascript']").count() == 0
    assert await page.title() == title


async def test_a_teams_card_is_drawn_and_its_answer_is_for_the_clicker_only(
    open_page: OpenPage, town: Town
) -> None:
    page = await _shown(open_page, town)
    pane = _pane(page, "teams")
    room = sample.TEAMS_GROUP.conversation_id
    await pane.get_by_label("Where in Teams").select_option(room)
    posts_card(town, room, confirmation_card())
    await expect(pane.get_by_role("heading", name="Add 2 seats?")).to_be_visible()
    await expect(pane.locator("dd")).to_have_text("Initech")
    await expect(pane.get_by_text("*as is*")).to_be_visible()
    town.bot.activity_answers.append(
        {
            "statusCode": 200,
            "type": "application/vnd.microsoft.card.adaptive",
            "value": card(text("Done by you")),
        }
    )
    await pane.get_by_role("button", name="Confirm").click()
    await expect(pane.get_by_text("Done by you")).to_be_visible()
    (invoke,) = [activity for activity in town.bot.teams if activity["type"] == "invoke"]
    assert invoke["from"]["aadObjectId"] == sample.TEAMS_COLLEAGUE.object_id
    assert invoke["value"]["action"]["verb"] == "confirm"
    await pane.get_by_label("You are").select_option(sample.TEAMS_SUPPORT.teams_id)
    await expect(pane.get_by_role("button", name="Confirm")).to_be_visible()
    await expect(pane.get_by_text("Done by you")).to_have_count(0)


async def test_a_teams_dialog_is_checked_answered_with_errors_and_closed(
    open_page: OpenPage, town: Town
) -> None:
    page = await _shown(open_page, town)
    pane = _pane(page, "teams")
    posts_card(town, sample.TEAMS_PERSONAL.conversation_id, confirmation_card())
    town.bot.activity_answers += [seats_form(), seats_form("Error: at most 500", value="900"), {}]
    await pane.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog", name="Change seats")
    await expect(dialog.get_by_label("How many seats")).to_be_focused()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("Error: How many seats is needed.")).to_be_visible()
    await dialog.get_by_label("How many seats").fill("900")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert").filter(has_text="at most 500")).to_be_visible()
    await expect(dialog.get_by_label("How many seats")).to_have_value("900")
    await dialog.get_by_label("How many seats").fill("9")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0)
    sent = [a["value"]["data"] for a in town.bot.teams if a.get("name") == "task/submit"]
    assert [data["seats"] for data in sent] == ["900", "9"]


async def test_each_thing_to_try_fills_pane_person_and_words(
    open_page: OpenPage, town: Town
) -> None:
    page = await _shown(open_page, town)
    tries = page.locator(".try")
    await expect(tries).to_have_count(5)
    await tries.filter(has_text="In Teams, as staff").click()
    box = _pane(page, "teams").locator(".composer textarea")
    await expect(box).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(_pane(page, "teams").locator(".message-own")).to_contain_text("Add 2 seats")
    await tries.filter(has_text="As a member").click()
    await expect(_pane(page, "northwind").get_by_label("You are")).to_have_value("U0MILO")
    await page.get_by_role("button", name="Hide these").click()
    await expect(page.locator("#tries")).to_be_hidden()
    await town.teams.settled()
    assert [a["text"] for a in town.bot.teams] == ["Add 2 seats for Initech."]
