"""The page that each figure keeps for good: complete, light, true to the files beside it."""

import gzip
import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from pybtex.database import parse_string

ROOT = Path(__file__).parents[2]
HTML = ROOT / "build" / "html"
IDS = sorted(path.stem for path in (ROOT / "book" / "figures").glob("*.json"))
INDEX = json.loads((HTML / "figures.json").read_text()) if IDS else {}

every_figure = pytest.mark.parametrize("id", IDS)


@cache
def rendered(page):
    return BeautifulSoup((HTML / page).read_text(), "html.parser")


def soup(id):
    return rendered(f"figures/{id}.html")


def test_every_figure_has_a_page_and_nothing_else_has():
    assert sorted(path.stem for path in (HTML / "figures").glob("*.html")) == IDS


@every_figure
def test_the_page_says_what_the_files_are(id):
    page, folder = soup(id), HTML / "figures"
    words = json.loads(page.find("script", type="application/ld+json").string)
    data = words["isBasedOn"]
    for file in (words, words["encoding"], *data["distribution"]):
        name = file["contentUrl"].rpartition("/")[2]
        assert file["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    git = ["git", "hash-object", "--no-filters", folder / f"{id}.csv"]
    blob = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    assert data["identifier"] == INDEX[id]["swhid"] == f"swh:1:cnt:{blob}"
    assert data["identifier"] in page.article.text
    assert "`" not in words["caption"]
    assert words["caption"].count("$") == 2 * len(page.select("figcaption .katex"))


@every_figure
def test_the_page_is_what_panel_gallery_and_citation_lead_to(id):
    page, figure = soup(id), INDEX[id]
    place, _, anchor = figure["page"].partition("#")
    assert page.article.find("a", href=f"../{figure['page']}")
    panel = rendered(place).find(id=anchor).find_next("details", class_="figure-panel")
    assert panel.find("b", string="Permalink").parent.a["href"] == (
        figure["permalink"] or figure["landing"]
    )
    assert rendered("gallery.html").article.find("a", href=figure["landing"])
    bibtex = page.find("b", string="BibTeX").parent.pre.text
    (cited,) = parse_string(bibtex, "bibtex").entries.values()
    if figure["permalink"]:
        assert urlsplit(figure["permalink"]).path.endswith(figure["landing"])
        assert cited.fields["url"] == figure["permalink"]


@every_figure
def test_the_page_is_light(id):
    """What it loads beyond what all pages share: itself, and the largest of its drawings."""
    page = HTML / "figures" / f"{id}.html"
    drawings = [page.parent / image["src"] for image in soup(id).article("img")]
    drawings += [page.parent / source["srcset"] for source in soup(id).article("source")]
    sizes = {path: len(gzip.compress(path.read_bytes())) for path in (page, *drawings)}
    assert sizes[page] + max(sizes[path] for path in drawings) < 150_000


def test_neither_the_search_nor_the_contents_list_the_pages():
    index = (HTML / "searchindex.js").read_text()
    assert '"address": "intro.html#' in index
    assert '"address": "figures/' not in index
    contents = rendered("intro.html").select(".bd-toc-item")
    assert contents
    assert not [link for part in contents for link in part.select("a[href*='figures/']")]
