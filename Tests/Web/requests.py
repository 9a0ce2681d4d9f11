"""Looks at the page of requests with a real browser, does what people do with requests and tasks, and fails with a line that says what is wrong.

usage: MILLRACE_TOKEN=... MILLRACE_VIEWER_TOKEN=... requests.py URL FOLDER
The caller seeds the requests and, when this prints SOMEBODY, changes request 2 as igor; the token is an operator's.
"""

import sys

from browser import LOOKS, check_look, chromium, open_page
from playwright.sync_api import Page, expect

MARKUP = "<img src=x onerror="


def answer(page: Page, path: str) -> dict:
    """What the API says, to compare the page with."""
    return page.evaluate("path => fetch('/api/v1' + path).then(answer => answer.json())", path)


def row(page: Page, request: int):
    return page.locator(f"#list tr[data-key='{request}']")


def act(page: Page, name: str) -> None:
    page.locator(f"#detail button[data-act='{name}']").click()


def confirm(page: Page) -> None:
    expect(page.locator("#confirm-yes")).to_be_enabled()
    page.locator("#confirm-yes").click()
    expect(page.locator("#confirm")).to_have_count(0)


def check_list(page: Page) -> None:
    expect(page.locator(".pages a[aria-current]")).to_have_text("Requests")
    first = answer(page, "/requests?order=desc&limit=50")
    expect(page.locator("#list tbody tr")).to_have_count(50)
    numbers = [int(text.removeprefix("#")) for text in page.locator("#list .id").all_inner_texts()]
    assert numbers == [item["request"] for item in first["items"]], numbers
    assert numbers == sorted(numbers, reverse=True), "not the newest first"
    page.locator("#older").click()
    expect(page.locator("#page")).to_have_text("page 2")
    expect(row(page, 1)).to_contain_text("ZH at 250 GeV, left-handed")
    expect(row(page, 1)).to_contain_text("tpc-study by mary")
    expect(row(page, 1)).to_contain_text("500,000 of 1,000,000")
    expect(row(page, 1)).to_contain_text("1,000 of 2,100 done, 230 running, 60 recovering, 10 given up")
    expect(row(page, 2)).to_contain_text("1 task")
    page.locator("#newer").click()
    expect(page.locator("#page")).to_have_text("page 1")


def check_filters(page: Page) -> None:
    states = page.locator("#state button")
    states.filter(has_text="to approve").click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(row(page, 3)).to_contain_text("End-plate resolution")
    expect(page.locator("#pager")).to_be_hidden()
    states.filter(has_text="finished").click()
    expect(page.locator("#list tbody tr")).to_have_count(50)
    states.filter(has_text="failed").click()
    expect(page.locator("#list")).to_contain_text("No request is in such a state.")
    states.filter(has_text="open").click()
    expect(page.locator("#list tbody tr")).to_have_count(3)


def check_request(page: Page) -> None:
    row(page, 1).locator("a").first.click()
    detail = page.locator("#detail")
    expect(detail.locator("h1")).to_contain_text("Request 1 ZH at 250 GeV, left-handed running")
    expect(page.locator("#progress")).to_contain_text("500,000 of 1,000,000 events accepted, 5,000 damaged")
    expect(page.locator("#progress")).to_contain_text("1,000 of 2,100 jobs done")
    merge, simulate = answer(page, "/requests/1")["tasks"]
    assert [merge["name"], merge["position"], simulate["name"], simulate["position"]] == ["merge", 0, "simulate", 1], "the merge is not listed first: the test says nothing"
    for item in (merge, simulate):
        words = f"{item['events_done']:,} of {item['events_expected']:,} events are accepted"
        expect(page.locator(f"#tasks tr[data-key='{item['task']}'] svg[aria-label='{words}']")).to_have_count(1)
    task = page.locator(f"#tasks tr[data-key='{simulate['task']}']")
    assert simulate["failures"] == 70, simulate
    expect(task).to_contain_text("simulate")
    expect(task.locator("td.n").nth(0)).to_have_text("70")
    expect(task.locator("td.n").nth(1)).to_have_text("5,000")
    check_submissions(page, "request=1")
    history = page.locator("#history tbody tr")
    expect(history).to_have_count(len(answer(page, "/requests/1/history")["items"]))
    expect(history.filter(has_text="request 1").filter(has_text="approved").last).to_contain_text("olga")


def check_submissions(page: Page, query: str) -> None:
    """The id of each grid submission and the number of its input files."""
    wanted = answer(page, f"/submissions?{query}&order=desc")["items"]
    assert wanted, "nothing was submitted: the test says nothing"
    rows = page.locator("#submissions tbody tr")
    expect(rows).to_have_count(len(wanted))
    for line, item in zip(rows.all(), wanted):
        expect(line).to_contain_text(f"#{item['submission']}")
        expect(line).to_contain_text(item["batch"])
        numbers = line.locator("td.n").all_inner_texts()
        assert numbers[:2] == [f"{item['attempts']:,}", f"{item['input_files']:,}"], numbers


def check_task(page: Page, url: str) -> None:
    page.locator("#tasks a", has_text="simulate").click()
    detail = page.locator("#detail")
    expect(detail.locator("h1")).to_contain_text("Task 1 simulate running")
    # In floating point 100 times 0.29 is 28.999999999999996.
    expect(detail.locator(".facts").first).to_contain_text("29 % of its events")
    expect(page.locator("#outputs tbody tr", has_text="1.simulate.events")).to_contain_text("500,000")
    check_submissions(page, "task=1")
    expect(page.locator("#failures")).to_contain_text("1001 payloadExit")
    expect(page.locator("#failures")).to_contain_text("70 attempts failed or were lost")
    page.locator("#recovery summary").click()
    lines = answer(page, "/tasks/1/recovery")["lines"]
    expect(page.locator("#recovery li")).to_have_text(lines)
    page.locator("#failures a", has_text="all of them").click()
    expect(page.locator("#detail h1")).to_contain_text("Task 1 simulate")
    page.locator("#detail a", has_text="its progress, submissions and history").click()
    expect(page.locator("#submissions")).to_be_visible()
    page.goto(f"{url}/requests#task/3")
    expect(page.locator("#detail .because")).to_have_text("Paused: the same failure on 12 jobs")
    expect(page.locator("#detail h1")).to_contain_text("paused")


def check_hold(page: Page, url: str) -> None:
    """The words of the dry run first; nothing is done before it is confirmed."""
    page.goto(f"{url}/requests#request/1")
    act(page, "hold")
    expect(page.locator("#confirm-lines")).to_contain_text("request 1 is held: running jobs go on, waiting ones stay")
    assert answer(page, "/requests/1")["state"] == "running", "held without being confirmed"
    page.locator("#confirm [data-act=leave]").click()
    expect(page.locator("#confirm")).to_have_count(0)
    act(page, "hold")
    page.locator("#confirm [name=reason]").fill("look at the field map")
    # Read anew meanwhile, what was typed stays.
    page.wait_for_timeout(1500)
    expect(page.locator("#confirm [name=reason]")).to_have_value("look at the field map")
    confirm(page)
    expect(page.locator("#detail h1")).to_contain_text("held")
    expect(page.locator("#said")).to_contain_text("request 1 is held")
    expect(page.locator("#detail .because")).to_have_text("look at the field map")
    expect(page.locator("#history tbody tr").first).to_contain_text("olga")
    assert answer(page, "/requests/1")["state"] == "held"
    assert page.locator("#detail [data-act=hold]").count() == 0, "what is held can be held"
    act(page, "release")
    confirm(page)
    expect(page.locator("#detail h1")).to_contain_text("running")


def check_change(page: Page) -> None:
    act(page, "change")
    expect(page.locator("#confirm-yes")).to_be_disabled()
    page.locator("#confirm [name=priority]").fill("high")
    expect(page.locator("#confirm-said")).to_have_text("Refused: priority must be a whole number")
    page.locator("#confirm [name=priority]").fill("150")
    expect(page.locator("#confirm-lines")).to_have_text("request 1 has priority 150")
    confirm(page)
    expect(page.locator("#history tbody tr").first).to_contain_text("request 1 has priority 150")
    assert answer(page, "/requests/1")["priority"] == 150
    act(page, "extend")
    page.locator("#confirm [name=events]").fill("1000")
    expect(page.locator("#confirm-said")).to_have_text("Refused: task 2 (merge) has taken the output of task 1 already")
    expect(page.locator("#confirm-yes")).to_be_disabled()
    page.locator("#confirm [data-act=leave]").click()


def check_typing(page: Page, complaints: list[str]) -> None:
    """What was typed last counts: an answer about something else makes nothing ready, and what was left asks nothing any more."""
    path = "/api/v1/requests/1/change?dryRun=true"
    held = []
    page.route(lambda url: url.endswith(path), lambda route: held.append(route))
    act(page, "change")
    priority, yes = page.locator("#confirm [name=priority]"), page.locator("#confirm-yes")
    with page.expect_request(lambda asked: asked.url.endswith(path)):
        priority.fill("160")
    with page.expect_request(lambda asked: asked.url.endswith(path)), page.expect_response(lambda told: told.url.endswith(path)):
        priority.fill("170")
        held[0].continue_()
    expect(yes).to_be_disabled()
    assert not page.locator("#confirm-lines").is_visible(), "what would happen is told of something else than what was typed"
    held[1].continue_()
    expect(page.locator("#confirm-lines")).to_have_text("request 1 has priority 170")
    expect(yes).to_be_enabled()
    before = len(complaints)
    priority.fill("180")
    page.locator("#confirm [data-act=leave]").click()
    # Later than what was typed would have been asked about.
    page.evaluate("() => new Promise(done => setTimeout(done, 400))")
    assert len(held) == 2 and len(complaints) == before, f"a form that was left asks what would happen: {complaints[before:]}"
    page.unroute_all()


def check_stale(page: Page, url: str) -> None:
    """Two operators at once: one effect, and one is told who came first."""
    page.goto(f"{url}/requests#request/2")
    act(page, "hold")
    expect(page.locator("#confirm-lines")).to_be_visible()
    version = answer(page, "/requests/2")["version"]
    print("SOMEBODY", flush=True)
    page.wait_for_function("version => fetch('/api/v1/requests/2').then(answer => answer.json()).then(row => row.version > version)", arg=version)
    confirm(page)
    expect(page.locator("#said")).to_contain_text("Refused: request 2 was changed by igor at ")
    expect(page.locator("#said")).to_contain_text(f"it is at version {version + 1}, not {version}; look again")
    now = answer(page, "/requests/2")
    assert (now["state"], now["priority"]) == ("running", 77), now
    act(page, "extend")
    page.locator("#confirm [name=events]").fill("1000")
    expect(page.locator("#confirm-lines")).to_contain_text("request 2 gets 1000 events more: 2 jobs in task 3 (simulate)")
    confirm(page)
    expect(page.locator("#progress")).to_contain_text("of 401,000 events accepted")
    expect(page.locator("#history tbody tr").first).to_contain_text("extended by 1000 events")
    # Why its task is paused is still told.
    expect(page.locator("#tasks tbody tr")).to_contain_text("the same failure on 12 jobs")


def check_task_actions(page: Page, url: str) -> None:
    page.goto(f"{url}/requests#task/1")
    page.locator("#recovery summary").click()
    expect(page.locator("#recovery li").first).to_contain_text("task 1 (simulate, running)")
    act(page, "pause")
    confirm(page)
    expect(page.locator("#detail h1")).to_contain_text("paused")
    # What is told in an open panel is told anew after an action.
    expect(page.locator("#recovery li").first).to_contain_text("task 1 (simulate, paused)")
    act(page, "retry")
    expect(page.locator("#confirm-lines")).to_have_text("task 1 (simulate): 10 aborted jobs wait again")
    confirm(page)
    expect(page.locator("#history tbody tr").first).to_contain_text("10 aborted jobs wait again")
    expect(page.locator("#detail [data-act=retry]")).to_have_count(0)
    act(page, "recover")
    expect(page.locator("#confirm-lines li")).not_to_have_count(0)


def check_clone(page: Page, url: str) -> None:
    page.goto(f"{url}/requests#request/1")
    act(page, "clone")
    page.locator("#confirm [name=title]").fill("another one")
    expect(page.locator("#confirm-lines")).to_contain_text("made after request 1")
    confirm(page)
    page.locator("#said a").click()
    expect(page.locator("#detail h1")).to_contain_text("another one new")
    expect(page.locator("#detail .facts")).to_contain_text("like request 1")


def check_cancel(page: Page, url: str) -> None:
    """With its outputs: what is kept is told, and then how far the clean-up is."""
    page.goto(f"{url}/requests#request/1")
    act(page, "clean")
    expect(page.locator("#confirm-lines")).to_contain_text("is not deleted yet: it is in container study")
    page.locator("#confirm [name=reason]").fill("wrong field map")
    confirm(page)
    expect(page.locator("#detail h1")).to_contain_text("cancelled")
    cleanup = page.locator("#cleanup")
    expect(cleanup).to_contain_text("asked for by olga")
    expect(cleanup).to_contain_text("of 1,001 files are out of the books")
    acts = [button.get_attribute("data-act") for button in page.locator("#detail button[data-act]").all()]
    assert acts == ["derive", "clone", "stop"], acts
    page.locator("#cleanup button[data-act=stop]").click()
    confirm(page)
    expect(cleanup).to_contain_text("stopped by")
    expect(page.locator("#detail button[data-act=clean]")).to_have_text("Delete its outputs …")


def check_viewer(page: Page, url: str) -> None:
    expect(page.locator("#who")).to_contain_text("viewer")
    for path, heading in (("request/2", "Request 2"), ("task/3", "Task 3"), ("request/3", "Request 3")):
        page.goto(f"{url}/requests#{path}")
        expect(page.locator("#detail h1")).to_contain_text(heading)
        expect(page.locator("#history tbody tr")).not_to_have_count(0)
        assert page.locator("#detail button, #detail input").count() == 0, f"{path}: a viewer is offered a change"


def main(url: str, folder: str) -> None:
    with chromium() as browser:
        for scheme, width in (*LOOKS, ("light", 400)):
            context, page, complaints = open_page(browser, url, "/requests", scheme, width)
            check_list(page)
            check_look(page, scheme, width, f"{folder}/requests")
            check_filters(page)
            check_request(page)
            check_look(page, scheme, width, f"{folder}/requests-request")
            check_task(page, url)
            check_look(page, scheme, width, f"{folder}/requests-task")
            page.goto(f"{url}/requests#request/1")
            act(page, "clean")
            expect(page.locator("#confirm-lines")).to_be_visible()
            check_look(page, scheme, width, f"{folder}/requests-confirm")
            assert not complaints, complaints
            context.close()
        context, page, complaints = open_page(browser, url, "/requests", "dark", 1440, "MILLRACE_VIEWER_TOKEN")
        check_viewer(page, url)
        assert not complaints, complaints
        context.close()
        context, page, complaints = open_page(browser, url, "/requests", "light", 1440)
        check_hold(page, url)
        check_change(page)
        check_typing(page, complaints)
        check_stale(page, url)
        page.screenshot(path=f"{folder}/requests-refused.png", full_page=True)
        check_task_actions(page, url)
        check_clone(page, url)
        check_cancel(page, url)
        page.screenshot(path=f"{folder}/requests-cleanup.png", full_page=True)
        # The browser itself complains of an answer 400 or 409.
        assert all("400" in line or "409" in line for line in complaints), complaints
        context.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("PASSED", flush=True)
