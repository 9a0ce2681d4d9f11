"""Looks at the live page with a real browser, and fails with a line that says what is wrong.

usage: MILLRACE_TOKEN=... page.py URL FOLDER
The caller seeds the production, and publishes an event when this prints EVENT.
"""

import sys

from browser import LOOKS, check_look, chromium, open_page
from playwright.sync_api import Page, Route, expect


def check_texts(page: Page) -> None:
    expect(page.locator("#link b")).to_have_text("live")
    expect(page.locator("#who")).to_have_text("olga, operator")
    expect(page.locator("#tiles")).to_contain_text("230")
    expect(page.locator("#requests")).to_contain_text("ZH at 250 GeV, left-handed")
    expect(page.locator("#requests")).to_contain_text("1,000 of 2,000 jobs")
    # Of the task that makes them, although the merge that reads them again is listed before it.
    expect(page.locator("#requests")).to_contain_text("500,000 of 1,000,000 events")
    expect(page.locator("#requests")).to_contain_text("paused")
    head = [cell.inner_text() for cell in page.locator("#tracker th").all()]
    wanted = ["gen_id", "sim_id", "username", "ssw", "ssw_ver", "detector_model", "physics_list", "generated", "processed", "damaged"]
    assert [name for name in head if name in wanted] == wanted, head
    expect(page.locator("#tracker tbody tr").first).to_contain_text("ILD_l5_v02")
    expect(page.locator("#tracker tbody tr").last).to_contain_text("ILD_o1_v06")
    expect(page.locator("#tracker-hint")).to_have_text("")
    expect(page.locator("#sites-hint")).to_have_text("4")
    expect(page.locator("#sites")).to_contain_text("nodes lose their scratch disk")
    expect(page.locator("#services")).to_contain_text("scheduler")
    expect(page.locator("#plots img")).to_have_count(1)
    page.wait_for_function("() => { const image = document.querySelector('#plots img'); image.loading = 'eager'; return image.naturalWidth > 0; }")
    expect(page.locator("#chart-states path")).to_have_count(5)
    # What a site wrote is shown as it is.
    expect(page.locator("#verdicts")).to_contain_text("<img src=x onerror=")


def check_links(page: Page) -> None:
    """From page to page, and from a verdict to the job's why."""
    page.locator("#verdicts .verdict a").first.click()
    expect(page.locator("#detail h1")).to_contain_text("Job 1.1069")
    for name, heading in (("Rules", "Failure rules"), ("Failures", "What failed")):
        page.locator(".pages a", has_text=name).click()
        expect(page.locator("#overview h1")).to_have_text(heading)
        expect(page.locator(".pages a[aria-current]")).to_have_text(name)
    page.locator(".pages a", has_text="Live").click()
    expect(page.locator("#requests")).to_contain_text("ZH at 250 GeV")


def check_cuts(page: Page) -> None:
    """Of the tracker the newest rows are shown, and it is said when there are more; of sites every page is read."""
    sites = page.evaluate("() => fetch('/api/v1/sites').then(answer => answer.json()).then(answer => answer.items)")

    def one_of_many(route: Route) -> None:
        assert "order=desc" in route.request.url, route.request.url
        told = route.fetch()
        route.fulfill(response=told, json={"items": told.json()["items"][:1], "next": "2,2,john"})

    def two_pages(route: Route) -> None:
        is_first = "after=" not in route.request.url
        route.fulfill(json={"items": sites[:3] if is_first else sites[3:], "next": "kek" if is_first else None})

    page.route(lambda url: "/api/v1/tracker?" in url, one_of_many)
    page.route(lambda url: "/api/v1/sites?" in url, two_pages)
    page.reload()
    expect(page.locator("#tracker-hint")).to_have_text("; only 1 row, all: millrace tracker --limit 0")
    expect(page.locator("#tracker tbody tr")).to_have_count(1)
    expect(page.locator("#sites-hint")).to_have_text("4")
    expect(page.locator("#sites tbody tr")).to_have_count(4)
    page.unroute_all(behavior="wait")
    page.reload()
    expect(page.locator("#tracker tbody tr")).to_have_count(2)
    expect(page.locator("#link b")).to_have_text("live")
    expect(page.locator("#requests")).to_contain_text("ZH at 250 GeV")


def check_live(page: Page) -> None:
    """An event makes the page read again, with the same elements: nothing is built anew that did not change."""
    page.evaluate("() => { window.kept = document.querySelector('#requests .request'); }")
    answer = page.evaluate(
        """() => fetch('/api/v1/requests/1/hold', { method: 'POST', headers: { 'X-Millrace': '1' }, body: '{"reason": "look first"}' })
               .then(answer => answer.status)"""
    )
    assert answer == 200, f"hold was answered {answer}"
    print("EVENT", flush=True)
    expect(page.locator("#requests")).to_contain_text("look first")
    assert page.evaluate("() => [...document.querySelectorAll('#requests .request')].includes(window.kept)"), "a row was built anew"


def main(url: str, folder: str) -> None:
    with chromium() as browser:
        for scheme, width in LOOKS:
            context, page, complaints = open_page(browser, url, "/", scheme, width)
            check_texts(page)
            check_look(page, scheme, width, f"{folder}/page")
            check_links(page)
            check_cuts(page)
            if (scheme, width) == ("dark", 1440):
                check_live(page)
            assert not complaints, complaints
            context.close()
        stranger = browser.new_context().new_page()
        stranger.goto(url)
        expect(stranger.locator("#notice")).to_contain_text("needs a token")


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("PASSED", flush=True)
