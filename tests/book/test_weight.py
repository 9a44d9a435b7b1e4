"""What travels to a reader: little, and all that the page shows."""

import base64
import re
from io import BytesIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

from benchmarks.page_weight import WIDTHS, first_load
from rmsprop.press.sphinx.mathematics import KATEX

HTML = Path(__file__).parents[2] / "build" / "html"
STATIC = HTML / "_static"


@pytest.fixture(scope="module")
def soups():
    return [BeautifulSoup(path.read_text(), "html.parser") for path in HTML.glob("*.html")]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_page_is_light(browser, address, width):
    assert 100_000 < first_load(browser, address, "intro.html", width)["first_bytes"] < 300_000


def letters(fonts):
    return set().union(*(TTFont(font).getBestCmap() for font in fonts))


def test_every_letter_of_a_formula_is_in_the_fonts(soups):
    css = (STATIC / "katex" / "letters.css").read_text()
    embedded = [BytesIO(base64.b64decode(data)) for data in re.findall("base64,([^)]*)", css)]
    left = letters([*embedded, *STATIC.glob("katex/fonts/*.woff2")])
    shown = {
        ord(letter)
        for soup in soups
        for formula in soup.select(".katex-html")
        for letter in formula.get_text()
    }
    assert len(shown) > 80
    assert shown & letters(KATEX.glob("fonts/*.woff2")) <= left


def test_every_icon_is_in_the_fonts(soups):
    css = "".join(path.read_text() for path in STATIC.rglob("*.css"))
    named = {
        icon
        for soup in soups
        for element in soup.select("[class*=fa-]")
        for icon in element["class"]
    }
    codes = {
        ord(letter)
        for icon, letter in re.findall(r'\.(fa-[\w-]+):before\{content:"(.)"', css)
        if icon in named
    }
    assert len(codes) > 8
    assert codes <= letters(STATIC.glob("vendor/fontawesome/webfonts/*.woff2"))


def test_notebooks_to_download_have_words_but_no_pictures():
    notebooks = [path.read_text() for path in HTML.glob("_sources/*.ipynb")]
    assert notebooks
    assert max(map(len, notebooks)) < 300_000
    assert not [text for text in notebooks if re.search('"(image/|application/vnd)', text)]
