"""Live figures: for every reader, on every screen, and with no network."""

import gzip
import re
from pathlib import Path

import pytest

from rmsprop.press.live.directive import FIGURES, scripts

ROOT = Path(__file__).parents[2]
HTML = ROOT / "build" / "html"
PLACES = {
    "batch": "batch-size.html",
    "explorer": "intro.html",
    "signal": "moving-average.html",
}
LINKS = {
    "batch": "#batch?rule=linear&new=512&alpha=0.995",
    "explorer": "#explorer?story=turned&rmsprop.lr=0.0123&step=41",
    "signal": "#signal?signal=nine&third=0.995&at=41",
}

UNFOLD = "document.querySelectorAll('.live details').forEach(details => details.open = true)"

every_figure = pytest.mark.parametrize("name", FIGURES)


@every_figure
def test_keyboard_reaches_every_control_and_shows_where_it_is(opened, name):
    page = opened(PLACES[name])
    page.evaluate(UNFOLD)
    controls = page.locator(".live :is(select, button, input, summary, a[href]):not(:disabled)")
    page.locator(".live-head select").focus()
    reached = 1
    while True:
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Tab")
        if not page.evaluate("document.activeElement.matches('.live *')"):
            break
        reached += 1
    assert reached == controls.count() > 8


@every_figure
@pytest.mark.parametrize("width", [360, 1280])
def test_every_control_has_a_name_and_room_for_a_finger(opened, name, width):
    page = opened(PLACES[name], viewport={"width": width, "height": 740})
    page.evaluate(UNFOLD)
    for control in page.locator(".live :is(select, button, input, summary, .live-buttons a)").all():
        label = "e => e.textContent + Array.from(e.labels || [], l => l.textContent).join()"
        assert control.evaluate(label).strip()
        target = "e => (e.type === 'checkbox' ? e.parentNode : e).getBoundingClientRect().height"
        assert control.evaluate(target) >= 24


@every_figure
@pytest.mark.parametrize("width", [320, 360, 768, 1280])  # 320 is 1280 at 400%
def test_figure_is_no_wider_than_the_screen(opened, name, width):
    page = opened(PLACES[name], viewport={"width": width, "height": 740})
    page.evaluate(UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in page.locator(".live, .live-now, .live-results, .live-more").all():
        assert box.evaluate("e => e.scrollWidth <= e.clientWidth")


@every_figure
def test_a_link_with_a_long_value_is_refused_and_no_wider_than_the_screen(opened, name):
    link = f"#{name}?eps={'1' * 3000}&{'x' * 3000}=1"
    page = opened(PLACES[name] + link, viewport={"width": 320, "height": 740})
    page.locator(".live-message", has_text="This link cannot be followed").wait_for()
    assert len(page.locator(".live-message").inner_text()) < 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@every_figure
def test_every_control_has_a_name_of_its_own(opened, name):
    page = opened(PLACES[name])
    page.evaluate(UNFOLD)
    names = page.locator(".live :is(select, input)").evaluate_all(
        "all => all.map(e => e.ariaLabel || e.labels[0].textContent)"
    )
    assert len(names) == len(set(names)) > 6
    if name == "explorer":
        assert {"RMSprop lr", "RMSprop alpha", "Adam lr", "condition number"} <= set(names)


@every_figure
def test_every_key_moves_every_slider_from_everywhere(opened, name):
    page = opened(PLACES[name])
    page.evaluate(UNFOLD)
    for slider in page.locator(".live input[type=range]:not(:disabled)").all():
        label = slider.get_attribute("id")
        slider.focus()
        for end, *keys in (
            ("Home", "ArrowRight", "ArrowUp", "PageUp"),
            ("End", "ArrowLeft", "ArrowDown", "PageDown"),
        ):
            for key in keys:
                page.keyboard.press(end)
                text, inside = slider.evaluate(LOOK, key)
                texts = [text]
                while len(texts) < 10 and inside:
                    page.keyboard.press(key)
                    text, inside = slider.evaluate(LOOK, key)
                    texts.append(text)
                assert len(texts) == len(set(texts)) > 5, (label, key, texts)


# What it says, and whether there is anything left in the direction of the key.
LOOK = """(e, key) => [
  e.getAttribute("aria-valuetext"),
  /Right|Up/.test(key) ? Number(e.value) < e.max : Number(e.value) > e.min,
]"""

BETWEEN = [
    ("explorer", "rmsprop.alpha", "0.99989", ("ArrowRight", "End")),
    ("explorer", "rmsprop.alpha", "0.0001", ("ArrowLeft", "Home")),
    ("explorer", "condition", "999", ("ArrowUp", "PageUp")),
    ("explorer", "condition", "1.001", ("ArrowDown", "PageDown")),
    ("explorer", "rmsprop.lr", "0.0123", ("ArrowRight", "ArrowLeft")),
    ("signal", "third", "0.99989", ("ArrowRight", "End")),
    ("batch", "old", "48", ("ArrowRight", "ArrowLeft")),
    ("batch", "lr", "0.0123", ("ArrowUp", "PageDown")),
]


@pytest.mark.parametrize(("name", "key", "value", "presses"), BETWEEN)
def test_a_key_moves_a_value_between_two_stops(opened, name, key, value, presses):
    for press in presses:
        page = opened(f"{PLACES[name]}#{name}?{key}={value}")
        before = page.locator(".live-buttons a").get_attribute("href")
        assert f"{key}={value}" in before
        page.locator(f"#{name}-{key.replace('.', '-')}").press(press)
        assert page.locator(".live-buttons a").get_attribute("href") != before


@every_figure
def test_back_restores_the_opening_state_and_its_words(opened, name):
    page = opened(PLACES[name])
    link = page.locator(".live-buttons a")
    opening = link.get_attribute("href")
    page.evaluate("hash => location.hash = hash", LINKS[name])
    page.wait_for_function("document.querySelector('.live-buttons a').hash === location.hash")
    assert link.get_attribute("href") != opening
    page.evaluate("hash => location.hash = hash", f"#{name}?eps=no")
    page.locator(".live-message", has_text="cannot be followed").wait_for()
    page.go_back()
    page.wait_for_function("document.querySelector('.live-message').textContent === ''")
    page.go_back()
    page.wait_for_function(
        "href => document.querySelector('.live-buttons a').getAttribute('href') === href",
        arg=opening,
    )


@every_figure
def test_a_message_is_gone_when_something_moves(opened, name):
    page = opened(PLACES[name])
    message = page.locator(".live-message")
    page.locator(".live-buttons a").click()
    assert "restores this setting" in message.inner_text()
    page.locator(".live input[type=range]:not(:disabled)").first.press("ArrowLeft")
    assert message.inner_text() == ""
    page.go_back()
    assert message.inner_text() == ""


@every_figure
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_story_moves_what_stands_below(opened, name, width):
    page = opened(PLACES[name], viewport={"width": width, "height": 740})
    stories = page.locator(".live-head select")
    tops = set()
    for option in stories.locator("option").all():
        stories.select_option(option.get_attribute("value"))
        tops.add(page.locator(".live-head").evaluate("e => e.getBoundingClientRect().height"))
    assert len(tops) == 1


SHIFTS = """window.shifts = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => shifts += entry.value))
  .observe({type: 'layout-shift', buffered: true});"""


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_jumps_where_a_link_leads(opened, width):
    # On a page without formulas, whose size the browser learns late.
    screen = {"width": width, "height": 740}
    page = opened(PLACES["explorer"] + LINKS["explorer"], viewport=screen, script=SHIFTS)
    page.locator(".live-summary", has_text="41 of").wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") < 0.02


@every_figure
@pytest.mark.parametrize("width", [360, 1280])
def test_room_is_kept_until_the_script_has_run(opened, name, width):
    page = opened(PLACES[name], viewport={"width": width, "height": 740})
    room = page.locator("[data-live]").evaluate("e => parseFloat(getComputedStyle(e).minHeight)")
    height = page.locator(".live").evaluate("e => e.getBoundingClientRect().height")
    assert 0.95 * height < room < 1.1 * height


@every_figure
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out(opened, name, scheme):
    assert opened(PLACES[name], color_scheme=scheme).evaluate(CONTRAST) >= 4.5


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d');
  const luminance = color => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data).slice(0, 3).map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (color !== 'rgba(0, 0, 0, 0)') return color;
    }
    return 'white';
  };
  const texts = document.querySelectorAll(
    '.live :is(p, a, label, legend, output, th, td, button, select, text)');
  return Math.min(...Array.from(texts, element => {
    const style = getComputedStyle(element);
    const color = element.matches('text') ? style.fill : style.color;
    const pair = [luminance(color), luminance(ground(element))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  }));
}"""


@every_figure
def test_without_scripts_and_in_print_the_still_picture_stands_in(opened, name):
    silent = opened(PLACES[name], java_script_enabled=False)
    assert silent.locator(".live-still img:visible").count() == 1
    assert silent.locator(".live-still em").is_visible()
    page = opened(PLACES[name])
    assert not page.locator(".live-still").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".live-still").is_visible()
    assert not page.locator(".live").is_visible()


def test_scripts_are_loaded_only_where_they_are_used():
    for page in HTML.glob("*.html"):
        text = page.read_text()
        shown = [name for name in FIGURES if f'data-live="{name}"' in text]
        wanted = {script for name in shown for script in scripts(name)}
        offered = {script for name in FIGURES for script in scripts(name)}
        assert {script for script in offered if f"live/{script}" in text} == wanted
        assert ("live/live.css" in text) == bool(shown)
    assert all(f'data-live="{name}"' in (HTML / PLACES[name]).read_text() for name in FIGURES)


def test_scripts_and_style_are_under_30_kb_as_they_travel():
    folder = ROOT / "rmsprop/press/live"
    own = [path for path in folder.iterdir() if path.suffix in (".js", ".css")]
    assert {f"{name}.js" for name in FIGURES} <= {path.name for path in own}
    assert {path.name for path in own if path.suffix == ".js"} == {
        script for name in FIGURES for script in scripts(name) if not script.endswith("-data.js")
    }
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) < 30_000


def test_scripts_are_of_one_dialect():
    folders = ROOT / "rmsprop/press/live", ROOT / "book/_static"
    for script in (path for folder in folders for path in folder.glob("*.js")):
        text = script.read_text()
        assert not re.search(r"^\s*var\b|\bfunction\s*\(|prototype|\.apply\(", text, re.M), (
            script.name
        )
