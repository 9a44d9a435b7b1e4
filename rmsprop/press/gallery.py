"""Write the gallery: ``python -m rmsprop.press.gallery book EXECUTED.ipynb ... > gallery.md``."""

import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

import nbformat
import yaml

from rmsprop.press.panel import landing
from rmsprop.records.compare import Comparison, compare, tally
from rmsprop.records.record import Record, RecordError, read
from rmsprop.records.rerun import collect

__all__ = ["compare_all", "page"]

Compared = tuple[Record, Comparison]


def compare_all(book: Path, notebooks: Sequence[Path]) -> dict[str, Compared]:
    """Compare the figures of executed chapters with their records.

    Args:
        book: the folder of the chapters; the records are in its folder ``figures``.
        notebooks: the executed chapters.

    Returns:
        For each figure's id its record of the run and what comparing it gave.

    Raises:
        RecordError: if two chapters publish one figure, or a figure deviates from its record or
            has none, or a record is damaged; names the figures.
    """
    found: dict[str, Compared] = {}
    for path in notebooks:
        for id, fresh in collect(path).items():
            if id in found:
                raise RecordError(
                    f"figure {id} is published twice, in {found[id][0].chapter} and in {path.stem}"
                )
            found[id] = fresh, compare(read(book / "figures", id), fresh)
    for verdict, fault in (("missing", "have no record"), ("deviates", "deviate from theirs")):
        ids = [id for id, (_, comparison) in found.items() if comparison.verdict == verdict]
        if ids:
            raise RecordError(f"figures {fault}: {', '.join(ids)}; `make accept` adopts them")
    return found


def page(figures: dict[str, Compared], titles: dict[str, str]) -> str:
    """Return the gallery as MyST Markdown.

    Args:
        figures: from `compare_all`, in the order of the book.
        titles: of the chapters, by name.
    """
    verdicts = tally(comparison for _, comparison in figures.values())
    lines = [
        "# All figures",
        "",
        f"The book has {len(figures)} figures. When this page was built, their data compared with "
        f"the published records as: {verdicts}. `make verify` repeats the comparison on your "
        "machine. A picture leads to its figure's page, with data and files. For machines: <a "
        'href="figures.json">figures.json</a>.',
    ]
    for chapter, title in titles.items():
        own = [found for found in figures.values() if found[0].chapter == chapter]
        if own:
            lines += ["", f"## {title}", "", "{doc}`Read the chapter <" + chapter + ">`", ""]
            lines += ['<div class="gallery">', "", *map(_entry, own), "</div>"]
    return "\n".join(lines) + "\n"


def _entry(found: Compared) -> str:
    record, comparison = found
    id, alt = record.id, escape(record.alt)
    pictures = "".join(
        f'<img class="only-{theme}" loading="lazy" src="_images/{id}-{theme}.svg" alt="{alt}">'
        for theme in ("light", "dark")
    )
    return f"""\
<div class="gallery-figure">

<a href="{landing(id)}">{pictures}</a>

{{numref}}`fig-{id}` *{comparison.verdict}* ({record.kind})

{record.caption}

</div>
"""


def _title(notebook: Path) -> str:
    """Return a chapter's first heading."""
    lines = nbformat.read(notebook, as_version=4).cells[0].source.splitlines()
    return next((line[2:] for line in lines if line.startswith("# ")), notebook.stem)


if __name__ == "__main__":
    book, *executed = map(Path, sys.argv[1:])
    contents = yaml.safe_load((book / "_toc.yml").read_text(encoding="utf-8"))["chapters"]
    order = [entry["file"] for entry in contents]
    executed.sort(key=lambda path: order.index(path.stem))
    try:
        figures = compare_all(book, executed)
        sys.stdout.write(page(figures, {path.stem: _title(path) for path in executed}))
    except RecordError as error:
        sys.exit(f"rmsprop: {error}")
