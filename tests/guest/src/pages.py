"""Opens a page in Chromium as a person would, with its script and without, and compares it with the report of the same recording as JSON.

Arguments: the browser, the page, the report, a folder for pictures, and other pages, which are only looked at. Prints how many marks and
rows were compared.
"""

import json
import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

WIDTHS = [400, 800, 1600]
# A person waits no longer, and mails no larger file.
MOST_SECONDS, MOST_BYTES = 2, 3_000_000

browser, page, report, pictures, *others = sys.argv[1:]
page = pathlib.Path(page)
address = page.as_uri()
report = json.loads(pathlib.Path(report).read_text())
small = page.stat().st_size <= MOST_BYTES


def open_in(context, address=address):
    """A page, with what it asks for and what the console says."""
    asked, said = [], []
    opened = context.new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(address)
    return opened, asked, said


def sums(opened):
    """Nanoseconds of the marks of each kind, and how many there are."""
    return opened.eval_on_selector_all(
        ".timeline [data-ns]",
        """marks => {
            const sums = {};
            for (const mark of marks) {
                const kind = mark.classList[0];
                const of = sums[kind] ??= [0, "0"];
                of[0] += 1;
                of[1] = (BigInt(of[1]) + BigInt(mark.dataset.ns)).toString();
            }
            return sums;
        }""",
    )


def equal(what, seen, wanted):
    assert seen == wanted, f"{what}: {seen} in the page, {wanted} in the report"


with sync_playwright() as playwright:
    chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    opened, asked, said = open_in(context)
    seconds = opened.evaluate("performance.getEntriesByType('navigation')[0].domComplete") / 1000
    assert seconds <= MOST_SECONDS or not small, f"it takes {seconds} s to open"
    sections = opened.eval_on_selector_all("main > section", "all => all.map(section => section.id)")
    links = opened.eval_on_selector_all("nav a", "all => all.map(link => link.getAttribute('href').slice(1))")
    equal("sections that the head links to", links, sections)

    # What it shows is what the report has.
    placed = lambda rows: [row for row in rows if row["start_ns"] is not None]
    whole = lambda rows: sum(row["duration_ns"] for row in placed(rows) if row["duration_ns"] is not None)
    marks = sums(opened) if "time" in sections else {}
    compared = 0
    for kind, rows in [("load", "attempts"), ("unload", "unloads"), ("request", "requests")]:
        rows = report[rows]
        count, total = marks.get(kind, [0, "0"])
        equal(f"{kind}s", count, len(placed(rows)))
        equal(f"nanoseconds of {kind}s", int(total), whole(rows))
        compared += count
    ids = opened.eval_on_selector_all("#calls tbody tr", "rows => rows.map(row => row.id)")
    wanted = [f"a{row['id']}" for rows in ("attempts", "unloads") for row in report[rows]]
    equal("rows", ids, wanted + [f"r{row['id']}" for row in report["requests"]])
    stages = opened.eval_on_selector_all("#stages tr[data-ns]", "rows => rows.map(row => [row.dataset.stage, row.dataset.ns])")
    wanted = [[stage, str(long)] for stage, long in report["account"]["stages"] if long > 0]
    equal("stages", stages, wanted)
    compared += len(ids) + len(stages)

    # The keyboard reaches everything that does something.
    left = opened.evaluate(
        """() => {
            const all = document.querySelectorAll("a[href], button, input, summary, [tabindex='0']");
            window.left = new Set([...all].filter(one => one.checkVisibility()));
            return window.left.size;
        }"""
    )
    # What a browser itself lets scroll by keys is reached, too.
    for _ in range(2 * left):
        opened.keyboard.press("Tab")
        left = opened.evaluate("window.left.delete(document.activeElement), window.left.size")
        if not left:
            break
    equal("places that the keyboard does not reach", left, 0)

    # It zooms and finds.
    if "time" in sections:
        width = lambda: opened.evaluate("document.querySelector('.timeline').getBoundingClientRect().width")
        before = width()
        opened.locator("#scroll").focus()
        opened.keyboard.press("+")
        assert abs(width() / before - 4) < 0.01, f"zoomed in from {before} to {width()}"
        opened.keyboard.press("0")
        assert abs(width() - before) < 1, f"zoomed out to {width()}, not {before}"
        hit = opened.locator(".timeline a .load rect").first
        if hit.count():
            hit.dispatch_event("click")
            assert opened.locator("tr:target").count() == 1, "a bar leads to no row"
    texts = opened.eval_on_selector_all("#calls tbody tr", "rows => rows.map(row => row.textContent.toLowerCase())")
    shown = lambda: opened.eval_on_selector_all("#calls tbody tr", "rows => rows.filter(row => row.checkVisibility()).length")
    for word in ["eexist", "ok", "no such thing"]:
        opened.fill("#find", word)
        equal(f"rows with {word}", shown(), sum(word in text for text in texts))
    opened.fill("#find", "")
    equal("rows", shown(), len(texts))
    for summary in opened.locator("summary").all():
        summary.click()
    equal("rows that are folded away", shown(), 0)
    equal("what it fetches", asked, [address])
    equal("what the console says", said, [])
    context.close()

    # Without its script everything is there, and nothing that needs it.
    context = chromium.new_context(java_script_enabled=False)
    opened, asked, _ = open_in(context)
    texts = opened.locator("#calls tbody tr")
    assert all(row.is_visible() for row in texts.all()), "rows are hidden without its script"
    equal("rows without its script", texts.count(), len(ids))
    for tool in ["#tools", "#zoom"]:
        assert not opened.locator(tool).is_visible(), f"{tool} does nothing without its script"
    equal("what it fetches without its script", asked, [address])
    context.close()

    # Everybody can read it.
    for one in [page, *map(pathlib.Path, others)]:
        for scheme in ["light", "dark"]:
            for width in WIDTHS:
                # Only the checker needs what the page itself forbids.
                size = {"width": width, "height": 1400}
                context = chromium.new_context(viewport=size, color_scheme=scheme, bypass_csp=True)
                opened, asked, said = open_in(context, one.as_uri())
                wide = opened.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{one.name} is {wide} wide where there is room for {width}"
                opened.screenshot(path=f"{pictures}/{one.stem}-{width}-{scheme}.png")
                equal(f"what {one.name} fetches", asked, [one.as_uri()])
                equal(f"what the console says of {one.name}", said, [])
                if width == WIDTHS[1]:
                    found = Axe().run(opened).response["violations"]
                    told = [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found]
                    equal(f"violations of {one.name} in {scheme}", told, [])
                context.close()
    chromium.close()
print(compared)
