#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Drives the console in Chromium among ten live nodes, three of which lie.

    .build/python/bin/python Tools/console/drive.py .build/release/recount [--pictures FOLDER]
    .build/python/bin/python Tools/console/drive.py .build/release/recount --home HOME

Every page, every kind of link, what is wrong and how it is told, other times, certificates true and
false, two nodes compared, hostile answers, keys and names for screen readers. Exits 0 where all
holds, and says what does not. With --home it starts the node of a home and measures how long the
first view of each page takes.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from nodes import LEDGER_NAME, PATIENCE, Network, spawn
from playwright.sync_api import Error, sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
WIDTHS = (320, 1280, 2560)
TABS = ("now", "requests", "validators", "disputes", "log", "compare", "check")
HOSTILE = "<img src=x onerror=window.hit=1><script>window.hit=1</script>\u202e"


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    sys.exit("there is no Chromium: apt-get install chromium")


class Driver:
    """A browser, what goes wrong in it, and what is checked."""

    def __init__(self, browser, base, pictures):
        self.browser, self.base, self.pictures = browser, base, pictures
        self.faults, self.checks, self.shown = [], 0, []

    def need(self, holds, what):
        self.checks += 1
        if not holds:
            self.faults.append(what)
            print(f"  FAULT {what}", flush=True)

    def page(self, width=1280, scheme="light", others=(), quiet=False, **options):
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme,
            reduced_motion="reduce", **options)
        page = context.new_page()
        allowed = (self.base, *others, "data:", "blob:", "file:")

        def asked(request):
            if not request.url.startswith(allowed):
                self.need(False, f"{page.url} asked {request.url}")

        def said(message):
            if message.type in ("error", "warning") and not quiet:
                self.need(False, f"{page.url} says {message.type}: {message.text}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: self.need(False, f"{page.url} threw {error}"))
        page.on("dialog", lambda dialog: (self.need(False, "a dialog"), dialog.dismiss()))
        page.set_default_timeout(PATIENCE * 1000)
        return page

    def go(self, page, path):
        """Opens a place of the console, and waits until it is shown."""
        page.goto(self.base + "/" + path)
        self.settle(page, path)

    def settle(self, page, path):
        page.wait_for_selector(f'html[data-shown={json.dumps(path)}] main[aria-busy="false"]',
                               state="attached")
        page.wait_for_load_state("load")

    def count(self, page, what):
        return page.locator(what).count()

    def text(self, page, what):
        return page.locator(what).first.inner_text()


def code(name):
    """A function in JavaScript, without the comment before it."""
    return re.sub(r"\A(//.*\n|\n)*", "", (HERE / name).read_text()).rstrip()


def shape(address):
    """Links of one shape lead to one kind of page: numbers and identities are alike."""
    text = re.sub(r"[0-9a-f]{16,}", "ID", address)
    return re.sub(r"\d+", "N", text)


# What is checked

def units(driver, version):
    page = driver.page()
    driver.go(page, "#/now")
    for wrong in page.evaluate(code("units.js"), f"/console/{version}"):
        driver.need(False, f"unit: {wrong}")
    driver.checks += 1
    page.context.close()


def every_link(driver, network):
    """Opens one link of each shape that is found anywhere, from the tabs on."""
    page = driver.page(others=tuple(network.url(number) for number in range(2, 11)))
    waiting = [f"#/{tab}" for tab in TABS] + ["#/now?at=5", "#/validators?at=5", "#/requests?at=5",
                                              "#/log?at=5", "#/disputes?at=5", "#/log?view=rows",
                                              "#/disputes?show=pairs", "#/disputes?show=cases"]
    seen = {shape(address) for address in waiting}
    paths = set()
    while waiting:
        address = waiting.pop()
        driver.go(page, address)
        driver.shown.append(address)
        # Late parts of pages come by themselves.
        page.wait_for_timeout(100)
        driver.need(driver.count(page, "main .say.bad[role=alert]") == 0,
                    f"{address} is not shown: {page.locator('main').inner_text()[:200]}")
        driver.need(driver.count(page, "h1") == 1, f"{address} has not one heading")
        driver.need(page.title() != "Recount", f"{address} has no title")
        names = page.evaluate("""() => [...document.querySelectorAll(
            'a, button, input, select, summary')].filter((one) => one.offsetParent !== null &&
            !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length))
            .map((one) => one.outerHTML)""")
        driver.need(not names, f"{address} has things without names: {names[:3]}")
        for found in page.eval_on_selector_all("a[href]", "all => all.map((a) => a.getAttribute('href'))"):
            if found.startswith("#/"):
                if shape(found) not in seen and len(seen) < 150:
                    seen.add(shape(found))
                    waiting.append(found)
            elif found.startswith("/"):
                paths.add(re.sub(r"[0-9]+$", "1", found))
            else:
                driver.need(found == "#main", f"{address} links to {found}")
    for path in sorted(paths):
        status = page.request.get(driver.base + path).status
        driver.need(status in (200, 409), f"{path} answers {status}")
    page.context.close()
    return len(seen)


def now_page(driver, network):
    page = driver.page()
    driver.go(page, "#/now")
    body = page.locator("main")
    driver.need("convicted" in body.inner_text(), "Now tells of no conviction")
    driver.need(driver.count(page, ".card") == 10, "Now shows not ten validators")
    before = int(re.sub(r"\D", "", page.locator("dt:text-is('Height') + dd").inner_text()))
    network.submit(60, 62)
    page.wait_for_selector("span.live:has-text('live')")
    network.wait("the page to follow", lambda: int(re.sub(
        r"\D", "", page.locator("dt:text-is('Height') + dd").inner_text())) > before)
    driver.checks += 1
    # What is wrong stands first, in a sentence with a link.
    def lie(route):
        answer = route.fetch()
        said = answer.json()
        said["reasons"] = ["behind: it is told so by a test"]
        route.fulfill(response=answer, json=said)
    page.route("**/overview", lie)
    driver.go(page, "#/requests")
    driver.go(page, "#/now")
    first = page.locator("main .say").first
    driver.need("told so by a test" in first.inner_text() and first.locator("a").count() == 1,
                "what is wrong does not stand first with a link")
    page.context.close()


def request_page(driver, network, identity):
    page = driver.page()
    driver.go(page, f"#/request/{identity}")
    driver.need(driver.count(page, ".grid tbody tr") == 10, "the matrix has not ten rows")
    driver.need(driver.count(page, ".grid .decides") == 1, "not one vote decides")
    said = network.json(f"/requests/{identity}/history")
    place = page.locator(".grid .decides a").get_attribute("href")
    driver.need(place == f"#/entry/{said['deciding']}", "another vote is said to decide")
    page.wait_for_selector("text=as this node verified it just now")
    page.wait_for_selector("text=Recounted.")
    driver.need(driver.count(page, "text=voted against the mathematics") == 1,
                "nobody is told to contradict the proof")
    # As of the batch before, and as of before the request.
    driver.go(page, f"#/request/{identity}?at={said['batch'] - 1}")
    driver.need("did not hold this request yet" in page.locator("main").inner_text(),
                "a request is shown before it was")
    page.context.close()


def search(driver, identity):
    page = driver.page()
    driver.go(page, "#/now")
    field = page.get_by_role("searchbox")
    field.fill(identity[:9])
    field.press("Enter")
    page.wait_for_selector(f"h1:has-text({json.dumps(identity[:16])})")
    field.fill("validator-1")
    field.press("Enter")
    page.wait_for_selector("#found a >> nth=1")
    driver.need(driver.count(page, "#found a") == 2, "validator-1 and validator-10 are not found")
    field.fill("zzz")
    field.press("Enter")
    page.wait_for_selector("text=Nothing is called")
    page.context.close()


def other_times(driver, network):
    page = driver.page()
    height = 3
    sealed = network.json(f"/batches/{height}")["sealed"]
    driver.go(page, f"#/log?at={height}")
    cells = page.eval_on_selector_all(".tape .cell", "all => all.map((a) => a.getAttribute('href'))")
    driver.need(len(cells) == sealed + 1 and cells[-1] == f"#/entry/{sealed}?at={height}",
                "the tape goes beyond its time")
    driver.go(page, f"#/validators?at={height}")
    then = {row["name"]: row for row in network.json(f"/validators?at={height}")["validators"]}
    now = {row["name"]: row for row in network.json("/validators")["validators"]}
    driver.need(then["validator-1"]["reputation"] != now["validator-1"]["reputation"],
                "reputations of another time are those of now")
    # What the node says of that time is what its log says: the last change up to the batch.
    known = {}
    for row in network.json(f"/log?from=0&kind=reputationChanged&limit=1000")["entries"]:
        if row["entry"] <= sealed:
            known[row["fields"]["validator_name"]] = row["fields"]["after"]
    for name, reputation in known.items():
        driver.need(then[name]["reputation"] == reputation, f"{name} had {reputation} at {height}")
    # The answers are those of the rounds that were closed then.
    driver.go(page, f"#/now?at={height}")
    rows = network.json(f"/requests?at={height}&limit=20")["requests"]
    closed = sum("closed" in row for row in rows)
    driver.need(page.locator(".card").first.locator(".strip span").count() == closed,
                f"not {closed} answers at {height}")
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_selector(f"#travel.past:has-text('after batch {height + 1}')")
    page.get_by_text("back to now").click()
    page.wait_for_selector("#travel:not(.past)")
    driver.need("at=" not in page.url, "now is not now")
    page.context.close()


def keys(driver):
    page = driver.page()
    driver.go(page, "#/log")
    page.keyboard.press("Tab")
    driver.need(page.evaluate("document.activeElement.id") == "skip", "the first stop is not the way past")
    page.keyboard.press("Enter")
    driver.need(page.evaluate("document.activeElement.id") == "main", "the way past leads nowhere")
    cell = page.locator(".tape .cell").first
    cell.focus()
    page.keyboard.press("ArrowRight")
    second = page.locator(".tape .cell").nth(1).get_attribute("aria-label")
    driver.need(page.evaluate("document.activeElement.getAttribute('aria-label')") == second,
                "an arrow does not move along the tape")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Entry')")
    driver.need(page.evaluate("document.activeElement.tagName") == "H1",
                "a new page does not take the focus to its heading")
    page.wait_for_selector("#inclusion.good")
    page.context.close()


def certificates(driver, network, identity):
    network.wait("a certificate", lambda: network.get(f"/requests/{identity}/certificate"))
    ledger = network.json("/status")["ledger"]
    good = network.get(f"/requests/{identity}/certificate")
    page = driver.page()
    driver.go(page, f"#/check?request={identity}&ledger={ledger}")
    driver.need(driver.text(page, "#verdict").startswith("Valid."), driver.text(page, "#verdict"))
    driver.need(driver.count(page, '#checks [data-state="holds"][data-check="proof"]') == 1,
                "the proof was not verified in the browser")
    drop = page.locator("input[type=file]")

    def verdict(data):
        page.evaluate("document.getElementById('verdict')?.removeAttribute('id')")
        drop.set_input_files({"name": "x.rcct", "mimeType": "application/octet-stream",
                              "buffer": bytes(data)})
        page.wait_for_selector("#verdict")
        return driver.text(page, "#verdict")

    # Bytes all over the file: none may change unseen.
    step = max(1, len(good) // 40)
    for place in range(0, len(good), step):
        bad = bytearray(good)
        bad[place] ^= 1 << (place % 8)
        said = verdict(bad)
        driver.need(said.startswith(("Not valid", "No certificate")), f"byte {place} changed: {said}")
    driver.need(verdict(good[:-1]).startswith("No certificate"), "a certificate cut short")
    driver.need(verdict(good + b"\0").startswith("No certificate"), "a certificate and a byte")
    driver.need(verdict(good).startswith("Valid."), "the true one")
    page.locator("input[name=ledger]").fill("ab" * 32)
    page.get_by_role("button", name="Check again").click()
    page.wait_for_selector("#verdict:has-text('Not valid')")
    driver.checks += 1
    page.context.close()
    # Every decision that there is, as the command judges it.
    page = driver.page()
    for row in network.json("/requests?limit=1000")["requests"][::9]:
        network.wait("a certificate of each",
                     lambda: network.get(f"/requests/{row['request_id']}/certificate"))
        driver.go(page, f"#/check?request={row['request_id']}&ledger={ledger}")
        driver.need(driver.text(page, "#verdict").startswith("Valid."), row["request_id"])
    page.context.close()
    alone(driver, network, good, ledger)


def alone(driver, network, good, ledger):
    """The page of its own."""
    path = network.folder / "decision.rcct"
    path.write_bytes(good)
    out = network.folder / "decision.html"
    network.run("certificate", "page", path, "--out", out)
    page = driver.page(offline=True)
    page.goto(out.as_uri())
    page.wait_for_selector("html[data-shown=page]", state="attached")
    said = driver.text(page, "#verdict")
    driver.need(said.startswith("Valid.") and "only you can say" in said, f"alone: {said}")
    page.locator("input[name=ledger]").fill(ledger)
    page.get_by_role("button", name="Check again").click()
    page.wait_for_selector("#verdict.good")
    picture(driver, page, "certificate-page", 1280, "light")
    page.context.close()
    bad = bytearray(good)
    bad[-1] ^= 1
    path.write_bytes(bad)
    network.run("certificate", "page", path, "--out", out, "--force")
    page = driver.page(offline=True)
    page.goto(out.as_uri())
    page.wait_for_selector("#verdict:has-text('Not valid')")
    driver.checks += 1
    page.context.close()


def compared(driver, network):
    other = network.url(2)
    page = driver.page(others=(other,), quiet=True)
    driver.go(page, f"#/compare?with={other}")
    page.wait_for_selector("#difference")
    driver.need("No difference" in driver.text(page, "#difference"), driver.text(page, "#difference"))
    # Another that lies from a batch on.
    lie = 7
    entry = network.json(f"/batches/{lie}")["entry"] + 1

    def changed(route):
        answer = route.fetch(headers={**route.request.headers, "origin": network.url()})
        said = answer.json()
        if said["batch"] >= lie:
            said["root"] = "ab" * 32
        route.fulfill(response=answer, json=said)

    def forged(route):
        answer = route.fetch(headers={**route.request.headers, "origin": network.url()})
        said = answer.json()
        if said["from"] > entry:
            said["from_root"] = "cd" * 32
        route.fulfill(response=answer, json=said)

    page.route(f"{other}/batches/*", changed)
    page.route(f"{other}/proof/consistency*", forged)
    driver.go(page, "#/now")
    driver.go(page, f"#/compare?with={other}")
    page.wait_for_selector("#difference.bad")
    page.wait_for_selector("text=The first entry that differs")
    body = page.locator("main").inner_text()
    driver.need(f"in batch {lie}" in body, f"another first batch: {body[:300]}")
    driver.need(driver.count(page, f'main section a[href="#/entry/{entry}"]') > 0,
                "another first entry")
    # Nobody who is not listed is asked, whatever the address says.
    driver.go(page, "#/compare?with=http://127.0.0.1:1")
    driver.need(driver.count(page, "#difference") == 0, "a stranger was asked")
    page.context.close()
    # Pages of others may not read this node.
    with urllib.request.urlopen(urllib.request.Request(
            network.url() + "/status", headers={"Origin": "http://evil.example"})) as answer:
        driver.need(answer.headers["Access-Control-Allow-Origin"] is None, "strangers may read")


def hostile(driver, network, identity):
    """A node that says nothing but markup: none of it is run, and the pages stay up."""
    page = driver.page(quiet=True)

    def poison(value, key=""):
        if isinstance(value, dict):
            return {name: poison(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [poison(one, key) for one in value]
        if isinstance(value, str) and key not in (
                "verdict", "kind", "outcome", "answer", "vote", "request_id", "about_id"):
            return HOSTILE
        return value

    def answer(route):
        said = route.fetch()
        if "json" not in said.headers.get("content-type", ""):
            return route.fulfill(response=said)
        return route.fulfill(response=said, json=poison(said.json()))

    page.route(re.compile(r"^(?!.*/(console|events)).*$"), answer)
    for address in (*(f"#/{tab}" for tab in TABS), "#/log?view=rows", f"#/request/{identity}",
                    "#/validator/8", "#/entry/0", "#/entry/2", "#/disputes?show=evidence",
                    "#/disputes?show=pairs", "#/disputes?show=cases", "#/now?at=5",
                    f"#/{HOSTILE}", f"#/entry/{HOSTILE}", f"#/log?from={HOSTILE}&kind={HOSTILE}"):
        page.goto(driver.base + "/" + address)
        page.wait_for_selector("main[aria-busy=false]", state="attached")
        page.wait_for_timeout(200)
        driver.need(page.evaluate("window.hit === undefined"), f"{address} ran what it was told")
        driver.need(page.evaluate("document.querySelectorAll('img, main script, iframe').length") == 0,
                    f"{address} has markup of others in it")
    page.unroute_all()
    page.context.close()
    # The ledger's own name is markup here, and stands in its first entry.
    page = driver.page()
    driver.go(page, "#/entry/0")
    driver.need(LEDGER_NAME in page.locator("main").inner_text(), "the name is not shown as it is")
    driver.need(page.evaluate("window.hit === undefined"), "the name of the ledger ran")
    page.context.close()


def headers(driver, network):
    with urllib.request.urlopen(network.url() + "/") as answer:
        said, text = answer.headers, answer.read().decode()
    policy = said["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'",
                 "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
        driver.need(part in policy, f"the policy lacks {part}")
    driver.need("unsafe-inline" not in policy and "*" not in policy, policy)
    driver.need(said["X-Content-Type-Options"] == "nosniff", "types may be guessed")
    version = re.search(r"console/([0-9a-f]{16})/app.js", text).group(1)
    with urllib.request.urlopen(f"{network.url()}/console/{version}/app.js") as answer:
        driver.need("immutable" in answer.headers["Cache-Control"], "files are asked for again")
    again = urllib.request.Request(network.url() + "/", headers={"If-None-Match": said["ETag"]})
    try:
        urllib.request.urlopen(again)
        driver.need(False, "the page is sent again to who has it")
    except urllib.error.HTTPError as error:
        driver.need(error.code == 304, f"the page again: {error.code}")
    return version


def picture(driver, page, name, width, scheme):
    if driver.pictures:
        page.screenshot(path=str(driver.pictures / f"{name}-{width}-{scheme}.png"), full_page=True)


def pictures(driver, identity, entry):
    places = {tab: f"#/{tab}" for tab in TABS} | {
        "rows": "#/log?view=rows", "request": f"#/request/{identity}", "validator": "#/validator/8",
        "entry": f"#/entry/{entry}", "evidence": "#/disputes?show=evidence",
        "pairs": "#/disputes?show=pairs", "past": "#/now?at=5",
        "verdict": f"#/check?request={identity}"}
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            page = driver.page(width, scheme)
            for name, address in places.items():
                driver.go(page, address)
                page.wait_for_timeout(80)
                over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                driver.need(over <= 0, f"{address} is {over} pixels too wide at {width}")
                picture(driver, page, name, width, scheme)
            page.context.close()


def contrast(driver):
    """Text against what is behind it: at least 4.5 to 1 in both schemes (WCAG 1.4.3)."""
    for scheme in ("light", "dark"):
        page = driver.page(scheme=scheme)
        for tab in TABS:
            driver.go(page, f"#/{tab}")
            found = page.evaluate(code("contrast.js"))
            driver.need(not found, f"#/{tab} in {scheme}: {found[:3]}")
        page.context.close()


def measure(recount, home, browser, turns=5):
    """How long the first view of each page takes, from a cold cache of the browser."""
    port = 15900
    node = spawn([recount, "node", str(home), "--api", f"127.0.0.1:{port}"],
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(base + "/status") as answer:
                    status = json.load(answer)
                urllib.request.urlopen(base + "/requests?limit=1").read()
                break
            except OSError:
                if time.monotonic() > end:
                    sys.exit("the node does not answer")
                time.sleep(0.3)
        print(f"{status['size']} entries, height {status['height']}")
        for tab in ("now", "requests", "validators", "disputes", "log", "entry/1", "now?at=9"):
            took = []
            for _ in range(turns):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                page = context.new_page()
                page.goto(f"{base}/#/{tab}")
                page.wait_for_selector("html[data-shown]", state="attached", timeout=60_000)
                took.append(page.evaluate("Number(document.documentElement.dataset.took)"))
                context.close()
            print(f"  {tab:12} {sorted(took)[len(took) // 2]:6.0f} ms, worst {max(took):.0f}")
    finally:
        node.terminate()
        node.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recount", help="the program")
    parser.add_argument("--pictures", type=pathlib.Path, help="where pictures of the pages go")
    parser.add_argument("--home", help="measure the first views of the node of this home")
    parser.add_argument("--port", type=int, default=15600, help="the first of 40 ports")
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recount-console-") as folder, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        if options.home:
            measure(options.recount, options.home, browser)
            return
        network = Network(options.recount, folder, options.port)
        try:
            network.start()
            network.wait("all nodes to reach each other",
                         lambda: all(network.json("/status", n)["reachable"] == 10 for n in (1, 2)))
            network.submit(0, 60)
            driver = Driver(browser, network.url(), options.pictures)
            rows = network.json("/requests?outcome=approved&limit=2")["requests"]
            identity, entry = rows[0]["request_id"], rows[0]["entry"]
            parts = [
                ("headers", lambda: headers(driver, network)),
                ("units", lambda: units(driver, headers(driver, network))),
                ("now", lambda: now_page(driver, network)),
                ("request", lambda: request_page(driver, network, identity)),
                ("search", lambda: search(driver, identity)),
                ("other times", lambda: other_times(driver, network)),
                ("keys", lambda: keys(driver)),
                ("certificates", lambda: certificates(driver, network, identity)),
                ("compare", lambda: compared(driver, network)),
                ("hostile", lambda: hostile(driver, network, identity)),
                ("contrast", lambda: contrast(driver)),
                ("links", lambda: every_link(driver, network)),
                ("pictures", lambda: pictures(driver, identity, entry)),
            ]
            for name, part in parts:
                start = time.monotonic()
                try:
                    part()
                except Error as error:
                    driver.need(False, f"{name}: {error}")
                print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)
        finally:
            network.end()
            browser.close()
    print(f"{driver.checks} checks, {len(driver.faults)} faults, {time.monotonic() - begun:.0f} s")
    sys.exit(1 if driver.faults else 0)


if __name__ == "__main__":
    main()
