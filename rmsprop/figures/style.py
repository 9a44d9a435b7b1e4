"""How the figures look: one size, one palette, in light and in dark."""

import matplotlib as mpl
from cycler import cycler

__all__ = ["COLORS", "INK", "MUTED", "darken", "use_style"]

INK, MUTED, GRID, PAPER = "#1f2328", "#6e7781", "#d8dee4", "#ffffff"

# One color per method in every figure, after Okabe and Ito (2008), safe for color-blind readers.
COLORS = {
    "gradient descent": "#b3611b",
    "momentum": "#8a5fb0",
    "RMSprop": "#0072b2",
    "centered": "#c8345a",
    "Adam": "#00835f",
}

_DARK = {
    INK: "#e6edf3",
    MUTED: "#9aa4af",
    GRID: "#363d47",
    PAPER: "#14181e",
    "#b3611b": "#e69f5a",
    "#8a5fb0": "#b99ad8",
    "#0072b2": "#56b4e9",
    "#c8345a": "#f2799a",
    "#00835f": "#3fc79a",
}


def use_style() -> None:
    """Make the house style matplotlib's default for this process."""
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
    for light, dark in _DARK.items():
        svg = svg.replace(light, dark)
    return svg
