"""A browser, and the address of the book in it."""

from pathlib import Path

import pytest

from rmsprop.press.browser import chromium, find_chromium, serve

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


@pytest.fixture
def opened(browser):
    """Open a page in a fresh context; an error in a script, or a request, fails the test."""
    contexts, faults = [], []

    def open_page(page_and_link, script="", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.add_init_script(script)
        page.on("pageerror", lambda error: faults.append(error.message))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:")) or faults.append(request.url)
            ),
        )
        page.goto(f"file://{HTML}/{page_and_link}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults
