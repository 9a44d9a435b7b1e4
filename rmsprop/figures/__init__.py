"""Draw, publish, verify and cite the book's figures."""

from rmsprop.figures.compare import FigureDeviates
from rmsprop.figures.publish import publish
from rmsprop.figures.record import RecordError
from rmsprop.figures.style import COLORS, INK, MUTED, SERIES, use_style

__all__ = [
    "COLORS",
    "INK",
    "MUTED",
    "SERIES",
    "FigureDeviates",
    "RecordError",
    "publish",
    "use_style",
]
