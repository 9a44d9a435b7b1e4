"""Mathematics in a real Sphinx build, with every warning an error."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from rmsprop.press.sphinx.mathematics import typeset

ROOT = Path(__file__).parents[3]
CONFIGURATION = """
extensions = ["myst_parser", "rmsprop.press.sphinx.mathematics"]
myst_enable_extensions = ["amsmath", "dollarmath"]
html_theme = "basic"
html_permalinks_icon = "#"
"""
PAGE = r"""# About $\sigma^2$

In a line ($v_t = 2(1 - \alpha)g^2 + w$), and by number {eq}`eq-root`.

$$
\sqrt{v} \le 1
$$ (eq-root)

\begin{align*}
a &= b \\
c &= d
\end{align*}
"""


def build(folder: Path, builder: str = "html", **pages: str) -> subprocess.CompletedProcess:
    (folder / "conf.py").write_text(CONFIGURATION)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", builder, folder, folder / builder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    index = "# Title\n\n```{toctree}\nformulas\nplain\n```\n"
    for builder in ("html", "text", "latex"):
        done = build(folder, builder, index=index, formulas=PAGE, plain="# Plain")
        assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def page(book) -> BeautifulSoup:
    return BeautifulSoup((book / "html" / "formulas.html").read_text(), "html.parser")


def test_a_formula_is_mathml_for_screen_readers_and_html_for_the_eye(page):
    title, inline, display, aligned = page.select("div.body .math")
    assert [formula.name for formula in (title, inline, display, aligned)] == [
        "span", "span", "div", "div"
    ]  # fmt: skip
    assert title.find("msup").text == "σ2"
    assert display.find("msqrt").text == "v"
    assert display.select(".katex-display[tabindex='0']")
    assert [row.text for row in aligned.find_all("mtr")] == ["a=b", "c=d"]
    for formula in (title, inline, display, aligned):
        assert formula.select(".katex-mathml math")
        assert formula.select(".katex-html")[0]["aria-hidden"] == "true"


def test_an_equation_has_a_number_that_references_show(page):
    display = page.find(id="equation-eq-root")
    assert display.find(class_="eqno").text.startswith("(1)")
    assert page.find("a", href="#equation-eq-root").text == "(1)"


def test_a_line_breaks_after_relations_and_operators_but_not_in_parentheses(page):
    html = page.select("div.body p .katex-html")[0]
    parts = "".join("|" if part.name == "wbr" else part.text for part in html.children)
    assert parts.replace("\u200b", "") == "vt=|2(1−α)g2+|w"


def test_letters_come_with_the_page_and_only_where_there_are_formulas(book):
    letters = "_static/katex/letters.css"
    having = {path.stem for path in (book / "html").glob("*.html") if letters in path.read_text()}
    assert having == {"formulas", "index"}  # whose contents have a title with a formula
    text = (book / "html" / letters).read_text()
    families = set(re.findall(r"font-family:KaTeX_(\w+)", text))
    assert families == {"AMS", "Main", "Math", "Size1", "Size2", "Size3", "Size4"}
    assert text.count("url(data:font/woff2;base64,d09GMg") == len(families)  # which begins wOF2


def test_every_font_of_the_style_sheet_is_there(book):
    folder = book / "html" / "_static" / "katex"
    named = set(re.findall(r"url\(fonts/([^)]*)\)", (folder / "katex.css").read_text()))
    inside = re.findall("@font-face{", (folder / "letters.css").read_text())
    assert len(named) + len(inside) == 20
    assert {path.name for path in (folder / "fonts").iterdir()} == named


def test_other_builders_get_the_source(book):
    assert r"v_t = 2(1 - \alpha)g^2" in (book / "text" / "formulas.txt").read_text()
    (latex,) = (book / "latex").glob("*.tex")
    assert r"\(v_t = 2(1 - \alpha)g^2 + w\)" in latex.read_text()
    assert not list((book / "text").rglob("*.css"))


@pytest.mark.parametrize("formula", [r"\frac{a", r"\unknown", "a & b"])
def test_a_formula_that_cannot_be_read_stops_the_build_and_is_named(tmp_path, formula):
    done = build(tmp_path, index=f"# Title\n\n${formula}$\n")
    assert done.returncode != 0
    assert f"index: the formula {formula!r}" in done.stderr
    assert "KaTeX parse error" in done.stderr
    assert len(done.stderr) < 1000
    with pytest.raises(ValueError, match="KaTeX parse error"):
        typeset(formula)


def test_script_and_style_sheet_are_of_one_version():
    folder = ROOT / "rmsprop/press/sphinx/katex"
    (of_style,) = re.findall(r'content:"([\d.]+)"', (folder / "katex.min.css").read_text())
    (of_script,) = re.findall(r'version:"([\d.]+)"', (folder / "katex.min.js").read_text())
    assert of_style == of_script
    assert "Permission is hereby granted" in (folder / "LICENSE").read_text()
