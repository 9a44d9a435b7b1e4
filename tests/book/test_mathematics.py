"""Mathematics on every page, as it is drawn: of the right size, in its place, without scripts."""

from pathlib import Path

import pytest

HTML = Path(__file__).parents[2] / "build" / "html"
# index.html only leads on to the first page.
PAGES = sorted(path.name for path in HTML.glob("*.html") if path.name != "index.html")
WITH_FORMULAS = [name for name in PAGES if 'class="katex"' in (HTML / name).read_text()]
UNFOLD = "document.querySelectorAll('details').forEach(details => details.open = true)"

every_page = pytest.mark.parametrize("name", PAGES)
every_page_with_formulas = pytest.mark.parametrize("name", WITH_FORMULAS)


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    yield page
    page.close()


def unfolded(page, name):
    page.goto(f"file://{HTML}/{name}")
    page.evaluate(UNFOLD)
    page.evaluate("document.fonts.ready.then(() => null)")
    return page


def test_most_pages_have_formulas():
    assert len(WITH_FORMULAS) > 8


# Heights of an x as a canvas draws it, with the very font that the element has.
LETTERS = """() => {
  const canvas = document.createElement('canvas').getContext('2d');
  const height = element => {
    const {fontStyle, fontWeight, fontSize, fontFamily} = getComputedStyle(element);
    // A canvas rounds to pixels.
    canvas.font = [fontStyle, fontWeight, 100 * parseFloat(fontSize) + 'px', fontFamily].join(' ');
    return canvas.measureText('x').actualBoundingBoxAscent;
  };
  return [...document.querySelectorAll('article .math')].map(formula => [
    formula.querySelector('annotation').textContent,
    height(formula.querySelector('.katex')) / height(formula),
    [...formula.querySelectorAll('.msupsub .size3:not(.msupsub .size3 *, .mfrac *)')].map(script =>
      parseFloat(getComputedStyle(script).fontSize)
      / parseFloat(getComputedStyle(script.closest('.msupsub')).fontSize)),
  ]);
}"""


@every_page_with_formulas
def test_letters_are_as_high_as_the_text_and_scripts_smaller(page, name):
    formulas = unfolded(page, name).evaluate(LETTERS)
    assert formulas
    loaded = "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)"
    assert {"KaTeX_Main", "KaTeX_Math"} <= set(page.evaluate(loaded))
    for formula, letter, scripts in formulas:
        assert letter == pytest.approx(1, abs=0.08), formula
        assert all(0.65 < script < 0.75 for script in scripts), formula
    assert any(scripts for *_, scripts in formulas) or len(formulas) < 30


DRAWN = """() => [...document.querySelectorAll('article .math')]
  .filter(formula => formula.checkVisibility())
  .map(formula => {
    const {width, height} = formula.querySelector('.katex-base').getBoundingClientRect();
    return [formula.querySelector('annotation').textContent, width, height];
  })"""
WRITTEN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (element.checkVisibility() && !element.closest('pre, code, script, .katex-mathml'))
      texts.push(walker.currentNode.data);
  }
  return texts.join(' ');
}"""


@every_page_with_formulas
def test_formulas_are_drawn_without_scripts_and_none_as_its_source(browser, name):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"file://{HTML}/{name}")
    drawn = page.evaluate(DRAWN)
    assert drawn
    for formula, width, height in drawn:
        assert 2 < width < 900, formula
        assert 4 < height < 300, formula
    text = page.evaluate(WRITTEN)
    assert "RMSprop" in text
    assert "\\" not in text
    assert "$" not in text
    assert page.evaluate("[...document.fonts].filter(font => font.status === 'error').length") == 0
    page.close()


@every_page
def test_a_page_without_formulas_loads_no_font_for_them(page, name):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    unfolded(page, name)
    fonts = [url for url in asked if "KaTeX" in url or "letters.css" in url]
    assert bool(fonts) == (name in WITH_FORMULAS)
    # These two are in letters.css.
    assert not [url for url in fonts if "Main-Regular" in url or "Math-Italic" in url]


@every_page_with_formulas
def test_screen_readers_get_every_formula_once_as_mathml(page, name):
    unfolded(page, name)
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if not node["ignored"]]
    # The contents beside the text have the formulas of titles again.
    visible = "all => all.filter(e => e.checkVisibility({visibilityProperty: true})).length"
    assert roles.count("MathMLMath") == page.locator(".katex").evaluate_all(visible)


# What stands directly before or after a formula, on another line than the formula's nearest part.
TORN = """() => [...document.querySelectorAll('article span.math')].flatMap(formula => {
  const parts = [...formula.querySelectorAll('.katex-base')].map(e => e.getBoundingClientRect());
  const place = (text, at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect();
  };
  const {previousSibling: before, nextSibling: after} = formula, torn = [];
  if (!formula.checkVisibility()) return torn;
  if (before?.nodeType === 3 && /\\S$/.test(before.data)
      && place(before, before.length - 1).bottom <= parts[0].top)
    torn.push(before.data.slice(-9) + formula.querySelector('annotation').textContent);
  if (after?.nodeType === 3 && /^\\S/.test(after.data)
      && place(after, 0).top >= parts.at(-1).bottom)
    torn.push(formula.querySelector('annotation').textContent + after.data.slice(0, 9));
  return torn;
})"""


@every_page_with_formulas
def test_no_line_begins_with_the_comma_after_a_formula(page, name):
    unfolded(page, name)
    for width in (320, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(TORN) == [], width


@every_page_with_formulas
def test_a_formula_in_a_line_is_no_wider_than_a_phone(page, name):
    wide = """() => [...document.querySelectorAll('article span.math .katex-base')]
      .filter(part => part.checkVisibility() && !part.closest('table')
        && part.getBoundingClientRect().right > innerWidth)
      .map(part => part.textContent)"""
    assert unfolded(page, name).evaluate(wide) == []


LONG = """() => [...document.querySelectorAll('div.math .katex-display')]
  .filter(e => e.checkVisibility({visibilityProperty: true}) && e.scrollWidth > e.clientWidth)
  .map(e => e.querySelector('annotation').textContent)"""
FOCUSED = """() => {
  const {activeElement} = document, style = getComputedStyle(activeElement);
  if (activeElement === document.body) return null;
  if (!activeElement.matches('.katex-display')) return '';
  if (activeElement.scrollWidth <= activeElement.clientWidth) return '';
  return style.outlineStyle !== 'none' && activeElement.querySelector('annotation').textContent;
}"""


@every_page_with_formulas
def test_a_long_equation_is_scrolled_by_keys(page, name):
    long = unfolded(page, name).evaluate(LONG)
    reached = []
    while len(reached) < len(long):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused is not None, "the keyboard has come to the end"
        if focused:
            reached.append(focused)
            page.keyboard.press("ArrowRight")
            page.wait_for_function("document.activeElement.scrollLeft > 0")
    assert reached == long
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    rule = {"runOnly": ["scrollable-region-focusable"]}
    assert axe.run(page, options=rule).response["violations"] == []


def test_equations_are_in_the_middle_of_what_their_number_leaves(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    unfolded(page, "update-rule.html")
    for equation in page.locator("div.math:visible").all():
        left, right = equation.evaluate("""e => {
          const box = e.querySelector('.katex-display').getBoundingClientRect();
          const parts = [...e.querySelectorAll('.katex-base')].map(e => e.getBoundingClientRect());
          return [parts[0].left - box.left, box.right - parts.at(-1).right];
        }""")
        assert left == pytest.approx(right, abs=1)
    page.close()


def test_no_script_for_mathematics_is_in_the_book():
    names = {path.name.lower() for path in HTML.rglob("*")}
    assert not {name for name in names if "mathjax" in name or "katex.min" in name}
    assert not [name for name in PAGES if "MathJax" in (HTML / name).read_text()]
