"""Sphinx extension: figures, mathematics, folds, docstrings, and what stands around them."""

from sphinx.application import Sphinx

from rmsprop.press.live import directive
from rmsprop.press.sphinx import (
    code,
    docstrings,
    figures,
    folds,
    landing,
    mathematics,
    pages,
    previews,
    renderer,
    search,
    sections,
    slim,
)

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up all parts."""
    for part in (
        folds,
        figures,
        renderer,
        landing,
        code,
        docstrings,
        sections,
        directive,
        mathematics,
        pages,
        previews,
        search,
        slim,
    ):
        part.setup(app)
    return {"parallel_read_safe": False, "parallel_write_safe": False}
