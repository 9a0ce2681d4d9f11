"""Looks at the page of requests with a real browser, presses its buttons, and fails with a line that says what is wrong.

usage: MILLRACE_TOKEN=... MILLRACE_VIEWER_TOKEN=... requests.py URL FOLDER
The caller seeds the production, and rejects request 3 when this prints EVENT. The token is an operator's, olga.
"""

import re
import sys

from browser import LOOKS, check_look, chromium, open_page
from playwright.sync_api import Page, expect


def ask(page: Page, path: str, body: dict | None = None) -> dict:
    """What the API says, to compare the page with; with a body: somebody else changes something."""
    return page.evaluate(
        """([path, body]) => fetch('/api/v1' + path, body && { method: 'POST', headers: { 'X-Millrace': '1' }, body: JSON.stringify(body) })
               .then(answer => answer.json())""",
        [path, body],
    )


def press(page: Page, text: str) -> None:
    page.locator("#detail .tools button", has_text=re.compile(f"^{re.escape(text)}$")).click()


def state(page: Page, word: str) -> None:
    """With the buttons for it, which come together."""
    expect(page.locator("#detail h1 .badge")).to_have_text(word)


def check_overview(page: Page) -> None:
    rows = page.locator("#requests .request")
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("ZH at 250 GeV, left-handed")
    events = ask(page, "/tasks/1")
    expect(rows.nth(2)).to_contain_text(f"{events['events_done']:,} of {events['events_expected']:,} events")
    page.locator("#state button", has_text=re.compile("^ended$")).click()
    expect(page.locator("#requests")).to_have_text("No request is like that.")
    page.locator("#state button", has_text="all").click()
    expect(rows).to_have_count(3)
    page.locator("#whose button", has_text="mine").click()
    expect(page.locator("#requests")).to_have_text("No request is like that.")
    page.locator("#whose button", has_text="everybody").click()
    expect(rows).to_have_count(3)
    expect(page.locator("#older")).to_be_hidden()


def check_request(page: Page) -> None:
    """What it did, what was sent to batch systems with how many files, and who moved it."""
    page.locator("#requests a", has_text=re.compile("^#1$")).click()
    expect(page.locator("#detail h1")).to_contain_text("Request 1 ZH at 250 GeV, left-handed")
    state(page, "running")
    grid = page.locator("#submissions tbody tr")
    expect(grid).to_have_count(1)
    cells = [text.strip() for text in grid.first.locator("td").all_inner_texts()]
    assert cells[0] == "4711" and cells[3:5] == ["40", "40"], f"the grid job is shown as {cells}"
    expect(page.locator("#request-tasks")).to_contain_text("simulate")
    expect(page.locator("#history tbody tr").first).to_contain_text("running")
    expect(page.locator("#history tbody")).to_contain_text("olga")
    expect(page.locator("#detail")).to_contain_text("tpc-study, version 1")


def check_hold(page: Page) -> None:
    """Nothing is done before it was said what it would do; then it is done, told and in the history."""
    press(page, "Hold")
    expect(page.locator("#would")).to_contain_text("request 1 is held: running jobs go on, waiting ones stay")
    assert ask(page, "/requests/1")["state"] == "running", "looking changed something"
    page.locator("#ask [name=reason]").fill("the field map is being looked at")
    press(page, "Hold it")
    state(page, "held")
    expect(page.locator("#detail .said-done")).to_contain_text("request 1 is held")
    expect(page.locator("#history tbody tr").first).to_contain_text("the field map is being looked at")
    expect(page.locator("#history tbody tr").first).to_contain_text("olga")
    press(page, "Release")
    press(page, "Release it")
    state(page, "running")


def check_two_at_once(page: Page) -> None:
    """Of two who press at once one acts, the other is told, and sees what became of it."""
    press(page, "Hold")
    expect(page.locator("#would")).to_be_visible()
    assert ask(page, "/requests/1/hold", {"reason": "I was first"})["changed"]
    assert ask(page, "/requests/1/release", {})["changed"]
    press(page, "Hold it")
    expect(page.locator("#detail .refusal")).to_contain_text("Refused: request 1 was changed by olga at")
    expect(page.locator("#detail .refusal")).to_contain_text("look again")
    # The buttons are for what is shown now.
    expect(page.locator("#detail .tools button").first).to_have_attribute("data-version", str(ask(page, "/requests/1")["version"]))


def check_fields(page: Page) -> None:
    """What must be written first, and what is wrong with it."""
    press(page, "Extend")
    press(page, "What would it do?")
    expect(page.locator("#detail .refusal")).to_contain_text("events")
    page.locator("#ask [name=events]").fill("500")
    press(page, "What would it do?")
    expect(page.locator("#detail .refusal")).to_contain_text("Refused: task 2 (merge) has taken the output of task 1 already")
    expect(page.locator("#ask [name=events]")).to_have_value("500")
    press(page, "Leave it")
    expect(page.locator("#ask")).to_have_count(0)
    press(page, "Priority")
    page.locator("#ask [name=priority]").fill("250")
    press(page, "What would it do?")
    expect(page.locator("#would")).to_contain_text("250")
    press(page, "Leave it")
    assert ask(page, "/requests/1")["priority"] == 100, "what was left was done"
    press(page, "Priority")
    page.locator("#ask [name=priority]").fill("250")
    press(page, "Change it")
    expect(page.locator("#detail dl")).to_contain_text("250")


def check_task(page: Page) -> None:
    page.locator("#request-tasks a", has_text="simulate").click()
    expect(page.locator("#detail h1")).to_contain_text("Task 1 simulate, generate")
    expect(page.locator("#outputs")).to_contain_text("1.simulate.events")
    expect(page.locator("#submissions tbody tr").first).to_contain_text("4711")
    expect(page.locator("#detail")).to_contain_text("1 core · 2,000 MB")
    press(page, "Pause")
    press(page, "Pause it")
    state(page, "paused")
    expect(page.locator("#history tbody tr").first).to_contain_text("paused")
    expect(page.locator("#detail a", has_text="what failed, and why")).to_have_attribute("href", "/failures#task/1")


def check_cancel(page: Page, url: str) -> None:
    page.goto(f"{url}/requests#request/2")
    state(page, "running")
    press(page, "Cancel …")
    expect(page.locator("#would")).to_be_visible()
    page.locator("#ask [name=reason]").fill("wrong field map")
    page.locator("#ask [name=delete_outputs]").check()
    press(page, "What would it do?")
    expect(page.locator("#would")).to_contain_text("its clean-up deletes")
    page.locator("#ask [name=delete_outputs]").uncheck()
    press(page, "Cancel it")
    state(page, "cancelled")
    buttons = page.locator("#detail .tools button").all_inner_texts()
    assert buttons == ["Delete its outputs …", "Go on with it", "Clone"], buttons
    press(page, "Clone")
    expect(page.locator("#would")).to_contain_text("request")
    page.locator("#ask [name=title]").fill("the same, with the right field map")
    press(page, "Make the request")
    expect(page.locator("#detail .said-done")).to_contain_text("of workflow tpc-study version 1, to be approved; made after request 2")
    page.goto(f"{url}/requests#request/99")
    expect(page.locator("#detail")).to_contain_text("There is no request 99.")


def check_viewer(browser, url: str) -> None:
    context, page, _ = open_page(browser, url, "/requests", "light", 1440, token="MILLRACE_VIEWER_TOKEN")
    page.goto(f"{url}/requests#request/1")
    state(page, "running")
    expect(page.locator("#submissions tbody tr")).to_have_count(1)
    assert page.locator("#detail button").count() == 0, "a viewer sees buttons"
    context.close()


def main(url: str, folder: str) -> None:
    with chromium() as browser:
        for scheme, width in LOOKS:
            context, page, complaints = open_page(browser, url, "/requests", scheme, width)
            expect(page.locator("#requests .request")).to_have_count(3)
            check_look(page, scheme, width, f"{folder}/requests")
            page.goto(f"{url}/requests#request/1")
            expect(page.locator("#submissions tbody tr")).to_have_count(1)
            page.locator("#detail .tools button").first.click()
            expect(page.locator("#would")).to_be_visible()
            check_look(page, scheme, width, f"{folder}/request")
            page.goto(f"{url}/requests#task/1")
            expect(page.locator("#outputs tbody tr")).to_have_count(2)
            check_look(page, scheme, width, f"{folder}/task")
            assert not complaints, complaints
            context.close()
        check_viewer(browser, url)
        context, page, complaints = open_page(browser, url, "/requests", "light", 1440)
        check_overview(page)
        print("EVENT", flush=True)
        page.locator("#state button", has_text="not ended").click()
        expect(page.locator("#requests .request")).to_have_count(2)
        check_request(page)
        check_hold(page)
        check_two_at_once(page)
        assert all("409" in text for text in complaints), complaints
        check_fields(page)
        check_task(page)
        check_cancel(page, url)
        context.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("PASSED", flush=True)
