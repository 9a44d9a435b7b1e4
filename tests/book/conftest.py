"""A browser for the rendered book, which opens pages from their files."""

import shutil
from pathlib import Path

import pytest

HTML = Path(__file__).parents[2] / "build" / "html"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


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
