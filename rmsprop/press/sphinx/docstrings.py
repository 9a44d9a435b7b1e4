"""Docstrings in the book: the equations that they name become references."""

import re
from typing import Any

from sphinx.application import Sphinx

__all__ = ["setup"]


def _refer(app: Sphinx, kind: str, name: str, object: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [re.sub(r"``(eq-[a-z-]+)``", r":eq:`\1`", line) for line in lines]


def setup(app: Sphinx) -> None:
    """Tell autodoc to make references."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _refer)
