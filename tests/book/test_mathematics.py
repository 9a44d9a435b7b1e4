"""Mathematics on every page, as it is drawn: of the right size, in its place, without scripts."""

from pathlib import Path

import pytest

HTML = Path(__file__).parents[2] / "build" / "html"
# index.html only leads on to the first page.
PAGES = sorted(path.name for path in HTML.glob("*.html") if path.name != "index.html")
WITH_FORMULAS = [name for name in PAGES if 'class="katex"' in (HTML / name).read_text()]
UNFOLD = "document.querySelectorAll('details').forEach(details => details.open = true)"
PHONE = {"width": 390, "height": 800}


@pytest.fixture(scope="module", params=WITH_FORMULAS)
def visit(browser, request):
    """A page on a phone with everything unfolded, and what it asked for."""
    page = browser.new_page(viewport=PHONE)
    yield page, unfolded(page, request.param)
    page.close()


@pytest.fixture
def page(visit):
    """A page that all tests share; they leave it as it was."""
    return visit[0]


def unfolded(page, name):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{HTML}/{name}")
    page.evaluate(UNFOLD)
    page.evaluate("document.fonts.ready.then(() => null)")
    return asked


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


def test_letters_are_as_high_as_the_text_and_scripts_smaller(page):
    formulas = page.evaluate(LETTERS)
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


@pytest.mark.parametrize("name", WITH_FORMULAS)
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


def fonts(asked):
    return [url for url in asked if "KaTeX" in url or "letters.css" in url]


def test_a_page_with_formulas_loads_fonts_for_them(visit):
    asked = fonts(visit[1])
    assert asked
    # These two are in letters.css.
    assert not [url for url in asked if "Main-Regular" in url or "Math-Italic" in url]


@pytest.mark.parametrize("name", sorted({*PAGES} - {*WITH_FORMULAS}))
def test_a_page_without_formulas_loads_no_font_for_them(browser, name):
    page = browser.new_page(viewport=PHONE)
    asked = unfolded(page, name)
    page.close()
    assert [url for url in asked if "book.css" in url]
    assert not fonts(asked)


def test_screen_readers_get_every_formula_once_as_mathml(page):
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if not node["ignored"]]
    # The contents beside the text have the formulas of titles again.
    visible = "all => all.filter(e => e.checkVisibility({visibilityProperty: true})).length"
    assert roles.count("MathMLMath") == page.locator(".katex").evaluate_all(visible)


def test_a_formula_in_a_line_is_no_wider_than_a_phone(page):
    wide = """() => [...document.querySelectorAll('article span.math .katex-base')]
      .filter(part => part.checkVisibility() && !part.closest('table')
        && part.getBoundingClientRect().right > innerWidth)
      .map(part => part.textContent)"""
    assert page.evaluate(wide) == []


# Equations that do not fit, with a place to start from before each.
LONG = """() => [...document.querySelectorAll('div.math .katex-display')]
  .filter(e => e.checkVisibility({visibilityProperty: true}) && e.scrollWidth > e.clientWidth)
  .map(e => {
    const start = Object.assign(document.createElement('i'), {tabIndex: -1, className: 'start'});
    e.before(start);
    return e.querySelector('annotation').textContent;
  })"""
FOCUSED = """() => {
  const {activeElement} = document;
  if (getComputedStyle(activeElement).outlineStyle === 'none') return 'no outline';
  return activeElement.querySelector('annotation')?.textContent;
}"""


def test_a_long_equation_is_scrolled_by_keys(page):
    long = page.evaluate(LONG)
    for equation, start in zip(long, page.locator("i.start").all(), strict=True):
        start.focus()
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == equation
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
    page.evaluate("document.querySelectorAll('i.start').forEach(start => start.remove())")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    rule = {"runOnly": ["scrollable-region-focusable"]}
    assert axe.run(page, options=rule).response["violations"] == []


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


# The last: after a change of width the theme looks anew what must scroll.
def test_no_line_begins_with_the_comma_after_a_formula(page):
    for width in (1280, 768, 320, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(TORN) == [], width


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
