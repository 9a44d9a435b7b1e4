"""Make a record of arrays: tidy columns, a row for every observation."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.records.record import KINDS, Column, Record, RecordError

__all__ = ["Data", "make_record"]

LARGEST = 1_000_000  # bytes of a CSV

Data = Mapping[str, ArrayLike]


def make_record(
    id: str,
    *,
    caption: str,
    alt: str,
    data: Data | Sequence[Data],
    units: Mapping[str, str] | None = None,
    kind: str = "exact",
    rtol: float | Mapping[str, float] = 1e-9,
    atol: float | Mapping[str, float] = 1e-12,
    over: str | None = None,
    within: Mapping[str, float] | None = None,
    seed: int | None = None,
) -> Record:
    """Make a record of arrays; the arguments are those of `rmsprop.press.publish`.

    Raises:
        RecordError: for anything that `rmsprop.press.publish` does not allow.

    >>> record = make_record("a", caption="A.", alt="A.", data={"x": [[0], [1]], "y": [0.5, 0.25]})
    >>> print(record.csv)
    x,y
    0,0.5
    0,0.25
    1,0.5
    1,0.25
    <BLANKLINE>
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise RecordError(f"id must be lower-case words joined by hyphens, got {id!r}")
    for name, text in (("caption", caption), ("alt", alt)):
        if not text.strip():
            raise RecordError(f"{name} must not be empty, got {text!r} for figure {id}")
    if kind not in KINDS:
        raise RecordError(f"kind must be one of {', '.join(KINDS)}, got {kind!r} for figure {id}")
    if (kind == "statistical") != bool(over and within):
        raise RecordError(
            f"over and within belong to statistical figures, to no others; figure {id} is {kind}"
        )
    table = _tidy(id, data)
    for argument, named in (
        ("units", units),
        ("rtol", rtol),
        ("atol", atol),
        ("over", {over: 0} if over else None),
        ("within", within),
    ):
        for name in named if isinstance(named, Mapping) else ():
            if name not in table:
                raise RecordError(
                    f"{argument} must name columns of figure {id}, which has {', '.join(table)}, "
                    f"got {name!r}"
                )

    def column(name: str, values: NDArray[Any]) -> Column:
        if values.dtype.kind == "U":
            return Column("text")
        unit = (units or {}).get(name, "1")
        if kind == "measured":
            return Column("number", unit)
        if name in (within or {}):
            return Column("number", unit, within=_tolerance(id, "within", within, name, 0.0))
        return Column(
            "number",
            unit,
            rtol=_tolerance(id, "rtol", rtol, name, 1e-9),
            atol=_tolerance(id, "atol", atol, name, 1e-12),
        )

    columns = {name: column(name, values) for name, values in table.items()}
    text = _to_csv(table)
    if len(text.encode()) > LARGEST:
        raise RecordError(
            f"the data of figure {id} must be under 1 MB, got {len(text.encode()):,} bytes"
        )
    return Record(
        id,
        kind,
        " ".join(caption.split()),
        " ".join(alt.split()),
        columns,
        text,
        seed=seed,
        over=over,
    )


def _tolerance(id: str, argument: str, given: Any, name: str, default: float) -> float:
    value = given.get(name, default) if isinstance(given, Mapping) else given
    if not (0 <= value < math.inf):
        raise RecordError(
            f"{argument} must be a finite number, at least 0, got {value} for figure {id}"
        )
    return float(value)


def _tidy(id: str, data: Data | Sequence[Data]) -> dict[str, NDArray[Any]]:
    """Return columns of one length: blocks broadcast, and set one below the other."""
    blocks = [data] if isinstance(data, Mapping) else list(data)
    if not blocks or not all(blocks):
        raise RecordError(f"data must hold at least one column, got none for figure {id}")
    names = list(blocks[0])
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise RecordError(
                f"a column's name must be lower-case words joined by underscores, got {name!r} for "
                f"figure {id}"
            )
    rows = []
    for block in blocks:
        if list(block) != names:
            raise RecordError(
                f"every block of figure {id} must have the columns {', '.join(names)}, got "
                f"{', '.join(block)}"
            )
        arrays = {name: np.asarray(values) for name, values in block.items()}
        try:
            broadcast = np.broadcast_arrays(*arrays.values())
        except ValueError:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            raise RecordError(
                f"the columns of figure {id} must have one length, or shapes that broadcast, got "
                f"{shapes}"
            ) from None
        rows.append([array.ravel() for array in broadcast])
    table = {}
    for name, parts in zip(names, zip(*rows, strict=True), strict=True):
        kinds = {part.dtype.kind for part in parts}
        if not (kinds <= set("fiu") or kinds == {"U"}):
            raise RecordError(
                f"column {name} of figure {id} must hold real numbers, or text in all of its rows"
            )
        values = np.concatenate(parts)
        if values.dtype.kind == "f":
            values = values.astype(float)
        if not values.size:
            raise RecordError(f"column {name} of figure {id} must not be empty")
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise RecordError(
                f"column {name} of figure {id} holds NaN, first in row {np.isnan(values).argmax()}"
            )
        if values.dtype.kind == "U" and not all(map(str.isprintable, values.tolist())):
            raise RecordError(f"the text in column {name} of figure {id} must be printable")
        table[name] = values
    return table


def _to_csv(table: dict[str, NDArray[Any]]) -> str:
    """Write the shortest digits that give every number back."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*(values.tolist() for values in table.values()), strict=True))
    return file.getvalue()
