"""Find in the chapters' sources where each figure is published, without running them."""

import ast
import difflib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from rmsprop.records.record import RecordError

__all__ = ["Source", "find_sources", "require"]


@dataclass(frozen=True)
class Source:
    """The cell that publishes a figure: the chapter's name and the cell's id."""

    chapter: str
    cell: str


def find_sources(book: Path) -> dict[str, Source]:
    """Find the cell that publishes each figure.

    Args:
        book: the folder with the chapters.

    Returns:
        For each figure's id its source, in the order of the chapters' names.

    Raises:
        RecordError: if an id is used twice, or is not written out in the call.
    """
    found: dict[str, Source] = {}
    for path in sorted(book.glob("*.ipynb")):
        # As JSON: every chapter imports this module, and nbformat takes a second to import.
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            name = cell.get("id", "")
            for id in _published("".join(cell["source"]), path.stem, name):
                if id in found:
                    raise RecordError(
                        f"figure {id} is published twice, in {found[id].chapter} and in {path.stem}"
                    )
                found[id] = Source(path.stem, name)
    return found


def _published(code: str, chapter: str, cell: str) -> list[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        raise RecordError(f"cell {cell} of {chapter} is not Python: {error.msg}") from None
    ids = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "publish":
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            id = node.args[1] if len(node.args) > 1 else keywords.get("id")
            if not (isinstance(id, ast.Constant) and isinstance(id.value, str)):
                raise RecordError(f"publish in cell {cell} of {chapter} must be given a literal id")
            ids.append(id.value)
    return ids


def require(ids: Collection[str], known: Collection[str], what: str = "figure") -> None:
    """Check that figures, or what else has an id, exist.

    Args:
        ids: what was asked for.
        known: what there is.
        what: that is.

    Raises:
        RecordError: for an unknown id; suggests those that look like it.
    """
    for id in ids:
        if id not in known:
            near = difflib.get_close_matches(id, known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
            raise RecordError(f"no {what} is called {id!r}; {hint}")
