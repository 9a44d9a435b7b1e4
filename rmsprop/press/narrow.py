"""A figure drawn anew for a phone: one column, and letters as large as on a wide page."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

__all__ = ["WIDTH", "narrow"]

WIDTH = 3.6  # inches, of 96 pixels each
TALLEST = 2.9  # of a panel in a column, in inches
LETTERS = 9.75  # of a label, on an inch of its panel and margin
BESIDE = 20  # letters of an entry of a legend that leave room for another beside it


def narrow(figure: Figure) -> None:
    """Lay out a figure anew in one column that fits a page of 390 pixels.

    Panels that stand side by side are stacked, with the ticks and labels that they shared; a legend
    has one or two columns, and long labels are wrapped. Data, colors and sizes of letters stay.

    Args:
        figure: drawn with the house style, its panels from `matplotlib.pyplot.subplots`.

    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.0))
    >>> narrow(figure)
    >>> figure.get_size_inches().round(1).tolist()
    [3.6, 5.8]
    >>> plt.close(figure)
    """
    places = {ax: place for ax in figure.axes if (place := ax.get_subplotspec()) is not None}
    panels, (_, height) = list(places), figure.get_size_inches()
    if any(place.colspan.start for place in places.values()):
        _stack(figure, panels)
        height = len(panels) * min(height, TALLEST)
    figure.set_size_inches(WIDTH, height)
    for ax in panels:
        ax.set_ylabel(textwrap.fill(ax.get_ylabel(), round(LETTERS * height / len(panels))))
        ax.set_xlabel(textwrap.fill(ax.get_xlabel(), round(LETTERS * WIDTH)))
    for legend in figure.legends:
        legend.remove()
        shown = zip(legend.legend_handles, legend.get_texts(), strict=True)
        named = {text.get_text(): handle for handle, text in shown if handle is not None}
        columns = 2 if max(map(len, named)) <= BESIDE else 1
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=columns)


def _stack(figure: Figure, panels: list[Axes]) -> None:
    column = GridSpec(len(panels), 1, figure=figure)
    first = panels[0]
    for row, ax in enumerate(panels):
        ax.set_subplotspec(column[row])
        ax.tick_params(labelleft=True)
        if first.get_shared_y_axes().joined(first, ax) and not ax.get_ylabel():
            ax.set_ylabel(first.get_ylabel())
