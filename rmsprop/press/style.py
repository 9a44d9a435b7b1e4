"""How the figures look: one size, one palette, in light and in dark."""

import matplotlib as mpl
from cycler import cycler

__all__ = ["COLORS", "INK", "MUTED", "SERIES", "darken", "use_style"]

#: Colors of text, of what stands back, of grid lines and of the page.
INK, MUTED, GRID, PAPER = "#1f2328", "#6e7781", "#d8dee4", "#ffffff"

#: The color of each method. A color has one meaning in the whole book: a method has its own, shades
#: of `SERIES` are values of what is varied, and all else, such as where a run goes wrong, is `INK`
#: or `MUTED`. They are chosen so that readers with any kind of color blindness tell methods apart
#: in light and in dark; ``tests/press/test_publish.py`` measures how well.
COLORS = {
    "gradient descent": "#9e6c10",
    "momentum": "#900083",
    "RMSprop": "#0f72ec",
    "centered": "#d23a81",
    "Adam": "#1e5928",
}

#: Six shades in order, for a parameter that is varied: the middle of matplotlib's ``inferno``.
SERIES = ["#eb6628", "#d34743", "#b0315b", "#84206b", "#57106e", "#1e0c45"]

_LIGHT = [INK, MUTED, GRID, PAPER, *COLORS.values(), *SERIES]
_DARK = [
    *("#e6edf3", "#9aa4af", "#363d47", "#121212"),
    *("#eca200", "#e2bcff", "#5287fb", "#fe445a", "#7afac6"),
    *("#c63d4d", "#e05536", "#f1731d", "#fb9706", "#fac42a", "#f1ef75"),
]


def use_style() -> None:
    """Make the house style matplotlib's default for this process, whatever was set before."""
    mpl.rcdefaults()
    mpl.rcParams.update(
        {
            "figure.figsize": (5.6, 3.1),
            "figure.facecolor": "none",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 9.5,
            "axes.titlelocation": "left",
            "axes.labelsize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=list(COLORS.values())),
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": GRID,
            "grid.linewidth": 0.6,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "text.color": INK,
            "font.size": 9,
            "lines.linewidth": 1.6,
            "legend.frameon": False,
            "legend.fontsize": 8,
            "image.cmap": "viridis",
            "svg.fonttype": "path",
            "svg.hashsalt": "rmsprop",
        }
    )


def darken(svg: str) -> str:
    """Return the figure for a dark page: every color of the palette replaced by its dark twin.

    >>> darken('<path style="stroke: #1f2328"/>')
    '<path style="stroke: #e6edf3"/>'
    """
    for light, dark in zip(_LIGHT, _DARK, strict=True):
        svg = svg.replace(light, dark)
    return svg
