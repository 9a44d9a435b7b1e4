"""The picture that stands in for a live figure in print and where no script runs."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from rmsprop.press.style import darken

__all__ = ["save_still"]


def save_still(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as ``<name>-light.svg``, ``-dark.svg`` and ``-light.pdf``, and close it.

    Args:
        figure: drawn in light colors.
        folder: an existing one.
        name: of the live figure.
    """
    with mpl.rc_context({"svg.hashsalt": "rmsprop"}):
        figure.savefig(folder / f"{name}-light.svg", metadata={"Date": None})
        figure.savefig(folder / f"{name}-light.pdf", metadata={"CreationDate": None})
    plt.close(figure)
    svg = (folder / f"{name}-light.svg").read_text("utf-8")
    (folder / f"{name}-dark.svg").write_text(darken(svg), encoding="utf-8")
