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
from rmsprop.experiments.rules import Adam, GradientDescent, Rate, RMSpropRule, Rule
from rmsprop.press.live.picture import save_still
from rmsprop.press.style import COLORS, INK, MUTED, use_style

__all__ = ["ALT", "CAPTION", "DEFAULTS", "SCRIPTS", "STORIES", "SURFACES", "Surface"]
__all__ += ["data", "draw", "rules", "stories"]

SCRIPTS = (
    *("optimizers.js", "surfaces.js", "numbers.js", "elements.js", "lines.js", "chart.js"),
    *("links.js", "figure.js", "player.js"),
    *("explorer-state.js", "explorer-words.js", "explorer-picture.js"),
)

ALT = (
    "Contours of a narrow valley along the horizontal axis with four paths from one start. "
    "Gradient descent zigzags across the valley and is still on its floor when the run ends. "
    "RMSprop and Adam bend onto the floor and follow it to the minimum; momentum swings around it."
)
CAPTION = (
    "A valley with a condition number of 100. The steep direction limits gradient descent’s "
    "learning rate, so that it crawls along the floor. RMSprop divides each coordinate by the size "
    "of its own gradient, does not notice that the valley is narrow, and is the first to come near "
    "the minimum. On the web page, with scripts switched on, the start and every setting can be "
    "moved."
)

NEAR = 0.05
"""How far from a minimum a run may be to have come near it."""


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

    @property
    def curvature(self) -> float:
        """Return the largest curvature at a minimum, 1 where there is no minimum."""
        minima = self.problem.minima
        return max((np.linalg.eigvalsh(self._hessian(at))[-1].item() for at in minima), default=1.0)

    def _hessian(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        # By imaginary steps, which are exact to rounding: nothing is subtracted.
        steps = at + 1e-30j * np.eye(2)
        return self.problem.gradient(steps).imag / 1e-30

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
    "steps": 100,
    "methods": "rmsprop,descent,momentum,adam",
    "decay": True,
    "descent.rate": 0.9,
    "momentum.rate": 0.5,
    "momentum.momentum": 0.9,
    "rmsprop.lr": 0.05,
    "rmsprop.alpha": 0.9,
    "rmsprop.eps": 1e-8,
    "rmsprop.momentum": 0,
    "rmsprop.centered": False,
    "adam.lr": 0.05,
}
"""The explorer's settings, named as in its links, and their values where a story is silent.

Rates of gradient descent and momentum are shares of the largest that is stable at the minimum.
"""

STORIES: list[dict[str, Any]] = [
    {
        "id": "aligned",
        "title": "A valley along an axis",
        "text": "The steep direction limits gradient descent’s rate, so that it crawls along the "
        "floor. RMSprop divides each coordinate by the size of its own gradient, and is the first "
        "near the minimum. Raise the condition number: gradient descent and momentum slow down, "
        "and RMSprop’s path stays where it is. Its lr and Adam’s fall to zero over the run.",
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
            "decay": False,
            "rmsprop.lr": 0.02,
            "rmsprop.alpha": 0.999,
            "adam.lr": 0.02,
        },
    },
    {
        "id": "cycle",
        "title": "No rest at a constant rate",
        "text": "Near the minimum RMSprop’s steps tend to the length lr whatever the gradient: "
        "each coordinate ends up jumping between lr / 2 and −lr / 2. An eps above lr / 2 times the "
        "curvature, here 0.1 in x and 0.3 in y, ends the jumping. So does an lr that falls to "
        "zero; both are under “More settings”.",
        "chapter": "update-rule",
        "settings": {
            "methods": "rmsprop",
            "condition": 3,
            "steps": 150,
            "decay": False,
            "rmsprop.lr": 0.2,
        },
    },
    {
        "id": "trap",
        "title": "Alpha too small: Reddi’s trap",
        "text": "Every third gradient in x is 3, the others are −1: the best point is on the left. "
        "With an alpha of 0.2 RMSprop forgets the rare large gradient and walks to the worst "
        "point, on the right. It turns around between 0.47 and 0.48, and with 0.9 it gets there.",
        "chapter": "non-convergence",
        "settings": {
            "surface": "trap",
            "x": 0,
            "y": 0.8,
            "steps": 300,
            "methods": "rmsprop,descent",
            "decay": False,
            "descent.rate": 0.01,
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
            "methods": "rmsprop",
            "decay": False,
            "rmsprop.lr": 0.01,
            "rmsprop.centered": True,
        },
    },
    {
        "id": "curved",
        "title": "A curved valley",
        "text": "Rosenbrock’s valley turns as it goes: no axis lies along it. Each method has the "
        "constant rate that is best after 500 steps, of 28 over almost four powers of ten. RMSprop "
        "is no better than gradient descent here. Momentum is.",
        "chapter": "contours",
        "settings": {
            "surface": "rosenbrock",
            "x": -1.2,
            "y": 1,
            "steps": 500,
            "methods": "rmsprop,descent,momentum",
            "decay": False,
            "descent.rate": 1.5,
            "momentum.rate": 1,
            "rmsprop.lr": 0.01,
        },
    },
]
"""What the explorer can open with; its tests hold the texts to the runs."""


def rules(settings: dict[str, Any]) -> dict[str, Rule]:
    """Return the rules that full settings ask for, by the explorer's names, in its order.

    >>> list(rules(DEFAULTS))
    ['rmsprop', 'descent', 'momentum', 'adam']
    """
    s = settings
    momentum = s["momentum.momentum"]
    offered: dict[str, Rule] = {
        "rmsprop": RMSpropRule(
            _distance(s, s["rmsprop.lr"]),
            s["rmsprop.alpha"],
            s["rmsprop.eps"],
            s["rmsprop.momentum"],
            centered=s["rmsprop.centered"],
        ),
        "descent": GradientDescent(_share(s, s["descent.rate"])),
        "momentum": GradientDescent(_share(s, s["momentum.rate"], momentum), momentum),
        "adam": Adam(_distance(s, s["adam.lr"])),
    }
    return {name: rule for name, rule in offered.items() if name in s["methods"].split(",")}


def _share(settings: dict[str, Any], share: float, momentum: float = 0.0) -> float:
    """Return the rate that is a share of the largest stable one at the minimum."""
    surface = settings["surface"]
    quadratic = surface == "quadratic"
    curvature = settings["condition"] if quadratic else SURFACES[surface].curvature
    return share * (2 * (1 + momentum) / curvature)


def _distance(settings: dict[str, Any], lr: float) -> Rate:
    """Return the rate of a method whose steps have about its length: it may fall to zero."""
    steps = settings["steps"]
    return (lambda t: lr * (1 - (t - 1) / steps)) if settings["decay"] else lr


NAMES = {
    "rmsprop": "RMSprop",
    "descent": "gradient descent",
    "momentum": "momentum",
    "adam": "Adam",
}
"""What methods are called, in the order in which they are listed."""

# As in live.css and lines.js.
LINES: dict[str, dict[str, Any]] = {
    "rmsprop": {"linewidth": 2},
    "descent": {"linewidth": 1},
    "momentum": {"linewidth": 1.1, "dashes": (6, 2)},
    "adam": {"linewidth": 1.6, "dashes": (1, 1.5)},
}
MARKS = {"rmsprop": "o", "descent": "s", "momentum": "^", "adam": "D"}


def stories() -> list[str]:
    """Return the names of what the figure can open with."""
    return [story["id"] for story in STORIES]


def data() -> dict[str, Any]:
    """Return what the page needs to know, ready for JSON."""
    return {
        "defaults": DEFAULTS,
        "stories": STORIES,
        "near": NEAR,
        "surfaces": {
            name: {
                "label": surface.label,
                "center": surface.center,
                "half": surface.half,
                "start": surface.problem.start.tolist(),
                "minima": surface.problem.minima.tolist(),
                "least": surface.problem.minimum if len(surface.problem.minima) else None,
                "curvature": surface.curvature,
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
    # RMSprop above the others, as on the page.
    for order, (method, rule) in enumerate(rules(settings).items()):
        path = trajectory(problem.gradient, start, rule, settings["steps"])
        (drawn,) = ax.plot(
            *path.T, color=COLORS[NAMES[method]], label=NAMES[method], **LINES[method]
        )
        drawn.set_zorder(3 - order / 10)
        ax.plot(
            *path[-1], MARKS[method], color=drawn.get_color(), markersize=5, zorder=3 - order / 10
        )
    ax.plot(*start, "o", color=INK, markersize=4)
    ax.plot(*surface.problem.minima.T, "*", color=INK, markersize=8)
    ax.grid(False)
    ax.set(aspect="equal", xlim=line[[0, -1]], ylim=line[[0, -1]])
    fig.legend(loc="outside right upper")
    save_still(fig, folder, name)
