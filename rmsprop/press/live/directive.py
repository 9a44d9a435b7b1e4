"""Live figures: the Sphinx directive ``live``, which puts one on a page.

A live figure is a module and scripts beside this one. The module knows its data and draws the still
picture that stands in for it in print and where no script runs. The scripts are loaded on the pages
that show the figure, and on no others.
"""

import json
import shutil
from os.path import relpath
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.addnodes import only
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from rmsprop.press.live import batch, explorer, signal

__all__ = ["FIGURES", "LiveFigure", "scripts", "setup"]

FIGURES = {"batch": batch, "explorer": explorer, "signal": signal}
"""The live figures' modules, by name."""


def scripts(name: str) -> list[str]:
    """Return a live figure's scripts in the order of loading, its data among them.

    >>> scripts("signal")[-3:]
    ['figure.js', 'signal-data.js', 'signal.js']
    """
    return [*FIGURES[name].SCRIPTS, f"{name}-data.js", f"{name}.js"]


class LiveFigure(nodes.General, nodes.Element):
    """A live figure, whose script fills it; its children are the still picture and its words."""


class _Live(SphinxDirective):
    """``live`` with the name of a figure; ``story`` is what it opens with."""

    required_arguments = 1
    option_spec: ClassVar = {"story": str}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in FIGURES:
            raise self.error(f"there is no live figure {name!r}, only {', '.join(FIGURES)}")
        module, story = FIGURES[name], self.options.get("story", "")
        if story and story not in module.stories():
            raise self.error(f"{name!r} has no story {story!r}, only {', '.join(module.stories())}")
        folder = relpath(_prepare(self.env.app, name), self.env.srcdir).replace("\\", "/")
        still = nodes.container(classes=["live-still"])
        for theme, kind in (("light", "*"), ("dark", "svg")):
            image = nodes.image(
                # LaTeX takes the PDF.
                uri=f"{folder}/{name}-{theme}.{kind}",
                alt=module.ALT,
                # Hidden for the other theme, and once the figure lives, it never loads.
                loading="lazy",
                classes=[f"only-{theme}"],
            )
            still += image if theme == "light" else only("", image, expr="html")
        still += nodes.paragraph("", "", nodes.emphasis("", module.CAPTION))
        figure = LiveFigure("", still, live=name, story=story)
        self.set_source_info(figure)
        return [figure]


def _folder(app: Sphinx) -> Path:
    """Return the folder of what is made here, of the same layout as the rendered ``_static``."""
    return Path(app.doctreedir) / "live-figures"


def _prepare(app: Sphinx, name: str) -> Path:
    """Draw a live figure and gather its scripts, once; return the folder of the pictures."""
    pictures, static = _folder(app) / "pictures", _folder(app) / "static" / "live"
    pictures.mkdir(parents=True, exist_ok=True)
    static.mkdir(parents=True, exist_ok=True)
    if not (static / f"{name}-data.js").exists():
        FIGURES[name].draw(pictures, name)
        text = json.dumps(FIGURES[name].data(), ensure_ascii=False, separators=(",", ":"))
        source = Path(__file__).parent
        for file in ("live.css", *FIGURES[name].SCRIPTS, f"{name}.js"):
            shutil.copyfile(source / file, static / file)
        (static / f"{name}-data.js").write_text(f"Live.data.{name} = {text};\n", encoding="utf-8")
    return pictures


def _start(app: Sphinx) -> None:
    shutil.rmtree(_folder(app), ignore_errors=True)
    (_folder(app) / "static").mkdir(parents=True)
    app.config.html_static_path.append(str(_folder(app) / "static"))


def _load(app: Sphinx, page: str, template: str, context: Any, doctree: Any) -> None:
    """Load the scripts of a page's live figures with it."""
    if doctree is None:
        return
    shown = dict.fromkeys(node["live"] for node in doctree.findall(LiveFigure))
    if shown:
        app.add_css_file("live/live.css")
    for script in dict.fromkeys(script for name in shown for script in scripts(name)):
        app.add_js_file(f"live/{script}", loading_method="defer")


def _visit_html(translator: Any, node: LiveFigure) -> None:
    figure = {"data-live": node["live"], "data-story": node["story"]}
    translator.body.append(translator.starttag(node, "div", CLASS="live-figure", **figure))


def _depart_html(translator: Any, node: LiveFigure) -> None:
    translator.body.append("</div>\n")


def _pass(translator: Any, node: LiveFigure) -> None:
    pass


def setup(app: Sphinx) -> None:
    """Tell Sphinx about live figures."""
    app.add_node(
        LiveFigure,
        html=(_visit_html, _depart_html),
        latex=(_pass, _pass),
        text=(_pass, _pass),
    )
    app.add_directive("live", _Live)
    app.connect("builder-inited", _start)
    app.connect("html-page-context", _load)
