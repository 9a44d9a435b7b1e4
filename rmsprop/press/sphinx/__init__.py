"""Sphinx extension: figures, live figures, mathematics, and what pages have around their text."""

from sphinx.application import Sphinx

from rmsprop.press.live import directive
from rmsprop.press.sphinx import figures, mathematics, pages, previews

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up all parts."""
    for part in (figures, directive, mathematics, pages, previews):
        part.setup(app)
    return {"parallel_read_safe": False, "parallel_write_safe": False}
