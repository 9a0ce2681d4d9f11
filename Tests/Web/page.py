"""Looks at the live page with a real browser, and fails with a line that says what is wrong.

usage: MILLRACE_TOKEN=... page.py URL FOLDER
The caller seeds the production, and publishes an event when this prints EVENT.
"""

import os
import sys

from playwright.sync_api import Page, expect, sync_playwright

ATTACK = "broken in"


def watch(page: Page) -> list[str]:
    """Everything the browser complains about."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def check_texts(page: Page) -> None:
    expect(page.locator("#link b")).to_have_text("live")
    expect(page.locator("#who")).to_have_text("olga, operator")
    expect(page.locator("#tiles")).to_contain_text("230")
    expect(page.locator("#requests")).to_contain_text("ZH at 250 GeV, left-handed")
    expect(page.locator("#requests")).to_contain_text("1,000 of 2,000 jobs")
    expect(page.locator("#requests")).to_contain_text("500,000 of 1,000,000 events")
    expect(page.locator("#requests")).to_contain_text("paused")
    head = [cell.inner_text() for cell in page.locator("#tracker th").all()]
    wanted = ["gen_id", "sim_id", "username", "ssw", "ssw_ver", "detector_model", "physics_list", "generated", "processed", "damaged"]
    assert [name for name in head if name in wanted] == wanted, head
    expect(page.locator("#tracker tbody tr").first).to_contain_text("ILD_o1_v06")
    expect(page.locator("#sites")).to_contain_text("nodes lose their scratch disk")
    expect(page.locator("#services")).to_contain_text("scheduler")
    expect(page.locator("#plots img")).to_have_count(1)
    page.wait_for_function("() => { const image = document.querySelector('#plots img'); image.loading = 'eager'; return image.naturalWidth > 0; }")
    expect(page.locator("#chart-states path")).to_have_count(5)


def check_attack(page: Page) -> None:
    """What a site wrote is shown as it is, and does nothing."""
    expect(page.locator("#verdicts")).to_contain_text("<img src=x onerror=")
    assert page.locator("#verdicts img, #verdicts script").count() == 0, "markup of a site became markup of the page"
    assert ATTACK not in page.title(), "a script of a site ran"


def check_live(page: Page) -> None:
    """An event makes the page read again, with the same elements: nothing is built anew that did not change."""
    page.evaluate("() => { window.kept = document.querySelector('#requests .request'); window.reads = 0; }")
    page.on("request", lambda request: page.reads.append(request.url) if "/requests?" in request.url else None)
    answer = page.evaluate(
        """() => fetch('/api/v1/requests/1/hold', { method: 'POST', headers: { 'X-Millrace': '1' }, body: '{"reason": "look first"}' })
               .then(answer => answer.status)"""
    )
    assert answer == 200, f"hold was answered {answer}"
    print("EVENT", flush=True)
    expect(page.locator("#requests")).to_contain_text("look first")
    assert page.evaluate("() => [...document.querySelectorAll('#requests .request')].includes(window.kept)"), "a row was built anew"


def main(url: str, folder: str) -> None:
    token = os.environ["MILLRACE_TOKEN"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for scheme, width in (("light", 1440), ("dark", 1440), ("light", 430)):
            context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 1000})
            page = context.new_page()
            page.reads = []
            complaints = watch(page)
            page.goto(f"{url}/?token={token}")
            assert page.url == f"{url}/", f"the token stays in the address: {page.url.split('?')[0]}"
            check_texts(page)
            check_attack(page)
            ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            red = int(ground.split("(")[1].split(",")[0])
            assert (red < 60) == (scheme == "dark"), f"{scheme}: the ground is {ground}"
            overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{scheme} {width}: the page is {overflow} pixels too wide"
            page.screenshot(path=f"{folder}/page-{scheme}-{width}.png", full_page=True)
            if scheme == "dark":
                check_live(page)
            assert not complaints, complaints
            context.close()
        stranger = browser.new_context().new_page()
        stranger.goto(url)
        expect(stranger.locator("#notice")).to_contain_text("needs a token")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("PASSED", flush=True)
