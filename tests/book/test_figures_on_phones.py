"""Figures on a phone: a drawing of their own, whose letters one can read."""

import re
from pathlib import Path

import pytest

HTML = Path(__file__).parents[2] / "build" / "html"
WITH_FIGURES = sorted(
    path.name for path in HTML.glob("*.html") if 'class="published' in path.read_text("utf-8")
)
LANDING = "figures/speed.html"  # one of many that are alike
SHOWN = """[...document.querySelectorAll('figure.published img')]
  .filter(image => image.checkVisibility())
  .map(image => [image.currentSrc.split('/').pop(), image.getBoundingClientRect().width])"""


@pytest.mark.parametrize("name", [*WITH_FIGURES, LANDING])
def test_letters_of_figures_are_nine_pixels_high_at_least(opened, name):
    page = opened(name, viewport={"width": 390, "height": 844}, color_scheme="light")
    page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        shown = page.evaluate(SHOWN)
        assert shown
        for file, width in shown:
            assert file.endswith(f"-narrow-{theme}.svg")
            assert smallest_letter(file) * width >= 9, file


def smallest_letter(file):
    """Return the height of a picture's smallest letter in parts of the picture's width."""
    svg = (HTML / "_images" / file).read_text("utf-8")
    points = float(re.search(r'width="([\d.]+)pt"', svg)[1])
    # Matplotlib draws letters a hundred points high, and scales them to their size.
    return min(100 * float(size) for size in re.findall(r"scale\((0\.\d+) -0\.\d+\)", svg)) / points


def test_a_wide_page_has_the_wide_drawing(opened):
    page = opened(WITH_FIGURES[0], viewport={"width": 1280, "height": 900})
    assert not any("narrow" in file for file, _ in page.evaluate(SHOWN))
