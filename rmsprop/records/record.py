"""The record of a figure: the data behind it, what is said of them, and how closely they repeat.

A record is two files, ``<id>.csv`` with the data and ``<id>.json`` with everything else, of which
the SHA-256 of the first is a part. The records in ``book/figures/`` are what is cited.
"""

import csv
import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DEED",
    "KINDS",
    "LICENSE",
    "Column",
    "Record",
    "RecordError",
    "parse",
    "read",
    "write",
]

KINDS = ("exact", "statistical", "measured")
LICENSE = "CC-BY-4.0"
DEED = "https://creativecommons.org/licenses/by/4.0/"


class RecordError(ValueError):
    """A figure or its record is not as it must be; the message is one sentence for the reader."""


@dataclass(frozen=True)
class Column:
    """What is said of a column.

    Attributes:
        type: ``number`` or ``text``.
        unit: of a number; ``1`` where it has none.
        rtol: greatest relative deviation from the record.
        atol: greatest absolute deviation, added to the relative one.
        within: instead of both, greatest deviation of a median, in interquartile ranges.
    """

    type: str
    unit: str | None = None
    rtol: float | None = None
    atol: float | None = None
    within: float | None = None


@dataclass(frozen=True)
class Record:
    """A figure's record.

    Attributes:
        id: what the figure is called for good.
        kind: ``exact`` (compared value by value), ``statistical`` (medians over seeds compared) or
            ``measured`` on a device (numbers never compared).
        caption: what it shows; MyST Markdown.
        alt: what it looks like.
        columns: what is said of each column, in the data's order.
        csv: the data, one row per observation.
        seed: of the random numbers, where there are any.
        over: of a statistical figure the column that numbers the seeds.
        chapter: where it is published; None until `rmsprop.records.accept` says so.
        device: what a measured figure was measured on.
    """

    id: str
    kind: str
    caption: str
    alt: str
    columns: dict[str, Column]
    csv: str
    seed: int | None = None
    over: str | None = None
    chapter: str | None = None
    device: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the data's bytes."""
        return hashlib.sha256(self.csv.encode()).hexdigest()

    @property
    def swhid(self) -> str:
        """What Software Heritage calls the data's bytes, and git, wherever they are kept."""
        data = self.csv.encode()
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
        return f"swh:1:cnt:{blob.hexdigest()}"

    @property
    def rows(self) -> int:
        """Number of observations."""
        return len(self.csv.splitlines()) - 1

    def data(self) -> dict[str, NDArray[Any]]:
        """Return the columns: numbers as float64, text as strings.

        Raises:
            RecordError: if they are not what is said of them.
        """
        header, *rows = csv.reader(io.StringIO(self.csv)) if self.csv else [[]]
        if header != list(self.columns) or not rows or any(len(r) != len(header) for r in rows):
            raise RecordError(
                f"{self.id}.csv must have rows of the columns {', '.join(self.columns)}"
            )
        data = {}
        for name, cells in zip(header, zip(*rows, strict=True), strict=True):
            kind = float if self.columns[name].type == "number" else str
            try:
                data[name] = np.array(cells, dtype=kind)
            except ValueError as error:
                raise RecordError(f"column {name} of {self.id}.csv: {error}") from None
            if kind is float and np.isnan(data[name]).any():
                raise RecordError(f"column {name} of {self.id}.csv holds NaN")
        return data

    def words(self) -> dict[str, Any]:
        """Return what the JSON file holds."""
        says = {
            "id": self.id,
            "chapter": self.chapter,
            "kind": self.kind,
            "caption": self.caption,
            "alt": self.alt,
            "seed": self.seed,
            "over": self.over,
            "device": self.device,
            # A list, because notebooks sort the keys of what they hold.
            "columns": [
                {"name": name}
                | {key: value for key, value in vars(column).items() if value is not None}
                for name, column in self.columns.items()
            ],
            "rows": self.rows,
            "sha256": self.sha256,
            "swhid": self.swhid,
            "license": LICENSE,
        }
        return {key: value for key, value in says.items() if value is not None}


def read(folder: Path, id: str) -> Record | None:
    """Read the record of a figure.

    Args:
        folder: where the records are.
        id: the figure's.

    Returns:
        The record, or None if there is none.

    Raises:
        RecordError: if one file is missing, cannot be understood, or is not what was written.
    """
    path = folder / f"{id}.json"
    if not path.exists():
        if (folder / f"{id}.csv").exists():
            raise RecordError(f"the record of figure {id} has lost its half {path.name}")
        return None
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecordError(f"{path.name} is not JSON: {error}") from None
    digest = words.get("sha256") if isinstance(words, dict) else None
    record = parse(path.name, words, _data(folder, id, digest))
    if record.id != id:
        raise RecordError(f"{path.name} is the record of another figure, {record.id!r}")
    if record.sha256 != digest:
        raise RecordError(
            f"the record of figure {id} was changed by hand: the SHA-256 of {id}.csv is "
            f"{record.sha256[:12]}…, {path.name} says {str(digest)[:12]}…"
        )
    record.data()
    if words.get("swhid", record.swhid) != record.swhid:
        raise RecordError(f"the SWHID of {id}.csv is {record.swhid}, {path.name} has another")
    return record


def _data(folder: Path, id: str, digest: Any) -> str:
    """Return the data; those still waiting for their name if `write` was cut off before it."""
    named, waiting = folder / f"{id}.csv", folder / f".{id}.csv"
    versions = [path.read_bytes() for path in (named, waiting) if path.exists()]
    if not versions:
        raise RecordError(f"the record of figure {id} has lost its half {id}.csv")
    written = [data for data in versions if hashlib.sha256(data).hexdigest() == digest]
    try:
        return (written or versions)[0].decode()
    except UnicodeDecodeError:
        raise RecordError(f"{id}.csv is not text in UTF-8") from None


def parse(name: str, words: Any, text: str) -> Record:
    """Return the record that a file's words and its data make.

    Args:
        name: of the file, for messages.
        words: what `Record.words` returned, in JSON and back.
        text: the data.

    Raises:
        RecordError: if the words are not a record's.
    """
    try:
        if words["license"] != LICENSE or words["kind"] not in KINDS:
            raise RecordError(f"{name} names a license or a kind that no record has")
        record = Record(
            words["id"],
            words["kind"],
            words["caption"],
            words["alt"],
            {
                column["name"]: Column(**{k: v for k, v in column.items() if k != "name"})
                for column in words["columns"]
            },
            text,
            **{key: words.get(key) for key in ("seed", "over", "chapter", "device")},
        )
        of_data = {"rows": words["rows"], "sha256": words["sha256"]}
        # The first records had no SWHID.
        of_data["swhid"] = words.get("swhid", record.swhid)
        if {"swhid": record.swhid} | words != record.words() | of_data:
            raise RecordError(f"{name} says more than a record does")
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{name} is not the record of a figure: {error!r}") from None
    return record


def write(folder: Path, record: Record) -> None:
    """Write a record so that at any moment, also if cut off, the old one or the new can be read.

    The JSON file changes last but one: from then on it says which data belong to it.

    Args:
        folder: where the records are; made if missing.
        record: the record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = json.dumps(record.words(), indent=1, ensure_ascii=False) + "\n"
    for name, text in ((f"{record.id}.csv", record.csv), (f"{record.id}.json", words)):
        with (folder / f".{name}").open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    for name in (f"{record.id}.json", f"{record.id}.csv"):
        (folder / f".{name}").replace(folder / name)
