"""Figures, their panels and verdicts in a real Sphinx build, with every warning an error."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest
from bs4 import BeautifulSoup
from myst_nb.core.render import load_mime_renders
from nbformat import v4

from rmsprop.press import ledger, publish, use_style
from rmsprop.press.sphinx import renderer
from rmsprop.press.style import darken
from rmsprop.records.claims import CLAIMS, at_least, equal, verdict
from rmsprop.records.record import read, write
from rmsprop.records.tidy import make_record

CONFIGURATION = """
extensions = [
    "myst_nb",
    "rmsprop.press.sphinx.folds",
    "rmsprop.press.sphinx.figures",
    "rmsprop.press.sphinx.renderer",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
nb_execution_mode = "off"
numfig = True
html_theme = "basic"
"""
TEXT = """\
# Chapter

See {numref}`fig-first-figure`, {numref}`fig-second-figure` and [the verdict](#verdict-c8).
"""
CITATION = """\
title: T
version: 1.0
date-released: 2026-01-02
commit: 0123456789abcdef0123456789abcdef01234567
authors: [{name: A B}]
"""
RULINGS = {"C1": "holds with a correction", "C8": "does not hold"}


def picture(id: str, **words):
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, len(id)])
    return publish(figure, id, **words)


def cell(shown):
    data = shown._repr_mimebundle_()
    source = f'publish(fig, "{shown.record.id}")' if hasattr(shown, "record") else "1"
    output = v4.new_output("execute_result", data, execution_count=1)
    return v4.new_code_cell(source, outputs=[output])


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """Two figures: of the second there is a record, a last bit away."""
    here = Path.cwd()
    with mpl.rc_context():
        use_style()
        os.chdir(tmp_path_factory.mktemp("outside"))
        shown = [
            picture(
                "first-figure",
                caption="*Emphasis*, $x^2$ & more.",
                alt='A "line" < 2.',
                data={"x": [0.1, 0.2]},
            ),
            picture("second-figure", caption="Plain.", alt="A line.", data={"y": [1.0]}),
        ]
        os.chdir(here)
    return shown


@pytest.fixture(scope="module")
def source(tmp_path_factory, figures) -> Path:
    """Write a chapter with two figures and all verdicts, and the ledger."""
    source = tmp_path_factory.mktemp("repository") / "book"
    nearly = make_record(
        "second-figure", caption="Plain.", alt="A line.", data={"y": [1.0 + 2.0**-52]}
    )
    write(source / "figures", nearly)
    (source.parent / "CITATION.cff").write_text(CITATION)
    verdicts = [
        verdict(
            claim,
            RULINGS.get(claim, "holds"),
            f"Reason {claim}, see {{numref}}`fig-first-figure`.",
            equal("half-life $|\\tau|$", 6.58, 6.5788, atol=0.01),
            at_least("speed-up", 3.0, 2.0),
            figures=["second-figure"] if claim == "C2" else [],
        )
        for claim in CLAIMS
    ]
    plain = v4.new_output("execute_result", {"text/plain": "'plain'"}, execution_count=1)
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell(TEXT),
            *(cell(shown) for shown in (*figures, *verdicts)),
            v4.new_code_cell("'plain'", outputs=[plain]),
        ],
        metadata={"language_info": {"name": "python", "pygments_lexer": "python"}},
    )
    nbformat.write(notebook, source / "chapter.ipynb")
    (source / "conf.py").write_text(CONFIGURATION)
    (source / "claims.md").write_text(ledger.page(ledger.collect([source / "chapter.ipynb"])))
    (source / "index.md").write_text(
        "# Book\n\n{numref}`fig-second-figure`\n\n```{toctree}\nchapter\nclaims\n```\n"
    )
    return source


def build(source: Path, builder: str, *options: str) -> Path:
    folder = source.parent / f"{builder}-{len(options)}"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", builder,
         *options, source, folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return folder


@pytest.fixture(scope="module")
def site(source) -> Path:
    return build(source, "html")


@pytest.fixture(scope="module")
def chapter(site):
    return BeautifulSoup((site / "chapter.html").read_text(), "html.parser")


def test_the_renderer_joins_the_plug_ins_of_myst_nb_once():
    for _ in range(2):
        renderer.setup(None)
    assert load_mime_renders().count(renderer.Renderer) == 1


def test_figure_has_a_light_and_a_dark_image_with_alt_and_size(site, chapter, figures):
    for shown in figures:
        light, dark = chapter.find(id=f"fig-{shown.record.id}").find_all("img")
        assert "only-light" in light["class"]
        assert "only-dark" in dark["class"]
        for image, svg in ((light, shown.picture["svg"]), (dark, darken(shown.picture["svg"]))):
            assert image["alt"] == shown.record.alt
            assert image["loading"] == "lazy"
            for length in ("width", "height"):
                assert image[length] == str(shown.picture[length])
            assert (site / image["src"]).read_text() == svg
            phone, narrow = image.parent.source, shown.picture["narrow"]
            assert image.parent.name == "picture"
            assert phone["media"] == "(max-width: 600px)"
            assert (phone["width"], phone["height"]) == ("346", str(narrow["height"]))
            shade = str if image is light else darken
            assert (site / phone["srcset"]).read_text() == shade(narrow["svg"])


def test_caption_is_numbered_and_reads_markdown(chapter):
    captions = [figure.find("figcaption") for figure in chapter.find_all("figure")]
    assert [c.find(class_="caption-number").text for c in captions] == ["Fig. 1 ", "Fig. 2 "]
    first = captions[0].find(class_="caption-text")
    assert first.find("em").text == "Emphasis"
    assert "x^2" in first.find(class_="math").text
    assert "& more." in first.text


def test_text_refers_to_figures_by_number_from_any_page(site, chapter):
    links = {a.text: a["href"] for a in chapter.find("p").find_all("a")}
    assert links["Fig. 1"] == "#fig-first-figure"
    assert links["Fig. 2"] == "#fig-second-figure"
    index = BeautifulSoup((site / "index.html").read_text(), "html.parser")
    assert index.find("a", string="Fig. 2")["href"] == "chapter.html#fig-second-figure"


@pytest.mark.parametrize("claim", CLAIMS)
def test_verdict_is_a_box_with_claim_reason_and_table(chapter, claim):
    ruling = RULINGS.get(claim, "holds")
    box = chapter.find(id=f"verdict-{claim.lower()}")
    assert {"admonition", "verdict", ruling.replace(" ", "-")} <= set(box["class"])
    assert box.find(class_="admonition-title").text == f"{claim} {ruling}"
    assert box.find("em").text == CLAIMS[claim]
    assert f"Reason {claim}, see Fig. 1." in box.text
    rows = [
        [td.text.strip() for td in tr.find_all("td")] for tr in box.find("tbody").find_all("tr")
    ]
    assert [row[1:] for row in rows] == [["6.58", "= 6.5788 ± 0.01"], ["3", "at least 2"]]
    assert "|\\tau|" in rows[0][0]
    assert box.details.summary.text == "2 numbers hold"
    assert box.details.find("table")


def test_ledger_and_verdicts_link_to_each_other(site, chapter):
    page = BeautifulSoup((site / "claims.html").read_text(), "html.parser")
    rows = page.find("table").find("tbody").find_all("tr")
    assert len(rows) == len(CLAIMS)
    for claim, row in zip(CLAIMS, rows, strict=True):
        own, of_reason, shown, *figures = row.find_all("a")
        assert own.text == claim
        assert of_reason["href"] == "chapter.html#fig-first-figure"
        assert shown["href"] == "chapter.html"
        assert [(a.text, a["href"]) for a in figures] == (
            [("Fig. 2", "chapter.html#fig-second-figure")] if claim == "C2" else []
        )
        numbers = page.find(id=own["href"].removeprefix("#"))
        assert {"admonition", "dropdown"} <= set(numbers["class"])
        title = numbers.find(class_="admonition-title").text
        assert title == f"{claim} {RULINGS.get(claim, 'holds')}: {CLAIMS[claim]}"
        assert numbers.find("a", href=f"chapter.html#verdict-{claim.lower()}")
    assert chapter.find("a", href="#verdict-c8")


def test_other_outputs_are_left_to_myst_nb(chapter):
    assert chapter.find(class_="output").find("pre").text.strip() == "'plain'"


def panel(page, id):
    """The panel's entries, by name."""
    details = page.find(id=f"fig-{id}").find_next("details")
    rows = details.find_all("div", recursive=False)
    return details, {row.b.text: row.div for row in rows}


def test_panel_says_what_a_referee_needs(chapter, source):
    details, entries = panel(chapter, "second-figure")
    cited = read(source / "figures", "second-figure").sha256
    assert entries["Permalink"].a["href"] == "figures/second-figure.html"
    assert entries["Permalink"].text == "figures/second-figure.html, wherever the book is published"
    assert entries["Data"].code.text == cited
    assert [(a.text, a["href"]) for a in entries["Data"].find_all("a")] == [
        (name, f"figures/second-figure.{name.lower()}") for name in ("CSV", "JSON", "SVG", "PDF")
    ]
    assert "this run is within tolerance" in entries["Record"].text
    assert "y, row 0, with a deviation of 2.2e-16 against 1e-09" in entries["Record"].text
    assert entries["Source"].text.startswith("book/chapter.ipynb, cell ")
    assert entries["Source"].text.endswith("at commit 0123456789abcdef0123456789abcdef01234567")
    assert "torch" in entries["Environment"].text
    assert entries["Verify"].pre.text == "make verify FIGURE=second-figure"
    assert "title = {Figure 2 (second-figure)}" in entries["BibTeX"].pre.text
    assert cited in entries["BibTeX"].pre.text
    assert entries["APA"].pre.text == (
        "A B. (2026). Figure 2 (second-figure) [Figure]. In T (Version 1.0)."
    )
    assert cited in details.summary["data-printed"]
    assert not details.has_attr("open")


def test_downloads_are_the_record_where_the_run_agrees_with_it(site, source, figures):
    offered = (site / "figures" / "second-figure.csv").read_bytes()
    assert offered == (source / "figures" / "second-figure.csv").read_bytes()
    assert json.loads((site / "figures" / "second-figure.json").read_text()) == json.loads(
        (source / "figures" / "second-figure.json").read_text()
    )
    assert (site / "figures" / "second-figure.svg").read_text() == figures[1].picture["svg"]
    assert (site / "figures" / "second-figure.pdf").read_bytes()[:5] == b"%PDF-"


def test_figure_without_a_record_offers_this_runs_data_and_says_so(site, chapter, figures):
    _, entries = panel(chapter, "first-figure")
    assert "no record yet" in entries["Record"].text
    offered = (site / "figures" / "first-figure.csv").read_bytes()
    assert hashlib.sha256(offered).hexdigest() == entries["Data"].code.text
    assert offered == figures[0].record.csv.encode()


def test_index_for_machines_lists_every_figure(site):
    index = json.loads((site / "figures.json").read_text())
    assert list(index) == ["first-figure", "second-figure"]
    second = index["second-figure"]
    assert second["number"] == "2"
    assert second["page"] == "chapter.html#fig-second-figure"
    assert second["landing"] == "figures/second-figure.html"
    assert second["verdict"] == "within tolerance"
    assert second["source"]["chapter"] == "chapter"
    assert second["environment"]["commit"].startswith("0123")
    for path in second["files"].values():
        assert (site / path).is_file()


def test_book_with_an_address_has_absolute_permalinks_and_links_to_the_source(source):
    site = build(
        source, "html", "-Dhtml_baseurl=https://example.org/book/",
        "-Dhtml_theme=sphinx_book_theme",
        "-Dhtml_theme_options.repository_url=https://github.com/example/code",
        "-Dhtml_theme_options.use_repository_button=1",
    )  # fmt: skip
    page = BeautifulSoup((site / "chapter.html").read_text(), "html.parser")
    details, entries = panel(page, "second-figure")
    permalink = "https://example.org/book/figures/second-figure.html"
    assert entries["Permalink"].a["href"] == entries["Permalink"].text == permalink
    assert permalink in details.summary["data-printed"]
    assert f"url = {{{permalink}}}" in entries["BibTeX"].text
    assert entries["APA"].text.endswith(permalink)
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert entries["Source"].a["href"] == (
        f"https://github.com/example/code/blob/{commit}/book/chapter.ipynb"
    )


def test_panel_is_text_on_paper_and_the_picture_a_pdf(source):
    folder = build(source, "latex")
    (document,) = folder.glob("*.tex")
    text = document.read_text()
    assert "{second-figure-light}.pdf" in text
    assert "dark" not in "".join(path.name for path in folder.glob("*-figure-*"))
    assert "Verify: make verify FIGURE=second\\sphinxhyphen{}figure" in text
    assert read(source / "figures", "second-figure").sha256 in text


def test_panel_is_text_in_plain_text(source):
    text = (build(source, "text") / "chapter.txt").read_text()
    assert "Verify: make verify FIGURE=second-figure" in text
    assert read(source / "figures", "second-figure").sha256 in text
