"""Measure what a page of the rendered book costs its reader; `make pages` runs this.

Bytes are those that travel: compressed, with headers.
"""

import datetime
import sys
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.__main__ import write
from benchmarks.machine import describe
from rmsprop.press.browser import chromium, serve

ROOT = Path(__file__).parents[1]
HTML = ROOT / "build" / "html"
WIDTHS = (1280, 390)
THROTTLE = 4

OBSERVE = """
window.seen = {lcp: 0, shift: 0};
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) seen.lcp = entry.startTime;
}).observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""
LOADED = "[...document.images].every(image => image.complete || !image.checkVisibility())"


def pages() -> list[str]:
    """Return the names of all pages of the book."""
    return sorted(path.name for path in HTML.glob("*.html"))


def read_through(page: Page) -> None:
    """Scroll a page to its end, waiting for what loads on the way."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for y in range(0, height, 600):
        page.evaluate(f"scrollTo({{top: {y}, behavior: 'instant'}})")
        page.wait_for_timeout(50)
    page.wait_for_function(LOADED)
    page.wait_for_timeout(100)


def count(context: BrowserContext, page: Page) -> dict[str, int]:
    """Count from now on the bytes that a page transfers, by request."""
    transferred: dict[str, int] = {}
    session = context.new_cdp_session(page)
    session.send("Network.enable")

    def begin(event: dict[str, Any]) -> None:
        # What is within a style sheet has travelled with it.
        if not event["request"]["url"].startswith("data:"):
            transferred[event["requestId"]] = 0

    def finish(event: dict[str, Any]) -> None:
        if event["requestId"] in transferred:
            transferred[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", begin)
    session.on("Network.loadingFinished", finish)
    return transferred


def first_load(
    browser: Browser, address: str, name: str, width: int, throttle: float = 1
) -> dict[str, float]:
    """Open a page with nothing in the cache, then read it.

    Args:
        browser: to open it in.
        address: of the book.
        name: of the page.
        width: of the window.
        throttle: how many times slower the processor is made, until the page is loaded.
    """
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.add_init_script(OBSERVE)
    transferred = count(context, page)
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
    page.goto(f"{address}/{name}", wait_until="networkidle")
    loaded, painted = sum(transferred.values()), page.evaluate("seen.lcp")
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    read_through(page)
    shift = page.evaluate("seen.shift")
    context.close()
    return {
        "first_bytes": loaded,
        "read_bytes": sum(transferred.values()),
        "largest_paint_s": round(painted / 1e3, 3),
        "layout_shift": round(shift, 4),
    }


def further_bytes(browser: Browser, address: str, name: str) -> int:
    """Return what a page transfers to a reader who comes from the book's first page."""
    context = browser.new_context(viewport={"width": WIDTHS[0], "height": 800})
    page = context.new_page()
    page.goto(f"{address}/intro.html", wait_until="networkidle")
    transferred = count(context, page)
    page.goto(f"{address}/{name}", wait_until="networkidle")
    context.close()
    return sum(transferred.values())


def measure(browser: Browser, address: str, name: str, throttle: float = 1) -> dict[str, Any]:
    """Measure a page on a wide and on a narrow screen.

    Returns:
        Of both the worse: the bytes of the first load, and when read to the end with the figures
        that load on the way; the seconds to the largest paint; the cumulative layout shift. And
        the bytes beyond those of the book's first page.
    """
    loads = [first_load(browser, address, name, width, throttle) for width in WIDTHS]
    worst = {key: max(load[key] for load in loads) for key in loads[0]}
    return {"page": name, **worst, "further_bytes": further_bytes(browser, address, name)}


def main() -> None:
    """Measure all pages, show the table, and write it."""
    if not pages():
        sys.exit("the book is not built: `make book` does it")
    results = []
    print(f"{'page':20} first load  read to its end  further page  largest paint  layout shift")
    with serve(HTML) as address, chromium() as browser:
        version = browser.version
        for name in pages():
            result = measure(browser, address, name, THROTTLE)
            results.append(result)
            first, read, further = (
                f"{result[f'{load}_bytes'] / 1e3:.0f} kB" for load in ("first", "read", "further")
            )
            painted, shift = f"{result['largest_paint_s']:.2f} s", f"{result['layout_shift']:.3f}"
            print(f"{name:20} {first:>10} {read:>16} {further:>13} {painted:>14} {shift:>13}")
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    machine = describe(torch.device("cpu")) | {"chromium": version}
    path = Path(__file__).with_suffix(".json")
    write(path, {"date": date, "machine": machine, "throttle": THROTTLE, "pages": results})
    print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
