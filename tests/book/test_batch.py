"""The sum for batches: it is the library's, and follows keyboard, rule and link."""

import numpy as np
import pytest

from rmsprop.equations import move_recipe
from rmsprop.press.live.batch import DEFAULTS, REGIMES, RULES

PAGE = "batch-size.html"
MOVE = "([recipe, factor, power]) => Live.moveRecipe(recipe, factor, power)"


def cells(page):
    rows = page.locator(".live-now tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def test_the_sum_is_the_library_s(opened):
    page = opened(PAGE)
    rng = np.random.default_rng(0)
    for _ in range(100):
        factor = float(2 ** rng.integers(-10, 11))
        power = float(rng.choice([rule["power"] for rule in RULES.values()]))
        recipe = {
            "lr": 10 ** rng.uniform(-6, 1),
            "alpha": rng.uniform(0, 0.9999),
            "eps": 10 ** rng.uniform(-12, 1),
            "weight_decay": 10 ** rng.uniform(-6, 1),
        }
        expected = move_recipe(factor, **recipe, power=power)
        given = {("weightDecay" if k == "weight_decay" else k): v for k, v in recipe.items()}
        moved = page.evaluate(MOVE, [given, factor, power])
        found = [moved[name] for name in ("lr", "alpha", "eps", "weightDecay")]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


def test_it_opens_with_a_recipe_for_four_times_the_batch(opened):
    page = opened(PAGE)
    assert DEFAULTS["new"] == 4 * DEFAULTS["old"]
    assert cells(page) == {
        "lr": ["0.001", "0.002"],
        "alpha": ["0.99", "0.9606"],
        "eps": ["1e−8", "5e−9"],
        "weight_decay": ["0.01", "0.02"],
    }
    assert REGIMES[3]["text"] in page.locator(".live-summary").inner_text()


@pytest.mark.parametrize(("rule", "lr"), [("linear", "0.004"), ("same", "0.001")])
def test_rules_can_be_chosen(opened, rule, lr):
    page = opened(PAGE)
    page.locator(".live-head select").select_option(rule)
    assert cells(page)["lr"][1] == lr
    assert page.locator(".live-story").inner_text() == RULES[rule]["text"]


def test_keyboard_moves_the_batch_and_the_words_follow(opened):
    page = opened(PAGE)
    for _ in range(2):
        page.locator("#batch-new").press("ArrowRight")
    assert cells(page)["lr"][1] == "0.004"
    page.locator(".live-summary", has_text="stopped growing").wait_for()
    page.locator("#batch-alpha").press("Home")
    page.locator(".live-summary", has_text="hardly remembers more than one batch").wait_for()
    page.get_by_role("button", name="Reset").press("Enter")
    assert cells(page)["lr"][1] == "0.002"


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("old=1.5", "old is “1.5”, and must be a whole number between 1 and 65536"),
        ("rule=cubic", "rule is “cubic”, and must be one of root, linear, same"),
        ("alpha=1", "alpha is “1”, and must be a number between 0 and 0.9999"),
        ("beta=1", "no setting “beta”"),
    ],
)
def test_malformed_link_is_explained(opened, query, complaint):
    page = opened(f"{PAGE}#batch?{query}")
    page.locator(".live-message", has_text="This link cannot be followed").wait_for()
    assert complaint in page.locator(".live-message").inner_text()


def test_link_restores_what_it_was_made_from(opened):
    link = "#batch?rule=linear&old=48&new=3&lr=0.0123&alpha=0.995&eps=0.1&decay=0.5"
    page = opened(PAGE + link)
    assert page.locator(".live-buttons a").get_attribute("href") == link
    assert cells(page)["lr"] == ["0.0123", "7.7e−4"]
