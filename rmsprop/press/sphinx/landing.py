"""A page of its own for every figure, at an address that the figure keeps in whatever chapter.

It is no document of Sphinx: neither the search nor the contents have it, only those who cite it.
"""

import csv
import io
import json
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from rmsprop.press.panel import landing
from rmsprop.press.sphinx.figures import Placed, placed
from rmsprop.records.cite import name
from rmsprop.records.record import Record
from rmsprop.records.schema_org import describe

__all__ = ["setup"]

BOOK = "../"  # from a figure's page
ROWS = 5  # of the data on a page


def _pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the pages: they repeat what the chapters, already written, show of the figures."""
    chapters: dict[str, BeautifulSoup] = {}
    for id, figure in placed(app.builder).items():
        page = app.builder.get_target_uri(figure.docname)
        if page not in chapters:
            text = (Path(app.outdir) / page).read_text(encoding="utf-8")
            chapters[page] = BeautifulSoup(text, "html.parser")
        context = _context(app, figure, page, chapters[page])
        yield landing(id).removesuffix(".html"), context, "page.html"


def _context(app: Sphinx, figure: Placed, page: str, chapter: BeautifulSoup) -> dict[str, Any]:
    record = figure.record
    panel = replace(
        figure.panel,
        permalink=figure.panel.absolute or f"{record.id}.html",
        files={end.upper(): f"{record.id}.{end}" for end in figure.files},
    )
    shown = _moved(chapter, f"fig-{record.id}", page)
    called = name(record.id, panel.number)
    title = escape(app.env.titles[figure.docname].astext())
    body = f"""\
<section>
<h1>{escape(called)}</h1>
<p>From the chapter <a href="{BOOK}{page}#fig-{record.id}">{title}</a>. This page keeps its
address, wherever in the book the figure stands.</p>
{shown}
<h2>Data</h2>
{_table(record)}
<h2>Cite, download, verify</h2>
<div class="figure-panel">{panel.rows()}</div>
</section>
"""
    caption = _text(shown)
    description = textwrap.shorten(caption, 200, placeholder=" …")
    tags = f'<meta name="description" content="{escape(description)}" />\n'
    if panel.citation:
        words = describe(
            panel.citation,
            record,
            figure.files,
            name=called,
            caption=caption,
            book=app.config.html_baseurl or BOOK,
        )
        tags += f'<script type="application/ld+json">{_in_script(words)}</script>\n'
    return {"title": called, "body": body, "metatags": tags}


def _moved(chapter: BeautifulSoup, anchor: str, page: str) -> str:
    """Return an element of a page as it must read on a figure's own page."""
    copied = BeautifulSoup(str(chapter.find(id=anchor)), "html.parser")
    for link in copied.select(".headerlink"):
        link.decompose()
    for attribute in ("href", "src", "srcset"):
        for element in copied.select(f"[{attribute}]"):
            address = urljoin(page, str(element[attribute]))
            element[attribute] = address if "://" in address else BOOK + address
    return str(copied)


def _text(figure: str) -> str:
    """Return the caption as text: references as they are seen, mathematics as TeX."""
    caption = BeautifulSoup(figure, "html.parser").select_one(".caption-text")
    assert caption
    for formula in caption.select(".katex"):
        source = formula.select_one("annotation")
        assert source
        formula.replace_with(f"${source.get_text()}$")
    return caption.get_text()


def _table(record: Record) -> str:
    """Return the first rows of the data, and what their file is called."""
    head, *rows = csv.reader(io.StringIO(record.csv))
    heads = (_cell(record, column, _headed(record, column), "th") for column in head)
    shown = [
        "".join(
            _cell(record, column, _rounded(record, column, value), "td")
            for column, value in zip(head, row, strict=True)
        )
        for row in rows[:ROWS]
    ]
    said = f"The first {ROWS} of {record.rows:,} rows" if record.rows > ROWS else "All rows"
    return f"""\
<p>{said}, numbers rounded to six digits; <a href="{record.id}.csv" download>the CSV file</a> has
them whole.</p>
<div class="pst-scrollable-table-container"><table class="table">
<thead><tr>{"".join(heads)}</tr></thead>
<tbody>{"".join(f"<tr>{row}</tr>" for row in shown)}</tbody>
</table></div>
<p>The file's SWHID, by which Software Heritage and git know it: <code>{record.swhid}</code></p>"""


def _cell(record: Record, column: str, text: str, tag: str) -> str:
    side = "right" if record.columns[column].type == "number" else "left"
    return f'<{tag} class="text-{side}">{escape(text)}</{tag}>'


def _headed(record: Record, column: str) -> str:
    unit = record.columns[column].unit
    return f"{column} ({unit})" if unit and unit != "1" else column


def _rounded(record: Record, column: str, value: str) -> str:
    return f"{float(value):.6g}" if record.columns[column].type == "number" else value


def _in_script(words: dict[str, Any]) -> str:
    return json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")


def setup(app: Sphinx) -> None:
    """Tell Sphinx to make the pages."""
    app.connect("html-collect-pages", _pages)
