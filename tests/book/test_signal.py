"""The drawable averages: they are what the library keeps, and follow pointer, keyboard and link."""

import numpy as np
import pytest
import torch

import rmsprop
from rmsprop.equations import iterate_average
from rmsprop.press.live.signal import DEFAULTS, SIGNALS, STEPS

PAGE = "moving-average.html"
AGAIN = "hash => { location.hash = '#signal?signal=noise'; location.hash = hash; }"
ARRIVED = "hash => document.querySelector('.live-buttons a').getAttribute('href') === hash"
RUN = "([grads, alpha, eps]) => Live.averages(grads, alpha, eps)"


def summary(page, part):
    """Wait until the summary says something, and return all of it."""
    page.locator(".live-summary", has_text=part).wait_for()
    return page.locator(".live-summary").inner_text()


def drawing(page):
    """Return the gradients that the page's link holds."""
    href = page.locator(".live-buttons a").get_attribute("href")
    assert "signal=drawn" in href
    return [float(text) for text in href.split("gradients=")[1].split(",")]


@pytest.mark.parametrize("eps", [1e-8, 0.1])
@pytest.mark.parametrize("alpha", [0, 0.5, 0.9, 0.99])
def test_averages_are_the_library_s(opened, alpha, eps):
    page = opened(PAGE)
    for signal in SIGNALS.values():
        grads = signal["values"]
        kept = page.evaluate(RUN, [grads.tolist(), alpha, eps])
        w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        optimizer = rmsprop.RMSprop([w], lr=1, alpha=alpha, eps=eps)
        steps, square_avg = [], []
        for g in grads:
            w.grad = torch.tensor([g], dtype=torch.float64)
            with torch.no_grad():
                w.zero_()
            optimizer.step()
            steps.append(-w.item())
            square_avg.append(optimizer.state[w]["square_avg"].item())
        np.testing.assert_allclose(kept["step"], steps, rtol=1e-10)
        np.testing.assert_allclose(kept["square_avg"], square_avg, rtol=1e-10)
        np.testing.assert_allclose(kept["root"], np.sqrt(square_avg), rtol=1e-10)
        grad_avg = iterate_average(grads, alpha)
        np.testing.assert_allclose(kept["grad_avg"], grad_avg, rtol=1e-10, atol=1e-14)


def test_every_signal_can_be_chosen(opened):
    page = opened(PAGE)
    for name, signal in SIGNALS.items():
        page.locator(".live-head select").select_option(name)
        assert page.locator(".live-story").inner_text() == signal["text"]
        assert summary(page, signal["title"])


def test_keyboard_changes_one_gradient(opened):
    page = opened(PAGE)
    step, gradient = page.locator("#signal-at"), page.locator("#signal-gradient")
    step.press("Home")
    step.press("ArrowRight")
    gradient.press("End")
    expected = SIGNALS[DEFAULTS["signal"]]["values"].copy()
    expected[1] = 3
    assert drawing(page) == expected.tolist()
    assert "Your own drawing: gradient 2 of 100 is 3" in summary(page, "Your own drawing")
    page.get_by_role("button", name="Reset").press("Enter")
    assert page.locator(".live-head select").input_value() == DEFAULTS["signal"]


def plot_at_rest(page):
    """Return where the plot is on the screen."""
    page.locator(".live-draw").scroll_into_view_if_needed()
    return page.locator(".live-draw").bounding_box()


def test_mouse_draws_without_gaps(opened):
    page = opened(PAGE)
    box = plot_at_rest(page)
    left, right = (box["x"] + box["width"] * x / 340 for x in (40, 336))
    height = box["y"] + box["height"] * (8 + 166 / 4) / 200
    page.mouse.move(left + 2, height)
    page.mouse.down()
    page.mouse.move(right, height, steps=3)
    page.mouse.up()
    assert drawing(page) == pytest.approx([1.5] * STEPS, abs=0.1)


def test_finger_draws(opened):
    page = opened(PAGE, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box = plot_at_rest(page)
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    height = box["y"] + box["height"] * (8 + 166 / 6) / 200
    send("touchStart", (box["x"] + box["width"] * 0.3, height))
    for part in (0.35, 0.45, 0.6, 0.8):
        send("touchMove", (box["x"] + box["width"] * part, height))
    send("touchEnd")
    assert drawing(page)[30:70] == pytest.approx([2] * 40, abs=0.15)


def test_link_restores_the_exact_drawing(opened):
    grads = [round(3 * np.sin(k), 2) for k in range(STEPS)]
    query = f"signal=drawn&second=0.93&at=41&gradients={','.join(map(str, grads))}"
    page = opened(f"{PAGE}#signal?{query}")
    assert summary(page, f"gradient 41 of 100 is {grads[40]}".replace("-", "−"))
    assert drawing(page) == grads
    assert "second=0.93&at=41" in page.locator(".live-buttons a").get_attribute("href")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("first=1", "first is “1”, and must be a number between 0 and 0.9999"),
        ("signal=drawn&gradients=1,2,x", "gradients is “1,2,x”, and must be 100 numbers"),
        ("signal=drawn", "it has a drawing, and no gradients"),
        ("signal=loud", "signal is “loud”"),
        ("at=0", "must be a whole number between 1 and 100"),
        ("valueOf=1", "no setting “valueOf”"),
    ],
)
def test_malformed_link_is_explained_and_the_picture_stays(opened, query, complaint):
    page = opened(f"{PAGE}#signal?signal=noise&at=30")
    before = page.locator(".live-charts").inner_html()
    page.evaluate("hash => location.hash = hash", f"#signal?{query}")
    page.locator(".live-message", has_text="This link cannot be followed").wait_for()
    assert complaint in page.locator(".live-message").inner_text()
    assert page.locator(".live-charts").inner_html() == before


def test_the_ends_of_every_slider_go_through_the_link(opened):
    page = opened(PAGE)
    link = page.locator(".live-buttons a")
    for slider in page.locator(".live input[type=range]").all():
        for end in ("Home", "End"):
            slider.press(end)
            hash, shown = link.get_attribute("href"), slider.get_attribute("aria-valuetext")
            page.evaluate(AGAIN, hash)
            page.wait_for_function(ARRIVED, arg=hash, timeout=3000)
            assert page.locator(".live-message").inner_text() == ""
            assert link.get_attribute("href") == hash
            assert slider.get_attribute("aria-valuetext") == shown


RANDOM = """seed => {
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const gradients = Array.from({length: 100}, () => Math.round(600 * random() - 300) / 100);
  const averages = ["first", "second", "third"].map(name => `${name}=${0.9998 * random()}`);
  const rest = `eps=${10 ** (13 * random() - 12)}&at=${1 + Math.floor(99 * random())}`;
  return `#signal?signal=drawn&${averages.join("&")}&${rest}&gradients=${gradients.join(",")}`;
}"""


def test_random_drawings_go_through_the_link(opened):
    page = opened(PAGE)
    for seed in range(1, 51):
        hash = page.evaluate(RANDOM, seed)
        page.evaluate(AGAIN, hash)
        page.wait_for_function(ARRIVED, arg=hash, timeout=3000)
        assert page.locator(".live-message").inner_text() == ""


def test_a_right_click_does_not_draw(opened):
    page = opened(PAGE)
    box = plot_at_rest(page)
    before = page.locator(".live-buttons a").get_attribute("href")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40, button="right")
    assert page.locator(".live-buttons a").get_attribute("href") == before
