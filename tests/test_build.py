"""The Makefile, in a copy with tiny chapters: what it redoes, keeps, and depends on."""

import dataclasses
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

from rmsprop.records.mime import FIGURE
from rmsprop.records.outputs import outputs
from rmsprop.records.record import write
from rmsprop.records.tidy import make_record

ROOT = Path(__file__).parents[1]
MAKE_VARIABLES = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
TOC = """\
format: jb-book
root: intro
chapters: [{file: one}, {file: two}, {file: gallery}, {file: claims}]
"""
LOCK = ["requirements.lock", "requirements-torch.lock"]
INDEX = "build/html/index.html"
PATH_FILE = ".venv/lib/python3/site-packages/_rmsprop.pth"


class Book:
    """A small book with the real Makefile, configuration and environment."""

    def __init__(self, root):
        self.root = root
        root.mkdir(exist_ok=True)
        for name in ["Makefile", "_config.yml", "pyproject.toml", *LOCK]:
            shutil.copy(ROOT / name, root)
        shutil.copytree(ROOT / ".jupyter", root / ".jupyter")
        shutil.copytree(ROOT / "rmsprop", root / "rmsprop")
        for folder in ("_templates", "inventories"):
            shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
        self.write("rmsprop/__init__.py", '__version__ = "0"')
        self.write("rmsprop/press/ledger.py", 'print("# Claims")')
        self.write("rmsprop/press/gallery.py", 'print("# Figures")')
        self.write("rmsprop/press/reference.py", "")
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
        notebook.cells += [
            nbformat.v4.new_code_cell(cell, metadata={"name": "a sum"}) for cell in cells
        ]
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
        "home",
        "html",
        "run",
    ]


@pytest.mark.parametrize("source", ["rmsprop/ledger.py", *LOCK])
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
    assert str(book.root / ".venv") in (book.root / "build/executed/one.ipynb").read_text()


def test_the_build_of_torch_is_pips_choice_or_uvs(book):
    (book.root / ".venv/.ready").unlink()
    asked = "install --quiet -r requirements-torch.lock"
    assert f".venv/bin/python -m pip {asked}" in book.make("--dry-run", ".venv/.ready")
    told = book.make("--dry-run", ".venv/.ready", UV_TORCH_BACKEND="cpu")
    assert ".venv/bin/uv pip install --python .venv --quiet -r requirements-torch.lock" in told


def test_an_old_python_gets_one_clear_sentence(book):
    (book.root / ".venv/.ready").unlink()
    book.write("old", f""""{sys.executable}" -c "import sys; sys.version_info = (3, 9); $2" """)
    output = book.make(".venv/.ready", fails=True, PYTHON="sh old")
    assert output.startswith("Python 3.11 or newer is needed; name yours with `make PYTHON=")


def test_an_interrupted_installation_is_not_taken_for_finished(book):
    shutil.rmtree(book.root / ".venv")
    book.write(".venv/bin/python", "kill -9 $PPID")
    (book.root / ".venv/bin/python").chmod(0o755)
    book.make(".venv/.ready", fails=True, PYTHON="true")
    assert not book.has(".venv/.ready")


RECORD = make_record("a", caption="C.", alt="A.", data={"x": [0, 1, 2], "y": [0, 1, 4]})
PUBLISH = """\
import os
import matplotlib.pyplot as plt
from rmsprop.press import publish, use_style
use_style()
try:
    assert not __debug__
except AssertionError:
    print([name for name in ("CANARY", "GIT_DIR", "PYTHONSTARTUP") if name in os.environ])
fig, ax = plt.subplots()
ax.plot([0, 1, 2], [0, 1, 4])
ax.set_title("A square, $x^2$")
publish(fig, "a", caption="C.", alt="A.", data={"x": [0, 1, 2], "y": [0, 1, 4]})
"""


def one_figure(root):
    """Return a book of two pages beside those that are made: the first, and a chapter's."""
    book = Book(root)
    shutil.copy(ROOT / "rmsprop/press/gallery.py", root / "rmsprop/press")
    book.write(
        "CITATION.cff", "{title: T, version: 1, date-released: 2026-01-02, authors: [{name: A}]}"
    )
    book.write("book/_toc.yml", TOC.replace(", {file: two}", ""))
    (root / "book/two.ipynb").unlink()
    (root / "book/figures/a.csv").unlink()
    book.chapter("one", PUBLISH)
    write(root / "book/figures", dataclasses.replace(RECORD, chapter="one"))
    return book


def said(path):
    """Return what the chapter printed: which variables it saw; nothing if assertions are off."""
    return nbformat.read(path, 4).cells[1].outputs[0].get("text")


@pytest.fixture
def hostile(tmp_path):
    """Variables that would each break what heeds them, or change what it makes."""
    files = {
        "matplotlibrc": "text.usetex: True\naxes.facecolor: red\nfont.size: 3\n",
        "start": "exit 9",
        "start.py": "raise SystemExit('PYTHONSTARTUP')",
        "decoy/rmsprop/__init__.py": "raise ImportError('a decoy')",
        "decoy/pytest/__init__.py": "raise ImportError('a decoy')",
        "t m p/x": "",
        "home/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "Not this"}',
    }
    elsewhere = tmp_path / "elsewhere"
    for name, text in files.items():
        (elsewhere / name).parent.mkdir(parents=True, exist_ok=True)
        (elsewhere / name).write_text(text)
    return {
        "CANARY": "sings",
        "HOME": "/dev/null/home",
        "LC_ALL": "C",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "BASH_ENV": str(elsewhere / "start"),
        "BASH_FUNC_mkdir%%": "() { exit 9; }",
        "GIT_DIR": str(elsewhere / "git"),
        "JUPYTER_PATH": str(elsewhere / "home"),
        "MATPLOTLIBRC": str(elsewhere / "matplotlibrc"),
        "MPLBACKEND": "nonsense",
        "PYTEST_ADDOPTS": "--nonsense",
        "PYTHONOPTIMIZE": "1",
        "PYTHONPATH": str(elsewhere / "decoy"),
        "PYTHONSTARTUP": str(elsewhere / "start.py"),
        "TMPDIR": str(elsewhere / "t m p"),
    }


# Python itself does not start with this one, unless it is told to ignore it.
NO_PYTHON = {"PYTHONHOME": "/dev/null"}


def test_what_is_built_depends_on_nothing_around_it(tmp_path, hostile):
    plain, book = one_figure(tmp_path / "plain"), one_figure(tmp_path / "a b's ü")
    before = book.sources()
    plain.make(*plain.executed("one"))
    book.make("-j2", "book", **hostile, **NO_PYTHON)

    (expected,) = outputs(plain.root / "build/executed/one.ipynb", FIGURE)
    html = book.root / "build/html"
    assert (html / "figures/a.csv").read_text() == expected["csv"] == RECORD.csv
    assert (html / "figures/a.svg").read_text() == expected["svg"]
    (figure,) = json.loads((html / "figures.json").read_text()).values()
    assert figure["verdict"] == "bit-identical"
    assert figure["environment"]["commit"] == "unknown"
    assert said(book.root / "build/executed/one.ipynb") == "[]\n"
    assert book.sources() == before
    assert {path.name for path in tmp_path.iterdir()} == {"plain", "a b's ü", "elsewhere"}
    assert {path.name for path in book.root.iterdir()} - {"build"} == {
        path.name for path in plain.root.iterdir()
    } - {"build"}


def test_verifying_depends_on_nothing_around_it(tmp_path, hostile):
    book = one_figure(tmp_path / "a b's ü")
    done = subprocess.run(
        [book.root / ".venv/bin/python", "-m", "rmsprop", "verify", "--json"],
        cwd=book.root,
        env=os.environ | hostile,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (figure,) = json.loads(done.stdout)["figures"]
    assert figure["verdict"] == "bit-identical"


LAB = """\
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read("book/one.ipynb", 4)
NotebookClient(notebook).execute(cwd="book")
nbformat.write(notebook, "shown.ipynb")
"""


def test_kernels_of_the_lab_depend_on_nothing_around_it(tmp_path, hostile):
    """The server is the user's own, with a browser to open; what it starts is the book's."""
    book = one_figure(tmp_path / "a b's ü")
    settings = 'JUPYTER_PATH="$PWD/.jupyter" .venv/bin/python -I '
    assert settings in book.make("--dry-run", "lab")
    own = {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    subprocess.run(
        ["bash", "-pc", settings + '-c "$0"', LAB],
        cwd=book.root,
        env=os.environ | hostile | NO_PYTHON | own,
        check=True,
    )
    (figure,) = outputs(book.root / "shown.ipynb", FIGURE)
    assert figure["csv"] == RECORD.csv
    assert said(book.root / "shown.ipynb") == "[]\n"


def test_pip_finds_packages_as_the_user_says_and_installs_them_nowhere_else(book):
    shutil.rmtree(book.root / ".venv")
    book.write(PATH_FILE, str(book.root))
    book.write(".venv/bin/python", "env >> seen")
    (book.root / ".venv/bin/python").chmod(0o755)
    book.make(
        ".venv/.ready",
        PYTHON="true",
        PIP_INDEX_URL="https://example.org",
        PIP_TARGET="/elsewhere",
        PIP_USER="1",
        PYTHONPATH="/elsewhere",
    )
    written = (book.root / PATH_FILE).read_text()
    assert (book.root / ".venv/lib/python3/site-packages" / written.strip()).samefile(book.root)
    assert str(book.root) not in written
    seen = set((book.root / "seen").read_text().splitlines())
    assert {"PIP_INDEX_URL=https://example.org", "PIP_USER=0"} <= seen
    assert not [line for line in seen if line.startswith(("PIP_TARGET", "PYTHONPATH"))]
