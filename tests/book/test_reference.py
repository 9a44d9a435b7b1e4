"""The reference in the book: every public name, found by the search and by other projects."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.util.inventory import InventoryFile

import rmsprop.experiments

HTML = Path(__file__).parents[2] / "build" / "html"
PAGES = ("api", "api-equations", "api-experiments", "api-press")
MODULES = [
    *("rmsprop", "rmsprop.equations", "rmsprop.press", "rmsprop.press.draw"),
    "rmsprop.records.claims",
    *(
        f"rmsprop.experiments.{module.name}"
        for module in pkgutil.iter_modules(rmsprop.experiments.__path__)
    ),
]


@pytest.fixture(scope="module")
def inventory():
    with (HTML / "objects.inv").open("rb") as file:
        kinds = InventoryFile.load(file, "", lambda _, address: address)
    return {
        name: address
        for kind, entries in kinds.items()
        if kind.startswith("py:")
        for name, (_, _, address, _) in entries.items()
    }


@pytest.mark.parametrize("module", MODULES)
def test_the_inventory_leads_to_every_public_name(inventory, module):
    for name in importlib.import_module(module).__all__:
        page, _, anchor = inventory[f"{module}.{name}"].partition("#")
        assert page.removesuffix(".html") in PAGES
        assert f'id="{anchor}"' in (HTML / page).read_text()


def test_what_implementations_mean_is_beside_the_optimizer(inventory):
    for name in rmsprop.conventions.CONVENTIONS:
        assert inventory[f"rmsprop.conventions.{name}"].startswith("api.html#")


@pytest.mark.parametrize("page", PAGES)
def test_mathematics_is_typeset_and_no_markup_is_left(page):
    soup = BeautifulSoup((HTML / f"{page}.html").read_text(), "html.parser")
    assert soup.select("article .katex") or page == "api-press"
    for verbatim in soup.select("article :is(pre, .katex, code, .sig)"):
        verbatim.decompose()
    assert not re.search(r"`|:[a-z]+:", soup.article.text)


def test_an_equation_leads_to_its_chapter(inventory):
    soup = BeautifulSoup((HTML / "api-equations.html").read_text(), "html.parser")
    entry = soup.find(id="rmsprop.equations.half_life").parent
    assert entry.find("a", href="moving-average.html#equation-eq-half-life")


@pytest.mark.parametrize("where", ["served", "from a file"])
def test_the_search_finds_the_optimizer(browser, address, where):
    page = browser.new_page()
    page.goto(f"{address if where == 'served' else HTML.as_uri()}/search.html?q=RMSprop")
    page.locator("#search-results a[href$='api.html#rmsprop.RMSprop']").click()
    page.locator("dt[id='rmsprop.RMSprop']").wait_for()
    page.close()
