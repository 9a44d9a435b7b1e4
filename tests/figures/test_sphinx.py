"""Figures and verdicts in a real Sphinx build, with every warning an error."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import v4

from rmsprop import ledger
from rmsprop.claims import CLAIMS, at_least, equal, verdict
from rmsprop.figures import publish, use_style
from rmsprop.figures.sphinx import Renderer
from rmsprop.figures.style import darken

CONFIGURATION = """
extensions = ["myst_nb"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
nb_execution_mode = "off"
numfig = True
html_theme = "basic"
"""
TEXT = """\
# Chapter

See {numref}`fig-first-figure`, {numref}`fig-second-figure` and [the verdict](#verdict-c8).
"""
RULINGS = {"C1": "holds with a correction", "C8": "does not hold"}


def picture(id: str, **words: str):
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, len(id)])
    return publish(figure, id, **words)


def cell(shown):
    data = shown._repr_mimebundle_()
    return v4.new_code_cell("1", outputs=[v4.new_output("execute_result", data, execution_count=1)])


@pytest.fixture(scope="module")
def figures():
    with mpl.rc_context():
        use_style()
        return [
            picture("first-figure", caption="*Emphasis*, $x^2$ & more.", alt='A "line" < 2.'),
            picture("second-figure", caption="Plain.", alt="Another line."),
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory, figures) -> Path:
    """Build a chapter with two figures and all verdicts, and the ledger; return the HTML folder."""
    source = tmp_path_factory.mktemp("source")
    verdicts = [
        verdict(
            claim,
            RULINGS.get(claim, "holds"),
            f"Reason {claim}, see {{numref}}`fig-first-figure`.",
            equal("half-life $|\\tau|$", 6.58, 6.5788, atol=0.01),
            at_least("speed-up", 3.0, 2.0),
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
    html = source / "_build"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", source, html],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return html


@pytest.fixture(scope="module")
def chapter(site):
    return BeautifulSoup((site / "chapter.html").read_text(), "html.parser")


def test_myst_nb_finds_the_renderer_by_its_entry_point():
    installed = {entry.name: entry.load() for entry in entry_points(group="myst_nb.mime_renderers")}
    assert installed["rmsprop"] is Renderer


def test_figure_has_a_light_and_a_dark_image_with_alt_and_width(site, chapter, figures):
    for shown in figures:
        record = shown.record
        light, dark = chapter.find(id=f"fig-{record['id']}").find_all("img")
        assert "only-light" in light["class"]
        assert "only-dark" in dark["class"]
        for image, svg in ((light, record["svg"]), (dark, darken(record["svg"]))):
            assert image["alt"] == record["alt"]
            assert f"width: {record['width']}px" in image["style"]
            assert (site / image["src"]).read_text() == svg


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


def test_ledger_and_verdicts_link_to_each_other(site, chapter):
    page = BeautifulSoup((site / "claims.html").read_text(), "html.parser")
    rows = page.find("table").find("tbody").find_all("tr")
    assert len(rows) == len(CLAIMS)
    for claim, row in zip(CLAIMS, rows, strict=True):
        own, shown = row.find_all("a")
        assert own.text == claim
        heading = page.find(id=own["href"].removeprefix("#")).find_next("h2")
        assert heading.text.startswith(f"{claim} {RULINGS.get(claim, 'holds')}")
        assert shown["href"] == "chapter.html"
        assert page.find("a", href=f"chapter.html#verdict-{claim.lower()}")
    assert chapter.find("a", href="#verdict-c8")


def test_other_outputs_are_left_to_myst_nb(chapter):
    assert chapter.find(class_="output").find("pre").text.strip() == "'plain'"
