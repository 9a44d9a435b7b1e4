"""Check what needs no run: records, figures and images belong together."""

import re
from pathlib import Path

import nbformat

from rmsprop.records.record import RecordError, read
from rmsprop.records.source import find_sources

__all__ = ["check"]

MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>[^)]*)\)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.I)
HTML_ALT = re.compile(r"""\balt\s*=\s*["']?[^"'\s>]""", re.I)
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?:image|figure)\}(?P<body>.*?)^(?P=fence)", re.M | re.S
)


def check(root: Path) -> list[str]:
    """Find figures without a record, records without a figure, and images without alt text.

    Args:
        root: the repository.

    Returns:
        A sentence for each fault; none if all is well.
    """
    return [*_records(root / "book"), *_images(root)]


def _records(book: Path) -> list[str]:
    try:
        sources = find_sources(book)
    except RecordError as error:
        return [str(error)]
    folder = book / "figures"
    names = {path.stem for suffix in ("json", "csv") for path in folder.glob(f"[!.]*.{suffix}")}
    faults = [f"record {id} has no figure: no chapter publishes it" for id in names - {*sources}]
    for id, source in sources.items():
        try:
            record = read(folder, id)
        except RecordError as error:
            faults.append(str(error))
            continue
        if record is None:
            faults.append(
                f"figure {id} of {source.chapter} has no record: `make accept FIGURE={id}`"
            )
        elif record.chapter != source.chapter:
            faults.append(
                f"figure {id} moved from {record.chapter} to {source.chapter}: "
                f"`make accept FIGURE={id}`"
            )
    return sorted(faults)


def _images(root: Path) -> list[str]:
    texts = {path: path.read_text(encoding="utf-8") for path in (root / "book").glob("*.md")}
    texts |= {path: path.read_text(encoding="utf-8") for path in root.glob("*.md")}
    for path in (root / "book").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts[path] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return [
        f"{path.relative_to(root)} has an image without alt text: {image}"
        for path, text in sorted(texts.items())
        for image in _without_alt(text)
    ]


def _without_alt(text: str) -> list[str]:
    images = [m[0] for m in MARKDOWN_IMAGE.finditer(text) if not m["alt"].strip()]
    images += [tag for tag in HTML_IMAGE.findall(text) if not HTML_ALT.search(tag)]
    images += [
        m[0].splitlines()[0]
        for m in DIRECTIVE.finditer(text)
        if not re.search(r"^:alt:\s*\S", m["body"], re.M)
    ]
    return images
