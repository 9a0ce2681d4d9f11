"""What the looks at the pages have in common: a browser with a token, and what must hold on every page."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

# What an attacker's markup would put into the title of the page.
ATTACK = "broken in"
LOOKS = (("light", 1440), ("dark", 1440), ("light", 430), ("dark", 430))


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


def watch(page: Page) -> list[str]:
    """Everything the browser complains about."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def open_page(browser: Browser, url: str, path: str, scheme: str, width: int, token: str = "MILLRACE_TOKEN") -> tuple[BrowserContext, Page, list[str]]:
    """A page of its own, with the token of that variable; the token must be gone from the address."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 1000})
    page = context.new_page()
    complaints = watch(page)
    page.goto(f"{url}{path}?token={os.environ[token]}")
    assert page.url == f"{url}{path}", f"the token stays in the address: {page.url.split('?')[0]}"
    return context, page, complaints


def check_look(page: Page, scheme: str, width: int, picture: str) -> None:
    """The ground fits the scheme, nothing is wider than the screen, no markup of a site is markup of the page, and no part of it has failed."""
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    red = int(ground.split("(")[1].split(",")[0])
    assert (red < 60) == (scheme == "dark"), f"{scheme}: the ground is {ground}"
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{scheme} {width}: {page.url} is {overflow} pixels too wide"
    assert page.locator("main img:not(#plots img), main script").count() == 0, f"{page.url}: markup of a site became markup of the page"
    assert ATTACK not in page.title(), "a script of a site ran"
    notice = page.locator("#notice").inner_text()
    assert "answer as it should" not in notice, f"{page.url}: {notice}"
    page.screenshot(path=f"{picture}-{scheme}-{width}.png", full_page=True)
