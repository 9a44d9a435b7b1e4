"""Cite a figure: BibTeX and APA, from what ``CITATION.cff`` says of the book."""

from typing import Any

__all__ = ["apa", "bibtex", "full_name", "name"]


def _authors(citation: dict[str, Any]) -> list[str]:
    return [
        author.get("name")
        or ", ".join(filter(None, (author.get("family-names"), author.get("given-names"))))
        for author in citation["authors"]
    ]


def _address(citation: dict[str, Any], permalink: str | None) -> str | None:
    """Return the address to print: a DOI is for good, the figure's own is more exact."""
    if "doi" in citation:
        return f"https://doi.org/{citation['doi']}"
    return permalink or citation.get("url") or citation.get("repository-code")


def full_name(author: dict[str, str]) -> str:
    """Return an author of ``CITATION.cff`` as a reader calls them.

    >>> full_name({"given-names": "Ada", "family-names": "Lovelace"})
    'Ada Lovelace'
    """
    names = author.get("given-names"), author.get("family-names")
    return author.get("name") or " ".join(filter(None, names))


def name(id: str, number: str | None) -> str:
    """Return what a figure is called outside the book.

    >>> name("some-figure", "3")
    'Figure 3 (some-figure)'
    """
    return f"Figure {number} ({id})" if number else f"Figure {id}"


def bibtex(
    citation: dict[str, Any],
    id: str,
    sha256: str,
    *,
    number: str | None = None,
    permalink: str | None = None,
) -> str:
    """Return a BibTeX entry.

    Args:
        citation: what ``CITATION.cff`` holds.
        id: the figure's.
        sha256: of its data.
        number: the figure's number on the page, if known.
        permalink: the figure's address, if the book has one.
    """
    fields = {
        "author": " and ".join(
            author if "," in author else f"{{{author}}}" for author in _authors(citation)
        ),
        "title": name(id, number),
        "howpublished": f"In: \\emph{{{citation['title']}}}, version {citation['version']}",
        "year": citation["date-released"][:4],
        "url": _address(citation, permalink),
        "note": f"SHA-256 of the data: {sha256}",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{rmsprop-{id},", *lines, "}"])


def apa(
    citation: dict[str, Any], id: str, *, number: str | None = None, permalink: str | None = None
) -> str:
    """Return the entry of a list of references in APA style, as plain text.

    >>> book = {"authors": [{"name": "A B"}], "title": "T", "version": "1", "date-released": "2026"}
    >>> apa(book, "some-figure", number="3")
    'A B. (2026). Figure 3 (some-figure) [Figure]. In T (Version 1).'
    """
    authors = [author if "," not in author else _initials(author) for author in _authors(citation)]
    last = f", & {authors[-1]}" if len(authors) > 1 else authors[-1]
    names = ", ".join(authors[:-1]) + last
    address = _address(citation, permalink)
    return (
        f"{names.rstrip('.')}. ({citation['date-released'][:4]}). {name(id, number)} [Figure]. "
        f"In {citation['title']} (Version {citation['version']})." + (f" {address}" * bool(address))
    )


def _initials(author: str) -> str:
    family, _, given = author.partition(", ")
    return f"{family}, " + " ".join(f"{name[0]}." for name in given.split())
