"""Compare a figure of this run with its published record."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmsprop.records.record import Record

__all__ = ["VERDICTS", "Comparison", "Deviation", "FigureDeviates", "compare", "tally"]

VERDICTS = ("bit-identical", "within tolerance", "measured", "deviates", "missing")
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)")


class FigureDeviates(AssertionError):
    """A figure is not what its record says; the message names what differs."""


@dataclass(frozen=True)
class Deviation:
    """One number of this run beside the published one.

    Attributes:
        column: which.
        row: its number, from 0; for a median what its rows share.
        published: what the record says.
        fresh: what this run says.
        size: how far they are apart.
        allowed: how far they may be.
    """

    column: str
    row: str
    published: float
    fresh: float
    size: float
    allowed: float

    @property
    def severity(self) -> float:
        """Deviation over tolerance: what lies above 1 fails."""
        if not self.allowed:
            return math.inf if self.size else 0.0
        return self.size / self.allowed

    def __str__(self) -> str:
        return (
            f"{self.column}, {self.row}: published {self.published!r}, fresh {self.fresh!r}, "
            f"deviation {self.size:.2g} against {self.allowed:.2g} allowed"
        )


@dataclass(frozen=True)
class Comparison:
    """A figure of this run against its record.

    Attributes:
        verdict: one of `VERDICTS`.
        greatest: of all numbers the one that comes closest to its tolerance, or exceeds it most.
        differences: what deviates, a sentence each; empty unless the verdict is ``deviates``.
    """

    verdict: str
    greatest: Deviation | None = None
    differences: tuple[str, ...] = ()


def compare(published: Record | None, fresh: Record) -> Comparison:
    """Compare a figure of this run with its record.

    Args:
        published: the record; None if there is none.
        fresh: what this run published.

    Returns:
        What came of it. Numbers are compared by the record's tolerances, words with them: a number
        in a caption may differ by one unit of its last digit and by the greatest of the relative
        tolerances; in that of a statistical or measured figure by anything.
    """
    if published is None:
        return Comparison("missing")
    differences = _declarations(published, fresh)
    if fresh.kind == published.kind == "measured":
        return Comparison("deviates" if differences else "measured", None, tuple(differences))
    greatest = None
    if not differences and published.sha256 != fresh.sha256:
        old, new = published.data(), fresh.data()
        for name, column in published.columns.items():
            if column.type == "text":
                differences += _texts(name, old[name], new[name])
            else:
                deviations = (
                    _values(published, name, old, new)
                    if column.within is None
                    else _medians(published, name, old, new)
                )
                beyond = [deviation for deviation in deviations if deviation.severity > 1]
                worst = max(deviations, key=lambda deviation: deviation.severity)
                if greatest is None or worst.severity > greatest.severity:
                    greatest = worst
                if beyond:
                    more = f" ({len(beyond)} such in the column)" if len(beyond) > 1 else ""
                    differences.append(f"{worst}{more}")
    if differences:
        return Comparison("deviates", greatest, tuple(differences))
    same = published.sha256 == fresh.sha256
    return Comparison("bit-identical" if same else "within tolerance", greatest)


def tally(comparisons: Iterable[Comparison]) -> str:
    """Return how many figures got which verdict.

    >>> tally([Comparison("measured"), Comparison("missing"), Comparison("measured")])
    '2 measured, 1 missing'
    """
    verdicts = [comparison.verdict for comparison in comparisons]
    return ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts))


def _declarations(published: Record, fresh: Record) -> list[str]:
    """Compare everything but the data."""
    old, new = published.words(), fresh.words()
    differences = []
    for key in ("kind", "seed", "over"):
        if old.get(key) != new.get(key):
            differences.append(f"{key}: published {old.get(key)}, fresh {new.get(key)}")
    if list(published.columns) != list(fresh.columns):
        differences.append(
            f"columns: published {', '.join(published.columns)}, fresh {', '.join(fresh.columns)}"
        )
    else:
        for before, after in zip(old["columns"], new["columns"], strict=True):
            if before != after:
                differences.append(f"column: published {before}, fresh {after}")
    if old["rows"] != new["rows"] and fresh.kind != "measured":
        differences.append(f"rows: published {old['rows']}, fresh {new['rows']}")
    rtol = (
        max((column.rtol or 0.0 for column in published.columns.values()), default=0.0)
        if published.kind == "exact"
        else math.inf
    )
    for key in ("caption", "alt"):
        if not _same_words(old[key], new[key], rtol):
            differences.append(f"{key}: published {old[key]!r}, fresh {new[key]!r}")
    return differences


def _same_words(old: str, new: str, rtol: float) -> bool:
    """Whether two sentences differ in nothing but digits that may differ."""
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    return all(
        _same_number(a, b, rtol)
        for a, b in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    )


def _same_number(old: str, new: str, rtol: float) -> bool:
    if old == new or math.isinf(rtol):
        return True
    a, b = (float(text.replace(",", "").replace("−", "-")) for text in (old, new))
    mantissa, _, exponent = old.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(a - b) <= 1.001 * unit + rtol * abs(a)


def _texts(name: str, old: NDArray[Any], new: NDArray[Any]) -> list[str]:
    (rows,) = np.nonzero(old != new)
    return [
        f"{name}, row {row}: published {str(old[row])!r}, fresh {str(new[row])!r}"
        for row in rows[:1]
    ]


def _distance(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """Return absolute differences: 0 between equal infinities, infinite where there is none."""
    with np.errstate(invalid="ignore"):
        return np.where(old == new, 0.0, np.nan_to_num(np.abs(new - old), nan=np.inf))


def _values(
    published: Record, name: str, old: dict[str, NDArray[Any]], new: dict[str, NDArray[Any]]
) -> list[Deviation]:
    column, a, b = published.columns[name], old[name], new[name]
    finite = np.where(np.isfinite(a), np.abs(a), 0.0)
    allowed = (column.atol or 0.0) + (column.rtol or 0.0) * finite
    return [
        Deviation(name, f"row {row}", *map(float, numbers))
        for row, numbers in enumerate(zip(a, b, _distance(a, b), allowed, strict=True))
    ]


def _medians(
    published: Record, name: str, old: dict[str, NDArray[Any]], new: dict[str, NDArray[Any]]
) -> list[Deviation]:
    """Compare medians over the seeds, of all rows that agree in everything else."""
    shared = [
        key
        for key, column in published.columns.items()
        if key != published.over and column.within is None
    ]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(old[key].tolist() for key in shared), strict=True)):
        groups.setdefault(key, []).append(row)
    deviations = []
    for shares, rows in groups.items():
        a, b = np.median(old[name][rows]), np.median(new[name][rows])
        with np.errstate(invalid="ignore"):
            lower, upper = np.quantile(old[name][rows], [0.25, 0.75])
        # Without a band, as between infinite losses, only the same median will do.
        band = upper - lower if np.isfinite([lower, upper]).all() else 0.0
        allowed = (published.columns[name].within or 0.0) * band
        numbers = map(float, (a, b, _distance(a, b), allowed))
        deviations.append(Deviation(f"median {name}", _place(shared, shares), *numbers))
    return deviations


def _place(names: list[str], values: tuple[Any, ...]) -> str:
    """Return what the rows of a group share, in words."""
    words = (f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
             for name, value in zip(names, values, strict=True))  # fmt: skip
    return ", ".join(words) or "all rows"
