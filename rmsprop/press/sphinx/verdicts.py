"""Verdicts as boxes on the page."""

from typing import Any

from docutils import nodes

from rmsprop.press.sphinx.markdown import parsed
from rmsprop.records.claims import CLAIMS

__all__ = ["box"]


def box(renderer: Any, data: Any) -> list[nodes.Element]:
    """Return the nodes of a verdict's output, for MyST-NB."""
    return parsed(renderer, _markdown(data.content), data.line)


def _markdown(content: dict[str, Any]) -> str:
    claim, ruling = content["claim"], content["ruling"]
    return f"""\
::::{{admonition}} {claim} {ruling}
:class: verdict {ruling.replace(" ", "-")}
:name: verdict-{claim.lower()}

*{CLAIMS[claim]}*

{content["reason"]}

{content["table"]}
::::
"""
