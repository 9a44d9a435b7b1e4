"""MyST-NB's plug-in, found by its entry point: who makes nodes of the outputs that are our own."""

from typing import Any, ClassVar

from docutils import nodes

from rmsprop.press.sphinx import evidence, figures
from rmsprop.records.mime import EVIDENCE, FIGURE, VERDICT

__all__ = ["Renderer"]

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
