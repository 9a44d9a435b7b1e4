"""Previews of what references lead to, shown on hover and on focus."""

import json
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

__all__ = ["setup"]

PREVIEWED = ("figure", "math", "citation", "admonition")


def setup(app: Sphinx) -> None:
    """Tell Sphinx to write the script that holds the previews; `preview.js` loads it."""
    app.connect("build-finished", _write_previews)


def _write_previews(app: Sphinx, exception: Exception | None) -> None:
    """Write ``previews.js``: what references from other pages lead to, by address.

    A script and not JSON, because a page opened from a file may load nothing else.
    """
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    pages = {
        path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(folder.glob("*.html"))
    }
    targets = {
        str(link["href"])
        for soup in pages.values()
        for link in soup.select("article a.reference.internal[href*='.html#']")
    }
    previews = {}
    for target in sorted(targets):
        page, _, anchor = target.partition("#")
        element = pages[page].find(id=anchor) if page in pages else None
        if element and {element.name, *element.get_attribute_list("class")} & {*PREVIEWED}:
            previews[target] = str(element)
    text = json.dumps(previews, indent=0, ensure_ascii=False)
    (folder / "_static" / "previews.js").write_text(
        f"window.previews = {text};\n", encoding="utf-8"
    )
