"""What is around the text: search, previews, buttons, cards, the page of no address, print."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pypdf
import pytest
from bs4 import BeautifulSoup

from rmsprop.records import repository

ROOT = Path(__file__).parents[2]
HTML = ROOT / "build" / "html"
PAGES = sorted(HTML.glob("*.html"))
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))


@pytest.fixture
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("where", ["served", "from a file"])
def test_the_search_finds_a_chapter_by_keyboard(page, address, where):
    root = address if where == "served" else HTML.as_uri()
    page.goto(f"{root}/intro.html", wait_until="load")
    page.keyboard.press("Control+k")
    page.keyboard.type("centered")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{root}/search.html?q=centered")
    found = page.locator("#search-results a[href*='centering.html']").first
    found.wait_for()
    found.click()
    page.wait_for_url(f"{root}/centering.html*")


LINKS = {
    "a citation on another page": ("moving-average", "a[href^='references.html#']", "Tieleman"),
    "a figure on another page": ("claims", "a[href*='.html#fig-']", "Fig."),
    "an equation on the page": ("centering", "a.reference[href^='#equation-']", ""),
}


@pytest.mark.parametrize("where", ["served", "from a file"])
@pytest.mark.parametrize(("name", "selector", "text"), LINKS.values(), ids=LINKS)
def test_a_reference_shows_where_it_leads(page, address, name, selector, text, where):
    root = address if where == "served" else HTML.as_uri()
    page.goto(f"{root}/{name}.html", wait_until="networkidle")
    link = page.locator(f"article {selector}").first
    preview = page.locator("#reference-preview")
    link.hover()
    preview.wait_for()
    assert text in preview.inner_text()
    if "equation" in selector:
        assert preview.locator(".katex-html").bounding_box()["height"] > 15
    page.keyboard.press("Escape")
    preview.wait_for(state="hidden")

    page.mouse.move(0, 0)
    page.keyboard.press("Tab")  # only a focus that the keyboard gave opens it
    link.focus()
    preview.wait_for()
    assert link.get_attribute("aria-describedby") == "reference-preview"
    box = preview.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_buttons_come_from_the_repositorys_address_and_without_one_there_are_none(chapter):
    soup = BeautifulSoup((HTML / f"{chapter}.html").read_text(), "html.parser")
    buttons = {link["href"] for link in soup.select(".article-header-buttons a[href]")}
    assert f"_sources/{chapter}.ipynb" in buttons
    outside = {link for link in buttons if link.startswith("http")}
    address = repository.address(ROOT)
    if address is None:
        assert outside == set()
    else:
        name = address.partition(".com/")[2]
        assert {re.sub("[?].*", "", link) for link in outside} == {
            address,
            f"{address}/edit/main/book/{chapter}.ipynb",
            f"{address}/issues/new",
            f"https://mybinder.org/v2/gh/{name}/main",
            f"https://colab.research.google.com/github/{name}/blob/colab/book/{chapter}.ipynb",
        }


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_describes_itself_to_machines(chapter):
    soup = BeautifulSoup((HTML / f"{chapter}.html").read_text(), "html.parser")
    described = soup.find("meta", {"name": "description"})["content"]
    assert 50 < len(described) <= 203
    assert soup.find("meta", property="og:title")["content"] in soup.title.text
    # A card needs the book's address; without one there is none that could not be found.
    for card in soup.select("meta[property='og:image']"):
        assert card["content"].startswith("https://")


def test_a_wrong_address_gets_a_page_that_leads_back(page, address):
    soup = BeautifulSoup((HTML / "404.html").read_text(), "html.parser")
    prefix = soup.select_one("script[src]")["src"].partition("_static")[0]
    if prefix != "/":  # published below a path, and served here without it
        page.route(
            f"{address}{prefix}**",
            lambda route: route.continue_(url=route.request.url.replace(prefix, "/", 1)),
        )
    answer = page.goto(f"{address}/no/such/page.html", wait_until="networkidle")
    assert answer.status == 404
    assert page.get_by_role("heading", level=1).inner_text() == "Page not found"
    assert page.evaluate("getComputedStyle(document.body).fontFamily.length") > 20
    page.locator("nav a:text-is('Contours')").first.click()
    page.wait_for_url("**/contours.html")


def test_a_printed_page_has_the_text_alone(page, address):
    page.goto(f"{address}/centering.html", wait_until="networkidle")
    page.emulate_media(media="print")
    for around in (".bd-sidebar-primary", ".article-header-buttons", ".prev-next-footer"):
        assert not page.locator(around).first.is_visible(), around
    assert page.locator("figure.published img:visible").count() == len(
        page.locator("figure.published").all()
    )


def words(text):
    """Return a text without ligatures and lines."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def test_the_book_prints_as_one_with_numbered_contents_and_links_inside(browser):
    subprocess.run([sys.executable, "-m", "rmsprop.press.pdf"], cwd=ROOT, check=True)
    pdf = pypdf.PdfReader(ROOT / "build" / "rmsprop.pdf")
    assert pdf.metadata.title.startswith("RMSprop, executed")
    outline = words("".join(entry.title for entry in pdf.outline if not isinstance(entry, list)))
    contents = words(pdf.pages[1].extract_text())
    for chapter in CHAPTERS:
        title = BeautifulSoup((HTML / f"{chapter}.html").read_text(), "html.parser").title.text
        title = title.partition(" — ")[0]
        assert title[:20] in outline  # Chromium repeats the first line of a title there
        number = int(re.search(rf"{re.escape(title)}\s*(\d+)", contents)[1])
        assert title in words(pdf.pages[number - 1].extract_text()[:200])
    figures = json.loads((HTML / "figures.json").read_text())
    text = "".join(page.extract_text() for page in pdf.pages)
    assert all(f"Fig. {figure['number']} " in text for figure in figures.values())
    links = [a.get_object() for page in pdf.pages for a in page.get("/Annots", [])]
    assert not [a for a in links if "127.0.0.1" in str(a.get("/A", {}).get("/URI", ""))]
