"""The explorer: it computes what the library computes, and answers to keyboard, finger and link."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import rmsprop
from rmsprop.experiments import problems
from rmsprop.press.live import explorer
from rmsprop.press.style import COLORS, darken

STYLE = Path(__file__).parents[2] / "rmsprop/press/live/live.css"


@pytest.fixture
def opened(opened):
    return lambda link="", **options: opened(f"intro.html{link}", **options)


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

    def descend(self, optimizer_class, start, steps, decay=False, **options):
        w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = optimizer_class([w], **options)
        factor = (lambda t: 1 - t / steps) if decay else (lambda t: 1)
        falling = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        points = [w.detach().numpy().copy()]
        for t in range(1, steps + 1):
            w.grad = torch.from_numpy(self.gradient(points[-1], t))
            optimizer.step()
            falling.step()
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
    ("rmsprop", rmsprop.RMSprop, {"lr": 0.02, "alpha": 0.9, "decay": True}),
    ("adam", torch.optim.Adam, {"lr": 0.02, "decay": True}),
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
    Object.assign({momentum: 0, eps: 1e-8, centered: false}, options), start, steps))"""


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


def link(page):
    return page.locator(".live-buttons a").get_attribute("href")


AGAIN = "hash => { location.hash = '#explorer?story=start'; location.hash = hash; }"
ARRIVED = "hash => document.querySelector('.live-buttons a').getAttribute('href') === hash"


def pairs(hash):
    return set(hash.split("?")[1].split("&"))


def follow(page, query):
    page.evaluate("hash => location.hash = hash", f"#explorer?{query}")


def unfold(page):
    page.evaluate("document.querySelectorAll('.live details').forEach(d => d.open = true)")


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
    summary(page, "after 4 of 100")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('explorer-step').value > 10")
    page.get_by_role("button", name="Pause").click()
    paused = step.input_value()
    assert 10 < int(paused) < 100
    summary(page, f"after {paused} of 100")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('explorer-step').value == 100")
    page.get_by_role("button", name="Play").wait_for()
    page.locator("#explorer-rmsprop-lr").press("ArrowRight")
    page.get_by_role("button", name="Reset").click()
    assert page.locator("output[for=explorer-rmsprop-lr]").inner_text() == "0.05"


def test_play_shows_the_end_at_once_to_those_who_want_no_motion(opened):
    page = opened("#explorer?story=aligned&step=3", reduced_motion="reduce")
    summary(page, "after 3 of 100")
    page.get_by_role("button", name="Play").click()
    assert page.locator("#explorer-step").input_value() == "100"


def values(page, *names):
    texts = [page.locator(f"output[for=explorer-{name}]").text_content() for name in names]
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


SETTING = "#explorer?story=turned&condition=37&x=0.51&rmsprop.lr=0.0123&methods=rmsprop&step=41"


def test_link_restores_the_exact_setting(opened):
    page = opened(SETTING)
    summary(page, "after 41 of 100")
    assert pairs(link(page)) == pairs(SETTING)


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("rmsprop.alpha=2", "rmsprop.alpha is “2”"),
        ("rmsprop.lr=nan", "must be a number between"),
        ("surface=moon", "surface is “moon”"),
        ("speed=3", "no setting “speed”"),
        ("toString=1", "no setting “toString”"),
        ("story=none", "story is “none”, and must be one of aligned"),
        ("methods=adam,sgd", "methods is “adam,sgd”"),
        ("steps=20.5", "must be a whole number between 10 and 1000"),
    ],
)
def test_malformed_link_is_explained_and_the_picture_stays(opened, query, complaint):
    page = opened(SETTING)
    before = page.locator(".live-picture").inner_html()
    follow(page, query)
    page.locator(".live-message", has_text="This link cannot be followed").wait_for()
    assert complaint in page.locator(".live-message").inner_text()
    assert page.locator(".live-picture").inner_html() == before


def test_divergence_is_explained_and_the_rest_is_drawn(opened):
    page = opened("#explorer?story=aligned&descent.rate=2")
    assert "Gradient descent diverges in step" in page.locator(".live-outcome").inner_text()
    drawn = page.locator(".live-picture polyline").all()
    assert len(drawn) == 4
    for path in drawn:
        points = path.get_attribute("points")
        assert points.count(" ") > 1
        assert "NaN" not in points
        assert "Infinity" not in points
    unfold(page)
    page.locator("#explorer-descent-rate").press("Home")
    assert "diverges" not in page.locator(".live-outcome").inner_text()


def outcome(page):
    return page.locator(".live-outcome").inner_text()


def arrivals(page):
    rows = page.locator(".live-results tbody tr").all_inner_texts()
    cells = [row.split("\t") for row in rows]
    return {name.strip(): near for name, _, near, _ in cells}


def test_at_first_rmsprop_is_the_first_near_the_minimum_and_the_words_say_so(opened):
    page = opened()
    found = arrivals(page)
    assert found["Gradient descent"] == "–"
    later = [int(found[name]) for name in ("Momentum", "Adam")]
    assert int(found["RMSprop"]) < min(later)
    assert f"RMSprop from step {found['RMSprop']}, " in outcome(page)
    assert "Not in 100 steps: gradient descent." in outcome(page)


def test_the_condition_number_slows_gradient_descent_and_not_rmsprop(opened):
    page = opened()
    before = arrivals(page)["RMSprop"]
    page.locator("#explorer-condition").press("End")
    assert arrivals(page)["RMSprop"] == before
    assert "diverges" not in outcome(page)
    assert "gradient descent" in outcome(page).partition("Not in 100 steps")[2]


def test_the_lr_of_every_method_is_shown_and_follows_the_valley(opened):
    page = opened()

    def rates():
        return [
            row.split("\t")[1] for row in page.locator(".live-results tbody tr").all_inner_texts()
        ]

    assert rates() == ["0.05", "0.018", "0.019", "0.05"]
    page.locator("#explorer-condition").press("End")
    assert rates() == ["0.05", "0.0018", "0.0019", "0.05"]


def test_words_follow_the_settings(opened):
    page, words = opened(), lambda: page.locator(".live-story").inner_text()
    told = explorer.STORIES[0]["text"]
    page.locator("#explorer-rmsprop-alpha").press("End")
    assert told not in words()
    assert "Your own setting" in words()
    assert "RMSprop alpha 0.9999, not 0.9" in words()
    stories(page).select_option("custom")
    assert stories(page).input_value() == "custom"
    page.get_by_role("button", name="Reset").click()
    assert told in words()
    stories(page).select_option("custom")
    assert stories(page).input_value() == "aligned"


def test_few_controls_are_visible_and_the_others_folded(opened):
    page = opened()
    settings = page.locator(".live :is(select, input):visible:not(.live-time input)")
    assert settings.count() == 5
    unfold(page)
    assert settings.count() > 15


SURFACES = list(explorer.SURFACES)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_ends_of_every_slider_go_through_the_link(opened, surface):
    page = opened(f"#explorer?surface={surface}")
    unfold(page)
    for slider in page.locator(".live input[type=range]:not(:disabled)").all():
        for end in ("Home", "End"):
            slider.press(end)
            hash, shown = link(page), slider.get_attribute("aria-valuetext")
            page.evaluate(AGAIN, hash)
            page.wait_for_function(ARRIVED, arg=hash, timeout=3000)
            assert page.locator(".live-message").inner_text() == ""
            assert link(page) == hash
            assert slider.get_attribute("aria-valuetext") == shown


# A start on the page, as a finger places it, and any stops of the sliders.
RANDOM = """seed => {
  const data = Live.data.explorer, model = Live.explorerState(data);
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const one = (list) => list[Math.floor(random() * list.length)];
  const faults = [];
  for (let k = 0; k < 50; k++) {
    const surface = one(Object.keys(data.surfaces));
    const settings = {surface, methods: model.METHODS.filter(() => random() < 0.5).join(",")};
    for (const key of ["decay", "rmsprop.centered"]) settings[key] = random() < 0.5;
    for (const [key, {stops}] of Object.entries(model.scales[surface])) settings[key] = one(stops);
    if (random() < 0.5) {
      const {center, half} = data.surfaces[surface];
      const point = center.map(c => c + half * (2.4 * random() - 1.2));
      Object.assign(settings, model.inside(surface, point));
    }
    const opened = model.open(one(data.stories).id);
    const state = {...opened, settings: {...opened.settings, ...settings}, step: 0};
    state.step = Math.floor(random() * (settings.steps + 1));
    const hash = model.address(state);
    const again = model.restore(Live.links.query(hash));
    const keys = Object.keys(state.settings);
    const same = keys.every(key => again.settings[key] === state.settings[key]);
    if (!same || again.step !== state.step || again.story !== state.story) faults.push(hash);
  }
  return faults;
}"""


def test_random_settings_go_through_the_link(opened):
    assert opened().evaluate(RANDOM, 7) == []


@pytest.mark.parametrize("surface", SURFACES)
def test_a_start_at_the_edge_goes_through_the_link(opened, surface):
    page = opened(f"#explorer?surface={surface}")
    starts = set()
    for right, low in itertools.product((0, 1), (0, 1)):
        box = page.locator(".live-picture").bounding_box()
        x = box["x"] + 1 + right * (box["width"] - 3)
        y = box["y"] + 1 + low * (box["height"] - 3)
        page.mouse.click(x, y)
        hash = link(page)
        page.get_by_role("button", name="Reset").click()
        page.evaluate("hash => location.hash = hash", hash)
        page.wait_for_function(ARRIVED, arg=hash)
        assert page.locator(".live-message").inner_text() == ""
        assert link(page) == hash
        starts.add(hash)
    assert len(starts) == 4


def test_methods_in_another_order_and_a_typed_minus_sign_are_read(opened):
    page = opened("#explorer?methods=adam,rmsprop&x=−0.5")
    assert page.locator(".live-message").inner_text() == ""
    assert list(arrivals(page)) == ["RMSprop", "Adam"]
    assert values(page, "x") == [-0.5]


def test_without_eps_a_gradient_of_zero_leaves_the_parameter_as_in_the_library(opened):
    page = opened("#explorer?rmsprop.eps=0&y=0")
    assert page.locator(".live-message").inner_text() == ""
    assert values(page, "rmsprop-eps", "y") == [0, 0]
    assert "diverges" not in outcome(page)
    settings = [("rmsprop", {"lr": 0.02, "alpha": 0.9, "eps": 0})]
    (run,) = page.evaluate(RUN, ["quadratic", [0, 0], 0, 100, [-1.2, 0], 20, settings])
    expected = Turned("quadratic", 0, 100).descend(
        rmsprop.RMSprop, (-1.2, 0), 20, lr=0.02, alpha=0.9, eps=0
    )
    np.testing.assert_allclose(run["points"], expected, rtol=1e-12)


def test_a_play_rebuilds_nothing_that_stays(opened):
    page = opened("#explorer?story=aligned&step=40")
    page.evaluate("""() => {
      window.built = 0;
      const count = list => list.forEach(one => built += one.addedNodes.length);
      const watch = new MutationObserver(count);
      document.querySelectorAll('.live svg').forEach(svg =>
        watch.observe(svg, {childList: true, subtree: true}));
    }""")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('explorer-step').value > 60")
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate("built") == 0


def test_a_play_announces_nothing_until_it_rests(opened):
    page = opened("#explorer?story=aligned&step=1")
    summary(page, "after 1 of 100")
    page.evaluate("""() => {
      window.said = [];
      const live = e => e.closest('[aria-live], output, [role=status]');
      new MutationObserver(list => list.forEach(({target}) => {
        const region = live(target.nodeType === 1 ? target : target.parentElement);
        if (region && region.getAttribute('aria-live') !== 'off') said.push(region.textContent);
      })).observe(document.querySelector('.live'),
        {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('explorer-step').value > 20")
    said = page.evaluate("said.filter(text => text)")
    assert said == []
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function("said.filter(text => text).length > 0")
    page.wait_for_timeout(500)
    assert len(page.evaluate("said.filter(text => text)")) == 1


def test_a_right_click_does_not_drag(opened):
    page = opened()
    before = link(page)
    page.locator(".start").hover()
    box = page.locator(".live-picture").bounding_box()
    page.mouse.down(button="right")
    page.mouse.move(box["x"] + 20, box["y"] + 20, steps=3)
    page.mouse.up(button="right")
    assert link(page) == before


def test_every_mark_of_the_key_has_a_shape_of_its_own(opened):
    page = opened(forced_colors="active")
    shapes = "rows => rows.map(row => row.querySelector('.mark').getAttribute('d'))"
    assert len(set(page.locator(".live-results tbody tr").evaluate_all(shapes))) == 4
    assert "forced-colors" in STYLE.read_text()


def test_colors_are_the_book_s():
    style = STYLE.read_text()
    names = {"descent": "gradient descent", "momentum": "momentum", "rmsprop": "RMSprop"}
    for key, name in (names | {"adam": "Adam"}).items():
        assert f"--{key}: {COLORS[name]};" in style
        assert f"--{key}: {darken(COLORS[name])};" in style
