"""Style sheets and fonts without what no page uses."""

from configparser import ConfigParser
from io import BytesIO
from pathlib import Path

import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Text

from rmsprop.press.sphinx.mathematics import KATEX
from rmsprop.press.sphinx.slim import PLAIN, prune, subset, unmark

FONT = (KATEX / "fonts" / "KaTeX_Main-Regular.woff2").read_bytes()


def glyphs(font):
    return TTFont(BytesIO(font)).getBestCmap()


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".old{a:b}", ""),
        (".new.old{a:b}", ""),
        ("p .old>b{a:b}", ""),
        (".old,.new{a:b}", ".new{a:b}"),
        # What names no class, or one that an element must not or need not have, stays.
        ("p:not(.old){a:b}", "p:not(.old){a:b}"),
        (":is(.old,.new){a:b}", ":is(.old,.new){a:b}"),
        ("[class*=old]{a:b}", "[class*=old]{a:b}"),
        (r".md\:old{a:b}", r".md\:old{a:b}"),
        ('.new{width:1.5em;content:".old,"}', '.new{width:1.5em;content:".old,"}'),
        ("@media print{.old{a:b}.new{a:b}}", "@media print{.new{a:b}}"),
        ("@media print{.old{a:b}}", ""),
        ("@supports (a:b){@media print{.new{a:b}}}", "@supports (a:b){@media print{.new{a:b}}}"),
        ("@font-face{font-family:old}", "@font-face{font-family:old}"),
        ("@import url(a.css);", "@import url(a.css);"),
        ("@keyframes old{from{a:b}}", "@keyframes old{from{a:b}}"),
    ],
)
def test_rules_stay_where_an_element_may_have_all_their_classes(css, kept):
    assert prune(css, {"new"}) == kept


def test_a_rule_stays_as_it_is_but_for_escaped_letters():
    rule = ".new > p::before { margin: calc(1px + 2em) !important; content: "
    assert prune(rule + r'"\f002" }', {"new"}) == rule.replace(" {", "{") + '"\uf002" }'


def test_a_font_keeps_the_glyphs_of_the_letters_and_their_shapes():
    small = subset(FONT, {ord("v"), ord("√"), 0x4E00})
    assert glyphs(small) == {code: glyphs(FONT)[code] for code in (ord("v"), ord("√"))}
    assert len(small) < len(FONT) / 8
    before, after = TTFont(BytesIO(FONT)), TTFont(BytesIO(small))
    assert after["head"].modified == before["head"].modified  # the same bytes on another day
    assert after["hmtx"]["v"] == before["hmtx"]["v"]
    assert after["glyf"]["v"] == before["glyf"]["v"]
    for table, field in (("head", "unitsPerEm"), ("hhea", "ascent"), ("OS/2", "sxHeight")):
        assert getattr(after[table], field) == getattr(before[table], field)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_without_a_mark_have_the_look_of_the_text(theme):
    path = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    conf = ConfigParser()
    conf.read(path / "theme.conf")
    look = get_style_by_name(conf["options"][f"pygments_{theme}_style"]).style_for_token
    types = {name: type for type, name in STANDARD_TYPES.items()}
    assert {name: look(types[name]) for name in PLAIN} == dict.fromkeys(PLAIN, look(Text))


def test_marks_go_from_code_alone_and_no_other_marks():
    code = '<div class="highlight"><pre><span class="{}">x</span></pre></div>'
    assert unmark(code.format("n")) == '<div class="highlight"><pre>x</pre></div>'
    for left in (code.format("o"), '<pre><span class="n">x</span></pre>'):
        assert unmark(left) == left
