"""The averages of a signal: signals and words of the live figure, and its still picture.

The still picture shows the first signal, averaged by `rmsprop.equations`.
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from rmsprop.equations import iterate_average
from rmsprop.press.live.picture import save_still
from rmsprop.press.style import INK, MUTED, SERIES, use_style

__all__ = ["ALT", "CAPTION", "DEFAULTS", "SCRIPTS", "SIGNALS", "data", "draw", "stories"]

SCRIPTS = (
    "optimizers.js",
    "numbers.js",
    "elements.js",
    "lines.js",
    "chart.js",
    "links.js",
    "figure.js",
)

ALT = (
    "Two panels over 100 steps. Above, five large gradients among small ones, and the root of "
    "their average square for three values of alpha: it jumps and falls back, the slower the "
    "larger alpha is. Below, the steps: long at the start, long at the burst, and short after it "
    "for as long as the average remembers."
)
CAPTION = (
    "Five gradients of 2 among gradients of 0.2. Above: √v for three values of alpha, in gray the "
    "gradient. Below: the step in units of lr. An average that remembers the burst makes the steps "
    "after it short. On the web page, with scripts switched on, the gradients can be drawn by hand."
)

STEPS = 100


def _signal(value: float) -> NDArray[np.float64]:
    return np.full(STEPS, value)


def _burst() -> NDArray[np.float64]:
    signal = _signal(0.2)
    signal[30:35] = 2
    return signal


SIGNALS: dict[str, dict[str, Any]] = {
    "burst": {
        "title": "A burst",
        "text": "Five gradients of 2 among gradients of 0.2. The first step of the burst is a long "
        "one: √v lags. Afterwards steps are short until the burst is forgotten. Half of its part "
        "of square_avg is gone after 1 step for an alpha of 0.5, 7 for 0.9, and 69 for 0.99.",
        "values": _burst(),
    },
    "constant": {
        "title": "Constant",
        "text": "All averages start from zero: after t steps they have reached 1 − alpha to the "
        "power t of where they go. So the first step is 1 / √(1 − alpha) times lr, "
        "and then steps fall towards lr.",
        "values": _signal(1),
    },
    "switching": {
        "title": "Switching sign",
        "text": "The sign changes in every step. grad_avg ends up close to zero, the closer "
        "the larger alpha is; square_avg does not see signs and is the same as for a constant "
        "gradient. Steps are as long, to and fro.",
        "values": np.where(np.arange(STEPS) % 2 == 0, 1.0, -1.0),
    },
    "nine": {
        "title": "Nine and one",
        "text": "Nine gradients of 0.1, then one of −0.9: their mean is zero. With an alpha of "
        "0.99 the last ten steps nearly cancel, as they should. With 0.5 the average has "
        "forgotten the large one, and they add up to a walk of about four lr.",
        "values": np.where(np.arange(STEPS) % 10 == 9, -0.9, 0.1),
    },
    "noise": {
        "title": "Noise",
        "text": "Gradients drawn from a normal distribution of mean 0 and variance 1. The "
        "larger alpha is, the longer √v takes to rise, and the less it moves from then on.",
        "values": np.random.default_rng(5).standard_normal(STEPS).clip(-3, 3).round(2),
    },
}
"""The signals on offer; tests/press/live/test_signal.py holds the texts to the numbers."""

DEFAULTS: dict[str, Any] = {
    "signal": "burst",
    "first": 0.5,
    "second": 0.9,
    "third": 0.99,
    "eps": 1e-8,
    "at": STEPS,
}
"""The figure's settings, named as in its links."""


def stories() -> list[str]:
    """Return the names of what the figure can open with."""
    return list(SIGNALS)


def data() -> dict[str, Any]:
    """Return what the page needs to know, ready for JSON."""
    signals = {
        name: signal | {"values": signal["values"].tolist()} for name, signal in SIGNALS.items()
    }
    return {"defaults": DEFAULTS, "signals": signals, "steps": STEPS}


def draw(folder: Path, name: str) -> None:
    """Draw the first signal, for light, for dark and for LaTeX."""
    use_style()
    grads, t = SIGNALS[DEFAULTS["signal"]]["values"], np.arange(1, STEPS + 1)
    fig, (above, below) = plt.subplots(2, 1, figsize=(5.6, 4.2), sharex=True)
    above.plot(t, grads, color=MUTED, linewidth=1)
    for key, color in zip(("first", "second", "third"), SERIES[::2], strict=True):
        root = np.sqrt(iterate_average(grads**2, DEFAULTS[key]))
        above.plot(t, root, color=color, linewidth=1.3, label=f"alpha = {DEFAULTS[key]}")
        below.plot(t, grads / (root + DEFAULTS["eps"]), color=color, linewidth=1.3)
    above.set(ylabel="√v")
    below.set(ylabel="step / lr", xlabel="step")
    below.axhline(1, color=INK, linewidth=0.5)
    fig.legend(loc="outside right upper")
    save_still(fig, folder, name)
