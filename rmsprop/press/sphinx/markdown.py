"""Markdown inside of an output: captions and verdicts, as nodes of the page."""

from typing import Any

from docutils import nodes

__all__ = ["parsed"]


def parsed(renderer: Any, text: str, line: int) -> list[nodes.Element]:
    """Return the nodes of MyST Markdown.

    Args:
        renderer: MyST-NB's, of the output.
        text: the Markdown.
        line: where the output stands in its notebook.
    """
    container = nodes.Element()
    with renderer.renderer.current_node_context(container):
        renderer.renderer.nested_render_text(text, line)
    return list(container.children)
