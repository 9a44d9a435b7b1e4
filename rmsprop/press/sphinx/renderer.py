"""MyST-NB's plug-in: who makes nodes of the outputs that are our own."""

from typing import Any, ClassVar

from docutils import nodes
from myst_nb.core.render import load_mime_renders
from sphinx.application import Sphinx

from rmsprop.press.sphinx import evidence, figures
from rmsprop.records.mime import EVIDENCE, FIGURE, VERDICT

__all__ = ["Renderer", "setup"]

NODES = {FIGURE: figures.figure, VERDICT: evidence.box, EVIDENCE: evidence.numbers}


class Renderer:
    """See the protocol ``myst_nb.core.render.MimeRenderPlugin``."""

    mime_priority_overrides: ClassVar = [("*", mime_type, 1) for mime_type in NODES]

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """Return the nodes of an output of ours, None for any other."""
        if inline or data.mime_type not in NODES:
            return None
        return NODES[data.mime_type](renderer, data)


def setup(app: Sphinx) -> None:
    """Join the plug-ins that MyST-NB found.

    It finds them by entry points alone. Ours cannot be one: a wheel has none of the press, and an
    entry point that leads nowhere stops whoever else builds with MyST-NB.
    """
    plugins = load_mime_renders()
    if Renderer not in plugins:
        plugins.append(Renderer)
