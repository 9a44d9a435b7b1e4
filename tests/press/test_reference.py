"""The pages of the reference: every public name, and a refusal where nothing is said about one."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from rmsprop import conventions
from rmsprop.press.reference import PAGES, page, public

ROOT = Path(__file__).parents[2]
PACKAGE = '''"""A package: `second` and `first`."""
from {name}.first import LIMIT, Shape, area
from {name}.second import twice
__all__ = ["LIMIT", "Shape", "area", "twice"]
'''
FIRST = '''"""Shapes."""
from dataclasses import dataclass
from functools import cached_property
__all__ = ["LIMIT", "Shape", "area", "helper"]
#: The largest width.
LIMIT = 3
@dataclass
class Shape:
    """A rectangle, not wider than `LIMIT`.

    Attributes:
        width: of it.
    """
    width: float
    def grown(self):
        """Return a wider one."""
    @property
    def height(self):
        """Its height."""
    @cached_property
    def corners(self):
        """Its four corners."""
    @classmethod
    def unit(cls):
        """Return a square."""
    def _private(self):
        pass
def area(shape):
    r"""Return what a `Shape` covers, see `twice` and ``eq-area``.

    .. math::

       a &= b h \\\\
       2 a &= 2 b h

    Args:
        shape: any; `unknown` is code.

    Raises:
        ValueError: never.

    >>> area(1)
    2
    """
def helper():
    """Is not exported."""
'''
SECOND = '''"""Numbers."""
__all__ = ["twice"]
def twice(x=1):
    """Return more."""
'''
EQUATION = "# Book\n\n$$a = b h$$ (eq-area)\n\n```{toctree}\nreference\n```\n"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a package of a name that no other test has; return the name."""
    monkeypatch.syspath_prepend(tmp_path)

    def make_package(edit=lambda source: source, package=PACKAGE):
        name = f"shapes_{abs(hash(tmp_path))}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text(package.format(name=name))
        (folder / "first.py").write_text(edit(FIRST))
        (folder / "second.py").write_text(SECOND)
        return name

    return make_package


def test_names_are_those_that_a_package_exports_in_the_order_of_its_docstring(make):
    name = make()
    assert public(name) == {
        f"{name}.second": [f"{name}.twice"],
        f"{name}.first": [f"{name}.{own}" for own in ("LIMIT", "Shape", "area")],
    }


def test_a_package_that_exports_nothing_has_the_names_of_its_modules(make):
    name = make(package='"""Has `first`, then `second`."""')
    assert public(name) == {
        f"{name}.first": [f"{name}.first.{own}" for own in ("LIMIT", "Shape", "area", "helper")],
        f"{name}.second": [f"{name}.second.twice"],
    }


def test_a_name_that_two_modules_have_is_listed_once(make):
    name = make()
    text = page("Title", [name, f"{name}.first"])
    assert text.count(f"autoclass:: {name}") == 1
    assert f"autofunction:: {name}.first.helper" in text


BARE = {
    "LIMIT": "#: The largest width.\n",
    "Shape": '''    """A rectangle, not wider than `LIMIT`.

    Attributes:
        width: of it.
    """
''',
    "Shape.grown": '"""Return a wider one."""',
    "Shape.height": '"""Its height."""',
    "Shape.corners": '"""Its four corners."""',
    "Shape.unit": '"""Return a square."""',
    "area": FIRST[FIRST.index('    r"""Return what') : FIRST.index("def helper")],
}


@pytest.mark.parametrize(("bare", "docstring"), BARE.items(), ids=BARE)
def test_a_name_without_a_docstring_is_refused_and_named(make, bare, docstring):
    assert FIRST.count(docstring) == 1
    instead = "pass\n" if docstring.startswith('"') else ""
    instead = "    return\n" if bare == "area" else instead
    name = make(lambda source: source.replace(docstring, instead))
    with pytest.raises(ValueError, match=f"without a docstring: {name}.first.{bare}$"):
        page("Title", [name])


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_the_command_stops_the_build_there(tmp_path, monkeypatch):
    monkeypatch.setattr(conventions.keras, "__doc__", None)
    monkeypatch.setattr(sys, "argv", ["reference", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"without a docstring: rmsprop\.conventions\.keras$"):
        runpy.run_module("rmsprop.press.reference", run_name="__main__")


def test_the_books_pages_are_in_its_contents_and_are_written_by_the_command(tmp_path):
    command = [sys.executable, "-m", "rmsprop.press.reference", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True)
    assert {path.stem for path in tmp_path.iterdir()} == set(PAGES)
    contents = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())["chapters"]
    (reference,) = (entry for entry in contents if entry["file"] == "api")
    listed = {"api", *(entry["file"] for entry in reference["sections"])}
    assert listed == {*PAGES, "api-commands"}


CONFIGURATION = """
import sys
sys.path.insert(0, {folder!r})
extensions = [
    "myst_parser", "sphinx.ext.autosummary", "sphinx.ext.napoleon",
    "rmsprop.press.sphinx.docstrings", "rmsprop.press.sphinx.mathematics",
]
myst_enable_extensions = ["dollarmath"]
default_role = "autolink"
autodoc_typehints = "none"
nitpick_ignore = [("py:exc", "ValueError")]
html_theme = "basic"
"""


@pytest.fixture
def site(make, tmp_path):
    """Build a book with the page; return its name for the package, and the pages."""

    def build(edit=lambda source: source):
        name = make(edit)
        source = tmp_path / "book"
        source.mkdir()
        (source / "conf.py").write_text(CONFIGURATION.format(folder=str(tmp_path)))
        (source / "index.md").write_text(EQUATION)
        (source / "reference.rst").write_text(page("Reference", [name]))
        command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", source, tmp_path / "html"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return name, done.stderr, tmp_path / "html" / "reference.html"

    return build


def test_the_page_has_every_name_and_its_references_lead_somewhere(site):
    name, errors, path = site()
    assert errors == ""
    soup = BeautifulSoup(path.read_text(), "html.parser")
    names = ("LIMIT", "Shape", "area", "twice")
    members = ("width", "grown", "height", "corners", "unit")
    for own in (*names, *(f"Shape.{member}" for member in members)):
        assert soup.find(id=f"{name}.{own}"), own
    for private in ("helper", "Shape._private"):
        assert not soup.find(id=f"{name}.{private}")
    area = soup.find(id=f"{name}.area").parent
    links = {link.text: link["href"] for link in area.select("a.reference")}
    assert links["Shape"] == f"#{name}.Shape"
    assert links["twice"] == f"#{name}.twice"
    assert links["(1)"] == "index.html#equation-eq-area"
    assert area.find("em", class_="py-obj", string="unknown")
    assert [row.text for row in area.select("math mtr")] == ["a=bh", "2a=2bh"]


def test_a_reference_that_leads_nowhere_stops_the_build(site):
    _, errors, _ = site(lambda source: source.replace("see `twice`", "see `math.floor`"))
    assert "reference target not found: math.floor" in errors
