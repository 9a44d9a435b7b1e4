"""The panel under a figure, used as a reader does: with a browser, a keyboard, a printer."""

import hashlib
from pathlib import Path

import pytest
from pybtex.database import parse_string

pytest.importorskip("playwright")

HTML = Path(__file__).parents[2] / "build" / "html"
PAGE, FIGURE = "moving-average.html", "ewma-memory"
PANEL = f".cell:has(#fig-{FIGURE}) details.figure-panel"


@pytest.fixture(params=["light", "dark"])
def page(browser, address, request):
    context = browser.new_context(
        color_scheme=request.param,
        viewport={"width": 390, "height": 800},
        permissions=["clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    page.goto(f"{address}/{PAGE}")
    yield page
    context.close()


def entry(page, name):
    return page.locator(f"{PANEL} b:text-is('{name}') + div")


def copied(page):
    return page.evaluate("navigator.clipboard.readText()")


def test_reader_opens_a_panel_copies_the_bibtex_and_downloads_the_data(page):
    assert not entry(page, "BibTeX").is_visible()
    page.locator(f"{PANEL} summary").click()

    entry(page, "BibTeX").locator("button").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('@misc'))")
    (cited,) = parse_string(copied(page), "bibtex").entries.values()
    printed = entry(page, "Data").locator("code").inner_text()
    assert f"({FIGURE})" in cited.fields["title"]
    assert printed in cited.fields["note"]

    with page.expect_download() as download:
        entry(page, "Data").locator("a:text-is('CSV')").click()
    assert download.value.suggested_filename == f"{FIGURE}.csv"
    data = Path(download.value.path()).read_bytes()
    assert hashlib.sha256(data).hexdigest() == printed
    assert data == (Path(__file__).parents[2] / f"book/figures/{FIGURE}.csv").read_bytes()


def test_panel_opens_and_copies_by_keyboard(page):
    page.locator(f"{PANEL} summary").focus()
    page.keyboard.press("Enter")
    assert entry(page, "Verify").is_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.figure-panel button')"):
            break
    assert page.evaluate("getComputedStyle(document.activeElement).opacity") == "1"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('verify'))")
    assert copied(page).strip() == f"make verify FIGURE={FIGURE}"


def test_closed_panel_prints_one_line_with_the_hash(page):
    line = f"getComputedStyle(document.querySelector('{PANEL} summary'), '::after').content"
    assert page.evaluate(line) == "none"
    page.emulate_media(media="print")
    printed = page.locator(f"{PANEL} code").first.text_content()
    assert page.evaluate(line) == f'" · SHA-256 {printed}"'
    assert not entry(page, "APA").is_visible()


CONTRAST = """() => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(element).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const texts = document.querySelectorAll('.figure-panel :is(summary, b, div, a, code, pre)');
  return Math.min(...[...texts].map(element => {
    const pair = [luminance(channels(getComputedStyle(element).color)), luminance(ground(element))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  }));
}"""


def test_text_in_the_panel_stands_out(page):
    page.locator(f"{PANEL} summary").click()
    assert page.evaluate(CONTRAST) >= 4.5


def test_page_with_open_panels_is_no_wider_than_a_phone(page):
    for summary in page.locator("details.figure-panel summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_panel_works_from_a_file_too(browser):
    page = browser.new_page()
    page.goto(f"file://{HTML}/{PAGE}")
    page.locator(f"{PANEL} summary").click()
    entry(page, "APA").locator("button").click()
    # There is no reading a file's clipboard: the button says that it wrote.
    entry(page, "APA").locator("button.success").wait_for()
    page.close()


def test_every_thumbnail_of_the_gallery_is_a_picture(page, address):
    page.goto(f"{address}/gallery.html")
    pictures = page.locator(".gallery-figure img:visible")
    records = list((Path(__file__).parents[2] / "book" / "figures").glob("*.json"))
    assert pictures.count() == len(records)
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete", arg=picture.element_handle())
        assert picture.evaluate("image => image.naturalWidth") > 100
