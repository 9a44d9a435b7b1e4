"""Citations are valid BibTeX and APA, with the address that lasts longest."""

import pytest
from pybtex.database import parse_string

from rmsprop.records.cite import apa, bibtex

BOOK = {
    "authors": [{"name": "The Authors"}],
    "title": "A Book",
    "version": "1.2.0",
    "date-released": "2026-11-22",
}
HASH = "0" * 64
LINK = "https://example.org/page.html#fig-a-b"


def entry(*arguments, **options):
    (found,) = parse_string(bibtex(*arguments, **options), "bibtex").entries.items()
    return found


def test_bibtex_is_read_by_bibtex():
    key, parsed = entry(BOOK, "a-b", HASH, number="3", permalink=LINK)
    assert key == "rmsprop-a-b"
    assert parsed.type == "misc"
    assert [str(person) for person in parsed.persons["author"]] == ["{The Authors}"]
    assert dict(parsed.fields) == {
        "title": "Figure 3 (a-b)",
        "howpublished": r"In: \emph{A Book}, version 1.2.0",
        "year": "2026",
        "url": LINK,
        "note": f"SHA-256 of the data: {HASH}",
    }


def test_book_without_an_address_is_cited_without():
    assert "url" not in entry(BOOK, "a-b", HASH)[1].fields
    assert apa(BOOK, "a-b") == (
        "The Authors. (2026). Figure a-b [Figure]. In A Book (Version 1.2.0)."
    )


@pytest.mark.parametrize(
    ("more", "permalink", "address"),
    [
        ({"doi": "10.1234/x"}, LINK, "https://doi.org/10.1234/x"),
        ({"url": "https://example.org"}, LINK, LINK),
        ({"url": "https://example.org"}, None, "https://example.org"),
        ({"repository-code": "https://example.org/code"}, None, "https://example.org/code"),
    ],
)
def test_address_that_lasts_longest_is_printed(more, permalink, address):
    book = BOOK | more
    assert entry(book, "a-b", HASH, permalink=permalink)[1].fields["url"] == address
    assert apa(book, "a-b", permalink=permalink).endswith(f"(Version 1.2.0). {address}")


def test_people_are_named_as_each_style_wants():
    people = [
        {"family-names": "Lovelace", "given-names": "Ada King"},
        {"family-names": "Hopper", "given-names": "Grace"},
        {"name": "A Group"},
    ]
    book = BOOK | {"authors": people}
    names = [str(person) for person in entry(book, "a-b", HASH)[1].persons["author"]]
    assert names == ["Lovelace, Ada King", "Hopper, Grace", "{A Group}"]
    assert apa(book, "a-b").startswith("Lovelace, A. K., Hopper, G., & A Group. (2026). ")
