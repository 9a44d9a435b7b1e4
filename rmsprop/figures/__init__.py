"""Draw and publish the book's figures."""

from rmsprop.figures.publish import publish
from rmsprop.figures.style import COLORS, INK, MUTED, SERIES, use_style

__all__ = ["COLORS", "INK", "MUTED", "SERIES", "publish", "use_style"]
