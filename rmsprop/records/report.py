"""Tables of reports: in columns for a terminal, in Markdown for a review."""

from collections.abc import Sequence

__all__ = ["in_columns", "in_markdown"]

Rows = Sequence[Sequence[str]]


def in_columns(rows: Rows) -> str:
    """Return a table as text.

    Args:
        rows: of cells, the head first, as many in each.

    >>> print(in_columns([("figure", "verdict"), ("a", "deviates")]))
    figure  verdict
    a       deviates
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def in_markdown(rows: Rows) -> list[str]:
    """Return the lines of a table in Markdown.

    Args:
        rows: of cells, the head first, as many in each.

    >>> in_markdown([("figure", "verdict"), ("a", "deviates")])
    ['| figure | verdict |', '| --- | --- |', '| a | deviates |']
    """
    head, *others = rows
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *others)]
