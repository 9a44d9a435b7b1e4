"""Published figures as nodes, and these as HTML, LaTeX and text, with the panel below each."""

import base64
import json
import posixpath
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx.addnodes import only
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

from rmsprop.press.panel import Panel, in_words, landing
from rmsprop.press.publish import offered
from rmsprop.press.sphinx.markdown import parsed
from rmsprop.press.style import darken
from rmsprop.records import repository
from rmsprop.records.compare import compare
from rmsprop.records.record import Record, parse, read
from rmsprop.records.source import Source, find_sources

__all__ = ["FigurePanel", "Placed", "figure", "placed", "setup"]

PHONES = "(max-width: 600px)"  # the pages on which a figure is drawn in one column


class Picture(nodes.image):
    """An image that says its size before it is loaded, so that the text below never moves."""


class Phone(Picture):
    """What a narrow page shows in place of the picture that follows."""


class FigurePanel(nodes.General, nodes.Element):
    """The panel under a figure: a `Panel` without its place on the page, and the files it offers.

    Its number is known only when the page is written.
    """


@dataclass(frozen=True)
class Placed:
    """A figure where it stands in the book.

    Attributes:
        panel: with what depends on the place.
        docname: of the page.
        record: that is offered.
        verdict: of the run against the published record.
        files: that are offered, by the ends of their names.
    """

    panel: Panel
    docname: str
    record: Record
    verdict: str
    files: dict[str, bytes]


def figure(renderer: Any, data: Any) -> list[nodes.Element]:
    """Return the nodes of a figure's output, for MyST-NB."""
    content, document = data.content, renderer.renderer.document
    record = parse(content["record"]["id"], content["record"], content["csv"])
    shown = nodes.figure(classes=["published"], names=[f"fig-{record.id}"])
    shown.source, shown.line = document["source"], data.line
    document.note_explicit_target(shown, shown)
    # In a box of their own: the theme hides a caption that directly follows a dark picture.
    pictures = nodes.container(classes=["pictures"])
    pdf = base64.b64decode(content["pdf"])
    renderer.write_file([f"{record.id}-light.pdf"], pdf, overwrite=True)
    for theme, shade in (("light", str), ("dark", darken)):
        phone, wide = (
            _picture(renderer, kind, f"{name}-{theme}.svg", shade(drawn["svg"]), drawn)
            for kind, name, drawn in (
                (Phone, f"{record.id}-narrow", content["narrow"]),
                (Picture, record.id, content),
            )
        )
        phone["classes"] = ["no-scaled-link"]
        wide["classes"], wide["alt"] = [f"only-{theme}"], record.alt
        pictures += only("", phone, expr="html")
        if theme == "light":
            # LaTeX takes the PDF.
            wide["uri"] = wide["uri"].removesuffix("svg") + "*"
        pictures += wide if theme == "light" else only("", wide, expr="html")
    shown += pictures
    shown += nodes.caption("", "", *parsed(renderer, record.caption, data.line)[0].children)
    source = Path(renderer.renderer.sphinx_env.srcdir)
    return [shown, _panel(source, record, content)]


def _picture(
    renderer: Any, kind: type[Picture], name: str, svg: str, drawn: dict[str, Any]
) -> Picture:
    path = renderer.write_file([name], svg.encode(), overwrite=True)
    return kind(uri=path, width=f"{drawn['width']}px", height=f"{drawn['height']}px")


@cache
def _sources(source: Path) -> dict[str, Source]:
    return find_sources(source)


@cache
def _commit(root: Path) -> str:
    return repository.commit(root)


def _panel(source: Path, record: Record, content: dict[str, Any]) -> FigurePanel:
    """Return the panel's node; the source folder holds the records too."""
    root = repository.find_root(source)
    published = read(source / "figures", record.id)
    comparison = compare(published, record)
    cited = offered(published, record, comparison)
    words = json.dumps(cited.words(), indent=1, ensure_ascii=False) + "\n"
    return FigurePanel(
        "",
        verdict=comparison.verdict,
        record=cited,
        panel={
            "id": record.id,
            "kind": record.kind,
            "sha256": cited.sha256,
            "result": in_words(comparison, record.id),
            # Make renders a run only beside the very sources that ran; their commit may be newer
            # than the run.
            "environment": content["environment"] | ({"commit": _commit(root)} if root else {}),
            "citation": repository.citation(root) if root else None,
            "source": _sources(source).get(record.id),
        },
        files={
            "csv": cited.csv.encode(),
            "json": words.encode(),
            "svg": content["svg"].encode(),
            "pdf": base64.b64decode(content["pdf"]),
        },
    )


def placed(builder: Any) -> dict[str, Placed]:
    """Return the figures that a builder has written so far, by id."""
    return getattr(builder, "placed_figures", {})


def _panel_in_place(translator: Any, node: FigurePanel) -> Panel:
    """Return the panel with what depends on its place."""
    builder, id = translator.builder, node["panel"]["id"]
    docname = _docname(translator)
    numbers = builder.env.toc_fignumbers.get(docname, {}).get("figure", {})
    number = ".".join(map(str, numbers.get(f"fig-{id}", ()))) or None
    config, permalink, files, address = builder.config, None, None, None
    if builder.format == "html":
        page = builder.get_target_uri(docname)
        own = landing(id)
        permalink = (
            f"{config.html_baseurl}{own}" if config.html_baseurl else relative_uri(page, own)
        )
        files = {name.upper(): relative_uri(page, f"figures/{id}.{name}") for name in node["files"]}
        options = config.html_theme_options or {}
        # Without a repository of its own the theme names its authors'.
        if options.get("use_repository_button"):
            address = options.get("repository_url")
    return Panel(
        **node["panel"], files=files, number=number, permalink=permalink, repository=address
    )


def _docname(translator: Any) -> str:
    builder = translator.builder
    return str(getattr(builder, "current_docname", None) or builder.config.root_doc)


def _visit_picture(translator: Any, node: Picture) -> None:
    """Write an image that loads when it comes into view; one for the other theme never does."""
    source, size = _source_and_size(translator, node)
    attributes = {"src": source, "alt": node["alt"], "loading": "lazy", **size}
    image = translator.emptytag(node, "img", **attributes)
    translator.body.append(f"<picture>{translator.phone}{image}</picture>")
    raise nodes.SkipNode


def _visit_phone(translator: Any, node: Phone) -> None:
    """Keep what the picture that follows needs; it may stand in a link of its own."""
    source, size = _source_and_size(translator, node)
    attributes = {"srcset": source, "media": PHONES, **size}
    translator.phone = translator.emptytag(nodes.Element(), "source", **attributes)
    raise nodes.SkipNode


def _source_and_size(translator: Any, node: Picture) -> tuple[str, dict[str, str]]:
    file = quote(translator.builder.images[node["uri"]])
    size = {name: node[name].removesuffix("px") for name in ("width", "height")}
    return posixpath.join(translator.builder.imgpath, file), size


def _visit_html(translator: Any, node: FigurePanel) -> None:
    """Write the panel, and the files that it offers."""
    panel, builder = _panel_in_place(translator, node), translator.builder
    folder = Path(builder.outdir) / "figures"
    folder.mkdir(exist_ok=True)
    for name, content in node["files"].items():
        (folder / f"{panel.id}.{name}").write_bytes(content)
    docname = _docname(translator)
    figure = Placed(panel, docname, node["record"], node["verdict"], node["files"])
    builder.placed_figures = placed(builder) | {panel.id: figure}
    translator.body.append(panel.html())
    raise nodes.SkipNode


def _visit_latex(translator: Any, node: FigurePanel) -> None:
    for name, text in _panel_in_place(translator, node).entries():
        if name != "BibTeX":
            text = translator.encode(text)
            translator.body.append(f"\n\n\\noindent{{\\footnotesize {name}: {text}\\par}}\n")
    raise nodes.SkipNode


def _visit_text(translator: Any, node: FigurePanel) -> None:
    translator.new_state(2)
    for name, text in _panel_in_place(translator, node).entries():
        translator.add_text(f"{name}: {text}\n")
    translator.end_state(wrap=False)
    raise nodes.SkipNode


def _write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write ``figures.json``: every figure for machines."""
    figures = placed(app.builder)
    if figures and not exception:
        index = {id: _indexed(app, figure) for id, figure in figures.items()}
        text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
        (Path(app.outdir) / "figures.json").write_text(text, encoding="utf-8")


def _indexed(app: Sphinx, figure: Placed) -> dict[str, Any]:
    panel = figure.panel
    return {
        **figure.record.words(),
        "number": panel.number,
        "page": f"{app.builder.get_target_uri(figure.docname)}#fig-{panel.id}",
        "landing": landing(panel.id),
        "permalink": panel.absolute,
        "verdict": figure.verdict,
        "files": {name: f"figures/{panel.id}.{name}" for name in figure.files},
        "source": panel.source and vars(panel.source),
        "environment": panel.environment,
    }


def setup(app: Sphinx) -> None:
    """Tell Sphinx about the pictures and the panels."""
    app.add_node(
        Picture,
        html=(_visit_picture, None),
        latex=(lambda self, node: self.visit_image(node), lambda self, node: None),
        text=(lambda self, node: self.visit_image(node), None),
    )
    app.add_node(Phone, html=(_visit_phone, None))
    app.add_node(
        FigurePanel,
        html=(_visit_html, None),
        latex=(_visit_latex, None),
        text=(_visit_text, None),
    )
    app.connect("build-finished", _write_index)
