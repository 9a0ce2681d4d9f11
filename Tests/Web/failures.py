"""Looks at the page of failures with a real browser, and fails with a line that says what is wrong.

usage: MILLRACE_TOKEN=... failures.py URL FOLDER
The caller seeds the failures, and lets lyon's node back in when this prints EVENT.
"""

import re
import sys

from browser import LOOKS, check_look, chromium, open_page
from playwright.sync_api import Page, Route, expect

MARKUP = "<img src=x onerror="


def answer(page: Page, path: str) -> dict:
    """What the API says, to compare the page with."""
    return page.evaluate("path => fetch('/api/v1' + path).then(answer => answer.json())", path)


def check_overview(page: Page) -> None:
    errors, matrix = answer(page, "/errors?by=class"), answer(page, "/errors/matrix")
    efficiency = answer(page, "/efficiency")
    expect(page.locator("#tiles")).to_contain_text(f"of {errors['total']['jobs']} jobs in the last 24 hours")
    expect(page.locator("#tiles")).to_contain_text(f"{efficiency['total']['wall_efficiency'] * 100:.1f} %")
    expect(page.locator("#tiles")).to_contain_text("2 sites, 2 nodes")
    told = [(each["archived"], each["complete"]) for each in (errors, matrix, efficiency)]
    assert told == [(1, False)] * 3, told
    expect(page.locator("#archived")).to_be_visible()
    expect(page.locator("#archived")).to_have_text("1 archived task is not counted: millrace report counts it")
    rows = page.locator("#errors tbody tr")
    expect(rows).to_have_count(len(errors["items"]))
    expect(rows.first).to_contain_text("payload")
    cells = [text.strip() for text in rows.first.locator("td .num").all_inner_texts()]
    first = errors["items"][0]
    assert cells[:2] == [str(first["failures"]), f"{first['lost_core_hours']:.1f}"], (cells, first)
    # Each cell of the matrix says in figures what its shade says.
    expect(page.locator("#matrix tbody tr")).to_have_count(len(matrix["items"]) + 1)
    worst = matrix["items"][0]
    line = page.locator("#matrix tbody tr").first
    expect(line).to_contain_text(f"{worst['task']} {worst['name']}")
    expect(line.locator("td").first).to_contain_text(f"{worst['failed']} of {worst['failed'] + worst['finished']} failed")
    expect(page.locator("#matrix thead th")).to_have_text(["task", "all sites", *[site["site"] for site in matrix["sites"]]])
    expect(page.locator("#efficiency tbody tr").last).to_contain_text(f"{efficiency['total']['job_efficiency'] * 100:.1f} %")
    expect(page.locator("#efficiency tbody tr").last).to_contain_text(f"{efficiency['total']['wall_efficiency'] * 100:.1f} %")
    excluded = page.locator("#excluded")
    expect(excluded.locator(".place", has_text="lyon, n3")).to_contain_text(re.compile(r"the first probes in (\d+ s|\d+ min) of 10 min"))
    expect(excluded.locator(".place", has_text="desy, n17")).to_contain_text("2 went well so far")
    expect(excluded.locator(".place", has_text="kek, the whole site")).to_contain_text(MARKUP)
    expect(excluded.locator(".place", has_text="fermilab")).to_contain_text("by olga")
    expect(excluded.locator(".place")).to_have_count(4)
    expect(page.locator("#verdicts .verdict")).to_have_count(20)
    expect(page.locator("#verdicts")).to_contain_text(MARKUP)


def check_cuts(page: Page) -> None:
    """A table that does not show all rows says of how many it shows the first."""
    of_sites, matrix = answer(page, "/errors?by=site")["items"], answer(page, "/errors/matrix")["items"]
    for panel in ("errors", "matrix", "efficiency"):
        expect(page.locator(f"#{panel} > .hint")).to_have_count(0)

    def of_many(route: Route) -> None:
        told = route.fetch()
        route.fulfill(response=told, json={**told.json(), "items_total": 1234})

    def many(route: Route) -> None:
        told = route.fetch()
        shown = told.json()
        rows = [{**shown["items"][0], "site": f"site {number}"} for number in range(41)]
        route.fulfill(response=told, json={**shown, "items": rows, "items_total": 41})

    page.route(lambda url: "/api/v1/errors?" in url or "/api/v1/errors/matrix?" in url, of_many)
    page.route(lambda url: "/api/v1/efficiency?" in url, many)
    page.locator("#by button", has_text="site").click()
    page.locator("#rows button", has_text="tasks").click()
    page.locator("#whose button", has_text="site").click()
    expect(page.locator("#errors > .hint")).to_have_text(f"the first {len(of_sites)} of 1,234")
    expect(page.locator("#matrix > .hint")).to_have_text(f"the worst {len(matrix)} of 1,234")
    expect(page.locator("#efficiency > .hint")).to_have_text("the first 40 of 41")
    expect(page.locator("#efficiency tbody tr")).to_have_count(41)
    page.unroute_all(behavior="wait")


def check_choices(page: Page) -> None:
    page.locator("#by button", has_text="code").click()
    expect(page.locator("#errors tbody")).to_contain_text("1001 payloadExit")
    page.locator("#rows button", has_text="requests").click()
    expect(page.locator("#matrix tbody")).to_contain_text("1 ZH at 250 GeV")
    page.locator("#whose button", has_text="task").click()
    expect(page.locator("#efficiency tbody")).to_contain_text("digitise")
    page.locator("#since button", has_text="1 hour").click()
    expect(page.locator("#tiles")).to_contain_text("in the last hour")
    page.locator("#rows button", has_text="tasks").click()
    expect(page.locator("#matrix tbody")).to_contain_text("1 simulate")


def check_task(page: Page) -> None:
    """A click on a task opens what failed of it, and where."""
    report = answer(page, "/tasks/1/debug")
    page.locator("#matrix a", has_text="1 simulate").click()
    head = page.locator("#detail h1")
    expect(head).to_contain_text("Task 1 simulate")
    expect(page.locator("#detail .group-panel")).to_have_count(len(report["items"]))
    first, panel = report["items"][0], page.locator("#detail .group-panel").first
    expect(panel).to_contain_text(f"{first['failures']} failures of {first['jobs']} jobs")
    expect(panel).to_contain_text(first["fingerprint"])
    expect(panel.locator("tbody tr")).to_have_count(len(first["places"]))
    expect(panel).to_contain_text(first["places"][0]["site"])
    sample = first["samples"][0]
    expect(panel).to_contain_text(f"{sample['task']}.{sample['index']}.{sample['attempt']}")
    expect(page.locator("#detail")).to_contain_text(MARKUP)
    expect(page.locator("#overview")).to_be_hidden()


def check_job(page: Page, url: str) -> None:
    """A click on a job opens why it failed: attempts, evidence, rule, what was tried."""
    page.goto(f"{url}/failures#job/1.48")
    detail = page.locator("#detail")
    expect(detail.locator("h1")).to_contain_text("Job 1.48")
    expect(detail.locator(".because")).to_contain_text("attempt 2 failed")
    expect(detail.locator(".attempt")).to_have_count(2)
    expect(detail.locator(".attempt").first).to_contain_text("attempt 2")
    expect(detail.locator(".attempt").first).to_contain_text("1001 payloadExit")
    expect(detail.locator(".attempt").first).to_contain_text("the wrapper was killed")
    expect(detail.locator(".attempt").first).to_contain_text("by rule payload: because")
    expect(detail.locator("pre.log")).to_contain_text(MARKUP)
    expect(detail).to_contain_text("the end of its log")


def check_event(page: Page) -> None:
    """A place that is let back in leaves the page at once, long before it is read again by itself."""
    print("EVENT", flush=True)
    expect(page.locator("#excluded .place")).to_have_count(3)
    expect(page.locator("#tiles")).to_contain_text("2 sites, 1 node")


def check_forgiven(page: Page, url: str) -> None:
    page.goto(f"{url}/failures#job/1.54")
    expect(page.locator("#detail .attempt").last).to_contain_text("forgiven: its place was at fault")
    expect(page.locator("#detail .attempt").first).not_to_contain_text("forgiven")


def check_changes(page: Page, url: str) -> None:
    page.goto(f"{url}/failures#job/1.9")
    expect(page.locator("#detail")).to_contain_text("3,000 MB of memory; not at lyon")


def check_waiting(page: Page, url: str) -> None:
    page.goto(f"{url}/failures#job/4.2")
    why = answer(page, "/jobs/4/2/why")
    detail = page.locator("#detail")
    expect(detail.locator("h1")).to_contain_text("waiting")
    expect(detail.locator(".because")).to_have_text(why["summary"])
    expect(detail).to_contain_text(f"{why['agents_fitting']} of {why['agents_total']} agents could take it now")
    expect(detail.locator("tbody tr")).to_have_count(len(why["reasons"]))
    assert why["reasons"], "nothing keeps an agent from the job: the test says nothing"
    expect(detail.locator("tbody")).to_contain_text(why["reasons"][0]["example"])
    expect(detail).to_contain_text("8 cores")


def check_missing(page: Page, url: str) -> None:
    page.goto(f"{url}/failures#job/9.9")
    expect(page.locator("#detail")).to_contain_text("there is no job 9.9")
    page.locator(".crumbs a", has_text="Failures").click()
    expect(page.locator("#errors tbody tr")).not_to_have_count(0)


def main(url: str, folder: str) -> None:
    with chromium() as browser:
        for scheme, width in LOOKS:
            context, page, complaints = open_page(browser, url, "/failures", scheme, width)
            check_overview(page)
            check_look(page, scheme, width, f"{folder}/failures")
            if (scheme, width) == LOOKS[-1]:
                check_event(page)
            check_cuts(page)
            check_choices(page)
            check_task(page)
            check_look(page, scheme, width, f"{folder}/failures-task")
            check_job(page, url)
            page.locator("summary").click()
            check_look(page, scheme, width, f"{folder}/failures-job")
            check_changes(page, url)
            check_forgiven(page, url)
            check_waiting(page, url)
            check_look(page, scheme, width, f"{folder}/failures-waiting")
            assert not complaints, complaints
            # The browser itself complains of an answer 404.
            check_missing(page, url)
            context.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("PASSED", flush=True)
