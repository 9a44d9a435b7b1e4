"""What the cells of executed notebooks show."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

__all__ = ["outputs"]


def outputs(path: Path, mime_type: str) -> Iterator[Any]:
    """Yield the outputs of one kind, in order.

    Args:
        path: an executed notebook.
        mime_type: the kind.
    """
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            if mime_type in output.get("data", {}):
                yield output["data"][mime_type]
