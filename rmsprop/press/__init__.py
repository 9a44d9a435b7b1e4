"""Draw, publish and quote: what a chapter needs beside its experiment."""

from rmsprop.press.numbers import quote, quote_intervals, table
from rmsprop.press.publish import publish
from rmsprop.press.style import COLORS, INK, MUTED, SERIES, use_style

__all__ = [
    "COLORS",
    "INK",
    "MUTED",
    "SERIES",
    "publish",
    "quote",
    "quote_intervals",
    "table",
    "use_style",
]
