"""Publish a figure: its picture and its data in one output, compared with the published record."""

import base64
import dataclasses
import html
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

from rmsprop.press.narrow import narrow
from rmsprop.press.panel import Panel, in_words
from rmsprop.records import environment, repository
from rmsprop.records.compare import Comparison, FigureDeviates, compare
from rmsprop.records.mime import FIGURE
from rmsprop.records.record import DEED, Record, read
from rmsprop.records.tidy import Data, make_record

__all__ = ["offered", "publish"]

RIGHTS = f"CC BY 4.0, {DEED}"
LONG = re.compile(r"-?\d+\.\d{4,}")


class PublishedFigure:
    """What a cell shows for a figure: a numbered figure in the book, a picture in a notebook.

    Attributes:
        record: of this run.
        picture: its files and its size in pixels of 1/96 inch; ``narrow`` is the one for phones.
        root: the repository; None outside of one.
        published: the published record; None if there is none.
        comparison: of the two; None outside the repository.
    """

    def __init__(
        self, record: Record, picture: dict[str, Any], root: Path | None, published: Record | None
    ) -> None:
        self.record = record
        self.picture = picture
        self.root = root
        self.published = published
        self.comparison = compare(published, record) if root else None
        self.environment = environment.describe(root)

    def _panel(self) -> Panel:
        id, cited = self.record.id, offered(self.published, self.record, self.comparison)
        files = {name: f"figures/{id}.{name.lower()}" for name in ("CSV", "JSON")}
        return Panel(
            id,
            self.record.kind,
            cited.sha256,
            in_words(self.comparison, id),
            self.environment,
            citation=repository.citation(self.root) if self.root else None,
            files=files if cited is self.published else None,
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        record = self.record
        picture = base64.b64encode(self.picture["svg"].encode()).decode()
        return {
            FIGURE: {
                "record": record.words(),
                "csv": record.csv,
                "environment": self.environment,
                **self.picture,
            },
            "text/html": f'<figure style="background: white; color: #1f2328">'
            f'<img alt="{html.escape(record.alt)}" src="data:image/svg+xml;base64,{picture}">'
            f"<figcaption>{html.escape(record.caption)}</figcaption>{self._panel().html()}</figure>",
            "text/plain": repr(self),
        }

    def __repr__(self) -> str:
        return f"Figure {self.record.id}: {self.record.caption}"


def offered(published: Record | None, fresh: Record, comparison: Comparison | None) -> Record:
    """Return the record that is offered with a picture: the published one, if it fits it."""
    fits = comparison and comparison.verdict in ("bit-identical", "within tolerance")
    return published if published and fits else fresh


def publish(
    figure: Figure,
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
) -> PublishedFigure:
    """Publish a figure, close it, and compare its data with the published record.

    Args:
        figure: drawn with the house style.
        id: what the figure is called for good, lower-case words joined by hyphens. The text refers
            to it by ``numref``, as ``fig-<id>``.
        caption: a sentence or more that states the finding; MyST Markdown.
        alt: what the picture shows, for those who cannot see it.
        data: what is drawn: for each column's name its numbers or text. Arrays broadcast against
            each other, so that a grid needs no loops; every element becomes a row. Where parts of
            the figure do not fit together, a list of such blocks, with the same columns in each.
        units: of the columns that have one.
        kind: ``exact``, compared number by number; ``statistical``, medians over seeds compared; or
            ``measured`` on a device, whose numbers are never compared.
        rtol: greatest relative deviation from the record, for all columns or by column.
        atol: greatest absolute deviation, added to the relative one.
        over: of a statistical figure the column that numbers the seeds.
        within: for each of its columns that depend on the seed, how far a median over the seeds may
            lie from the published one, in published interquartile ranges.
        seed: of the random numbers, where there are any.

    Returns:
        The published figure; as the last value of a cell it is shown.

    Raises:
        RecordError: for an argument that is not as said, columns that differ in length, NaN, data
            of more than 1 MB, and a published record that is damaged.
        FigureDeviates: if the run deviates from the record. The figure is shown before.
    """
    record = make_record(
        id,
        caption=caption,
        alt=alt,
        data=data,
        units=units,
        kind=kind,
        rtol=rtol,
        atol=atol,
        over=over,
        within=within,
        seed=seed,
    )
    if kind == "measured":
        record = dataclasses.replace(record, device=environment.device_name())
    root = repository.find_root()
    published = read(root / "book" / "figures", id) if root else None
    shown = PublishedFigure(record, _draw(figure, record), root, published)
    if shown.comparison and shown.comparison.verdict == "deviates":
        display(shown)
        raise FigureDeviates(
            f"figure {id} deviates from its record: {'; '.join(shown.comparison.differences)}. "
            f"If that is meant, adopt it: make accept FIGURE={id}"
        )
    return shown


def _draw(figure: Figure, record: Record) -> dict[str, Any]:
    """Return the picture's files, the same bytes for the same figure."""
    title, pdf = f"{record.id}: {record.caption}", io.BytesIO()
    words = {"Title": title, "Subject": record.alt, "Keywords": RIGHTS, "CreationDate": None}
    figure.savefig(pdf, format="pdf", metadata=words, dpi=150)
    words = {"Title": title, "Description": record.alt, "Rights": RIGHTS, "Date": None}
    wide = _svg(figure, words)
    narrow(figure)
    phone = _svg(figure, words)
    plt.close(figure)
    return {**wide, "pdf": base64.b64encode(pdf.getvalue()).decode(), "narrow": phone}


def _svg(figure: Figure, words: dict[str, Any]) -> dict[str, Any]:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=words, dpi=150)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return {"svg": _shorten(file.getvalue()), "width": width, "height": height}


def _shorten(svg: str) -> str:
    """Round places to a thousandth of a point, which no screen shows."""
    return re.sub(r'(?<= [dxy]=")[^"]*', lambda places: LONG.sub(_round, places[0]), svg)


def _round(number: re.Match[str]) -> str:
    return f"{float(number[0]):.3f}".rstrip("0").rstrip(".")
