"""A recipe moved to another batch size: rules and words of the live figure, its still picture.

The still picture shows what the rules make of a rate, and of the memory, by the factor.
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from rmsprop.equations import move_recipe
from rmsprop.press.draw import DASHED, DOTTED
from rmsprop.press.live.picture import save_still
from rmsprop.press.style import COLORS, INK, MUTED, use_style

__all__ = ["ALT", "CAPTION", "DEFAULTS", "REGIMES", "RULES", "SCRIPTS", "data", "draw", "stories"]

SCRIPTS = ("optimizers.js", "numbers.js", "elements.js", "links.js", "figure.js")

ALT = (
    "Rates over the old one against the factor of the batch size, on logarithmic axes: a solid "
    "line of half the slope of a dotted one, and a level dashed line, all through one."
)
CAPTION = (
    "What three rules make of a learning rate if the batch is so many times as large. On the web "
    "page, with scripts switched on, the sum is done for any recipe."
)

RULES: dict[str, dict[str, Any]] = {
    "root": {
        "title": "Square root",
        "power": 0.5,
        "text": "Right where gradients are nearly all noise. The rate takes the root of the "
        "factor; alpha keeps its memory as many examples long; eps follows the noise; a "
        "decoupled decay shrinks the weights as much for every example.",
    },
    "linear": {
        "title": "Linear",
        "power": 1.0,
        "text": "Gradient descent's rule, for comparison. On digits it left a multiple of the "
        "square root's loss at four times the batch.",
    },
    "same": {
        "title": "Same rate",
        "power": 0.0,
        "text": "Right where there is hardly any noise, and the best rate has stopped growing.",
    },
}
"""The rules on offer: the power of the factor that the rate is multiplied by."""

REGIMES: tuple[dict[str, Any], ...] = (
    {
        "upTo": 0.24,
        "text": "This is further down than we measured: from 32 to 8 the square root was near the "
        "best rate.",
    },
    {
        "upTo": 0.99,
        "text": "From 32 to 8 the square root was near the best rate on digits, and the old alpha "
        "trained better than the new one, or as well.",
    },
    {"upTo": 1, "text": "The size is the same."},
    {
        "upTo": 4,
        "text": "From 32 to 128 the square root left at most 1.27 times the least loss on digits, "
        "and the new alpha trained better; in a wider network the same rate was better.",
    },
    {
        "upTo": 2.0**16,
        "text": "From 32 to 512 the best rate had stopped growing on digits: begin between the old "
        "rate and the square root's, and tune it.",
    },
)
"""What is known of factors, up to one each; ``tests/press/live/test_batch.py`` holds them to it."""

SHORT = "The average hardly remembers more than one batch."

DEFAULTS: dict[str, Any] = {
    "rule": "root",
    "old": 32,
    "new": 128,
    "lr": 0.001,
    "alpha": 0.99,
    "eps": 1e-8,
    "decay": 0.01,
}
"""The figure's settings, named as in its links."""


def stories() -> list[str]:
    """Return the names of what the figure can open with."""
    return list(RULES)


def data() -> dict[str, Any]:
    """Return what the page needs to know, ready for JSON."""
    return {"defaults": DEFAULTS, "rules": RULES, "regimes": REGIMES, "short": SHORT}


def draw(folder: Path, name: str) -> None:
    """Draw the rules, for light, for dark and for LaTeX."""
    use_style()
    factor = np.geomspace(1 / 16, 16, 33)
    fig, ax = plt.subplots(figsize=(5.6, 2.6))
    for (rule, told), (color, style) in zip(
        RULES.items(),
        ((COLORS["RMSprop"], "-"), (INK, DOTTED), (MUTED, DASHED)),
        strict=True,
    ):
        rate = move_recipe(factor, lr=1.0, power=told["power"]).lr
        ax.plot(factor, rate, color=color, linestyle=style, label=RULES[rule]["title"])
    ax.set(xscale="log", yscale="log", xlabel="new batch / old batch", ylabel="new lr / old lr")
    fig.legend(loc="outside right upper")
    save_still(fig, folder, name)
