"""Render published figures and verdicts in the book; MyST-NB finds `Renderer` by entry point."""

from typing import Any, ClassVar

from docutils import nodes

from rmsprop import claims
from rmsprop.figures.publish import MIME_TYPE as FIGURE
from rmsprop.figures.style import darken

__all__ = ["Renderer"]


class Renderer:
    """MyST-NB's plug-in for the two outputs of our own.

    See the protocol ``myst_nb.core.render.MimeRenderPlugin``.
    """

    mime_priority_overrides: ClassVar = [
        ("*", FIGURE, 1),
        ("*", claims.MIME_TYPE, 1),
    ]

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """Return the nodes of an output of ours, None for any other."""
        if inline:
            return None
        if data.mime_type == FIGURE:
            return [_figure(renderer, data)]
        if data.mime_type == claims.MIME_TYPE:
            return _parse(renderer, _verdict(data.content), data.line)
        return None


def _figure(renderer: Any, data: Any) -> nodes.figure:
    record, document = data.content, renderer.renderer.document
    figure = nodes.figure(classes=["published"], names=[f"fig-{record['id']}"])
    figure.source, figure.line = document["source"], data.line
    document.note_explicit_target(figure, figure)
    # In a box of their own: the theme hides a caption that directly follows a dark picture.
    pictures = nodes.container(classes=["pictures"])
    for theme, svg in (("light", record["svg"]), ("dark", darken(record["svg"]))):
        path = renderer.write_file([f"{record['id']}-{theme}.svg"], svg.encode(), overwrite=True)
        pictures += nodes.image(
            uri=path, alt=record["alt"], width=f"{record['width']}px", classes=[f"only-{theme}"]
        )
    figure += pictures
    figure += nodes.caption("", "", *_parse(renderer, record["caption"], data.line)[0].children)
    return figure


def _verdict(content: dict[str, Any]) -> str:
    claim, ruling = content["claim"], content["ruling"]
    return f"""\
::::{{admonition}} {claim} {ruling}
:class: verdict {ruling.replace(" ", "-")}
:name: verdict-{claim.lower()}

*{claims.CLAIMS[claim]}*

{content["reason"]}

{content["table"]}
::::
"""


def _parse(renderer: Any, text: str, line: int) -> list[nodes.Element]:
    container = nodes.Element()
    with renderer.renderer.current_node_context(container):
        renderer.renderer.nested_render_text(text, line)
    return list(container.children)
