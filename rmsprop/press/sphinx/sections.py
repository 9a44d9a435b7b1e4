"""The sections that only some readers want: their headings stay, what is below them is folded."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from rmsprop.press.sphinx.folds import Fold, count

__all__ = ["setup"]

FOLDED = {
    "exercises": ("exercise with its solution", "exercises with their solutions", nodes.admonition),
    "further-reading": ("work", "works", nodes.list_item),
}
"""What each has in it, one and many, and the nodes to count."""


class FoldSections(SphinxPostTransform):
    """Fold exercises and further reading, and say how many there are."""

    default_priority = 110
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Fold the sections of a page."""
        for section in [*self.document.findall(nodes.section)]:
            for name in FOLDED.keys() & section["ids"]:
                _fold(section, *FOLDED[name])


def _fold(section: nodes.section, one: str, many: str, counted: type[nodes.Element]) -> None:
    heading, *below = section.children
    label = count(len([*section.findall(counted)]), one, many)
    section.children = [heading]
    section += Fold("", *below, label=label, classes=["section"])


def setup(app: Sphinx) -> None:
    """Tell Sphinx to fold."""
    app.add_post_transform(FoldSections)
