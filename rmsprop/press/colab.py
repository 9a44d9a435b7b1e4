"""Chapters for Colab, whose machines have neither the book nor its packages: a cell fetches both.

Colab opens notebooks from a branch of the repository. ``python -m rmsprop.press.colab FOLDER``
writes what publishing puts there; in the chapters themselves nothing is fetched.
"""

import sys
from pathlib import Path

import nbformat

from rmsprop.records import repository
from rmsprop.records.record import RecordError

__all__ = ["BRANCH", "prepared", "write"]

BRANCH = "colab"
FETCH = """\
# Fetch the book as it was when this page was made, with its records, and what chapters import.
import sys
from pathlib import Path

clone = Path.home() / "rmsprop-book"
if not clone.exists():
    !git clone --quiet {address} {{clone}}
    !git -C {{clone}} checkout --quiet {commit}
    %pip install --quiet --editable {{clone}}[chapters]
%cd {{clone}}
sys.path.insert(0, str(clone))"""


def prepared(chapter: nbformat.NotebookNode, address: str, commit: str) -> nbformat.NotebookNode:
    """Return a chapter that begins by fetching the book.

    Args:
        chapter: as committed.
        address: where git fetches the repository.
        commit: the one to fetch.
    """
    fetch = nbformat.v4.new_code_cell(
        FETCH.format(address=address, commit=commit), id="fetch", metadata={"name": "fetch"}
    )
    return nbformat.NotebookNode(chapter | {"cells": [fetch, *chapter.cells]})


def write(root: Path, folder: Path) -> None:
    """Write the chapters for Colab.

    Args:
        root: the repository.
        folder: where ``book`` with the chapters goes.

    Raises:
        RecordError: if the repository has no address, or no commit that could be fetched from it.
    """
    address, commit = repository.address(root), repository.commit(root)
    if address is None or not commit.isalnum() or commit == "unknown":
        raise RecordError("Colab fetches a commit from the repository's address; one is missing")
    (folder / "book").mkdir(parents=True, exist_ok=True)
    for path in (root / "book").glob("*.ipynb"):
        chapter = nbformat.read(path, as_version=4)
        nbformat.write(prepared(chapter, address, commit), folder / "book" / path.name)


if __name__ == "__main__":
    here = repository.find_root()
    assert here
    try:
        write(here, Path(sys.argv[1]))
    except RecordError as error:
        sys.exit(f"rmsprop: {error}")
