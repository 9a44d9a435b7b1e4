"""Verify and accept on a small book with real kernels; the gallery from what it executes."""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import nbformat
import pytest
from nbformat import v4

from rmsprop.commands import _parser, main
from rmsprop.press import gallery
from rmsprop.records.record import read, write
from rmsprop.records.rerun import Run

CITATION = "{title: T, version: 1.0, date-released: 2026-01-02, authors: [{name: A}]}"
DRAW = """\
from pathlib import Path
import matplotlib.pyplot as plt
from rmsprop.press import publish
"""
# The data come from a file beside the records, so that a test can change them.
PUBLISH = """\
y = float((Path.cwd().parents[2] / "{id}.txt").read_text())
fig, ax = plt.subplots()
publish(fig, "{id}", caption="C.", alt="A.", data={{"x": [1, 2], "y": [y, 2.0]}}, {more})
"""


class Book:
    """Two chapters; the first has the figures ``a`` and ``b``, the second ``c``, measured."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "book").mkdir()
        (root / "CITATION.cff").write_text(CITATION)
        (root / "book" / "_toc.yml").write_text("chapters: [{file: two}, {file: one}]\n")
        self.chapter("one", DRAW, self.cell("a"), self.cell("b"))
        self.chapter("two", DRAW, self.cell("c", "kind='measured'"))

    def cell(self, id: str, more: str = "") -> str:
        self.data(id, 1.0)
        return PUBLISH.format(id=id, more=more)

    def data(self, id: str, y: float) -> None:
        (self.root / f"{id}.txt").write_text(repr(y))

    def chapter(self, name: str, *cells: str) -> None:
        notebook = v4.new_notebook(cells=[v4.new_markdown_cell(f"# Chapter {name}")])
        for k, code in enumerate(cells):
            notebook.cells.append(v4.new_code_cell(code, id=f"{name}-{k:02}"))
        nbformat.write(notebook, self.root / "book" / f"{name}.ipynb")

    def run(self, *arguments: str, status: int = 0, **environment: str) -> tuple[str, str]:
        """Run a command in this process; return what it printed and complained of."""
        said, complained = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.root),
            mock.patch.dict(os.environ, environment),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(complained),
        ):
            if "CI" not in environment:
                os.environ.pop("CI", None)
            assert main(list(arguments)) == status, said.getvalue() + complained.getvalue()
        return said.getvalue(), complained.getvalue()

    @property
    def records(self) -> Path:
        return self.root / "book" / "figures"

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.records.glob("*")}


@pytest.fixture(scope="module")
def accepted(tmp_path_factory) -> tuple[dict[str, bytes], str]:
    """The records of the book, accepted once, and what the command said."""
    book = Book(tmp_path_factory.mktemp("accepted"))
    output, _ = book.run("accept")
    return book.files(), output


@pytest.fixture
def book(tmp_path, accepted):
    book = Book(tmp_path)
    book.records.mkdir()
    for name, content in accepted[0].items():
        (book.records / name).write_bytes(content)
    return book


def test_accepting_a_new_book_writes_every_record_with_its_chapter(book, accepted):
    assert accepted[1].splitlines() == [
        "a: new",
        "  exact, 2 rows of x, y",
        "b: new",
        "  exact, 2 rows of x, y",
        "c: new",
        "  measured, 2 rows of x, y",
        "written: a, b, c",
    ]
    assert [read(book.records, id).chapter for id in "abc"] == ["one", "one", "two"]
    assert sorted(path.name for path in book.records.iterdir()) == [
        f"{id}.{half}" for id in "abc" for half in ("csv", "json")
    ]


def test_verifying_all_compares_reports_and_leaves_nothing_behind(book):
    book.data("a", 1.5)
    book.data("b", 1.0 + 2.0**-52)
    before = book.files()
    output, errors = book.run("verify", "--json", status=1)
    assert errors == ""
    found = json.loads(output)
    assert found["verified"] is False
    assert {figure["id"]: figure["verdict"] for figure in found["figures"]} == {
        "a": "deviates",
        "b": "within tolerance",
        "c": "measured",
    }
    greatest = found["figures"][0]["greatest"]
    assert (greatest["column"], greatest["row"]) == ("y", "row 0")
    assert (greatest["published"], greatest["fresh"], greatest["size"]) == (1.0, 1.5, 0.5)
    assert found["failures"] == []
    report = (book.root / "build" / "verification.md").read_text()
    assert "| a | exact | deviates | 0.5 | 1e-09 |" in report
    assert "| b | exact | within tolerance | 2.2e-16 | 1e-09 |" in report
    assert "| c | measured | measured |  |  |" in report
    assert "- a: y, row 0: published 1.0, fresh 1.5, deviation 0.5 against 1e-09 allowed" in report
    assert read(book.records, "a").sha256 in report
    assert "- device: " in report
    assert {path.name for path in (book.root / "build").iterdir()} == {"home", "verification.md"}
    assert book.files() == before


def test_one_figure_needs_only_its_chapter_which_runs_to_its_end(book):
    book.chapter("two", "raise ValueError('not executed')", 'publish(fig, "c")')
    book.chapter("one", "1 / 0", DRAW, book.cell("a"), 'publish(fig, "b")')
    output, _ = book.run("verify", "a", "b", status=1)
    assert output.splitlines()[:6] == [
        "figure  kind   verdict        greatest deviation  tolerance",
        "a       exact  bit-identical",
        "b       exact  missing",
        "",
        "b: this run did not publish it",
        "cell one-00 of one failed: ZeroDivisionError: division by zero",
    ]
    assert "2 figures: 1 bit-identical, 1 missing; " in output


def test_kernel_that_dies_is_named(book):
    book.chapter("two", "import os; os._exit(1)", 'publish(fig, "c")')
    output, _ = book.run("verify", "c", status=1)
    assert "c       measured  missing" in output
    assert "two stopped: Kernel died" in output


@pytest.fixture
def runs(book, monkeypatch):
    """Replace the execution of chapters by what comes of it: changed records, and failures."""

    def runs(*failures: str, **changes: str | None) -> None:
        figures = {
            id: read(book.records, id) for id in "abc" if (book.records / f"{id}.json").exists()
        }
        for id, csv in changes.items():
            if csv is None:
                del figures[id]
            else:
                figures[id] = dataclasses.replace(figures[id], csv=csv)
        for module in ("accept", "verify"):
            monkeypatch.setattr(
                f"rmsprop.records.{module}.rerun", lambda *_: Run(figures, list(failures))
            )

    return runs


def test_run_like_the_records_verifies(book, runs):
    runs()
    (book.root / "build").mkdir()
    assert "3 figures: 2 bit-identical, 1 measured" in book.run("verify")[0]


def test_failed_cell_alone_is_a_failure(book, runs):
    runs("cell one-09 of one failed: AssertionError: a claim")
    (book.root / "build").mkdir()
    output, _ = book.run("verify", status=1)
    assert "cell one-09 of one failed: AssertionError: a claim" in output


def test_records_and_figures_without_each_other_are_missing(book, runs):
    runs()
    (book.records / "a.csv").rename(book.records / "d.csv")
    words = (book.records / "a.json").read_text().replace('"id": "a"', '"id": "d"')
    (book.records / "d.json").write_text(words)
    (book.records / "a.json").unlink()
    (book.root / "build").mkdir()
    output, _ = book.run("verify", status=1)
    assert "a: it has no record" in output
    assert "d: this run did not publish it" in output


@pytest.mark.parametrize("command", ["verify", "accept"])
@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (lambda r: (r / "a.csv").write_text("x,y\n1,1\n2,3\n"), [], "was changed by hand"),
        (lambda r: (r / "a.json").write_text("{"), [], "a.json is not JSON"),
        (lambda r: (r / "b.csv").unlink(), [], "has lost its half b.csv"),
        (lambda r: None, ["aa"], "no figure is called 'aa'; did you mean a?"),
    ],
)
def test_bad_input_gets_one_sentence_and_changes_nothing(book, command, spoil, arguments, message):
    spoil(book.records)
    before = book.files()
    output, errors = book.run(command, *arguments, status=2)
    assert output == ""
    assert errors.startswith("rmsprop: ")
    assert message in errors
    assert errors.count("\n") == 1
    assert book.files() == before


@pytest.mark.parametrize("command", ["verify", "accept"])
def test_id_in_two_chapters_is_refused(book, command):
    book.chapter("two", DRAW, book.cell("a"))
    _, errors = book.run(command, status=2)
    assert errors == "rmsprop: figure a is published twice, in one and in two\n"


def test_kernel_sees_nothing_of_the_environment_around_it(book):
    book.run("verify", "a", MPLBACKEND="nonsense", OMP_NUM_THREADS="7", GIT_DIR=str(book.root))


def test_outside_of_the_book_the_command_says_so(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "rmsprop", "verify"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "rmsprop: this folder is in no clone and no release of the book\n"


NEAR, FAR = "x,y\n1,1.0000000000000002\n2,2.0\n", "x,y\n1,1.5\n2,2.0\n"


def test_accepting_shows_the_change_writes_it_and_nothing_else(book, runs):
    runs(a=FAR, b=NEAR, c=FAR)
    before = book.files()
    output, _ = book.run("accept")
    assert output.splitlines() == [
        "a: deviates",
        "  y, row 0: published 1.0, fresh 1.5, deviation 0.5 against 1e-09 allowed",
        "b: within tolerance, kept",
        "c: measured, kept",
        "written: a",
    ]
    after = book.files()
    assert {name for name in after if after[name] != before[name]} == {"a.csv", "a.json"}
    assert read(book.records, "a").csv == FAR


def test_figure_within_tolerance_or_measured_is_adopted_if_it_is_named(book, runs):
    runs(a=FAR, b=NEAR, c=FAR)
    output, _ = book.run("accept", "b", "c")
    assert output.splitlines()[0] == "b: within tolerance"
    assert output.splitlines()[-1] == "written: b, c"
    assert [
        read(book.records, id).csv == csv for id, csv in zip("abc", (FAR, NEAR, FAR), strict=True)
    ] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("failures", "environment", "message"),
    [
        ([], {"CI": "true"}, "records are accepted by a person, not in CI (CI is set)"),
        (["cell x of y failed"], {}, "nothing is accepted while chapters fail: cell x of y failed"),
    ],
)
def test_nothing_is_accepted_in_ci_or_while_a_cell_fails(
    book, runs, failures, environment, message
):
    runs(*failures, a=FAR)
    before = book.files()
    output, errors = book.run("accept", status=2, **environment)
    assert (output, errors) == ("", f"rmsprop: {message}\n")
    assert book.files() == before


def test_figure_that_the_run_did_not_publish_is_not_accepted(book, runs):
    runs(a=None, b=FAR)
    before = book.files()
    _, errors = book.run("accept", status=2)
    assert errors == "rmsprop: nothing is accepted: the run did not publish a\n"
    assert book.files() == before


def test_killing_a_command_leaves_the_records(book):
    book.data("a", 1.5)
    book.chapter("one", DRAW, book.cell("a"), book.cell("b"), "import time; time.sleep(60)")
    book.data("a", 1.5)
    before = book.files()
    process = subprocess.Popen(
        [sys.executable, "-m", "rmsprop", "accept"],
        cwd=book.root,
        env={key: value for key, value in os.environ.items() if key != "CI"},
    )
    while not list(book.root.glob("build/home/.ipython")):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(2)  # the kernel is on its way through the cells
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert book.files() == before


@pytest.fixture(scope="module")
def executed(tmp_path_factory, accepted) -> Path:
    """The two chapters, executed."""
    book = Book(tmp_path_factory.mktemp("executed"))
    folder = book.root / "build" / "run"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        path = folder / name / f"{name}.ipynb"
        path.write_bytes((book.root / "book" / f"{name}.ipynb").read_bytes())
        subprocess.run(
            [sys.executable, "-c", "import nbformat, sys; from nbclient import NotebookClient\n"
             "book = nbformat.read(sys.argv[1], 4); NotebookClient(book).execute()\n"
             "nbformat.write(book, sys.argv[1])", path.name],
            cwd=path.parent, check=True, capture_output=True,
        )  # fmt: skip
    return folder


def paths(executed: Path) -> list[str]:
    return [str(executed / name / f"{name}.ipynb") for name in ("one", "two")]


def make_gallery(book: Book, executed: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rmsprop.press.gallery", "book", *paths(executed)],
        cwd=book.root, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_gallery_shows_every_figure_in_the_books_order(book, executed):
    done = make_gallery(book, executed)
    assert done.stderr == ""
    page = done.stdout
    assert "The book has 3 figures." in page
    assert "as: 1 measured, 2 bit-identical." in page
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == ["## Chapter two", "## Chapter one"]
    for id in "abc":
        assert f'<a href="figures/{id}.html">' in page
        assert f"{{numref}}`fig-{id}`" in page
    # What is hidden, for the other theme, never loads.
    assert re.findall(r'<img [^>]*loading="(\w+)"', page) == page.count("<img") * ["lazy"]


def test_gallery_names_figures_that_lack_a_record_or_deviate(book, executed):
    record = read(book.records, "a")
    (book.records / "b.csv").unlink()
    (book.records / "b.json").unlink()
    done = make_gallery(book, executed)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "rmsprop: figures have no record: b; `make accept` adopts them\n"

    write(book.records, dataclasses.replace(record, id="b"))
    write(book.records, dataclasses.replace(record, csv=FAR))
    done = make_gallery(book, executed)
    assert done.stderr == "rmsprop: figures deviate from theirs: a; `make accept` adopts them\n"


def test_gallery_refuses_a_figure_of_two_chapters(book, executed):
    twice = [executed / "one" / "one.ipynb", executed / "one" / "one.ipynb"]
    with pytest.raises(ValueError, match=r"^figure a is published twice, in one and in one$"):
        gallery.compare_all(book.root / "book", twice)


def test_unknown_studies_and_conclusions_are_named(tmp_path, monkeypatch, capsys):
    Book(tmp_path)
    monkeypatch.chdir(tmp_path)
    for command, message in (
        (["sweep", "digit"], "no study is called 'digit'; did you mean digits?"),
        (["verify", "--sweeps", "digit"], "no study is called 'digit'"),
        (["replicate", "digits-adan"], "no conclusion is called 'digits-adan'; did you mean"),
        (["replicate", "--seeds", "5:90"], "seeds must be at least two, from 128 on"),
        (["verify", "--sweeps", "digits"], "digits.json is missing; record it"),
    ):
        assert main(command) == 2
        assert message in capsys.readouterr().err


def test_seeds_that_are_no_block_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["replicate", "--seeds", "ten"])
    assert "--seeds" in capsys.readouterr().err


def test_the_books_page_has_every_command_and_option():
    page = (Path(__file__).parents[1] / "book" / "api-commands.md").read_text()
    (subparsers,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    usages = (parser.format_usage() for parser in subparsers.choices.values())
    shown = [usage.removeprefix("usage: ").replace(" [-h]", "").strip() for usage in usages]
    assert sorted(re.findall(r"^`(.*)`$", page, re.M)) == sorted(shown)
