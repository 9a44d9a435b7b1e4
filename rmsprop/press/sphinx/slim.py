"""What the finished pages do not use is taken out, so that less of them has to travel.

Rules of style for classes that no page has, letters of fonts that no page shows, scripts that no
page loads, and from the notebooks, which are there to be run, the pictures.
"""

import base64
import html
import io
import logging
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import tinycss2
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

logging.getLogger("fontTools").setLevel(logging.WARNING)

__all__ = ["PLAIN", "prune", "setup", "subset", "unmark"]

EMBEDDED = re.compile(r"data:font/woff2;base64,([A-Za-z0-9+/=]+)")
TEXTS = "text/plain", "text/markdown"
#: Kinds of words in code, by Pygments' names, that have the color of the text.
PLAIN = ("n", "nn", "p", "w")
CODE = re.compile(r'<div class="highlight"><pre>.*?</pre>', re.DOTALL)
MARK = re.compile(rf'<span class="(?:{"|".join(PLAIN)})">([^<]*)</span>')


def setup(app: Sphinx) -> None:
    """Tell Sphinx to do it when everything else is written."""
    app.connect("build-finished", _slim, priority=900)


def prune(css: str, words: set[str]) -> str:
    """Return a style sheet without the rules whose selectors name a class that is not in use.

    Args:
        css: the style sheet.
        words: all that may be a class, in pages and scripts.

    >>> prune(".old{color:red}.new,.old b{color:blue}@media print{.old{color:red}}", {"new"})
    '.new{color:blue}'
    """
    return "".join(_kept(tinycss2.parse_stylesheet(css, skip_comments=True), words))


def subset(font: bytes, letters: set[int]) -> bytes:
    """Return a font in WOFF2 with only the glyphs of some letters, on any day the same bytes.

    Args:
        font: in WOFF2.
        letters: code points.
    """
    opened = TTFont(io.BytesIO(font), recalcTimestamp=False)
    subsetter = Subsetter(Options(layout_features=["*"], notdef_outline=True))
    subsetter.populate(unicodes=letters)
    subsetter.subset(opened)
    written = io.BytesIO()
    opened.save(written)
    return written.getvalue()


def unmark(page: str) -> str:
    """Return a page whose code has no marks around words that look like the text anyway.

    Args:
        page: HTML.

    >>> unmark('<div class="highlight"><pre><span class="n">v</span> = 0</pre>')
    '<div class="highlight"><pre>v = 0</pre>'
    """
    return CODE.sub(lambda code: MARK.sub(r"\1", code[0]), page)


def _kept(rules: list[Any], words: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            kept = [each for each in _split(rule.prelude) if _classes(each) <= words]
            if kept:
                selectors = ",".join(tinycss2.serialize(each).strip() for each in kept)
                yield f"{selectors}{{{tinycss2.serialize(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = "".join(_kept(tinycss2.parse_rule_list(rule.content, True, True), words))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
        elif rule.type != "whitespace":
            yield rule.serialize()


def _split(prelude: list[Any]) -> Iterator[list[Any]]:
    """Yield the selectors of a list."""
    selector: list[Any] = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def _classes(selector: list[Any]) -> set[str]:
    """Return the classes that an element or those around it must have; `:not()` asks for none."""
    pairs = pairwise(selector)
    named = {after.value for token, after in pairs if token == "." and after.type == "ident"}
    return {name for name in named if re.fullmatch(r"[\w-]+", name)}


def _slim(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    _drop_unread(folder / "_static")
    _unmark_pages(folder)
    pages = "".join(_texts(folder, ".html", ".js"))
    _prune_styles(folder, pages)
    _subset_fonts(folder, pages)
    _strip_notebooks(folder / "_sources")


def _drop_unread(static: Path) -> None:
    for path in (*static.rglob("fontawesome.js"), *static.rglob("*.map")):
        path.unlink()


def _unmark_pages(folder: Path) -> None:
    for path in folder.rglob("*.html"):
        path.write_text(unmark(path.read_text(encoding="utf-8")), encoding="utf-8")


def _prune_styles(folder: Path, pages: str) -> None:
    words = set(re.findall(r"[\w-]+", pages))
    for path in folder.rglob("*.css"):
        path.write_text(prune(path.read_text(encoding="utf-8"), words), encoding="utf-8")


def _subset_fonts(folder: Path, pages: str) -> None:
    letters = {*map(ord, html.unescape(pages + "".join(_texts(folder, ".css"))))}
    for path in folder.rglob("*.woff2"):
        path.write_bytes(subset(path.read_bytes(), letters))
    for path in folder.rglob("*.css"):
        css = path.read_text(encoding="utf-8")
        path.write_text(EMBEDDED.sub(lambda font: _subset_text(font, letters), css), "utf-8")


def _subset_text(font: re.Match[str], letters: set[int]) -> str:
    small = subset(base64.b64decode(font[1]), letters)
    return font[0].replace(font[1], base64.b64encode(small).decode())


def _strip_notebooks(sources: Path) -> None:
    for path in sources.rglob("*.ipynb"):
        notebook = nbformat.read(path, nbformat.NO_CONVERT)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "data" in output:
                    output.data = {type: output.data[type] for type in output.data if type in TEXTS}
        nbformat.write(notebook, path)


def _texts(folder: Path, *suffixes: str) -> Iterator[str]:
    """Yield the texts of a folder's files."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in suffixes:
            yield path.read_text(encoding="utf-8")
