"""The Makefile, in a copy with two tiny chapters: what it redoes, what it keeps, how it fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
MAKE_VARIABLES = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
TOC = """\
format: jb-book
root: intro
chapters: [{file: one}, {file: two}, {file: gallery}, {file: claims}]
"""
INDEX = "build/html/index.html"


class Book:
    """A small book with the real Makefile, configuration and environment."""

    def __init__(self, root):
        self.root = root
        for name in ["Makefile", "_config.yml", "pyproject.toml", "requirements.lock"]:
            shutil.copy(ROOT / name, root)
        self.write("rmsprop/__init__.py", "")
        self.write("rmsprop/ledger.py", 'print("# Claims")')
        self.write("rmsprop/figures/gallery.py", 'print("# Figures")')
        self.write("book/figures/a.csv", "x\n1\n")
        self.write("book/_toc.yml", TOC)
        self.write("book/intro.md", "# Introduction\n\nSee {doc}`one`.")
        self.write("book/references.bib", "")
        self.chapter("one", "1 + 1", "import sys; sys.prefix")
        self.chapter("two", "x = 2", "x * 21")
        (root / ".venv").mkdir()
        for entry in Path(sys.prefix).iterdir():
            (root / ".venv" / entry.name).symlink_to(entry)
        (root / ".venv/.ready").unlink(missing_ok=True)
        self.write(".venv/.ready", "")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def chapter(self, name, *cells):
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_markdown_cell(f"# Chapter {name}")]
        notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        self.write(f"book/{name}.ipynb", nbformat.writes(notebook))

    def start(self, *targets, **environment):
        inherited = {key: os.environ[key] for key in os.environ.keys() - MAKE_VARIABLES}
        return subprocess.Popen(
            ["make", *targets],
            cwd=self.root,
            env=inherited | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def make(self, *targets, fails=False, **environment):
        process = self.start(*targets, **environment)
        output, _ = process.communicate(timeout=120)
        assert (process.returncode != 0) == fails, output
        return output

    def executed(self, *chapters):
        return [f"build/executed/{chapter}.ipynb" for chapter in chapters]

    def sources(self):
        return {path: path.read_bytes() for path in self.root.glob("book/**/*") if path.is_file()}

    def has(self, name):
        return (self.root / name).exists()


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path)


def test_only_what_changed_is_redone_and_a_failure_keeps_the_last_good_book(book):
    before = book.sources()
    output = book.make("-j2", "book")
    assert book.sources() == before
    assert "executed  1/2 one" in output
    assert "executed  2/2 two" in output
    assert "42" in (book.root / "build/html/two.html").read_text()
    assert "execut" not in book.make("book")

    book.chapter("two", "raise ValueError('not today')")
    output = book.make("book", fails=True)
    assert "executing 1/2 one" not in output
    assert "raise ValueError('not today')" in output
    assert "book/two.ipynb failed" in output
    assert not book.has("build/executed/two.ipynb")

    book.chapter("two", "1 + 42")
    book.write("book/intro.md", "# Introduction\n\nSee {doc}`nowhere`.")
    assert "nowhere" in book.make("book", fails=True)
    assert "42" in (book.root / "build/html/two.html").read_text()

    (book.root / "book/two.ipynb").unlink()
    book.write("book/_toc.yml", TOC.replace(", {file: two}", ""))
    book.write("book/intro.md", "# Introduction")
    assert "execut" not in book.make("book")
    assert not book.has("build/html/two.html")
    assert sorted(path.name for path in (book.root / "build").iterdir()) == [
        "executed",
        "html",
        "ipython",
        "run",
    ]


@pytest.mark.parametrize("source", ["rmsprop/ledger.py", "requirements.lock"])
def test_every_chapter_depends_on_the_package_and_the_lock(book, source):
    """A dry run is enough: with everything executed, the change alone asks for both again."""
    targets = book.executed("one", "two")
    for target in targets:
        book.write(target, "")
    book.make("--question", *targets)
    time.sleep(0.01)
    (book.root / source).touch()
    (book.root / ".venv/.ready").touch()
    output = book.make("--dry-run", *targets)
    assert "book/one.ipynb" in output
    assert "book/two.ipynb" in output


def test_nothing_of_a_killed_run_is_taken_for_finished(book):
    wait = "from pathlib import Path; Path('started').touch(); import time; time.sleep(9)"
    book.chapter("one", wait)
    before = book.sources()
    process = book.start(*book.executed("one"))
    while not list(book.root.glob("build/run/*/started")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not book.has("build/executed/one.ipynb")
    assert book.sources() == before

    book.chapter("one", "'again'")
    book.make(*book.executed("one"))
    assert "again" in (book.root / "build/executed/one.ipynb").read_text()


def test_an_edit_during_a_run_counts_as_newer(book):
    book.chapter("one", "from pathlib import Path; Path('../../../book/one.ipynb').touch()")
    book.make(*book.executed("one"))
    book.make("--question", *book.executed("one"), fails=True)


def test_the_kernel_is_the_environments_own(book):
    spec = {"argv": ["false"], "display_name": "Not this one", "language": "python"}
    for folder in ["user", "path"]:
        book.write(f"{folder}/kernels/python3/kernel.json", json.dumps(spec))
    book.make(
        *book.executed("one"),
        JUPYTER_DATA_DIR=str(book.root / "user"),
        JUPYTER_PATH=str(book.root / "path"),
        JUPYTER_PREFER_ENV_PATH="0",
    )
    assert sys.prefix in (book.root / "build/executed/one.ipynb").read_text()


def test_an_old_python_gets_one_clear_sentence(book):
    (book.root / ".venv/.ready").unlink()
    book.write("old", f"""{sys.executable} -c "import sys; sys.version_info = (3, 9); $2" """)
    output = book.make(".venv/.ready", fails=True, PYTHON="sh old")
    assert output.startswith("Python 3.11 or newer is needed; name yours with `make PYTHON=")


def test_an_interrupted_installation_is_not_taken_for_finished(book):
    shutil.rmtree(book.root / ".venv")
    book.write(".venv/bin/pip", "kill -9 $PPID")
    (book.root / ".venv/bin/pip").chmod(0o755)
    book.make(".venv/.ready", fails=True, PYTHON="true")
    assert not book.has(".venv/.ready")
