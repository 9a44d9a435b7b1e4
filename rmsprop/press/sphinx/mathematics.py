"""Mathematics, typeset by KaTeX when the book is built: its pages need no script for it.

What the eye sees is HTML; next to it stands MathML, for screen readers.
"""

import atexit
import base64
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.math import get_node_equation_number

__all__ = ["setup", "typeset"]

KATEX = Path(__file__).with_name("katex")
LETTERS = ("Main-Regular", "Math-Italic", "AMS-Regular", "Size")
"""The fonts that most formulas take: upright, italic, blackboard, and the large parentheses."""
PART = '<span class="katex-base">'
# Even a font that is part of a style sheet would wait for the first letter that needs it.
ASK_EARLY = """
for (const font of ["1em KaTeX_Main", "italic 1em KaTeX_Math"]) document.fonts.load(font);
"""


@cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    # Left to the end of the interpreter, closing waits for a thread that is gone.
    atexit.register(engine.close)
    engine.eval((KATEX / "katex.min.js").read_text(encoding="utf-8"))
    return engine


@cache
def typeset(formula: str, display: bool = False) -> str:
    r"""Return a formula as HTML with MathML.

    Args:
        formula: in LaTeX, without dollar signs.
        display: whether it stands on lines of its own.

    Raises:
        ValueError: if KaTeX cannot parse the formula.

    >>> "<msup><mi>g</mi><mn>2</mn></msup>" in typeset("g^2")
    True
    """
    options = {"displayMode": display, "strict": "error"}
    try:
        return str(_engine().call("katex.renderToString", formula, options))
    except JSEvalException as error:
        # JavaScript's message goes on with the line of the program, all of KaTeX.
        raise ValueError(str(error).partition("\n")[0]) from None


def _typeset(translator: Any, node: nodes.Element, display: bool = False) -> str:
    try:
        return typeset(_aligned(node.astext()), display)
    except ValueError as error:
        page = translator.builder.current_docname
        raise SphinxError(f"{page}: the formula {node.astext()!r}: {error}") from None


def _aligned(formula: str) -> str:
    """Align the lines of a formula that has several and no environment, as Sphinx has it."""
    bare = r"\\" in formula and r"\begin" not in formula
    return rf"\begin{{split}}{formula}\end{{split}}" if bare else formula


def _breakable(html: str) -> str:
    """Mark where a line may break: between the formula's parts, but not within parentheses.

    Left alone, browsers break at every part, and also between the last and a comma after it.
    """
    done, *parts = html.split(PART)
    for number, part in enumerate(parts):
        outside = done.count('class="mopen') == done.count('class="mclose')
        done += ("<wbr>" if number and outside else "") + PART + part
    return done


def _visit_inline(translator: Any, node: nodes.math) -> None:
    html = _breakable(_typeset(translator, node))
    translator.body.append(f"{translator.starttag(node, 'span', '', CLASS='math')}{html}</span>")
    raise nodes.SkipNode


def _visit_display(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", "", CLASS="math"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    # It scrolls where it is too wide, and not every browser lets the keyboard there by itself.
    scrolling = '<span class="katex-display" tabindex="0">'
    html = _typeset(translator, node, display=True)
    translator.body.append(html.replace('<span class="katex-display">', scrolling, 1) + "</div>\n")
    raise nodes.SkipNode


def _write_styles(app: Sphinx) -> None:
    """Write KaTeX's style sheet and fonts, and the letters as a style sheet of their own.

    With the letters inside, a page is laid out once, with the widths that it keeps.
    """
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "katex"
    folder.mkdir(parents=True, exist_ok=True)
    style = (KATEX / "katex.min.css").read_text(encoding="utf-8")
    # Every browser of today takes the first of the three formats.
    style = re.sub(r',url\([^)]*\) format\("(woff|truetype)"\)', "", style)
    letters = ""
    for face, font in re.findall(r"(@font-face{[^}]*url\((.*?)\)[^}]*})", style):
        if any(name in font for name in LETTERS):
            style = style.replace(face, "")
            letters += face.replace(font, _data(KATEX / font))
        else:
            (folder / font).parent.mkdir(exist_ok=True)
            shutil.copy(KATEX / font, folder / font)
    (folder / "katex.css").write_text(style, encoding="utf-8")
    (folder / "letters.css").write_text(letters, encoding="utf-8")
    app.add_css_file("katex/katex.css")


def _data(font: Path) -> str:
    return f"data:font/woff2;base64,{base64.b64encode(font.read_bytes()).decode()}"


def _add_to_page(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
    if 'class="katex"' in context.get("body", ""):
        app.add_css_file("katex/letters.css")
        app.add_js_file(None, body=ASK_EARLY)


def setup(app: Sphinx) -> None:
    """Tell Sphinx who typesets mathematics."""
    app.add_html_math_renderer("katex", (_visit_inline, None), (_visit_display, None))
    app.connect("builder-inited", _write_styles)
    app.connect("html-page-context", _add_to_page)
