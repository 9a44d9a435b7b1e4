"""Verdicts as boxes on the page, and the numbers behind these and other conclusions, folded."""

from typing import Any

from docutils import nodes

from rmsprop.press.sphinx.folds import Fold, count
from rmsprop.press.sphinx.markdown import parsed
from rmsprop.records.claims import CLAIMS

__all__ = ["box", "numbers"]


def numbers(renderer: Any, data: Any) -> list[nodes.Element]:
    """Return the nodes of a check's output, for MyST-NB."""
    return [_folded(renderer, data.content["table"], data.content["count"], data.line)]


def box(renderer: Any, data: Any) -> list[nodes.Element]:
    """Return the nodes of a verdict's output, for MyST-NB."""
    content = data.content
    (shown,) = parsed(renderer, _markdown(content), data.line)
    shown += _folded(renderer, content["table"], len(content["evidence"]), data.line)
    return [shown]


def _folded(renderer: Any, table: str, held: int, line: int) -> Fold:
    label = count(held, "number holds", "numbers hold")
    return Fold("", *parsed(renderer, table, line), label=label, classes=["evidence"])


def _markdown(content: dict[str, Any]) -> str:
    claim, ruling = content["claim"], content["ruling"]
    return f"""\
::::{{admonition}} {claim} {ruling}
:class: verdict {ruling.replace(" ", "-")}
:name: verdict-{claim.lower()}

*{CLAIMS[claim]}*

{content["reason"]}
::::
"""
