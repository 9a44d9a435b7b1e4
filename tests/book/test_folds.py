"""What a chapter opens with, what is folded in it, and the switch that opens all code."""

import functools
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
HTML = ROOT / "build" / "html"
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))
PAGE = "moving-average"
CODE = "details.fold.code"
OPEN = f"[...document.querySelectorAll('{CODE}')].map(fold => fold.open)"
# Notes every frame in which code that the page has so far is closed.
WATCH = f"""
  window.closed = 0;
  (function look() {{
    if (document.querySelector('{CODE}:not([open])')) window.closed += 1;
    requestAnimationFrame(look);
  }})();
"""

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@functools.cache
def soup(chapter):
    return BeautifulSoup((HTML / f"{chapter}.html").read_text(), "html.parser")


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


@every_chapter
def test_the_answer_its_figure_and_what_to_do_are_in_sight(page, address, chapter):
    page.goto(f"{address}/{chapter}.html", wait_until="networkidle")
    page.evaluate("document.fonts.ready")
    for shown in (
        page.locator("figure.published img:visible").first,
        page.locator("article p:has(strong:text-is('What to do.')), article h2").first,
    ):
        box = shown.bounding_box()
        assert box["y"] + box["height"] <= 1000
    assert re.search(r"\?", page.locator("article p").first.inner_text())
    assert "What to do" in page.locator("article").inner_text()[:4000]


@every_chapter
def test_a_fold_says_what_is_in_it_and_how_many_lines(chapter):
    folds = soup(chapter).select(CODE)
    labels = [fold.summary.text for fold in folds]
    assert len(labels) > 2
    assert len(set(labels)) == len(labels)
    for label, fold in zip(labels, folds, strict=True):
        name, lines = re.fullmatch(r"Code: (.+), (\d+) lines?", label).groups()
        blocks = fold.select(".cell_input pre")
        assert int(lines) == sum(len(block.text.rstrip("\n").split("\n")) for block in blocks)
        assert name != "None"


@every_chapter
def test_all_code_is_folded_and_no_fold_stands_without_what_its_code_shows(chapter):
    page = soup(chapter)
    assert not [code for code in page.select(".cell_input") if not code.find_parent("details")]
    *folds, last = page.select(CODE)
    for fold in folds:
        row = fold.find_parent(class_="folds")
        shown = row.find_previous_sibling(class_="cell_output") or row.select(".evidence")
        assert shown, fold.summary.text
    assert last.summary.text.startswith("Code: set-up, ")
    assert not [text for text in page.find_all(string=re.compile("^device: ")) if not
                text.find_parent("details")]  # fmt: skip


@every_chapter
def test_the_device_is_in_the_panel_under_every_figure(chapter):
    panels = soup(chapter).select("details.figure-panel")
    assert panels
    for panel in panels:
        assert re.search(r"CPU|cpu|CUDA|cuda|EPYC|Xeon|NVIDIA", panel.text)


@every_chapter
def test_what_belongs_to_a_figure_is_one_line(page, address, chapter):
    page.goto(f"{address}/{chapter}.html")
    rows = page.locator(".folds:has(> .figure-panel)")
    assert rows.count() == page.locator("figure.published").count()
    lines = rows.evaluate_all(
        "rows => rows.map(row => new Set([...row.querySelectorAll(':scope > details > summary')]"
        ".map(summary => Math.round(summary.getBoundingClientRect().top))).size)"
    )
    assert lines.count(1) >= 0.8 * len(lines)


def test_evidence_is_a_line_that_opens_its_table(page, address):
    page.goto(f"{address}/{PAGE}.html")
    fold = page.locator("details.fold.evidence:visible").last
    held = int(re.fullmatch(r"(\d+) numbers? holds?", fold.locator("summary").inner_text())[1])
    assert not fold.locator("table").is_visible()
    fold.locator("summary").click()
    assert fold.locator("tbody tr:visible").count() == held


def test_the_switch_opens_all_code_and_is_remembered(page, address):
    page.goto(f"{address}/{PAGE}.html")
    switch = page.get_by_role("button", name="Show code")
    assert switch.get_attribute("aria-pressed") == "false"
    assert not any(page.evaluate(OPEN))
    switch.focus()
    page.keyboard.press("Enter")
    assert switch.get_attribute("aria-pressed") == "true"
    assert all(page.evaluate(OPEN))

    page.add_init_script(WATCH)
    page.goto(f"{address}/centering.html", wait_until="networkidle")
    assert all(page.evaluate(OPEN))
    assert page.evaluate("window.closed") == 0
    assert switch.get_attribute("aria-pressed") == "true"

    switch.click()
    assert not any(page.evaluate(OPEN))
    page.reload(wait_until="networkidle")
    assert not any(page.evaluate(OPEN))


def test_a_page_without_code_has_no_switch(page, address):
    page.goto(f"{address}/intro.html")
    assert page.locator("#show-code").count() == 0


def test_folds_open_without_a_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{PAGE}.html")
    assert not page.locator("#show-code").is_visible()
    fold = page.locator(CODE).first
    assert not fold.locator("pre").first.is_visible()
    fold.locator("summary").click()
    assert fold.locator("pre").first.is_visible()
    context.close()


def test_print_has_evidence_and_exercises_and_no_code(page, address):
    page.goto(f"{address}/{PAGE}.html")
    page.emulate_media(media="print")
    assert not page.locator(CODE).first.is_visible()
    heights = "folds => folds.map(fold => fold.getBoundingClientRect().height)"
    for kind in ("evidence", "section"):
        folds = page.locator(f"article > section > section > .fold.{kind}, .folds > .fold.{kind}")
        assert min(folds.evaluate_all(heights)) > 60


HIDDEN = """media => [...document.querySelectorAll('article table')].filter(table => {
  const columns = table.rows[0].cells.length;
  const box = table.parentElement.getBoundingClientRect();
  const beyond = table.getBoundingClientRect().right > box.right + 2;
  const first = getComputedStyle(table.rows[0].cells[0]).position;
  return beyond && (media === 'print' || columns < 4 || first !== 'sticky');
}).map(table => table.rows[0].innerText)"""


@pytest.mark.parametrize("chapter", [*CHAPTERS, "claims"])
def test_the_column_of_results_is_in_sight_on_a_phone_and_on_paper(page, address, chapter):
    page.goto(f"{address}/{chapter}.html")
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate("document.fonts.ready.then(() => null)")
    for media, width in (("screen", 390), ("print", 643)):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(media=media)
        assert not page.evaluate(HIDDEN, media), media
