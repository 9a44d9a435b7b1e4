"""Folded code, evidence and sections in a real Sphinx build, with every warning an error."""

import subprocess
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import v4

from rmsprop.records.claims import at_least, check

CONFIGURATION = """
extensions = ["myst_nb"]
extensions += [f"rmsprop.press.sphinx.{part}" for part in ("folds", "renderer", "code", "sections")]
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "off"
html_theme = "basic"
"""
EXERCISES = """\
## Exercises

**1.** Why?

:::{admonition} Solution
:class: dropdown
Because.
:::
"""
READING = "## Further reading\n\n- One.\n- Two."


def cell(source, shown=None, **metadata):
    outputs = []
    if isinstance(shown, str):
        outputs = [v4.new_output("stream", text=shown)]
    elif shown:
        data = shown._repr_mimebundle_()
        outputs = [v4.new_output("execute_result", data, execution_count=1)]
    return v4.new_code_cell(source, outputs=outputs, metadata=metadata)


def render(folder, builder, cells):
    language = {"name": "python", "pygments_lexer": "python"}
    notebook = v4.new_notebook(cells=cells, metadata={"language_info": language})
    source = folder / "source"
    source.mkdir(exist_ok=True)
    nbformat.write(notebook, source / "index.ipynb")
    (source / "conf.py").write_text(CONFIGURATION)
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", builder, source,
         folder / builder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    cells = [
        v4.new_markdown_cell("# Chapter"),
        cell("import math\n\nprint('device')", "device", name="set-up"),
        cell("x = 1\ny = 2"),
        v4.new_markdown_cell("Between."),
        cell("print(x)", "one", name="a print"),
        cell("check(x)", check(at_least("x", 1, 1)), name="a check"),
        v4.new_markdown_cell(EXERCISES),
        cell("solve()", check(at_least("x", 1, 1), at_least("y", 2, 2)), name="exercise 1"),
        v4.new_markdown_cell(READING),
    ]
    for builder in ("html", "text"):
        done = render(folder, builder, cells)
        assert done.stderr == ""
        assert done.returncode == 0
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return BeautifulSoup((folder / "html" / "index.html").read_text(), "html.parser")


def labels(element, kind):
    return [fold.summary.text for fold in element.select(f"details.fold.{kind}")]


def test_every_fold_says_what_is_in_it_and_how_long_it_is(page):
    assert labels(page, "code") == [
        "Code: a print, 3 lines",
        "Code: a check, 1 line",
        "Code: exercise 1, 1 line",
        "Code: set-up, 3 lines",
    ]
    assert not [fold for fold in page.select("details.fold") if fold.has_attr("open")]


def test_code_that_shows_nothing_goes_with_the_next_that_does(page):
    fold = page.select("details.fold.code")[0]
    assert [block.text.strip() for block in fold("pre")] == ["x = 1\ny = 2", "print(x)"]
    assert len(page.select("div.cell")) == 3


def test_what_a_cell_shows_stands_above_its_code(page):
    shown, folds = page.select_one("div.cell").find_all(recursive=False)
    assert shown.text.strip() == "one"
    assert "folds" in folds["class"]


def test_set_up_stands_at_the_end_with_what_it_shows(page):
    last = page.section.find_all(recursive=False)[-1]
    assert labels(last, "code") == ["Code: set-up, 3 lines"]
    assert "device" in last.select_one(".cell_output").text


def test_evidence_and_the_code_behind_it_are_one_row(page):
    row = page.select("div.folds")[1]
    assert [fold.summary.text for fold in row("details")] == [
        "1 number holds",
        "Code: a check, 1 line",
    ]
    assert row.find("td").text == "x"


def test_what_follows_a_solution_is_in_it(page):
    solution = page.select_one(".admonition.dropdown")
    assert labels(solution, "evidence") == ["2 numbers hold"]
    assert labels(solution, "code") == ["Code: exercise 1, 1 line"]


def test_sections_fold_below_their_headings(page):
    assert labels(page, "section") == ["1 exercise with its solution", "2 works"]
    for name in ("exercises", "further-reading"):
        heading, fold = page.find(id=name).find_all(recursive=False)
        assert heading.name == "h2"
        assert fold.name == "details"
    assert "Because." in page.find(id="exercises").details.text


def test_text_has_everything_and_no_fold(folder):
    text = (folder / "text" / "index.txt").read_text()
    for part in ("import math", "Because.", "Two.", "at least 2"):
        assert part in text
    assert "hold" not in text


def test_a_cell_that_shows_something_must_have_a_name(tmp_path):
    cells = [v4.new_markdown_cell("# Chapter"), cell("print(1)", "1")]
    assert "needs a name in its metadata" in render(tmp_path, "html", cells).stderr
