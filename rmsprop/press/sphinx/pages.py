"""What the pages of the book have around their text.

Buttons to the repository, to Binder and to Colab where the repository has an address; absolute
links where the book has one.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.config import Config

from rmsprop.experiments import problems
from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.rules import GradientDescent, RMSpropRule, Rule
from rmsprop.press import colab
from rmsprop.press.style import COLORS
from rmsprop.records import repository

__all__ = ["setup"]

BRANCH = "main"
PICTURE = re.compile(r'<img[^>]*class="only-dark".*?</a>', re.DOTALL)
HASTEN = """<script>
document.querySelectorAll("img.only-" + document.documentElement.dataset.theme)
  .forEach(image => { image.loading = "eager"; });
</script>"""


def setup(app: Sphinx) -> None:
    """Tell Sphinx what to add to the pages."""
    app.connect("config-inited", _add_buttons)
    app.connect("config-inited", _add_addresses)
    app.connect("config-inited", _add_pdf)
    app.connect("html-page-context", _open_prepared, priority=502)  # after the theme's buttons
    app.connect("html-page-context", _name_roles)
    app.connect("html-page-context", _hasten_first_pictures)
    app.connect("html-page-context", _name_toggles, priority=900)  # after the theme's own


def _add_buttons(app: Sphinx, config: Config) -> None:
    root = repository.find_root(Path(app.srcdir))
    address = repository.address(root) if root else None
    if address is None:
        return
    config.html_theme_options |= {
        "repository_url": address,
        "repository_branch": BRANCH,
        "path_to_docs": "book",
        "use_repository_button": True,
        "use_edit_page_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
        },
    }


def _open_prepared(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Let Colab open the chapter that fetches what it needs; Binder has it all."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button["text"] == "Colab":
                button["url"] = button["url"].replace(f"/blob/{BRANCH}/", f"/blob/{colab.BRANCH}/")


def _add_addresses(app: Sphinx, config: Config) -> None:
    """Make absolute what must be: for machines that show a card, and on the page of no address."""
    config.ogp_site_url = config.html_baseurl
    config.ogp_social_cards = {"enable": bool(config.html_baseurl), "image_mini": "card.png"}
    config.notfound_urls_prefix = urlsplit(config.html_baseurl).path or "/"
    if config.html_baseurl:
        _draw_mark(Path(app.srcdir) / "card.png")


def _add_pdf(app: Sphinx, config: Config) -> None:
    """Give the text ``{{ pdf }}``: a link where publishing puts the PDF, else how to print it."""
    published = f"As [one PDF]({config.html_baseurl}rmsprop.pdf) it can be printed or kept."
    config.myst_substitutions["pdf"] = (
        published if config.html_baseurl else "`make pdf` prints it as one PDF."
    )


def _draw_mark(path: Path) -> None:
    """Draw what stands on a card: how gradient descent and RMSprop go down a valley."""
    valley = problems.quadratic(condition=20.0)
    figure = Figure(figsize=(2, 2), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    rules: dict[str, Rule] = {
        "gradient descent": GradientDescent(0.09),
        "RMSprop": RMSpropRule(0.05, alpha=0.9),
    }
    for name, rule in rules.items():
        points = trajectory(valley.gradient, [-1.0, 0.5], rule, 40)
        axes.plot(*points.T, color=COLORS[name], linewidth=4)
    axes.set_axis_off()
    figure.savefig(path, transparent=True)


def _name_roles(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Make the entries of a list of references what a list has; docutils writes a role of old."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def _hasten_first_pictures(
    app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any
) -> None:
    """Load what is seen first, a figure or the gallery's first row, before the rest is laid out."""
    body = context.get("body", "")
    pictures = list(PICTURE.finditer(body))[: 3 if page == "gallery" else 1]
    if pictures:
        end = pictures[-1].end()
        context["body"] = body[:end] + HASTEN + body[end:]


def _name_toggles(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Give a name to what unfolds the pages below one in the contents; the theme draws an arrow."""
    contents = context.get("generate_toctree_html")
    if contents:
        context["generate_toctree_html"] = lambda *kind, **options: str(
            contents(*kind, **options)
        ).replace("<summary>", '<summary aria-label="Pages below">')
