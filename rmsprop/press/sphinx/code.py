"""The chapters' code: folded, below what it shows, and opened by the switch in the header."""

from collections.abc import Sequence
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from rmsprop.press.sphinx.figures import FigurePanel
from rmsprop.press.sphinx.folds import Fold, count

__all__ = ["setup"]

SET_UP = "set-up"
"""The name of the cell whose code stands at the end of the page."""

logger = logging.getLogger(__name__)


class FoldCode(SphinxPostTransform):
    """Fold the code of each cell, named by the cell's metadata.

    Code that shows nothing goes with the next that does, set-up to the end of the page. What
    follows a solution goes into it.
    """

    # Between MyST-NB's choice of outputs and its own folding.
    default_priority = 100
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Fold the code of a page."""
        set_up, silent = [], []
        for cell in [*self.document.findall(_is_cell)]:
            cell.attributes.pop("hide_mode", None)
            code, shown = _divided(cell)
            if cell["cell_metadata"].get("name") == SET_UP:
                set_up += cell.children
                cell.parent.remove(cell)
            elif not shown:
                silent += code
                cell.parent.remove(cell)
            else:
                _settle(cell, shown, self._fold(cell, [*silent, *code]))
                silent = []
        for name, left in (("what shows nothing", silent), (SET_UP, set_up)):
            if left:
                page = next(self.document.findall(nodes.section))
                page += _row([_folded(name, left)])

    def _fold(self, cell: nodes.Element, code: list[nodes.Node]) -> Fold:
        name = cell["cell_metadata"].get("name")
        if not name:
            logger.warning(
                "a cell that shows something needs a name in its metadata, for the line that it "
                "folds into",
                location=cell,
            )
        return _folded(name, code)


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def _divided(cell: nodes.Element) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Return the code of a cell, and what it shows."""
    code, *output = cell.children
    return [code], [node for part in output for node in part.children]


def _settle(cell: nodes.Element, shown: Sequence[nodes.Node], fold: Fold) -> None:
    """Put what a cell shows first, then its folds in a row; all of it into a solution before it."""
    output = cell.children[-1]
    folds: list[nodes.Node] = [fold]
    for node in reversed(shown):
        if not isinstance(node, FigurePanel | Fold):
            break
        output.remove(node)
        folds.insert(0, node)
    cell.children = []
    cell.extend([output] if output.children else [])
    cell.append(_row(folds))
    before = cell.parent[max(cell.parent.index(cell) - 1, 0)]
    if isinstance(before, nodes.admonition) and "dropdown" in before["classes"]:
        cell.parent.remove(cell)
        before.append(cell)


def _row(folds: Sequence[nodes.Node]) -> nodes.container:
    return nodes.container("", *folds, classes=["folds"])


def _folded(name: str, parts: Sequence[nodes.Element]) -> Fold:
    code = (part for part in parts if part["nb_element"] == "cell_code_source")
    lines = sum(len(part.astext().splitlines()) for part in code)
    label = f"Code: {name}, {count(lines, 'line', 'lines')}"
    return Fold("", *parts, label=label, classes=["code"])


def setup(app: Sphinx) -> None:
    """Tell Sphinx to fold."""
    app.add_post_transform(FoldCode)
