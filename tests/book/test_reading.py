"""Every page for every reader: without a network, without a mouse, on a phone, on a slow line."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks import page_weight

HTML = Path(__file__).parents[2] / "build" / "html"
# Three pages of figures stand for all: with mathematics, with a broad table, with a large picture.
LANDINGS = [f"figures/{id}.html" for id in ("ewma-noise", "speed", "ewma-bias")]
# index.html does nothing but lead to the first of them.
PAGES = [*sorted({path.name for path in HTML.glob("*.html")} - {"index.html"}), *LANDINGS]
UNFOLD = "document.querySelectorAll('details').forEach(details => details.open = true)"
STILL = "* { animation: none !important; transition: none !important }"

every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture
def opened(browser):
    """Open pages with the given options of a browser's context."""
    contexts = []

    def open_page(url, before=lambda page: None, **options):
        contexts.append(browser.new_context(reduced_motion="reduce", **options))
        page = contexts[-1].new_page()
        before(page)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("where", ["served", "from a file"])
@every_page
def test_a_page_asks_no_other_host_for_anything_and_misses_nothing(opened, address, name, where):
    if name == "404.html" and where != "served":
        pytest.skip("only a server shows it, at any address, so that its own are absolute")
    root = address if where == "served" else HTML.as_uri()
    asked, failed = [], []

    def listen(page):
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: response.ok or failed.append(response.url))
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.on("pageerror", lambda error: failed.append(error))

    page = opened(f"{root}/{name}", listen)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    # Of lazy pictures from files Chromium does not always say when the network is idle.
    page.evaluate("for (const picture of document.images) picture.loading = 'eager'")
    page.wait_for_function("[...document.images].every(picture => picture.complete)")
    page.wait_for_timeout(300)
    assert {url for url in asked if urlsplit(url).scheme not in ("data", "blob")} <= {
        url for url in asked if url.startswith(root)
    }
    assert not failed
    assert page.get_by_role("heading", level=1).first.is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("name", "first"), [("contours.html", 1), ("gallery.html", 3)])
def test_the_first_pictures_alone_are_hastened(opened, address, name, first, theme):
    page = opened(f"{address}/{name}", color_scheme=theme)
    eager = page.locator(f"img.only-{theme}[loading=eager]")
    other = page.locator("img:not([loading=lazy])").count() - eager.count()
    assert (eager.count(), other) == (first, 0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", [name for name in PAGES if name != "api-experiments.html"])
def test_axe_finds_nothing_serious_even_with_everything_unfolded(opened, address, name, theme):
    # That page left out, the longest, is made as the page of the equations is.
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(f"{address}/{name}", color_scheme=theme)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.add_style_tag(content=STILL)
    page.evaluate(UNFOLD)
    # Only colors depend on the theme. Code and formulas, many words in few colors, are looked at on
    # one page.
    options = {"resultTypes": ["violations"], "preload": False}
    options |= {"runOnly": ["color-contrast"]} if theme == "dark" else {}
    left_out = {"exclude": [[".highlight"], [".katex-html"]]} if name != "cycles.html" else None
    found = axe.run(page, left_out, options).response["violations"]
    assert not [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in found
        if violation["impact"] in ("serious", "critical")
        or violation["id"] in ("heading-order", "page-has-heading-one", "image-alt")
    ]


@every_page
def test_a_page_is_no_wider_than_a_phone_even_with_everything_unfolded(opened, address, name):
    page = opened(f"{address}/{name}", viewport={"width": 390, "height": 800})
    page.evaluate(UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@every_page
def test_a_further_page_is_light(browser, address, name):
    assert page_weight.further_bytes(browser, address, name) < 150_000


@every_page
def test_nothing_moves_the_text_when_it_loads_and_all_of_it_is_light(browser, address, name):
    measured = page_weight.first_load(browser, address, name, 390)
    assert measured["layout_shift"] < 0.01
    # The gallery grows with the book.
    pictures = (HTML / name).read_text().count("only-light")
    assert measured["read_bytes"] < max(1_000_000, 20_000 * pictures)
