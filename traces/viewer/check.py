#!/usr/bin/env python3
"""Opens pages of the viewer in headless Chromium and uses them as people do: clicks, scrubs, filters, searches.

    traces/viewer/check.py SEEDBED [--pictures DIR] [TRACE...]

SEEDBED is the tool; the traces are those of the corpus, if none are named. Chromium is driven by chromedriver over HTTP
(the W3C's WebDriver protocol), so that this needs nothing but Python. Exit codes: 0 all is well; 1 something is not,
which is said; 3 there is no browser, so nothing was tested.
"""

import argparse
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parent / "corpus"
KEY = {"right": "\ue014", "left": "\ue012", "home": "\ue011", "end": "\ue010", "shift": "\ue008"}
# Scrubbing is to be smooth: 30 frames a second. A machine that is busy with other things gets half of that.
WANTED_FPS, ACCEPTED_FPS = 30, 15
# A long run: so many events at least, and the time that it takes a cluster of five to have them.
LONG_EVENTS, LONG_SETTLE = 100_000, "320s"
HOSTILE = "</script><img src=x onerror=\"window.broken=1\">"


class Browser:
    """A session of WebDriver."""

    def __init__(self, directory):
        binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        driver = shutil.which("chromedriver")
        if binary is None or driver is None:
            print("no browser: chromium and chromedriver are not installed; the viewer was not tested")
            sys.exit(3)
        self.driver = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        port = None
        while port is None:
            line = self.driver.stdout.readline()
            if line == "":
                raise RuntimeError("chromedriver ended before it was ready")
            port = re.search(r"started successfully on port (\d+)", line)
        self.base = f"http://127.0.0.1:{port.group(1)}"
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            f"--user-data-dir={directory}/profile", "--window-size=1280,800",
        ]
        options = {"binary": binary, "args": arguments}
        wanted = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": options}
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += f"/session/{session['sessionId']}"

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from error

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()

    def open(self, page):
        self.call("POST", "/url", {"url": page.as_uri()})
        self.frames()

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, script, *arguments):
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def frames(self, count=4):
        """Waits until so many frames have been drawn."""
        self.wait_for("let n = arguments[0]; const done = arguments[1];"
                      "const next = () => (n-- > 0 ? requestAnimationFrame(next) : done());  next();", count)

    def find(self, selector):
        (element,) = self.call("POST", "/element", {"using": "css selector", "value": selector}).values()
        return element

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})
        self.frames()

    def press(self, *keys, shift=False):
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        if shift:
            actions = [{"type": "keyDown", "value": KEY["shift"]}, *actions, {"type": "keyUp", "value": KEY["shift"]}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})
        self.frames()

    def point(self, selector, x, y):
        """Clicks at a place of an element, from its middle."""
        origin = {"element-6066-11e4-a52e-4f735466cecf": self.find(selector)}
        move = {"type": "pointerMove", "duration": 0, "origin": origin, "x": round(x), "y": round(y)}
        actions = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})
        self.frames()

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def state(self):
        return self.run("return seedbed.state()")

    def complaints(self):
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def picture(self, file):
        file.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def size(self, width, height):
        self.call("POST", "/window/rect", {"width": width, "height": height})
        self.frames()


def check(holds, words):
    if not holds:
        raise AssertionError(words)


def use(browser, page, trace, pictures):
    """Does to a page what people do, and looks whether it does what they want."""
    browser.open(page)
    name = page.stem
    violation = trace["violation"]
    if pictures:
        browser.picture(pictures / f"{name}-light.png")

    start = browser.state()
    check(start["count"] > 0 and start["shown"] == start["count"], "not all events are shown")
    if violation:
        check(start["selected"] == start["count"] - 1, "the page does not begin at the violation")
        for said in (violation["property"], violation["message"]):
            check(said in browser.text("#verdict"), f"the verdict does not say {said!r}")
    check(trace.get("origin", {}).get("note", "") in browser.text("#notes"), "the note is missing")

    # Keys: every event can be reached, and what happened is said.
    browser.press(KEY["home"])
    check(browser.state()["selected"] == 0, "Home does not go to the first event")
    browser.press(KEY["right"], KEY["right"])
    check(browser.state()["selected"] == 2, "→ does not go to the next event")
    browser.press(KEY["left"])
    check(browser.state()["selected"] == 1, "← does not go to the event before")
    before = browser.text("#happening h2")
    browser.press(KEY["end"])
    check(browser.state()["selected"] == start["count"] - 1, "End does not go to the last event")
    check(browser.text("#happening h2") != before or start["count"] == 1, "the instant does not follow")
    browser.wait_for("setTimeout(arguments[0], 400)")
    check(f"of {start['count']}" in browser.text("#live"), "the live region does not tell the chosen event")

    # A click on the diagram chooses the event there.
    browser.press(KEY["home"])
    selected = set()
    for part in (-0.2, 0.1, 0.3):
        height = browser.run("return document.getElementById('canvas').clientHeight")
        browser.point("#canvas", 0, part * height)
        selected.add(browser.state()["selected"])
    check(len(selected) > 1, "clicks on the diagram choose nothing")

    # Scrubbing goes through the whole run, and the states of the nodes go with it.
    seen, states = set(), set()
    for step in range(11):
        browser.run("const s = document.getElementById('scrub'); s.value = arguments[0] * 1e5;"
                    "s.dispatchEvent(new Event('input', {bubbles: true}))", step)
        browser.frames(3)
        seen.add(browser.state()["selected"])
        states.add(browser.run("return document.getElementById('nodes').textContent"))
    check(len(seen) > 5, f"scrubbing stops at {sorted(seen)} only")
    check(len(states) > 1, "the nodes' states do not change while one scrubs")
    browser.click("#open-all")
    lines = browser.run("return document.querySelectorAll('#nodes pre').length")
    check(lines > 0, "no node has a state")
    browser.click("#open-all")

    # Search.
    word = browser.run("return document.querySelector('#filter-kinds label').firstChild.nextSibling.textContent")
    browser.click("#search")
    browser.press(*word)
    hits = browser.state()["hits"]
    check(0 < hits <= start["count"], f"searching for {word!r} finds {hits}")
    browser.press("\ue007")
    browser.run("const s = document.getElementById('search'); s.value = 'no such word'; s.dispatchEvent(new Event('input'))")
    browser.frames()
    check(browser.state()["hits"] == 0 and "nothing" in browser.text("#hits"), "what is not there is found")
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input')); s.blur()")

    # Filters, by kind of message and by node.
    browser.click("#filters > summary")
    browser.click("#filter-kinds label input")
    without_kind = browser.state()["shown"]
    check(without_kind < start["shown"], "a hidden kind of message is still shown")
    browser.click("#filter-nodes label input")
    without_node = browser.state()["shown"]
    check(without_node < without_kind, "a hidden node is still shown")
    columns = browser.run("return document.querySelectorAll('#heads .head:not(.time)').length")
    check(columns == len(trace["scenario"]["nodes"]) - 1, "a hidden node still has its line")
    browser.click("#show-all")
    check(browser.state()["shown"] == start["shown"], "not everything is shown again")
    browser.click("#filters > summary")

    # Tabs, the list of events, the story, the true scale, zoom.
    for tab in ("events", "operations", "story", "instant"):
        browser.click(f"#tab-{tab}")
        check(not browser.run("return document.getElementById(arguments[0]).hidden", tab), f"{tab} does not open")
        if pictures and tab != "instant":
            browser.picture(pictures / f"{name}-{tab}.png")
    browser.click("#first")
    browser.click("#tab-events")
    browser.click("#event-list [aria-posinset='3']")
    check(browser.state()["selected"] == 2, "a row of the list does not choose its event")
    browser.click("#tab-story")
    browser.click("#story-lines button")
    browser.click("#tab-instant")
    browser.run("const s = document.getElementById('scale'); s.value = 'true'; s.dispatchEvent(new Event('change'))")
    browser.frames()
    browser.run("const s = document.getElementById('scale'); s.value = 'even'; s.dispatchEvent(new Event('change'))")
    zoom = browser.state()["zoom"]
    browser.click("#zoom-in")
    check(browser.state()["zoom"] > zoom, "+ does not zoom in")
    browser.click("#whole")
    browser.click("#causes")
    browser.click("#causes")

    # Light and dark.
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(ground)
    browser.click("#theme")
    check(browser.run(ground) != light, "the theme does not change")
    if pictures:
        browser.run("document.getElementById('zoom-in').click()")
        browser.press(KEY["end"])
        browser.picture(pictures / f"{name}-dark.png")

    # Everything that can be used has a name.
    nameless = browser.run(
        "return Array.from(document.querySelectorAll('button, input, select, [role=listbox], [tabindex=\"0\"]'))"
        ".filter((it) => !(it.getAttribute('aria-label') || it.textContent.trim() || it.labels?.length || it.title))"
        ".map((it) => it.outerHTML)")
    check(nameless == [], f"without a name: {nameless}")
    check(browser.run("return document.images.length") == 0, "a text of the run became markup")
    check(browser.run("return window.broken") is None, "a text of the run was run")

    # Narrow windows: nothing is wider than the window.
    browser.size(500, 800)
    wide = browser.run("return document.documentElement.scrollWidth - window.innerWidth")
    check(wide <= 0, f"in a narrow window the page is {wide} pixels too wide")
    if pictures:
        browser.picture(pictures / f"{name}-narrow.png")
    browser.size(1280, 800)
    complaints = browser.complaints()
    check(complaints == [], f"the console says {complaints}")


def hostile(directory):
    """A kept trace with a note that would break out of the page."""
    trace = json.loads((CORPUS / "lock-pause-beyond-lease.json").read_text())
    trace["origin"]["note"] = HOSTILE
    file = directory / "hostile.json"
    file.write_text(json.dumps(trace))
    return file


def long_run(tool, directory):
    """A real run of Raft that goes on until it has a hundred thousand events."""
    file = directory / "long.json"
    subprocess.run([tool, "run", "raft", "--seed", "1", "--lines", "1", "--trace", file], check=True, stdout=subprocess.DEVNULL)
    trace = json.loads(file.read_text())
    trace["scenario"]["phases"]["settle"] = LONG_SETTLE
    file.write_text(json.dumps(trace))
    return file


def draw(tool, trace, directory):
    page = directory / f"{trace.stem}.html"
    subprocess.run([tool, "show", trace, "--as", "html", "--out", page], check=True)
    return page


def scrub(browser, page):
    """How smooth a page with a hundred thousand events is: the best of three tries, for machines have other work."""
    begun = time.monotonic()
    browser.open(page)
    opened = time.monotonic() - begun
    best = max((browser.wait_for("seedbed.measure(120).then(arguments[0])") for _ in range(3)), key=lambda tried: tried["fps"])
    print(f"scrub: {best['fps']:.0f} frames a second with {best['events']:,} events "
          f"(95 % of the frames within {best['p95']:.0f} ms); the page has {page.stat().st_size / 1e6:.1f} MB "
          f"and opens in {opened:.1f} s")
    check(best["events"] >= LONG_EVENTS, f"the long run has only {best['events']} events")
    if best["fps"] < WANTED_FPS:
        print(f"scrub: that is less than {WANTED_FPS}, on this machine and now")
    check(best["fps"] >= ACCEPTED_FPS, f"less than {ACCEPTED_FPS} frames a second")
    check(browser.complaints() == [], "the console is not empty")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", type=pathlib.Path)
    parser.add_argument("traces", nargs="*", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    call = parser.parse_intermixed_args()
    traces = call.traces or sorted(CORPUS.glob("*.json"))
    if call.pictures:
        call.pictures.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        directory = pathlib.Path(directory)
        browser = Browser(directory)
        try:
            for trace in [*traces, hostile(directory)]:
                try:
                    use(browser, draw(call.tool, trace, directory), json.loads(trace.read_text()), call.pictures)
                    print(f"{trace.stem}: well")
                except (AssertionError, RuntimeError) as problem:
                    failed += 1
                    print(f"{trace.stem}: {problem}")
            try:
                scrub(browser, draw(call.tool, long_run(call.tool, directory), directory))
            except (AssertionError, RuntimeError) as problem:
                failed += 1
                print(f"scrub: {problem}")
        finally:
            browser.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
