"""A figure's own page, in a real Sphinx build of a book in which the figure moves."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import v4
from pybtex.database import parse_string

from rmsprop.press import publish, use_style

CONFIGURATION = """
extensions = [
    "myst_nb",
    "rmsprop.press.sphinx.figures",
    "rmsprop.press.sphinx.renderer",
    "rmsprop.press.sphinx.landing",
]
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
numfig = True
html_theme = "basic"
html_baseurl = "https://example.org/book/"
"""
CITATION = "{title: T, version: 1.0, date-released: 2026-01-02, authors: [{name: A B}]}"
CHAPTERS = ("one", "two")
CAPTION = "Below `</script>` $x$, {eq}`eq-own`, {numref}`fig-stays` and [a site](https://a.org/b)."


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The cells of two figures, as executed."""
    with mpl.rc_context(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("outside"))
        use_style()
        data = {"x": [1 / 3, 2, 3, 4, 5, 6], "name": [*"abcde", "<f>"]}
        captions = {"moves": CAPTION, "stays": "Plain."}
        shown = {
            id: publish(plt.figure(), id, caption=caption, alt="A.", data=data, units={"x": "s"})
            for id, caption in captions.items()
        }
        return {
            id: v4.new_code_cell(
                f'publish(figure, "{id}")',
                outputs=[
                    v4.new_output("execute_result", figure._repr_mimebundle_(), execution_count=1)
                ],
            )
            for id, figure in shown.items()
        }


@pytest.fixture(scope="module")
def books(tmp_path_factory, cells):
    """Two builds of the book, by the chapter that has the figure which moves."""
    return {home: build(tmp_path_factory.mktemp(home), cells, home) for home in CHAPTERS}


def build(root: Path, cells, home: str) -> Path:
    source = root / "book"
    source.mkdir()
    (root / "CITATION.cff").write_text(CITATION)
    (source / "conf.py").write_text(CONFIGURATION)
    (source / "index.md").write_text("# Book\n\n```{toctree}\none\ntwo\n```\n")
    for chapter in CHAPTERS:
        own = [cells["stays"]] if chapter == "one" else []
        own += [cells["moves"]] if chapter == home else []
        text = f"# Chapter {chapter}\n" + "\n$$y$$ (eq-own)\n" * (chapter == home)
        notebook = v4.new_notebook(
            cells=[v4.new_markdown_cell(text), *own],
            metadata={"language_info": {"name": "python", "pygments_lexer": "python"}},
        )
        nbformat.write(notebook, source / f"{chapter}.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", source, root / "html"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return root / "html"


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(), "html.parser")


def landing(site: Path) -> BeautifulSoup:
    return soup(site / "figures" / "moves.html")


def described(page: BeautifulSoup):
    return json.loads(page.find("script", type="application/ld+json").string)


@pytest.mark.parametrize("home", CHAPTERS)
def test_a_figure_that_moves_to_another_chapter_keeps_its_address(books, home):
    site, permalink = books[home], "https://example.org/book/figures/moves.html"
    page, chapter = landing(site), soup(site / f"{home}.html")
    link = next(a for a in page.find_all("a") if a.text == f"Chapter {home}")
    assert link["href"] == f"../{home}.html#fig-moves"
    assert chapter.find("figure", id="fig-moves")
    panel = chapter.find(id="fig-moves").find_next("details")
    assert panel.find("a", string=permalink)["href"] == permalink
    index = json.loads((site / "figures.json").read_text())["moves"]
    assert (index["permalink"], index["page"]) == (permalink, f"{home}.html#fig-moves")
    assert described(page)["url"] == permalink
    for where in (page, panel):
        (cited,) = parse_string(
            where.find("b", string="BibTeX").parent.pre.text, "bibtex"
        ).entries.values()
        assert cited.fields["url"] == permalink


@pytest.mark.parametrize("home", CHAPTERS)
def test_pictures_and_links_of_the_figure_lead_where_they_did(books, home):
    site = books[home]
    figure = landing(site).find("figure")
    addresses = [tag["src"] for tag in figure("img")] + [tag["srcset"] for tag in figure("source")]
    assert len(addresses) == 4
    for address in addresses + [link["href"] for link in figure.select(".pictures a")]:
        assert (site / "figures" / address).is_file()
    assert [link["href"] for link in figure.select("figcaption a")] == [
        f"../{home}.html#equation-eq-own",
        "../one.html#fig-stays",
        "https://a.org/b",
    ]


def test_the_page_offers_and_shows_the_data(books):
    site = books["two"]
    page = landing(site)
    downloads = {link.text: link["href"] for link in page.select("a[download]")}
    assert downloads.keys() == {"CSV", "JSON", "SVG", "PDF", "the CSV file"}
    assert all((site / "figures" / address).is_file() for address in downloads.values())
    rows = [[cell.text for cell in row(["th", "td"])] for row in page.table("tr")]
    assert rows[:2] == [["x (s)", "name"], ["0.333333", "a"]]
    assert len(rows) == 6
    assert "The first 5 of 6 rows" in page.text


def test_a_caption_cannot_leave_the_script_that_describes_the_figure(books):
    page = landing(books["one"])
    said = r"Below </script> \(x\), (1), Fig. 1 and a site."
    assert described(page)["caption"] == described(page)["isBasedOn"]["description"] == said


def test_the_page_is_called_by_name_and_number_and_described_by_its_caption(books):
    page = landing(books["two"])
    assert page.h1.text == "Figure 2 (moves)"
    assert page.title.text.startswith("Figure 2 (moves)")
    said = page.find("meta", {"name": "description"})["content"]
    assert said.startswith("Below </script>")


def test_neither_contents_nor_search_list_the_pages(books):
    site = books["one"]
    assert "figures/" not in (site / "searchindex.js").read_text()
    (contents,) = soup(site / "index.html").select(".toctree-wrapper")
    assert "figures/" not in str(contents)
