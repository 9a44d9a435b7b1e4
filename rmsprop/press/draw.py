"""Parts that many figures are drawn from: labels, guides, bands of seeds, maps of losses."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgba
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations
from rmsprop.experiments.statistics import Interval
from rmsprop.press.style import INK, MUTED

__all__ = [
    "DARK",
    "DASHED",
    "DOTTED",
    "LIGHT",
    "band",
    "diverging",
    "guide",
    "intervals",
    "label",
    "level_lines",
    "loss_map",
    "mark_alphas",
]

#: Styles of a line, for matplotlib.
DASHED, DOTTED = (0, (4, 3)), (0, (1, 1))

#: Ink on a map of values, whose colors are the same on a dark page.
LIGHT, DARK = "#fefefe", "#010101"


def label(
    ax: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float] = (0, 0),
    color: str = INK,
    **options: Any,
) -> None:
    """Write a text beside a point.

    Args:
        ax: where to draw.
        text: what to write.
        at: the point, in units of the data.
        offset: from there to the text's anchor, in points.
        color: of the text.
        options: for ``matplotlib.axes.Axes.annotate``: ``ha``, ``va``, ``fontsize`` and the like.
    """
    ax.annotate(text, at, xytext=offset, textcoords="offset points", color=color, **options)


def guide(ax: Axes, *, x: float | None = None, y: float | None = None, **options: Any) -> None:
    """Draw a thin dashed line across the axes: upright at `x`, or level at `y`.

    Args:
        ax: where to draw.
        x: where an upright line stands.
        y: where a level line lies.
        options: what differs from the usual color, linewidth and linestyle.
    """
    look: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": DASHED} | options
    if x is not None:
        ax.axvline(x, **look)
    if y is not None:
        ax.axhline(y, **look)


def band(
    ax: Axes,
    x: ArrayLike,
    values: ArrayLike,
    color: str,
    *,
    quantiles: tuple[float, float, float] = (0.25, 0.5, 0.75),
    opacity: float = 0.15,
    **options: Any,
) -> NDArray[np.float64]:
    """Draw the median over seeds as a line, and its quartiles as a band around it.

    Args:
        ax: where to draw.
        x: positions, shape ``(n,)``.
        values: a row for each position, a column for each seed, shape ``(n, seeds)``.
        color: of both.
        quantiles: lower edge, line, upper edge.
        opacity: of the band, from 0 to 1.
        options: for the line: ``marker``, ``linestyle``, ``label`` and the like.

    Returns:
        The medians, shape ``(n,)``.
    """
    low, middle, high = np.quantile(np.asarray(values), quantiles, axis=1)
    ax.fill_between(np.asarray(x), low, high, color=color, alpha=opacity, linewidth=0)
    ax.plot(x, middle, color=color, **options)
    return np.asarray(middle)


def loss_map(
    ax: Axes, x: ArrayLike, y: ArrayLike, values: ArrayLike, limits: tuple[float, float]
) -> QuadMesh:
    """Draw values over two logarithmic axes, dark where they are large.

    Args:
        ax: where to draw.
        x: positions, shape ``(n,)``.
        y: positions, shape ``(m,)``.
        values: positive, shape ``(m, n)``; beyond the limits they have the colors of the limits.
        limits: the least and the greatest value that are told apart.

    Returns:
        The map, for a color bar.
    """
    ax.grid(False)
    ax.set(xscale="log", yscale="log")
    return ax.pcolormesh(
        np.asarray(x),
        np.asarray(y),
        np.asarray(values),
        norm=LogNorm(*limits),
        cmap="viridis_r",
        rasterized=True,
        shading="nearest",
    )


def diverging(low: str, high: str) -> LinearSegmentedColormap:
    """Return the colors from one over nothing to another: in the middle the page shows.

    Args:
        low: color of the least value.
        high: color of the greatest.

    >>> float(diverging("#0f72ec", "#9e6c10")(0.5)[-1]) < 0.01
    True
    """
    stops = [to_rgba(low, 0.85), to_rgba(low, 0), to_rgba(high, 0), to_rgba(high, 0.85)]
    places = [0.0, 0.5, 0.5, 1.0]
    return LinearSegmentedColormap.from_list(
        "diverging", list(zip(places, stops, strict=True)), N=512
    )


def mark_alphas(ax: Axes, alphas: ArrayLike = (0.9, 0.99, 0.999), color: str = LIGHT) -> None:
    """Mark values of alpha on an axis of windows: a line across the map, the number above it.

    Args:
        ax: with its limits set, windows on its horizontal axis.
        alphas: which to mark.
        color: of the lines.
    """
    top = ax.get_ylim()[1]
    above: dict[str, Any] = {"ha": "center", "fontsize": 8, "annotation_clip": False}
    for alpha in np.asarray(alphas):
        window = float(equations.window(alpha))
        guide(ax, x=window, color=color, linewidth=0.7)
        label(ax, f"{alpha:g}", (window, top), (0, 3), **above)
    label(ax, "alpha =", (2.2, top), (0, 3), **above)


def level_lines(
    ax: Axes, value: Callable[[Any], Any], x: ArrayLike, y: ArrayLike, levels: ArrayLike
) -> None:
    """Draw a function of two variables by thin lines, behind the paths of runs.

    Args:
        ax: where to draw.
        value: maps points of shape ``(m, n, 2)`` to values of shape ``(m, n)``.
        x: where it is evaluated along the first axis, shape ``(n,)``.
        y: likewise along the second, shape ``(m,)``.
        levels: values that get a line, ascending.
    """
    mesh = np.stack(np.meshgrid(x, y), axis=-1)
    ax.grid(False)
    look: dict[str, Any] = {"colors": MUTED, "linewidths": 0.5, "alpha": 0.6}
    ax.contour(np.asarray(x), np.asarray(y), value(mesh), np.asarray(levels), **look)


def intervals(
    ax: Axes, found: Mapping[str, Interval], color: str, *, lift: float = 0.0, mark: str = "o"
) -> None:
    """Draw estimates as marks on their intervals, one below the other, with their names.

    Args:
        ax: where to draw; its vertical axis is taken.
        found: the intervals by their names, from top to bottom.
        color: of all.
        lift: how far above its row each is drawn; rows are 1 apart.
        mark: matplotlib's marker of the estimate.
    """
    rows = np.arange(len(found))[::-1]
    for row, interval in zip(rows + lift, found.values(), strict=True):
        ax.plot([interval.low, interval.high], [row, row], color=color, linewidth=2)
        ax.plot(interval.estimate, row, mark, color=color, markersize=4)
    ax.set(yticks=rows, yticklabels=list(found), ylim=(-0.6, len(found) - 0.4))
    ax.grid(axis="y", visible=False)
