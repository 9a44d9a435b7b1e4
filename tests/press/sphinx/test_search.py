"""What the search gets of a page: its sections, each with its own text, and formulas in words."""

import json

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from rmsprop.press.sphinx.mathematics import typeset
from rmsprop.press.sphinx.search import sections
from rmsprop.press.sphinx.search.formulas import in_words

PAGE = f"""
<article><section id="top"><h1>Averages<a class="headerlink" href="#top">#</a></h1>
<p>All <span class="math">{typeset("g^2")}</span> count.</p>
<div class="cell_input">secret = 1</div>
<section id="inner"><h2>Memory</h2><span id="index-0"></span><p>It fades.</p></section>
<p>The end.</p>
<dl class="glossary"><dt id="term-eps">eps</dt><dd>A small number.</dd></dl>
<dl class="py"><dt class="sig" id="rmsprop.step"><em>def </em>
<span class="sig-prename">rmsprop.</span><span class="sig-name">step</span>(param)</dt>
<dd>Take one step.</dd></dl>
<dl class="py class"><dt class="sig" id="rmsprop.Rule"><span class="sig-prename">rmsprop.</span>
<span class="sig-name">Rule</span></dt><dd>A rule.
<dl class="py attribute"><dt id="rmsprop.Rule.lr"><span class="sig-name">lr</span></dt>
<dd>Rate.</dd></dl>
<dl class="py method"><dt id="rmsprop.Rule.move"><span class="sig-name">move</span></dt>
<dd>Go.</dd></dl>
</dd></dl>
</section></article>
"""


def test_each_part_has_its_own_text_and_that_of_no_other():
    found = sections(PAGE, {"index-0": ["half-life"]})
    assert [(part["anchor"], part["title"], part["text"]) for part in found] == [
        ("top", "Averages", "All g² count. The end."),
        ("inner", "Memory", "It fades."),
        ("term-eps", "eps", "A small number."),
        ("rmsprop.step", "step", "Take one step."),
        # Attributes are too many to be found one by one.
        ("rmsprop.Rule", "Rule", "A rule. lr Rate."),
        ("rmsprop.Rule.move", "Rule.move", "Go."),
    ]
    assert [part["entries"] for part in found] == [
        *("", "half-life", ""),
        *("rmsprop.step", "rmsprop.Rule", "rmsprop.Rule.move"),
    ]
    assert {part["page"] for part in found} == {"Averages"}


def test_of_a_table_there_are_the_words_and_not_the_numbers():
    cells = "<td>1.25</td> <td>−3</td> <td>ResNet-50</td> <td></td> <td><b>α</b></td> <td>7</td>"
    page = f'<article><section id="a"><h1>A</h1><table><tr>{cells}</tr></table></section></article>'
    (part,) = sections(page, {})
    assert part["text"] == "ResNet-50 α"


def test_a_page_without_an_article_has_no_parts():
    assert sections("<html><body>leads on</body></html>", {}) == []


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (r"v_t = \alpha\, v_{t-1} + (1-\alpha)\, g_t^2", "vₜ = α vₜ₋₁ + (1 − α) gₜ²"),
        (r"\tau = \frac{\ln 2}{-\ln \alpha}", "τ = (ln 2)/(−ln α)"),
        (r"\eta/\sqrt{1-\alpha}", "η/√(1 − α)"),
        (r"N \ln 2", "N ln 2"),
        (r"\max(a, b)", "max(a,b)"),
        (r"\bar g \ge \tilde w", "ḡ ≥ w̃"),
        (r"n_\text{eff}", "n_eff"),
        (r"\alpha^{t/2}", "α^(t/2)"),
    ],
)
def test_a_formula_is_read_as_text(formula, words):
    assert in_words(BeautifulSoup(typeset(formula), "html.parser").math) == words


def test_a_build_lists_sections_with_their_index_entries(tmp_path):
    (tmp_path / "conf.py").write_text(
        'extensions = ["myst_parser", "rmsprop.press.sphinx.search"]\n'
        'html_theme = "sphinx_book_theme"\n'
    )
    (tmp_path / "index.md").write_text("# Memory\n\n```{index} half-life\n```\n\nIt fades.\n")
    out = tmp_path / "out"
    Sphinx(tmp_path, tmp_path, out, tmp_path / "trees", "html", warningiserror=True).build()
    text = (out / "searchindex.js").read_text(encoding="utf-8")
    (part,) = json.loads(text.removeprefix("window.sections = ").removesuffix(";\n"))
    assert part["address"] == "index.html#memory"
    assert (part["entries"], part["text"]) == ("half-life", "It fades.")
    assert (out / "_static" / "minisearch.js").exists()
    assert (out / "_static" / "search.js").exists()
