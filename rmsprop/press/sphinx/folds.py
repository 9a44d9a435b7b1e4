"""Folds: a line that says what is in it, and opens. In print and as text, what is in it alone."""

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

__all__ = ["Fold", "count", "setup"]


class Fold(nodes.General, nodes.Element):
    """What it holds, below its attribute ``label``."""


def count(number: int, one: str, many: str) -> str:
    """Return a number with the words for one or many.

    >>> count(1, "line", "lines")
    '1 line'
    """
    return f"{number} {one if number == 1 else many}"


def _visit_html(translator: Any, node: Fold) -> None:
    classes, label = " ".join(["fold", *node["classes"]]), escape(node["label"])
    translator.body.append(f'<details class="{classes}"><summary>{label}</summary>\n')


def _depart_html(translator: Any, node: Fold) -> None:
    translator.body.append("</details>\n")


def _pass(translator: Any, node: Fold) -> None:
    """Leave what is in it as it is."""


def setup(app: Sphinx) -> None:
    """Tell Sphinx about folds."""
    app.add_node(Fold, html=(_visit_html, _depart_html), latex=(_pass, _pass), text=(_pass, _pass))
