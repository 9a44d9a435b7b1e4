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


THIN_OUT = "document.querySelectorAll('.katex, .highlight pre > *').forEach(part => part.remove())"
# Contrast takes most of the time, so one element stands for all that have its colors and its size.
SAMPLE = """() => {
  const grounds = new Map([[null, '']]), samples = new Map();
  const ground = element => {
    if (!grounds.has(element)) {
      const {backgroundColor, backgroundImage, opacity} = getComputedStyle(element);
      const own = [backgroundColor, backgroundImage, opacity].join().replace(PLAIN, '');
      grounds.set(element, ground(element.parentElement) + own);
    }
    return grounds.get(element);
  };
  const words = e => e.matches('input, select, textarea')
    || [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  for (const element of document.querySelectorAll('body, body *')) {
    if (!words(element) || !element.checkVisibility({visibilityProperty: true})) continue;
    const {color, fontSize, fontWeight} = getComputedStyle(element);
    const look = [color, fontSize, fontWeight, ground(element)].join();
    if (!samples.has(look)) samples.set(look, element);
  }
  document.querySelectorAll('[data-sample]').forEach(e => delete e.dataset.sample);
  samples.values().forEach(element => element.dataset.sample = '');
  return samples.size;
}""".replace("PLAIN", "'rgba(0, 0, 0, 0),none,1'")


def violations(page, context=None, **options):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options |= {"resultTypes": ["violations"], "preload": False}
    return [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in axe.run(page, context, options).response["violations"]
        if violation["impact"] in ("serious", "critical")
        or violation["id"] in ("heading-order", "page-has-heading-one", "image-alt")
    ]


def faint(page):
    page.evaluate(SAMPLE)
    return violations(page, {"include": [["[data-sample]"]]}, runOnly=["color-contrast"])


@every_page
def test_axe_finds_nothing_serious_even_with_everything_unfolded(opened, address, name):
    page = opened(f"{address}/{name}", color_scheme="light")
    page.add_style_tag(content=STILL)
    page.evaluate(UNFOLD)
    if name != "cycles.html":  # stands for all in formulas and code, many elements in few colors
        page.evaluate(THIN_OUT)
    assert not violations(page, rules={"color-contrast": {"enabled": False}})
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
        assert not faint(page)
        assert page.locator("[data-sample]").count() > 5


@pytest.mark.parametrize("written", ["<b>faint</b>", "<input aria-label=faint value=faint>"])
def test_axe_finds_what_is_faint_in_the_dark(opened, address, written):
    page = opened(f"{address}/intro.html", color_scheme="dark")
    article = "document.querySelector('article p')"
    page.evaluate(f"written => {article}.innerHTML += `<i id=faint>${{written}}</i>`", written)
    page.add_style_tag(content="[data-theme=dark] #faint * { color: #445; background: #223 }")
    ((rule, element),) = faint(page)
    assert (rule, "faint" in element) == ("color-contrast", True)


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
