"""Numbers that the text quotes from the run."""

import numbers

from myst_nb import glue

__all__ = ["quote"]


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
