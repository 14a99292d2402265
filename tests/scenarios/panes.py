"""The playground's page in a real browser, in the words of somebody who uses it."""

import re

from playwright.async_api import Locator, Page, expect

PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


async def ready(page: Page) -> Page:
    """The page once it has read both worlds and listens to every button."""
    await expect(page.locator("html")).to_have_attribute("data-ready", "true")
    return page


class Pane:
    """One conversation on the page: northwind, globex, teams or support."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.root = page.locator(f"#pane-{name}")

    async def be(self, name: str) -> None:
        """Chooses who one is, by the beginning of the name as the page shows it."""
        select = self.root.get_by_label("You are")
        option = select.locator("option").filter(has_text=re.compile(f"^{re.escape(name)}"))
        await select.select_option(await option.get_attribute("value"))

    async def go_to(self, room: str) -> None:
        """Chooses where one is."""
        await self.root.get_by_label("Where").select_option(label=room)

    async def write(self, text: str) -> "Thread":
        """Writes a new message that mentions the agent; the thread it begins."""
        box = self.root.get_by_role("textbox", name=re.compile("^Write as"))
        await box.fill(text)
        await box.press("Enter")
        return self.last_thread(text)

    def last_thread(self, *texts: str) -> "Thread":
        """The newest thread that holds all these texts."""
        found = self.root.locator("li.thread")
        for text in texts:
            found = found.filter(has_text=text)
        return Thread(self.page, found.last)


class Thread:
    """A first message and what was answered to it."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page = page
        self.root = root

    def message(self, *texts: str) -> Locator:
        """The newest message here that holds all these texts."""
        found = self.root.locator("article")
        for text in texts:
            found = found.filter(has_text=text)
        return found.last

    async def shows(self, *texts: str) -> Locator:
        """Waits until one message holds all these texts."""
        found = self.message(*texts)
        await expect(found).to_be_visible()
        return found

    async def press(self, label: str | re.Pattern[str]) -> None:
        """Presses the newest button with this label."""
        await self.button(label).last.click(timeout=PATIENCE_MS)

    def button(self, label: str | re.Pattern[str]) -> Locator:
        """By its label; Slack's are named with their card's heading for a screen reader."""
        name = re.compile(f"^{re.escape(label)}(:|$)") if isinstance(label, str) else label
        return self.root.get_by_role("button", name=name)

    async def reply(self, text: str, *, mention: bool = False) -> None:
        """Answers in the thread."""
        await self.root.get_by_role("button", name=re.compile("^Reply in thread")).click()
        box = self.root.get_by_role("textbox", name=re.compile("^Reply as"))
        tick = self.root.get_by_role("checkbox")
        if await tick.is_visible():
            await tick.set_checked(mention)
        await box.fill(text)
        await box.press("Enter")
        await expect(box).to_have_value("")
        await self.root.locator("form").get_by_role("button", name="Cancel").click()


async def submit_form(page: Page, text: str, button: str | None = None) -> None:
    """Fills the one box of the form that is open, and sends it."""
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox").fill(text)
    await form.locator("button[type=submit]").click()
    await expect(form).to_have_count(0)
