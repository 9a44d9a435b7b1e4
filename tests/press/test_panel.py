"""What the panel says of a figure, by what is known of the book."""

import pytest

from rmsprop.press.panel import Panel, in_words
from rmsprop.records.compare import Comparison
from rmsprop.records.source import Source

CITATION = {
    "authors": [{"name": "A"}],
    "title": "T",
    "version": "1",
    "date-released": "2026-01-02",
}
REPOSITORY = "https://github.com/owner/name"
RUN = {"date": "today", "commit": "0" * 40 + ", with uncommitted changes", "device": "CPU"}


@pytest.mark.parametrize(
    ("known", "address"),
    [
        ({"permalink": "figures/a.html"}, None),
        ({"permalink": "figures/a.html", "repository": REPOSITORY}, REPOSITORY),
        (
            {"permalink": "https://example.org/figures/a.html", "repository": REPOSITORY},
            "https://example.org/figures/a.html",
        ),
    ],
)
def test_the_citation_has_the_closest_address_that_holds_outside_the_book(known, address):
    panel = Panel("a", "exact", "0" * 64, "", RUN, citation=CITATION, **known)
    assert (f"url = {{{address}}}" in panel.bibtex()) == bool(address)
    assert ("url =" in panel.bibtex()) == bool(address)
    assert panel.apa().endswith(address or "(Version 1).")


def test_a_link_to_the_source_names_the_commit_alone():
    source = Source("chapter", "cell-1")
    panel = Panel("a", "exact", "0" * 64, "", RUN, source=source, repository=REPOSITORY)
    assert f'<a href="{REPOSITORY}/blob/{"0" * 40}/book/chapter.ipynb">' in panel.html()
    assert f"at commit {'0' * 40}, with uncommitted changes" in panel.html()


def test_of_a_measured_figure_it_says_what_verifying_compares():
    said = in_words(Comparison("measured"), "a")
    assert said.endswith("verifying compares columns and words, not the numbers")
