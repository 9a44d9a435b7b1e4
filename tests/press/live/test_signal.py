"""What the words beside the drawable averages say is what their signals show."""

import math

import numpy as np
import pytest

from rmsprop.equations import iterate_average
from rmsprop.press.live.signal import DEFAULTS, SIGNALS, STEPS

ALPHAS = [DEFAULTS[name] for name in ("first", "second", "third")]


def grads(signal):
    return SIGNALS[signal]["values"]


def root(signal, alpha):
    return np.sqrt(iterate_average(grads(signal) ** 2, alpha))


def steps(signal, alpha):
    return grads(signal) / (root(signal, alpha) + DEFAULTS["eps"])


def test_every_signal_has_its_steps_and_fits_the_picture():
    assert list(SIGNALS) == ["burst", "constant", "switching", "nine", "noise"]
    for signal in SIGNALS.values():
        assert signal["values"].shape == (STEPS,)
        assert np.abs(signal["values"]).max() <= 3


@pytest.mark.parametrize("alpha", ALPHAS)
def test_burst(alpha):
    taken = steps("burst", alpha)
    assert set(grads("burst")[30:35]) == {2}
    assert set(np.delete(grads("burst"), range(30, 35))) == {0.2}
    assert taken[30] == max(taken[30:])
    assert taken[30] > taken[29]
    assert taken[35] < 0.5 * taken[29]
    # The picture ends before an alpha of 0.99 has halved it.
    longer = np.append(grads("burst"), np.full(STEPS, 0.2))
    part = iterate_average(longer**2, alpha) - iterate_average(np.full(2 * STEPS, 0.04), alpha)
    halved = int(np.argmax(part[34:] <= part[34] / 2 * (1 + 1e-12)))
    assert halved == dict(zip(ALPHAS, (1, 7, 69), strict=True))[alpha]


@pytest.mark.parametrize("alpha", ALPHAS)
def test_constant(alpha):
    assert set(grads("constant")) == {1}
    t = np.arange(1, STEPS + 1)
    np.testing.assert_allclose(root("constant", alpha) ** 2, 1 - alpha**t, rtol=1e-12)
    taken = steps("constant", alpha)
    assert taken[0] == pytest.approx(1 / math.sqrt(1 - alpha), rel=1e-6)
    assert np.all(np.diff(taken) <= 0)
    assert taken[-1] == pytest.approx(1, abs=0.3 if alpha == 0.99 else 1e-4)


def test_switching():
    ends = []
    for alpha in ALPHAS:
        np.testing.assert_array_equal(root("switching", alpha), root("constant", alpha))
        np.testing.assert_array_equal(np.abs(steps("switching", alpha)), steps("constant", alpha))
        ends.append(np.abs(iterate_average(grads("switching"), alpha))[-1])
    assert ends[0] > ends[1] > ends[2]
    assert ends[0] < 0.35


def test_nine():
    assert grads("nine").sum() == pytest.approx(0, abs=1e-12)
    assert set(grads("nine")) == {0.1, -0.9}
    assert abs(steps("nine", 0.99)[-10:].sum()) < 0.5
    assert round(steps("nine", 0.5)[-10:].sum()) == 4


def test_noise():
    assert abs(grads("noise").mean()) < 3 / math.sqrt(STEPS)
    assert grads("noise").var() == pytest.approx(1, abs=3 * math.sqrt(2 / STEPS))
    rises = [root("noise", alpha)[:10].mean() for alpha in ALPHAS]
    spreads = [root("noise", alpha)[-40:].std() for alpha in ALPHAS]
    assert rises[0] > rises[1] > rises[2]
    assert spreads[0] > spreads[1] > spreads[2]
