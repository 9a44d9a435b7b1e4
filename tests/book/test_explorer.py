"""The explorer: it computes what the library computes, and answers to keyboard, finger and link."""

import itertools
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import rmsprop
from rmsprop import problems
from rmsprop.figures import explorer
from rmsprop.figures.live import FIGURES
from rmsprop.figures.style import COLORS, darken

sync_api = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).parents[2]
HTML = ROOT / "build" / "html"
ADDRESS = f"file://{HTML}/intro.html"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Open the page in a fresh context; an error in a script, or a request, fails the test."""
    contexts, faults = [], []

    def open_page(link="", script="", **options):
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
        page.goto(ADDRESS + link)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def summary(page, part):
    """Wait until the summary says something, and return all of it."""
    page.locator(".live-summary", has_text=part).wait_for()
    return page.locator(".live-summary").inner_text()


class Turned:
    """A surface, turned around its center, for torch's optimizers to descend in float64."""

    def __init__(self, name, angle, condition):
        surface = explorer.SURFACES[name]
        self.name, self.center = name, np.array(surface.center)
        self.problem = surface.problem if name != "quadratic" else problems.quadratic(condition)
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        self.matrix = np.array([[c, -s], [s, c]])

    def gradient(self, w, t):
        if self.name == "trap":
            return np.array([3.0 if t % 3 == 1 else -1.0, w[1]])
        back = self.center + self.matrix.T @ (w - self.center)
        return self.matrix @ self.problem.gradient(back)

    def descend(self, optimizer_class, start, steps, **options):
        w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = optimizer_class([w], **options)
        points = [w.detach().numpy().copy()]
        for t in range(1, steps + 1):
            w.grad = torch.from_numpy(self.gradient(points[-1], t))
            optimizer.step()
            if self.name == "trap":
                with torch.no_grad():
                    w[0].clamp_(-1, 1)
            points.append(w.detach().numpy().copy())
        return np.array(points)


NAMES = ("lr", "alpha", "eps", "momentum", "centered")
GRID = itertools.product((0.003, 0.02), (0.5, 0.9, 0.99), (1e-8, 0.1), (0, 0.5), (False, True))
OPTIONS = [
    ("descent", torch.optim.SGD, {"lr": 1e-4}),
    ("momentum", torch.optim.SGD, {"lr": 1e-4, "momentum": 0.9}),
    *(("rmsprop", rmsprop.RMSprop, dict(zip(NAMES, values, strict=True))) for values in GRID),
    ("adam", torch.optim.Adam, {"lr": 0.02}),
]
# Where a run is chaotic, rounding grows: these are not.
CASES = [
    ("quadratic", 0, (-0.61, 0.37)),
    ("quadratic", 45, (-0.61, 0.37)),
    ("rosenbrock", 30, (-0.61, 0.37)),
    ("beale", 0, (-0.2, 0.1)),
    ("himmelblau", 60, (-0.61, 0.37)),
    ("slope", 0, (0.7, 0.7)),
    ("trap", 0, (-0.61, 0.37)),
]
RUN = """([name, center, angle, condition, start, steps, settings]) => settings.map(
  ([rule, options]) => Live.run(rule, Live.problem(name, center, angle, condition),
    Object.assign({momentum: 0}, options), start, steps))"""


@pytest.mark.parametrize(("name", "angle", "part"), CASES)
def test_every_step_is_the_library_s(opened, name, angle, part):
    surface, steps = explorer.SURFACES[name], 60
    start = (np.array(surface.center) + surface.half * np.array(part)).tolist()
    settings = [(rule, options) for rule, _, options in OPTIONS]
    runs = opened().evaluate(RUN, [name, surface.center, angle, 100, start, steps, settings])
    turned = Turned(name, angle, 100)
    for (rule, optimizer_class, options), run in zip(OPTIONS, runs, strict=True):
        if name == "slope" and options.get("centered") and options["alpha"] < 0.9:
            continue  # Soon the deviation from the mean is nothing but rounding.
        points, label = np.array(run["points"]), f"{rule} {options}"
        assert len(points) == steps + 1, label
        expected = turned.descend(optimizer_class, start, steps, **options)
        np.testing.assert_allclose(points, expected, rtol=1e-10, atol=1e-12, err_msg=label)


def test_roots_and_rates_are_those_of_the_step(opened):
    settings = [("rmsprop", {"lr": 0.02, "alpha": 0.9, "eps": 0.1})]
    (run,) = opened().evaluate(RUN, ["quadratic", [0, 0], 0, 100, [-1.2, 0.6], 20, settings])
    square_avg = np.zeros(2)
    for t, root in enumerate(run["roots"]):
        square_avg = 0.9 * square_avg + 0.1 * np.array(run["gradients"][t]) ** 2
        np.testing.assert_allclose(root, np.sqrt(square_avg), rtol=1e-12)
        np.testing.assert_allclose(run["rates"][t], 0.02 / (np.sqrt(square_avg) + 0.1), rtol=1e-12)
    moves = -np.array(run["rates"]) * np.array(run["gradients"])
    np.testing.assert_allclose(np.diff(run["points"], axis=0), moves, rtol=1e-9, atol=1e-15)


def stories(page):
    return page.locator(".live-head select")


def test_keyboard_moves_a_setting(opened):
    page = opened()
    page.locator("#explorer-rmsprop-alpha").focus()
    page.keyboard.press("End")
    assert page.locator("output[for=explorer-rmsprop-alpha]").inner_text() == "0.9999"
    assert stories(page).input_value() == "custom"
    page.get_by_role("button", name="Reset").press("Enter")
    assert stories(page).input_value() == "aligned"


def test_keyboard_reaches_every_control_and_shows_where_it_is(opened):
    page = opened()
    controls = page.locator(".live :is(select, button, input, a[href]):not(:disabled)")
    stories(page).focus()
    reached = 1
    while True:
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid"
        page.keyboard.press("Tab")
        if not page.evaluate("document.activeElement.matches('.live *')"):
            break
        reached += 1
    assert reached == controls.count() > 20


def test_every_control_has_a_name_and_room_for_a_finger(opened):
    page = opened(viewport={"width": 360, "height": 740})
    for control in page.locator(".live :is(select, button, input)").all():
        label = "e => e.textContent + Array.from(e.labels || [], l => l.textContent).join()"
        assert control.evaluate(label).strip()
        target = "e => (e.type === 'checkbox' ? e.parentNode : e).getBoundingClientRect().height"
        assert control.evaluate(target) >= 24


def test_a_story_is_chosen_and_told(opened):
    page = opened()
    for story in explorer.STORIES:
        stories(page).select_option(story["id"])
        assert story["text"] in page.locator(".live-story").inner_text()
        summary(page, explorer.SURFACES[(explorer.DEFAULTS | story["settings"])["surface"]].label)


def test_play_step_and_reset(opened):
    page = opened("#explorer?story=aligned&step=3")
    step = page.locator("#explorer-step")
    page.get_by_role("button", name="Step").click()
    assert step.input_value() == "4"
    summary(page, "after 4 of 150")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('explorer-step').value > 10")
    page.get_by_role("button", name="Pause").click()
    paused = step.input_value()
    assert 10 < int(paused) < 150
    summary(page, f"after {paused} of 150")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('explorer-step').value == 150")
    page.get_by_role("button", name="Play").wait_for()
    page.locator("#explorer-rmsprop-lr").press("ArrowRight")
    page.get_by_role("button", name="Reset").click()
    assert page.locator("output[for=explorer-rmsprop-lr]").inner_text() == "0.02"


def test_play_shows_the_end_at_once_to_those_who_want_no_motion(opened):
    page = opened("#explorer?story=aligned&step=3", reduced_motion="reduce")
    summary(page, "after 3 of 150")
    page.get_by_role("button", name="Play").click()
    assert page.locator("#explorer-step").input_value() == "150"


def values(page, *names):
    texts = [page.locator(f"output[for=explorer-{name}]").inner_text() for name in names]
    return [float(text.replace("−", "-")) for text in texts]


def test_mouse_drags_the_start(opened):
    page = opened()
    page.locator(".start").hover()
    box = page.locator(".live-picture").bounding_box()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=5)
    page.mouse.up()
    assert values(page, "x", "y") == pytest.approx([0.75, 0.75], abs=0.01)
    assert "x=0.7" in page.locator(".live-buttons a").get_attribute("href")


def test_finger_drags_the_start_and_not_the_page(opened):
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page.locator(".start").scroll_into_view_if_needed()
    box, dot = (page.locator(f".{name}").bounding_box() for name in ("live-picture", "start"))
    scrolled = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2
    send("touchStart", (x, y))
    for part in (0.3, 0.6, 1):
        to = box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.75
        send("touchMove", (x + part * (to[0] - x), y + part * (to[1] - y)))
    send("touchEnd")
    assert values(page, "x", "y") == pytest.approx([0, -0.75], abs=0.02)
    assert page.evaluate("scrollY") == scrolled


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_page_is_no_wider_than_the_screen(opened, width, scheme):
    page = opened(viewport={"width": width, "height": 740}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = "e => e.scrollWidth <= e.clientWidth"
    assert all(table.evaluate(inside) for table in page.locator(".live-now").all())


SHIFTS = """window.shifts = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => shifts += entry.value))
  .observe({type: 'layout-shift', buffered: true});"""


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_jumps_where_a_link_leads(opened, width):
    page = opened(viewport={"width": width, "height": 740}, script=SHIFTS, link=SETTING)
    summary(page, "after 41 of 150")
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") < 0.02


def test_words_stand_out(opened):
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme)
        assert page.evaluate(CONTRAST) >= 4.5


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

SETTING = "#explorer?story=turned&condition=37&x=0.51&rmsprop.lr=0.0123&methods=rmsprop&step=41"


def test_link_restores_the_exact_setting(opened):
    page = opened(SETTING)
    summary(page, "after 41 of 150")
    again = page.locator(".live-buttons a").get_attribute("href")
    assert set(again.split("?")[1].split("&")) == set(SETTING.split("?")[1].split("&"))


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("rmsprop.alpha=2", "rmsprop.alpha is “2”"),
        ("rmsprop.lr=nan", "must be a number between"),
        ("surface=moon", "surface is “moon”"),
        ("speed=3", "no setting “speed”"),
        ("toString=1", "no setting “toString”"),
        ("story=none", "no story “none”"),
    ],
)
def test_malformed_link_is_explained_and_the_picture_stays(opened, query, complaint):
    page = opened(SETTING)
    before = page.locator(".live-picture").inner_html()
    page.evaluate("hash => location.hash = hash", f"#explorer?{query}")
    page.locator(".live-message", has_text="This link cannot be followed").wait_for()
    assert complaint in page.locator(".live-message").inner_text()
    assert page.locator(".live-picture").inner_html() == before


def test_divergence_is_explained_and_the_rest_is_drawn(opened):
    page = opened("#explorer?story=aligned&descent.lr=3")
    assert "Gradient descent diverges in step" in page.locator(".live-message").inner_text()
    drawn = page.locator(".live-picture polyline").all()
    assert len(drawn) == 4
    for path in drawn:
        points = path.get_attribute("points")
        assert points.count(" ") > 1
        assert "NaN" not in points
        assert "Infinity" not in points
    page.locator("#explorer-descent-lr").press("Home")
    assert page.locator(".live-message").inner_text() == ""


def test_without_scripts_and_in_print_the_still_picture_stands_in(opened):
    silent = opened(java_script_enabled=False)
    assert silent.locator(".live-still img:visible").count() == 1
    assert silent.locator(".live-still em").is_visible()
    page = opened()
    assert not page.locator(".live-still").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".live-still").is_visible()
    assert not page.locator(".live").is_visible()


def test_scripts_are_loaded_only_where_they_are_used():
    users = {path.name for path in HTML.glob("*.html") if "live/parts.js" in path.read_text()}
    assert users == {path.name for path in HTML.glob("*.html") if "data-live=" in path.read_text()}
    assert "intro.html" in users
    assert len(users) < len(list(HTML.glob("*.html")))


def test_scripts_and_style_are_under_60_kb():
    own = list((ROOT / "book/live").iterdir())
    assert len(own) >= 5
    assert {f"{name}.js" for name in FIGURES} <= {path.name for path in own}
    assert sum(path.stat().st_size for path in own) < 60_000


def test_colors_are_the_book_s():
    style = (ROOT / "book/live/live.css").read_text()
    names = {"descent": "gradient descent", "momentum": "momentum", "rmsprop": "RMSprop"}
    for key, name in (names | {"adam": "Adam"}).items():
        assert f"--{key}: {COLORS[name]};" in style
        assert f"--{key}: {darken(COLORS[name])};" in style
