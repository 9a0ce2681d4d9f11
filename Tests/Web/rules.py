"""Looks at the page of rules with a real browser, changes rules with it, and fails with a line that says what is wrong.

usage: MILLRACE_TOKEN=... MILLRACE_VIEWER_TOKEN=... rules.py URL FOLDER
The caller seeds the rules and the failures; the token is an operator's.
"""

import sys

from browser import LOOKS, check_look, chromium, open_page
from playwright.sync_api import Page, Route, expect

MARKUP = "<img src=x onerror="


def answer(page: Page, path: str) -> dict:
    return page.evaluate("path => fetch('/api/v1' + path).then(answer => answer.json())", path)


def tried(rule: dict) -> tuple:
    """The order in which the Monitor tries rules."""
    scopes = sum(value is not None for value in rule["scope"].values())
    width = 10_000 if rule["code_first"] is None else rule["code_last"] - rule["code_first"]
    return rule["priority"], -scopes, rule["pattern"] is None, width, rule["rule"]


def row(page: Page, rule: str):
    return page.locator(f"#overview tr[data-key='{rule}']")


def check_tables(page: Page) -> None:
    rules = answer(page, "/rules?limit=10000")["items"]
    for kind in ("blame", "action"):
        of_kind = [rule["rule"] for rule in sorted(rules, key=tried) if rule["kind"] == kind]
        expect(page.locator(f"#{kind} tbody tr")).to_have_count(len(of_kind))
        shown = page.locator(f"#{kind} .rule-name").all_inner_texts()
        assert shown == of_kind, f"{kind}: not in the order in which they are tried"
    expect(page.locator("#total")).to_contain_text(f"{len(rules)} rules")
    expect(row(page, "payload")).to_contain_text("1000–1999")
    expect(row(page, "input-on-tape")).to_contain_text("pause 30 min exponential ± 20 % up to 6 h, limit 40")
    uses = {use["rule"]: use for use in answer(page, "/errors/rules?since=7d")["items"]}
    expect(row(page, "payload").locator("td.n").first).to_have_text(str(uses["payload"]["decided"]))
    expect(row(page, "quiet").locator("td.n").first).to_have_text(f"{uses['quiet']['observed']} would have")
    expect(row(page, "quiet")).to_contain_text("only observed")
    expect(row(page, "quiet")).to_contain_text(MARKUP)


def check_filters(page: Page) -> None:
    text = page.locator("#text")
    text.fill("6005")
    expect(row(page, "preempted")).to_be_visible()
    expect(row(page, "payload")).to_have_count(0)
    text.fill("tape takes")
    expect(page.locator("#action tbody tr")).to_have_count(1)
    expect(page.locator("#blame")).to_contain_text("No rule is like that.")
    text.fill("")
    page.locator("#state button", has_text="only observed").click()
    expect(page.locator("#action tbody tr")).to_have_count(1)
    page.locator("#state button", has_text="all").click()
    page.locator("#kind button", has_text="blame").click()
    expect(page.locator("#action-panel")).to_be_hidden()
    page.locator("#kind button", has_text="both").click()
    expect(page.locator("#action-panel")).to_be_visible()


def check_wrong_rule(page: Page, url: str) -> None:
    """What is wrong with a rule is said at the form, and what was typed is still there."""
    page.locator("#new").click()
    form = page.locator("#rule-form")
    form.locator("[name=rule]").fill("lost-tpc")
    form.locator("[name=pattern]").fill("(a+)+$")
    form.locator("#form-add").click()
    said = page.locator("#form-said")
    expect(said).to_contain_text("Refused: rule lost-tpc: the pattern (a+)+$ is refused")
    form.locator("[name=pattern]").fill("no file")
    form.locator("[name=code_first]").fill("many")
    form.locator("#form-add").click()
    expect(said).to_have_text("Refused: code_first must be a whole number.")
    expect(form.locator("[name=rule]")).to_have_value("lost-tpc")
    assert answer(page, "/rules?rule=lost-tpc")["items"] == [], "a wrong rule was added"


def check_left_out(page: Page) -> None:
    """What the rule was not tried on is said."""
    tested = page.locator("#form-tested")
    expect(tested).not_to_contain_text("looked at")

    def partly(route: Route) -> None:
        told = route.fetch()
        shown = told.json()
        shown["result"] |= {"looked_at": 50_000, "failures": 50_000, "complete": False, "archived": 2}
        route.fulfill(response=told, json=shown)

    page.route(lambda url: url.endswith("/api/v1/rules/test"), partly)
    page.locator("#form-test").click()
    expect(tested).to_contain_text("Of the newest 50,000 failures of the last 7 days, this rule decides")
    expect(tested).to_contain_text("Only the newest 50,000 failures were looked at: there are more in the last 7 days. 2 archived tasks were not looked at.")
    page.unroute_all(behavior="wait")


def check_good_rule(page: Page) -> None:
    """Tested, then added: it is in the table and in the audit, with who did it."""
    form = page.locator("#rule-form")
    expect(form.locator("[name=action]")).to_be_hidden()
    form.locator("[name=kind][value=action]").check()
    expect(form.locator("[name=blame]")).to_be_hidden()
    form.locator("[name=code_first]").fill("8101")
    form.locator("[name=priority]").fill("40")
    form.locator("[name=action]").select_option("abort")
    form.locator("[name=why]").fill("The geometry has no TPC.")
    form.locator("#form-test").click()
    wanted = page.evaluate(
        """() => fetch('/api/v1/rules/test', { method: 'POST', headers: { 'X-Millrace': '1' }, body: JSON.stringify(
               { rule: 'lost-tpc', action: 'abort', code_first: 8101, priority: 40, pattern: 'no file', since: '7d' }) })
               .then(answer => answer.json()).then(answer => answer.result)"""
    )
    assert 0 < wanted["decided"] < wanted["failures"] and wanted["changes"], wanted
    tested = page.locator("#form-tested")
    different = sum(change["count"] for change in wanted["changes"])
    expect(tested).to_contain_text(f"Of the {wanted['failures']} failures of the last 7 days, this rule decides {wanted['decided']}")
    expect(tested).to_contain_text(f"{different} verdicts are different with it than without it")
    expect(tested.locator("tbody tr")).to_have_count(len(wanted["changes"]))
    expect(tested.locator("tbody")).to_contain_text(wanted["changes"][0]["after"])
    check_left_out(page)
    form.locator("#form-add").click()
    detail = page.locator("#detail")
    expect(detail.locator("h1")).to_contain_text("lost-tpc only observed")
    expect(detail).to_contain_text("rule lost-tpc added: 8101, pattern \"no file\": abort")
    expect(page.locator("#history tbody tr")).to_have_count(1)
    expect(page.locator("#history tbody tr")).to_contain_text("olga")
    expect(page.locator("#history tbody tr")).to_contain_text("added")


def check_switches(page: Page) -> None:
    detail = page.locator("#detail")
    detail.locator("button", has_text="Let it decide").click()
    expect(detail.locator("h1")).to_contain_text("lost-tpc deciding")
    expect(page.locator("#history tbody tr").first).to_contain_text("decides")
    detail.locator("#days").fill("3")
    detail.locator("button", has_text="Test it").click()
    expect(page.locator("#tested")).to_contain_text("failures of the last 3 days, this rule decides")
    detail.locator("button", has_text="Only observe").click()
    expect(detail.locator("h1")).to_contain_text("lost-tpc only observed")
    expect(page.locator("#history tbody tr")).to_have_count(3)
    page.locator(".crumbs a").first.click()
    expect(row(page, "lost-tpc")).to_contain_text("only observed")
    expect(page.locator("#changes .change").first).to_contain_text("lost-tpc")
    expect(page.locator("#changes .change").first).to_contain_text("only observed")
    expect(page.locator("#changes")).not_to_contain_text("payload")
    row(page, "lost-tpc").locator("a").first.click()


def check_removal(page: Page) -> None:
    """Asked twice; what is gone keeps its history."""
    detail = page.locator("#detail")
    detail.locator("button", has_text="Remove").click()
    detail.locator("button", has_text="Yes, remove it").click()
    expect(detail).to_contain_text("This rule is gone; its history stays.")
    expect(page.locator("#history tbody tr").first).to_contain_text("removed")
    expect(page.locator("#history tbody tr")).to_have_count(4)
    page.locator(".crumbs a").first.click()
    expect(row(page, "payload")).to_be_visible()
    expect(row(page, "lost-tpc")).to_have_count(0)
    changes = [(change["change"], change["who"]) for change in answer(page, "/rule-changes?rule=lost-tpc")["items"]]
    assert changes == [(word, "olga") for word in ("added", "changed", "changed", "removed")], changes


def check_elsewhere(page: Page) -> None:
    """What somebody else changes is seen without a hand."""
    status = page.evaluate("() => fetch('/api/v1/rules/quiet/enable', { method: 'POST', headers: { 'X-Millrace': '1' } }).then(answer => answer.status)")
    assert status == 200, status
    expect(row(page, "quiet")).not_to_contain_text("only observed", timeout=20_000)


def check_viewer(page: Page, url: str) -> None:
    expect(page.locator("#who")).to_contain_text("viewer")
    expect(row(page, "payload")).to_be_visible()
    expect(page.locator("#new")).to_be_hidden()
    row(page, "payload").locator("a").first.click()
    expect(page.locator("#detail h1")).to_contain_text("payload")
    expect(page.locator("#history tbody tr")).not_to_have_count(0)
    assert page.locator("#detail button, #detail input").count() == 0, "a viewer is offered a change"
    page.goto(f"{url}/rules#add")
    expect(page.locator("#form")).to_contain_text("Only an operator may add a rule.")
    assert page.locator("#rule-form").count() == 0, "a viewer is offered the form"


def main(url: str, folder: str) -> None:
    with chromium() as browser:
        for scheme, width in LOOKS:
            context, page, complaints = open_page(browser, url, "/rules", scheme, width)
            check_tables(page)
            check_look(page, scheme, width, f"{folder}/rules")
            check_filters(page)
            page.goto(f"{url}/rules#rule/quiet")
            expect(page.locator("#detail .because")).to_contain_text(MARKUP)
            check_look(page, scheme, width, f"{folder}/rules-rule")
            page.goto(f"{url}/rules#add")
            expect(page.locator("#rule-form")).to_be_visible()
            page.locator("[name=kind][value=action]").check()
            check_look(page, scheme, width, f"{folder}/rules-form")
            assert not complaints, complaints
            context.close()
        context, page, complaints = open_page(browser, url, "/rules", "light", 1440)
        check_wrong_rule(page, url)
        # The browser itself complains of an answer 400, and of nothing else so far.
        assert all("400" in line for line in complaints), complaints
        complaints.clear()
        check_good_rule(page)
        check_switches(page)
        assert not complaints, complaints
        page.wait_for_function("() => document.querySelector('#history')")
        page.screenshot(path=f"{folder}/rules-tested.png", full_page=True)
        check_removal(page)
        check_elsewhere(page)
        assert all("404" in line for line in complaints), complaints
        context.close()
        context, page, complaints = open_page(browser, url, "/rules", "dark", 1440, "MILLRACE_VIEWER_TOKEN")
        check_viewer(page, url)
        assert not complaints, complaints
        context.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("PASSED", flush=True)
