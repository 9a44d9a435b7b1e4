"""Search: a list of the book's sections, which MiniSearch looks through on the page for it.

The list takes the place of Sphinx's own index, which knows pages but not their sections. It is a
script, because a page opened from a file may load nothing else.
"""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

from rmsprop.press.sphinx.search.formulas import in_words

__all__ = ["sections", "setup"]

SCRIPTS = ("minisearch/minisearch.js", "search.js")
UNSEARCHED = {"404", "claims", "gallery", "genindex", "search"}
"""Pages that have nothing of their own to find; two of them repeat verdicts and captions."""
UNREAD = (
    "script, style, svg, button, .headerlink, .cell_input, .fold.code, "
    ".fold.evidence, .figure-panel, .katex-html, .eqno, .doctest, .field-list"
)
PARTS = "section[id], dl:not(.attribute, .property) > dt[id]"
"""What a hit leads to: a section, a term of the glossary, a function of the reference."""
HEADINGS = ["h1", "h2", "h3", "h4"]


def sections(html: str, entries: dict[str, list[str]]) -> list[dict[str, str]]:
    """Return the parts of a page, each with its own text but not that of the parts inside.

    Args:
        html: the page.
        entries: what an index says is explained at an anchor, by anchor.

    Returns:
        For each part, in the page's order, its ``anchor``, ``title``, ``page`` (the page's title),
        ``entries`` and ``text``.
    """
    article = BeautifulSoup(html, "html.parser").select_one("article")
    if article is None:
        return []
    for element in article.select(UNREAD):
        element.decompose()
    for formula in article.select("math"):
        formula.replace_with(in_words(formula))
    for cell in article.select("td"):
        if not re.search(r"[^\W\d]", cell.get_text()):
            cell.decompose()  # nobody looks for a number of a table
    heading = article.h1
    page = _text(heading) if heading else ""
    # From the last one back, and each is taken out: what is left of a section is its own.
    return [*_take_parts(article, entries, page)][::-1]


def _take_parts(article: Tag, entries: dict[str, list[str]], page: str) -> Iterator[dict[str, str]]:
    for part in reversed(article.select(PARTS)):
        title = part if part.name == "dt" else part.find(HEADINGS)
        body = part.find_next_sibling() if part.name == "dt" else part
        if title is None or body is None or body.name == "dt":
            continue
        if title.select_one(".sig-name"):
            explained = [str(part["id"])]
        else:
            anchors = [part["id"], *(element["id"] for element in body.select("[id]"))]
            explained = [term for anchor in anchors for term in entries.get(str(anchor), [])]
        yield {
            "anchor": str(part["id"]),
            "title": _title(title.extract()),
            "page": page,
            "entries": "; ".join(explained),
            "text": _text(body),
        }
        body.extract()


def _title(element: Tag) -> str:
    """Return a heading, or of a function its name, or of a method its class and name."""
    if element.select_one(".sig-name") is None:
        return _text(element)
    *modules, name = str(element["id"]).split(".")
    of = [part for part in modules if part[0].isupper()]
    return ".".join([*of, name])


def _text(element: Tag) -> str:
    return re.sub(r"\s+", " ", element.get_text()).strip()


def _entries(app: Sphinx, page: str) -> dict[str, list[str]]:
    found = defaultdict(list)
    for _, value, anchor, *_ in app.env.domains["index"].data["entries"].get(page, []):
        found[anchor].append(value)
    return found


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Write the list of sections, and the scripts that look through it."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    found = [
        {"address": f"{page}.html#{part.pop('anchor')}", **part}
        for page in sorted(app.env.found_docs - UNSEARCHED)
        for part in sections(
            (folder / f"{page}.html").read_text(encoding="utf-8"), _entries(app, page)
        )
    ]
    text = json.dumps(found, indent=0, ensure_ascii=False)
    (folder / "searchindex.js").write_text(f"window.sections = {text};\n", encoding="utf-8")
    for script in SCRIPTS:
        shutil.copy(Path(__file__).parent / script, folder / "_static")


def setup(app: Sphinx) -> None:
    """Tell Sphinx to write what the search page loads."""
    app.connect("build-finished", _write)
