"""Publish a figure: its picture, its caption and its alt text in one output of the notebook."""

import base64
import html
import io
import re
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

__all__ = ["MIME_TYPE", "publish"]

MIME_TYPE = "application/vnd.rmsprop.figure+json"


class PublishedFigure:
    """What a cell shows for a figure: a numbered figure in the book, a picture in a notebook."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        alt, caption = html.escape(self.record["alt"]), html.escape(self.record["caption"])
        picture = base64.b64encode(self.record["svg"].encode()).decode()
        return {
            MIME_TYPE: self.record,
            "text/html": f'<figure style="background: white"><img alt="{alt}" '
            f'src="data:image/svg+xml;base64,{picture}"><figcaption>{caption}</figcaption></figure>',
            "text/plain": f"Figure {self.record['id']}: {self.record['caption']}",
        }


def publish(figure: Figure, id: str, *, caption: str, alt: str) -> PublishedFigure:
    """Publish a figure and close it.

    Args:
        figure: drawn with the house style.
        id: what the figure is called for good, lower-case words joined by hyphens. The text refers
            to it as ``{numref}`fig-<id>```.
        caption: a sentence or more that states the finding; MyST Markdown.
        alt: what the picture shows, for those who cannot see it.

    Returns:
        The published figure; as the last value of a cell it is shown.

    Raises:
        ValueError: for a malformed id, or an empty caption or alt text.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise ValueError(f"id must be lower-case words joined by hyphens, got {id!r}")
    for name, text in (("caption", caption), ("alt", alt)):
        if not text.strip():
            raise ValueError(f"{name} must not be empty, got {text!r} for figure {id}")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=150)
    plt.close(figure)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return PublishedFigure(
        {
            "id": id,
            "caption": " ".join(caption.split()),
            "alt": " ".join(alt.split()),
            "width": width,
            "height": height,
            "svg": buffer.getvalue(),
        }
    )
