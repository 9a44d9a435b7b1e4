"""A browser, and the address of the book in it."""

from pathlib import Path

import pytest

from rmsprop.browser import chromium, find_chromium, serve

HTML = Path(__file__).parents[2] / "build" / "html"


@pytest.fixture(scope="session")
def address():
    with serve(HTML) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    pytest.importorskip("playwright")
    if find_chromium() is None:
        pytest.skip("there is no Chromium on this machine")
    with chromium() as browser:
        yield browser
