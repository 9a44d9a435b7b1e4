"""The rendered book: complete, without errors, readable offline and without seeing it."""

import functools
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
HTML = ROOT / "build" / "html"
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))
PAGES = {path.relative_to(HTML).as_posix(): path.read_text() for path in HTML.rglob("*.html")}
SOUPS = {page: BeautifulSoup(text, "html.parser") for page, text in PAGES.items()}
# The page for wrong addresses has absolute links; where the book has an address, below its path.
PREFIX = SOUPS["404.html"].select_one("script[src]")["src"].partition("_static")[0]
LOADED = "script[src], img[src], source[src], video[src], audio[src], iframe[src], embed[src]"

every_page = pytest.mark.parametrize("page", sorted(PAGES))


@pytest.mark.parametrize("page", ["index", *CHAPTERS])
def test_the_page_exists(page):
    assert PAGES.get(f"{page}.html"), "run `make book` first"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_chapter_shows_its_code_and_output(chapter):
    assert SOUPS[f"{chapter}.html"].select("div.cell_input")
    assert SOUPS[f"{chapter}.html"].select("div.cell_output")


@every_page
def test_the_page_shows_no_error(page):
    assert not SOUPS[page].select(".cell_output .stderr, .cell_output .traceback, .system-message")
    assert not SOUPS[page].select(".problematic, .cell_output .highlight-ipythontb")
    # Code shows roles as they are written, the text must not.
    text = "".join(SOUPS[page].find_all(string=lambda s: not s.find_parent(["pre", "code"])))
    assert not re.search(r"Traceback \(most recent call last\)|\{[a-z]+(:[a-z]+)?\}`", text)


@every_page
def test_every_image_has_a_text(page):
    assert not [image for image in SOUPS[page]("img") if not image.get("alt", "").strip()]


@every_page
def test_the_page_loads_nothing_from_elsewhere(page):
    sources = [element["src"] for element in SOUPS[page].select(LOADED)]
    sources += [
        link["href"]
        for link in SOUPS[page].select("link[href]")
        if not {"canonical", "alternate", "license"} & set(link["rel"])
    ]
    styles = [style.get_text() for style in SOUPS[page]("style")]
    styles += [element["style"] for element in SOUPS[page].select("[style]")]
    assert not [source for source in sources + remote_styles(*styles) if urlsplit(source).netloc]


def test_the_stylesheets_load_nothing_from_elsewhere():
    assert not remote_styles(*(path.read_text() for path in HTML.rglob("*.css")))


def remote_styles(*styles):
    """Return the addresses on other servers that style sheets name."""
    return re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')]+)""", "".join(styles))


@every_page
def test_every_internal_link_leads_somewhere(page):
    links = [urljoin(page, link["href"]) for link in SOUPS[page].select("a[href]")]
    assert not [link for link in links if not leads_somewhere(link)]


def leads_somewhere(link):
    """Whether a link from the book's root leaves the book, or meets a file and an anchor in it."""
    scheme, server, path, _, anchor = urlsplit(link)
    if scheme or server:
        return True
    path = unquote(path).removeprefix(PREFIX)
    if not (HTML / path).is_file():
        return False
    return not anchor or path not in SOUPS or unquote(anchor) in anchors(path)


@functools.cache
def anchors(page):
    return {element["id"] for element in SOUPS[page].select("[id]")}
