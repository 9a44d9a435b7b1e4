"""The page of symbols and names against the chapters, the equations and the conventions."""

import inspect
import re
from pathlib import Path

import nbformat
import pytest
import torch

from rmsprop import RMSprop, equations
from rmsprop.conventions import NAMES

BOOK = Path(__file__).parents[1] / "book"
PAGE = (BOOK / "symbols.md").read_text(encoding="utf-8")
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
FORMULA = re.compile(r"\$\$(.*?)\$\$|\$([^$\n]+)\$", re.DOTALL)
WORDS = re.compile(r"\\(?:text|operatorname|begin|end)\{[^}]*\}")
# What is said by convention alone: operators, relations, brackets, spaces.
COMMON = set(
    re.findall(
        r"\\[A-Za-z]+",
        r"\approx\cdot\ge\gg\le\ll\succeq\ne\pm\propto\to\leftarrow\longrightarrow\infty\circ"
        r"\arccos\arg\cos\ln\log\sin\max\min\sum\prod\int\sqrt\frac\tfrac\mathbb\bar\hat\tilde"
        r"\left\right\bigl\bigr\Bigl\Bigr\lvert\rvert\underbrace\quad\qquad\dots\ldots",
    )
)


def signs(text):
    """Return the letters and commands of all formulas in a text."""
    found = set()
    for display, inline in FORMULA.findall(re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)):
        found |= set(re.findall(r"\\[A-Za-z]+|[A-Za-z]", WORDS.sub(" ", display or inline)))
    return found - COMMON


def rows(heading):
    """Return the cells of the first table below a heading."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n\n|")[2].partition("\n\n")[0]
    head, _, *body = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    return head, body


LISTED = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| $")]
LISTED_SIGNS = set().union(*map(signs, LISTED))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_symbol_of_a_chapter_is_on_the_page(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert signs(text)
    assert signs(text) <= LISTED_SIGNS


def test_every_symbol_of_an_equation_in_the_package_is_on_the_page():
    known = {r"\Pi", "W"}  # Lambert's function is named where it is used
    for name in equations.__all__:
        formulas = re.findall(r":math:`([^`]+)`", inspect.getdoc(getattr(equations, name)) or "")
        assert signs("".join(f"${formula}$ " for formula in formulas)) <= LISTED_SIGNS | known, name


def test_every_symbol_on_the_page_is_in_a_chapter():
    text = "".join(path.read_text(encoding="utf-8").replace("\\\\", "\\") for path in CHAPTERS)
    assert signs(text) >= LISTED_SIGNS


def test_no_sign_is_listed_twice():
    listed = [sign for cell in LISTED for sign in re.findall(r"\$([^$]+)\$", cell)]
    papers = PAGE.partition("And the papers:")[2]
    once = [sign for sign in listed if f"| ${sign}$" not in papers]
    assert sorted(once) == sorted(set(once))


def test_names_are_those_of_the_conventions():
    (_, *packages), body = rows("The same thing by other names")
    known = set(RMSprop([torch.zeros(1)]).defaults)
    for option, *names in body:
        assert option in known
        for package, name in zip(packages, names, strict=True):
            assert name in {"–", NAMES[package.lower()].get(option, option)}
    theirs = set(inspect.signature(torch.optim.RMSprop).parameters)
    for option, name, *_ in body:
        assert (name == "–") == (option not in theirs)
