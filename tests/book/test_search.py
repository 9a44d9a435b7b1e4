"""The search: it finds where things are explained, as one types, and quotes words and no source."""

from pathlib import Path

import pytest

HTML = Path(__file__).parents[2] / "build" / "html"
# What readers type, and where the book explains it: one of these is among the first three.
SEARCHES = {
    "half-life": ["moving-average.html#how-far-back-it-looks"],
    "half life": ["moving-average.html#how-far-back-it-looks"],
    "eps": ["update-rule.html#what-eps-is-for"],
    "epsilon": ["update-rule.html#what-eps-is-for"],
    "2-cycle": [
        "update-rule.html#how-large-eps-may-be",
        "cycles.html#the-cycle-and-how-it-rings",
    ],
    "lr": ["contours.html#how-much-the-learning-rate-counts"],
    "bias correction": ["conventions.html#what-the-average-starts-from"],
    "NaN": ["centering.html#what-rounding-adds"],
    "square_avg": ["moving-average.html#a-sum-with-a-fading-memory"],
    "decoupled weight decay": ["conventions.html#one-difference-at-a-time"],
    "torch.compile": ["performance.html#sets-of-tensors"],
    "edge of stability": ["contours.html#the-end-of-the-run"],
    "warm-up": ["conventions.html#what-the-average-starts-from"],
    "Adam": ["choosing-settings.html#what-to-do"],
    "Nesterov": ["conventions.html#one-difference-at-a-time"],
    "condition number": ["contours.html#how-the-condition-number-counts"],
    "rho": ["symbols.html#the-same-thing-by-other-names", "symbols.html#term-alpha"],
    "Keras": ["conventions.html#who-means-what"],
    "Reddi": ["non-convergence.html#the-trap"],
    "default alpha": ["alpha.html#which-value-is-usual"],
    "spikes": ["cycles.html#spikes"],
    "window": ["moving-average.html#how-far-back-it-looks"],
    "momentm": ["symbols.html#term-momentum"],
    "α": ["symbols.html#term-alpha"],
    "RMSprop": ["api.html#rmsprop.RMSprop"],
    "rmsprop.RMSprop": ["api.html#rmsprop.RMSprop"],
    "effective_samples": ["api-equations.html#rmsprop.equations.effective_samples"],
    "convention": ["api.html#rmsprop.convention"],
    "GradScaler": ["training-loop.html#mixed-precision"],
    "FSDP": ["training-loop.html#fully-sharded"],
    "checkpoint": ["training-loop.html#checkpoints-from-torch-and-back"],
}


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    faults = []
    page.on("pageerror", lambda error: faults.append(error))
    page.goto(f"{HTML.as_uri()}/search.html")
    yield page
    assert not faults
    page.close()


def found(page, query):
    page.locator(".bd-search-container input[name=q]").fill(query)
    hits = page.locator("#search-results li > a")
    return hits.evaluate_all("links => links.map(link => link.getAttribute('href'))")


@pytest.mark.parametrize("query", SEARCHES)
def test_a_search_leads_to_where_it_is_explained(page, query):
    assert set(SEARCHES[query]) & set(found(page, query)[:3])


def test_every_hit_is_a_place_in_the_book(page):
    hits = found(page, "gradient")
    assert len(hits) == 20
    for hit in hits:
        name, _, anchor = hit.partition("#")
        assert f'id="{anchor}"' in (HTML / name).read_text()


def test_what_was_found_stands_out_and_formulas_are_words(page):
    found(page, "recursion")
    quoted = page.locator("#search-results .context").all_inner_texts()
    assert any("fit the recursion w̃ₜ₊₂ = (3α − 1) w̃ₜ₊₁ − α w̃ₜ" in text for text in quoted)
    assert not [text for text in quoted if "\\" in text or "$" in text]
    marked = page.locator("#search-results mark").all_inner_texts()
    assert "recursion" in marked
    assert all("recursi" in text for text in marked)


def test_nothing_is_found_where_there_is_nothing(page):
    assert found(page, "qqqqq") == []
    assert page.get_by_role("status").inner_text() == "Nothing was found for “qqqqq”."


def test_a_search_is_in_the_address(page):
    found(page, "half-life")
    assert page.url.endswith("?q=half-life")
    hits = found(page, "half-life")
    page.reload()
    assert found(page, "half-life") == hits


def test_the_icon_leaves_room_for_what_is_typed(page):
    field = page.locator(".bd-search-container input[name=q]")
    padding = field.evaluate(
        "e => e.getBoundingClientRect().x + parseFloat(getComputedStyle(e).paddingLeft)"
    )
    icon = page.locator(".bd-search-container .fa-magnifying-glass").bounding_box()
    assert icon["x"] + icon["width"] < padding


def test_only_the_page_for_it_loads_the_search():
    loading = {path.name for path in HTML.glob("*.html") if "minisearch" in path.read_text()}
    assert loading == {"search.html"}
