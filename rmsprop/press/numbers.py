"""Numbers of the run in the text: quoted in a sentence, or set out in a table."""

import numbers
from collections.abc import Sequence

from IPython.display import Markdown
from myst_nb import glue

from rmsprop.experiments.statistics import Interval

__all__ = ["quote", "quote_intervals", "table"]


def quote(**values: float) -> None:
    """Make numbers of this run available to the chapter's text.

    Args:
        values: numbers, each under the name that the text uses with hyphens for underscores: after
            ``quote(half_life=6.58)`` it writes ``{glue:text}`half-life:.1f```.

    Raises:
        TypeError: if a value is not a number, or not a single one.
    """
    for name, value in values.items():
        number = int(value) if isinstance(value, numbers.Integral) else float(value)
        glue(name.replace("_", "-"), number, display=False)


def quote_intervals(**intervals: Interval) -> None:
    """Make estimates available to the chapter's text, and the ends of their intervals.

    Args:
        intervals: each under its name: after ``quote_intervals(gain=interval)`` the text has
            ``gain``, ``gain-low`` and ``gain-high``.
    """
    for name, (estimate, low, high) in intervals.items():
        quote(**{name: estimate, f"{name}_low": low, f"{name}_high": high})


def table(columns: dict[str, Sequence[object]]) -> Markdown:
    """Return a table for a cell to show: the first column flush left, the others flush right.

    Args:
        columns: for each heading its entries, as many in each; both are MyST Markdown.

    Raises:
        ValueError: if the columns differ in length.

    >>> print(table({"alpha": [0.9, 0.99], "window": [10, 100]}).data)
    | alpha | window |
    | :-- | --: |
    | 0.9 | 10 |
    | 0.99 | 100 |
    """
    lines = [columns, [":--"] + ["--:"] * (len(columns) - 1), *zip(*columns.values(), strict=True)]
    return Markdown("\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines))
