"""The chapters as committed: without outputs, in step with the package and the contents."""

import inspect
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from rmsprop import equations
from rmsprop.experiments import networks, students
from rmsprop.records.consistency import check
from rmsprop.records.record import read
from rmsprop.records.source import find_sources

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
SOURCES = find_sources(ROOT / "book")
PACKAGE = inspect.getsource(networks) + inspect.getsource(students)
TEXT = "".join(path.read_text() for path in CHAPTERS)

every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def code_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@every_chapter
def test_chapter_is_committed_without_outputs(path):
    assert not any(cell.outputs or cell.execution_count for cell in code_cells(path))


def lines_of_code(path):
    """Count as the package is formatted, whatever the width of the page."""
    code = "\n\n".join(cell.source for cell in code_cells(path))
    width = ["--isolated", "--line-length=100", "--config=format.skip-magic-trailing-comma=true"]
    command = [sys.executable, "-m", "ruff", "format", *width, "--stdin-filename=chapter.py"]
    formatted = subprocess.run(command, input=code, capture_output=True, text=True, check=True)
    return sum(bool(line.strip()) for line in formatted.stdout.splitlines())


def test_chapters_are_thin():
    lines = sorted(map(lines_of_code, CHAPTERS))
    assert statistics.median(lines) <= 550
    assert lines[-1] <= 850


@every_chapter
def test_chapter_is_as_jupyter_saves_it(path):
    notebook = nbformat.read(path, as_version=4)
    assert nbformat.writes(notebook) + "\n" == path.read_text(encoding="utf-8")


@every_chapter
def test_chapter_that_runs_pytorch_says_on_which_device(path):
    first = code_cells(path)[0].source
    assert "import torch" not in first or "choose_device()" in first


@every_chapter
def test_names_of_cells_tell_them_apart_and_the_first_is_the_set_up(path):
    names = [cell.metadata.name for cell in code_cells(path) if "name" in cell.metadata]
    assert names[0] == code_cells(path)[0].metadata.name == "set-up"
    assert len(set(names)) == len(names)


@every_chapter
def test_chapter_begins_with_a_question_and_what_to_do_follows_the_first_figure(path):
    opening, *cells = nbformat.read(path, as_version=4).cells
    assert "?" in opening.source
    published = next(i for i, cell in enumerate(cells) if "publish(" in cell.source)
    assert re.match(r"\*\*What to do\.\*\*|## What to do", cells[published + 1].source)


@every_chapter
def test_chapter_publishes_a_figure(path):
    assert path.stem in {source.chapter for source in SOURCES.values()}


def test_figures_records_and_images_belong_together():
    assert check(ROOT) == []


def test_every_record_names_its_data_by_their_swhid():
    for path in (ROOT / "book/figures").glob("*.json"):
        assert json.loads(path.read_text())["swhid"] == read(path.parent, path.stem).swhid


def test_table_of_contents_lists_every_chapter():
    contents = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    listed = {entry["file"] for entry in contents["chapters"]}
    assert {path.stem for path in CHAPTERS} <= listed


@every_chapter
def test_number_in_the_text_is_a_setting_in_the_code_or_comes_from_the_run(path):
    """What a run found is glued in; what is typed must stand in the code. Years are free."""
    code = "\n".join(cell.source for cell in code_cells(path)) + PACKAGE
    settings = set(re.findall(r"\d+\.?\d*(?:e-?\d+)?", code.replace("_", "")))
    text = "\n".join(
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    )
    for verbatim in (r"\$\$.*?\$\$", r"\$[^$]*\$", r"```.*?```", r"\{[a-z:]+\}`[^`]*`", r"`[^`]*`"):
        text = re.sub(verbatim, "", text, flags=re.S)
    typed = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?!\w)", text)
    numbers = {number.replace(",", "") for number in typed}
    assert {n for n in numbers - settings if not re.fullmatch(r"(19|20)\d\d", n)} == set()


def test_every_equation_that_the_package_names_is_in_the_book():
    sources = "".join(p.read_text() for p in Path(equations.__file__).parent.glob("*.py"))
    named = set(re.findall(r"``(eq-[a-z-]+)``", sources))
    assert len(named) > 10
    assert {label for label in named if f"$$ ({label})" not in TEXT} == set()
