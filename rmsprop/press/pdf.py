"""Print the whole rendered book: ``python -m rmsprop.press.pdf`` writes ``build/rmsprop.pdf``.

A browser lines up all pages as one, and prints it: with a title page, contents,
page numbers, bookmarks, and references that lead to their places.
"""

import io
import json
import sys
from html import escape
from pathlib import Path
from typing import Any

import yaml
from pypdf import PdfReader

from rmsprop.press.browser import chromium, serve
from rmsprop.records.cite import full_name
from rmsprop.records.repository import citation

__all__ = ["print_book"]

ROOT = Path(__file__).parents[2]
STYLE = """
@page { margin: 20mm 20mm 22mm }
@page :first { margin: 60mm 25mm }
html { font-size: 10.5pt }
body > article { display: block; padding: 0 }
.page { break-before: page }
.page:last-of-type { break-after: auto }
#title h1 { font-size: 3em; margin-bottom: 1em }
#contents li { display: flex; list-style: none; margin: 0.6em 0 }
#contents li span { margin-left: auto }
#contents ul { padding: 0 }
.cell_output, .pst-scrollable-table-container { max-height: none; overflow: visible }
"""
# An element's name is that of its page and its own, and every link inside the book leads there.
ASSEMBLE = """async ([pages, title, style]) => {
  const article = document.createElement('article');
  article.className = 'bd-article bd-content';
  article.innerHTML = title;
  for (const page of pages) {
    const text = await (await fetch(page + '.html')).text();
    const section = document.createElement('div');
    const own = new DOMParser().parseFromString(text, 'text/html').querySelector('article');
    section.className = 'page';
    section.id = page;
    section.append(...own.childNodes);
    section.querySelectorAll('[id]').forEach(element => element.id = `${page}--${element.id}`);
    for (const link of section.querySelectorAll('a[href]')) {
      const address = link.getAttribute('href');
      const [, other, anchor] = address.match(/^(?:([\\w-]+)\\.html)?(?:#(.*))?$/) ?? [];
      const inside = pages.includes(other ?? page) && (other || anchor);
      if (inside) link.href = '#' + (other ?? page) + (anchor ? '--' + anchor : '');
      else if (!/^https?:/.test(address)) link.removeAttribute('href');
    }
    article.append(section);
  }
  article.querySelectorAll('.headerlink, .prev-next-footer, button').forEach(e => e.remove());
  article.querySelectorAll('img').forEach(image => image.loading = 'eager');
  article.querySelectorAll('details:not(.code, .figure-panel)').forEach(d => d.open = true);
  document.body.replaceChildren(article);
  document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
  document.documentElement.dataset.theme = 'light';
  await document.fonts.ready;
  await Promise.all([...document.images].filter(image => image.checkVisibility())
    .map(image => image.decode()));
}"""
NUMBER = """numbers => {
  for (const [page, number] of Object.entries(numbers))
    document.querySelector(`#contents a[href="#${page}"] + span`).textContent = number;
}"""


def print_book(root: Path) -> Path:
    """Print the rendered book, and return the file.

    Args:
        root: the repository, with the book built.

    Raises:
        FileNotFoundError: if the book is not built, or there is no Chromium.
    """
    html, path = root / "build" / "html", root / "build" / "rmsprop.pdf"
    if not (html / "index.html").exists():
        raise FileNotFoundError("the book is not built: `make book` does it")
    pages = _pages(root)
    with serve(html) as address, chromium() as browser:
        page = browser.new_page(color_scheme="light")
        page.emulate_media(media="print")
        page.goto(f"{address}/{pages[0]}.html", wait_until="networkidle")
        page.evaluate(ASSEMBLE, [pages, _front(root, html, pages), STYLE])
        options: dict[str, Any] = {
            "format": "A4",
            "prefer_css_page_size": False,
            "print_background": True,
            "tagged": True,
            "outline": True,
            "display_header_footer": True,
            "header_template": "<span></span>",
            "footer_template": '<div style="width: 100%; text-align: center; font: 9px sans-serif">'
            '<span class="pageNumber"></span></div>',
        }
        # The first printing says on which page everything is, the second prints it.
        reader = PdfReader(io.BytesIO(page.pdf(**options)))
        places = reader.named_destinations
        page.evaluate(
            NUMBER,
            {
                name: 1 + (reader.get_destination_page_number(places[f"/{name}"]) or 0)
                for name in pages
            },
        )
        content = page.pdf(**options)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return path


def _pages(root: Path) -> list[str]:
    """Return the names of the pages, in the order of the book; those of no text stay out."""
    contents = yaml.safe_load((root / "book" / "_toc.yml").read_text(encoding="utf-8"))
    pages = [contents["root"], *(entry["file"] for entry in contents["chapters"])]
    return [page for page in pages if page != "gallery"]


def _front(root: Path, html: Path, pages: list[str]) -> str:
    """Return the title page and the contents as HTML."""
    book = citation(root)
    authors = ", ".join(map(full_name, book["authors"]))
    figures = json.loads((html / "figures.json").read_text(encoding="utf-8"))
    commits = {figure["environment"]["commit"] for figure in figures.values()}
    lines = [
        authors,
        f"Version {book['version']}, {book['date-released']}",
        *(f"Commit {commit}" for commit in sorted(commits)),
        "Text and figures: CC BY 4.0. Code: BSD 3-clause.",
    ]
    title = "".join(f"<p>{escape(line)}</p>" for line in lines)
    entries = "".join(
        f'<li><a href="#{page}">{escape(_title(html / f"{page}.html"))}</a><span>0</span></li>'
        for page in pages
    )
    return (
        f'<section id="title"><h1>{escape(book["title"])}</h1>{title}</section>'
        f'<nav id="contents" class="page"><h1>Contents</h1><ul>{entries}</ul></nav>'
    )


def _title(page: Path) -> str:
    """Return the title of a rendered page, without the book's after it."""
    text = page.read_text(encoding="utf-8")
    title = text.partition("<title>")[2].partition("</title>")[0]
    return title.partition(" &#8212; ")[0].partition(" — ")[0].strip()


if __name__ == "__main__":
    try:
        print(f"The book is at {print_book(ROOT).relative_to(ROOT)}")
    except FileNotFoundError as error:
        sys.exit(f"rmsprop: {error}")
