"""The explorer: surfaces, contour lines and stories of the live figure, and its still picture.

The still picture shows the first story, computed by `rmsprop.experiments.paths`.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from contourpy import contour_generator
from matplotlib.path import Path as Line
from numpy.typing import NDArray

from rmsprop.experiments import problems
from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule, Rule
from rmsprop.press.live.picture import save_still
from rmsprop.press.style import COLORS, INK, MUTED, use_style

__all__ = ["ALT", "CAPTION", "DEFAULTS", "SCRIPTS", "STORIES", "SURFACES", "Surface"]
__all__ += ["data", "draw", "rules", "stories"]

SCRIPTS = ("optimizers.js", "surfaces.js", "parts.js")

ALT = (
    "Contours of a narrow valley along the horizontal axis with four paths from one start. "
    "Gradient descent zigzags across the valley, momentum swings around the minimum, "
    "RMSprop and Adam bend onto the floor and follow it."
)
CAPTION = (
    "A valley with a condition number of 100: gradient descent zigzags across it, RMSprop divides "
    "each coordinate by the size of its own gradient and does not notice that the valley is "
    "narrow. On the web page, with scripts switched on, the start and every setting can be moved."
)


@dataclass(frozen=True)
class Surface:
    """A surface that the explorer offers.

    Attributes:
        label: how the explorer calls it.
        problem: value and minima, before turning.
        center: of the square that is shown, and of turning.
        half: half the length of its side.
        levels: values of the contour lines.
        turns: whether it can be turned.
    """

    label: str
    problem: problems.Problem
    center: tuple[float, float]
    half: float
    levels: NDArray[np.float64]
    turns: bool = True

    def contours(self) -> list[str]:
        """Return an SVG path for every level, in thousandths of `half` from the center."""
        # The square is turned, so lines reach out to its corners.
        line = np.linspace(-1.45, 1.45, 201)
        mesh = np.stack(np.meshgrid(line, line), axis=-1)
        values = self.problem.value(np.array(self.center) + self.half * mesh)
        generator = contour_generator(line * 1000, line * 1000, values)
        return ["".join(_svg(np.asarray(line)) for line in generator.lines(z)) for z in self.levels]


def _svg(vertices: NDArray[np.float64]) -> str:
    line = Line(vertices)
    line.simplify_threshold = 1.0
    kept = [point for point, code in line.iter_segments(simplify=True) if code != Line.CLOSEPOLY]
    return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in kept)


def _trap() -> problems.Problem:
    """Return the average of Reddi's problem with C = 3 in x, and a parabola in y."""
    return problems.Problem(
        name="Reddi's trap",
        function=lambda x, y: x / 3 + y**2 / 2,
        partials=lambda x, y: (np.full_like(x, 1 / 3), y),
        minima=np.array([[-1.0, 0.0]]),
        start=np.array([0.0, 0.8]),
        source="Reddi et al. (2018), theorem 1",
    )


def _slope() -> problems.Problem:
    return problems.Problem(
        name="slope",
        function=lambda x, y: x + y / 2,
        partials=lambda x, y: (np.ones_like(x), np.full_like(y, 0.5)),
        minima=np.empty((0, 2)),
        start=np.array([0.9, 0.9]),
        source="ours",
    )


SURFACES = {
    # Its contour lines are ellipses that depend on the condition number: the page draws them.
    "quadratic": Surface(
        "Quadratic valley",
        problems.quadratic(1),
        (0.0, 0.0),
        1.5,
        np.geomspace(0.003, 3000, 19),
    ),
    "rosenbrock": Surface(
        "Rosenbrock", problems.rosenbrock(), (0.0, 0.9), 1.8, np.geomspace(0.1, 5000, 12)
    ),
    "beale": Surface("Beale", problems.beale(), (1.5, 0.5), 2.8, np.geomspace(0.05, 50000, 13)),
    "himmelblau": Surface(
        "Himmelblau", problems.himmelblau(), (0.0, 0.0), 5.0, np.geomspace(2, 2000, 11)
    ),
    "slope": Surface(
        "Endless slope", _slope(), (0.0, 0.0), 1.25, np.linspace(-2.4, 2.4, 25), turns=False
    ),
    "trap": Surface(
        "Reddi’s trap", _trap(), (0.0, 0.0), 1.25, np.linspace(-0.4, 1.2, 17), turns=False
    ),
}

DEFAULTS: dict[str, Any] = {
    "surface": "quadratic",
    "condition": 100,
    "angle": 0,
    "x": -1.2,
    "y": 0.6,
    "steps": 150,
    "methods": "descent,momentum,rmsprop,adam",
    "descent.lr": 0.018,
    "momentum.lr": 0.004,
    "momentum.momentum": 0.9,
    "rmsprop.lr": 0.02,
    "rmsprop.alpha": 0.9,
    "rmsprop.eps": 1e-8,
    "rmsprop.momentum": 0,
    "rmsprop.centered": False,
    "adam.lr": 0.05,
}
"""The explorer's settings, named as in its links, and their values where a story is silent."""

STORIES: list[dict[str, Any]] = [
    {
        "id": "aligned",
        "title": "A valley along an axis",
        "text": "Gradient descent zigzags across the valley. RMSprop divides each coordinate by "
        "the size of its own gradient: move the condition number, and its path stays where it is.",
        "chapter": "contours",
        "settings": {},
    },
    {
        "id": "turned",
        "title": "The same valley, turned by 45°",
        "text": "The path of gradient descent turns along and is as good as before. RMSprop’s is "
        "another one: both coordinates mix the steep direction and the flat one, its two rates are "
        "nearly equal, and in the end it is behind gradient descent. Move the rotation.",
        "chapter": "contours",
        "settings": {"angle": 45, "x": -1.273, "y": -0.424},
    },
    {
        "id": "start",
        "title": "The first step is the longest",
        "text": "The average starts from zero, so that RMSprop’s first step is lr / √(1 − alpha) "
        "long in each coordinate: 32 times lr for an alpha of 0.999. Adam corrects for the start "
        "and begins with lr. Switch to an alpha of 0, and RMSprop does too.",
        "chapter": "moving-average",
        "settings": {
            "steps": 60,
            "condition": 10,
            "methods": "rmsprop,adam",
            "rmsprop.alpha": 0.999,
            "adam.lr": 0.02,
        },
    },
    {
        "id": "cycle",
        "title": "No rest at a constant rate",
        "text": "Near the minimum RMSprop’s steps tend to the length lr whatever the gradient: "
        "each coordinate ends up jumping between lr / 2 and −lr / 2. An eps above lr / 2 times the "
        "curvature, here 0.1 in x and 0.3 in y, ends the jumping.",
        "chapter": "update-rule",
        "settings": {"methods": "rmsprop", "condition": 3, "rmsprop.lr": 0.2},
    },
    {
        "id": "trap",
        "title": "Alpha too small: Reddi’s trap",
        "text": "Every third gradient in x is 3, the others are −1: the best point is on the left. "
        "With an alpha of 0.2 RMSprop forgets the rare large gradient and walks to the worst "
        "point, on the right. It turns around between 0.47 and 0.48, and with 0.9 it gets there.",
        "chapter": "alpha",
        "settings": {
            "surface": "trap",
            "x": 0,
            "y": 0.8,
            "steps": 300,
            "methods": "descent,rmsprop",
            "descent.lr": 0.02,
            "rmsprop.lr": 0.03,
            "rmsprop.alpha": 0.2,
        },
    },
    {
        "id": "centering",
        "title": "Centering blows up",
        "text": "On a slope that never ends the gradient never varies. Its variance shrinks "
        "towards zero, and centered RMSprop divides by the root of it: each step ends up "
        "1 / √alpha times as long as the one before, here 5% longer. Only eps can stop it. "
        "Without centering every step tends to lr.",
        "chapter": "centering",
        "settings": {
            "surface": "slope",
            "x": 0.9,
            "y": 0.9,
            "steps": 100,
            "methods": "rmsprop",
            "rmsprop.lr": 0.01,
            "rmsprop.centered": True,
        },
    },
    {
        "id": "curved",
        "title": "A curved valley",
        "text": "Rosenbrock’s valley turns as it goes: no axis lies along it. Each method has the "
        "rate, of 28 between 0.0001 and 0.7, that is best after 500 steps. RMSprop is no better "
        "than gradient descent here. Momentum is.",
        "chapter": "contours",
        "settings": {
            "surface": "rosenbrock",
            "x": -1.2,
            "y": 1,
            "steps": 500,
            "methods": "descent,momentum,rmsprop",
            "descent.lr": 0.003,
            "momentum.lr": 0.003,
            "rmsprop.lr": 0.01,
        },
    },
]
"""What the explorer can open with; its tests hold the texts to the runs."""


def rules(settings: dict[str, Any]) -> dict[str, Rule]:
    """Return the rules that full settings ask for, by the explorer's names, in its order.

    >>> rules(DEFAULTS)["descent"]
    GradientDescent(lr=0.018, momentum=0.0)
    """
    s = settings
    offered: dict[str, Rule] = {
        "descent": GradientDescent(s["descent.lr"]),
        "momentum": GradientDescent(s["momentum.lr"], s["momentum.momentum"]),
        "rmsprop": RMSpropRule(
            s["rmsprop.lr"],
            s["rmsprop.alpha"],
            s["rmsprop.eps"],
            s["rmsprop.momentum"],
            centered=s["rmsprop.centered"],
        ),
        "adam": Adam(s["adam.lr"]),
    }
    return {name: rule for name, rule in offered.items() if name in s["methods"].split(",")}


def stories() -> list[str]:
    """Return the names of what the figure can open with."""
    return [story["id"] for story in STORIES]


def data() -> dict[str, Any]:
    """Return what the page needs to know, ready for JSON."""
    return {
        "defaults": DEFAULTS,
        "stories": STORIES,
        "surfaces": {
            name: {
                "label": surface.label,
                "center": surface.center,
                "half": surface.half,
                "start": surface.problem.start.tolist(),
                "minima": surface.problem.minima.tolist(),
                "least": surface.problem.minimum if len(surface.problem.minima) else None,
                "turns": surface.turns,
                "levels": surface.levels.tolist(),
                "contours": surface.contours() if name != "quadratic" else [],
            }
            for name, surface in SURFACES.items()
        },
    }


def draw(folder: Path, name: str) -> None:
    """Draw the first story as it looks when it is over, for light, for dark and for LaTeX."""
    use_style()
    settings, surface = DEFAULTS | STORIES[0]["settings"], SURFACES["quadratic"]
    problem = problems.quadratic(settings["condition"], math.radians(settings["angle"]))
    names = dict(zip(("descent", "momentum", "rmsprop", "adam"), _NAMES, strict=True))
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    line = np.linspace(-surface.half, surface.half, 301)
    mesh = np.stack(np.meshgrid(line, line), axis=-1)
    ax.contour(
        *(line, line, problem.value(mesh), surface.levels),
        colors=MUTED,
        linewidths=0.5,
        alpha=0.6,
    )
    start = [settings["x"], settings["y"]]
    for method, rule in rules(settings).items():
        path = trajectory(problem.gradient, start, rule, settings["steps"])
        ax.plot(*path.T, color=COLORS[names[method]], linewidth=1.3, label=names[method])
    ax.plot(*start, "o", color=INK, markersize=4)
    ax.plot(*surface.problem.minima.T, "*", color=INK, markersize=8)
    ax.grid(False)
    ax.set(aspect="equal", xlim=line[[0, -1]], ylim=line[[0, -1]])
    fig.legend(loc="outside right upper")
    save_still(fig, folder, name)


_NAMES = ("gradient descent", "momentum", "RMSprop", "Adam")
