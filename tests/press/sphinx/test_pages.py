"""What pages say of the book's own address."""

from types import SimpleNamespace

import pytest

from rmsprop.press.sphinx import pages


@pytest.mark.parametrize(
    ("address", "said"),
    [("https://example.org/b/", "(https://example.org/b/rmsprop.pdf)"), ("", "`make pdf`")],
)
def test_the_pdf_is_linked_where_the_book_is_published(address, said):
    config = SimpleNamespace(html_baseurl=address, myst_substitutions={})
    pages._add_pdf(None, config)
    assert said in config.myst_substitutions["pdf"]
