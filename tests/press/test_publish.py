"""A figure is published with words and data, in light and dark; equal data give equal bytes."""

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.colors import to_hex, to_rgb

from rmsprop.press import COLORS, INK, MUTED, publish, use_style
from rmsprop.press.style import darken
from rmsprop.records.compare import FigureDeviates
from rmsprop.records.mime import FIGURE
from rmsprop.records.record import RecordError, parse, read, write

WORDS = {"caption": "The finding.", "alt": "A line that rises.", "data": {"x": [0.1, 1.0]}}
CITATION = "{title: T, version: 1.0, date-released: 2026-01-02, authors: [{name: A}]}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
HEX = re.compile(r"#[0-9a-f]{6}\b")


@pytest.fixture(autouse=True)
def style():
    with mpl.rc_context():
        use_style()
        yield
    plt.close("all")


@pytest.fixture(autouse=True)
def outside(tmp_path, monkeypatch):
    """Publish outside the repository, which has no record of these figures."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def records(tmp_path):
    """The folder of the records, in a repository around the working directory."""
    (tmp_path / "book" / "figures").mkdir(parents=True)
    (tmp_path / "CITATION.cff").write_text(CITATION)
    return tmp_path / "book" / "figures"


def draw():
    """Draw with every color, markers, an image, text, a legend and a color bar."""
    figure, axes = plt.subplots()
    for k, (name, color) in enumerate(COLORS.items()):
        axes.plot([0, 1, 2], [0, k, 1], "o-", color=color, label=name, markeredgecolor="white")
    axes.set_title("Title")
    axes.set_xlabel("step $t$")
    axes.text(0.5, 0.5, "note", color=INK)
    image = axes.imshow(np.linspace(0, 1, 16).reshape(4, 4), extent=(0, 2, 0, 4), aspect="auto")
    figure.colorbar(image)
    axes.legend()
    return figure


def published(**words):
    return publish(draw(), "a-figure", **(WORDS | words))


def test_publishing_closes_the_figure():
    before = plt.get_fignums()
    published()
    assert plt.get_fignums() == before


def test_notebook_holds_the_record_the_data_and_the_pictures():
    content = published()._repr_mimebundle_()[FIGURE]
    assert json.loads(json.dumps(content)) == content
    record = parse("a-figure", content["record"], content["csv"])
    assert record.csv == "x\n0.1\n1.0\n"
    assert (content["width"], content["height"]) == (538, 298)  # 5.6 x 3.1 inches of 96 pixels
    root = ET.fromstring(content["svg"])
    assert root.get("viewBox").split()[2:] == ["403.2", "223.2"]  # of 72 points
    assert base64.b64decode(content["pdf"]).startswith(b"%PDF-")
    assert {"date", "commit", "device", "python", "numpy", "torch"} <= content["environment"].keys()


def test_notebook_shows_the_picture_with_its_words_escaped():
    shown = published(caption='x < 1 & "y"', alt='<b> "quoted"')._repr_mimebundle_()
    assert set(shown) == {FIGURE, "text/html", "text/plain"}
    assert 'alt="&lt;b&gt; &quot;quoted&quot;"' in shown["text/html"]
    assert "<figcaption>x &lt; 1 &amp; &quot;y&quot;</figcaption>" in shown["text/html"]
    picture = re.search(r"base64,([^\"]+)", shown["text/html"])[1]
    assert base64.b64decode(picture).decode() == shown[FIGURE]["svg"]
    assert shown["text/plain"] == 'Figure a-figure: x < 1 & "y"'


def test_picture_does_not_depend_on_settings_from_before():
    before = published()._repr_mimebundle_()[FIGURE]["svg"]
    mpl.rcParams.update({"text.usetex": True, "font.size": 3, "xtick.direction": "in"})
    use_style()
    assert published()._repr_mimebundle_()[FIGURE]["svg"] == before


def panel(shown):
    return BeautifulSoup(shown._repr_mimebundle_()["text/html"], "html.parser").details.text


def test_outside_the_repository_nothing_is_compared_and_the_panel_says_so():
    shown = published()
    assert shown.comparison is None
    assert "not compared: this run is outside the book's repository" in panel(shown)
    assert "BibTeX" not in panel(shown)


def test_figure_without_a_record_says_how_to_get_one(records):
    assert "no record yet; make accept FIGURE=a-figure publishes one" in panel(published())
    assert list(records.iterdir()) == []


def test_figure_like_its_record_is_shown_with_the_records_hash(records):
    write(records, published().record)
    before = {path: path.read_bytes() for path in records.iterdir()}
    shown = published()
    assert shown.comparison.verdict == "bit-identical"
    assert shown.record.sha256 in panel(shown)
    assert "make verify FIGURE=a-figure" in panel(shown)
    assert "A. (2026). Figure a-figure [Figure]. In T (Version 1.0)." in panel(shown)

    near = published(data={"x": [0.1, 1.0 + 1e-12]})
    assert near.comparison.verdict == "within tolerance"
    assert shown.record.sha256 in panel(near)
    assert near.record.sha256 not in panel(near)
    assert "figures/a-figure.csv" in near._repr_mimebundle_()["text/html"]
    assert {path: path.read_bytes() for path in records.iterdir()} == before


def test_figure_that_deviates_is_shown_and_then_fails(records, capsys):
    write(records, published().record)
    before = {path: path.read_bytes() for path in records.iterdir()}
    with pytest.raises(FigureDeviates) as error:
        published(data={"x": [0.1, 2.0]})
    assert str(error.value) == (
        "figure a-figure deviates from its record: x, row 1: published 1.0, fresh 2.0, deviation 1 "
        "against 1e-09 allowed. If that is meant, adopt it: make accept FIGURE=a-figure"
    )
    assert "Figure a-figure: The finding." in capsys.readouterr().out
    assert {path: path.read_bytes() for path in records.iterdir()} == before


def test_other_colors_leave_the_record_as_it_is(records):
    write(records, published().record)
    figure, axes = plt.subplots()
    axes.plot([0, 1], color="red")
    assert publish(figure, "a-figure", **WORDS).comparison.verdict == "bit-identical"


def test_damaged_record_stops_the_cell_and_stays(records):
    write(records, published().record)
    (records / "a-figure.csv").write_text("x\n0.1\n1.5\n")
    with pytest.raises(RecordError, match=r"^the record of figure a-figure was changed by hand"):
        published()
    assert (records / "a-figure.csv").read_text() == "x\n0.1\n1.5\n"


def test_measured_figure_says_on_what(records):
    shown = published(kind="measured")
    assert shown.record.device.startswith(("CPU: ", "CUDA: "))
    write(records, shown.record)
    assert read(records, "a-figure").device == shown.record.device
    again = published(kind="measured", data={"x": [5.0]})
    assert again.comparison.verdict == "measured"
    assert again.record.sha256 in panel(again)


def test_same_data_give_the_same_bytes():
    first, second = (published().picture for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first["svg"]
    assert b"CreationDate" not in base64.b64decode(first["pdf"])


def test_places_are_short_and_nothing_else_is_rounded():
    figure, axes = plt.subplots()
    axes.plot([0, 1 / 3, 1], [0, 1 / 7, -1 / 9])
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg")
    found = []
    for svg in (drawn.getvalue(), publish(figure, "a", **WORDS).picture["svg"]):
        elements = [element.attrib for element in ET.fromstring(svg).iter()]
        places = " ".join(words[name] for words in elements for name in "dxy" if name in words)
        turned = [words["transform"] for words in elements if "transform" in words]
        found.append((NUMBER.findall(places), turned))
    (exact, turned), (rounded, kept) = found
    assert max(len(number.partition(".")[2]) for number in rounded) == 3
    assert [float(n) for n in rounded] == pytest.approx([float(n) for n in exact], abs=5.1e-4)
    assert kept == turned


def test_picture_carries_title_description_and_license():
    root = ET.fromstring(published(caption="It's < 1 & so on.").picture["svg"])
    texts = {element.tag.rpartition("}")[2]: element.text for element in root.iter()}
    assert root[0].tag.endswith("title")
    assert root[0].text == "a-figure: It's < 1 & so on."
    assert texts["description"] == "A line that rises."
    rights = [e for e in root.iter() if e.tag.endswith("rights")]
    assert "https://creativecommons.org/licenses/by/4.0/" in "".join(rights[0].itertext())


def test_dark_variant_differs_in_colors_only():
    light = published().picture["svg"]
    dark = darken(light)
    assert dark != light
    assert HEX.sub("#", dark) == HEX.sub("#", light)
    ET.fromstring(dark)


def test_every_color_of_the_house_has_a_dark_twin_that_is_not_changed_again():
    house = [INK, MUTED, "#ffffff", mpl.rcParams["grid.color"], *COLORS.values()]
    dark = [darken(color) for color in house]
    assert not set(dark) & set(house)
    assert len(set(dark)) == len(set(house))
    assert [darken(color) for color in dark] == dark


def test_default_drawing_uses_no_color_without_a_dark_twin():
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], label="line")
    axes.bar([0, 1], [1, 2])
    axes.annotate("note", (0, 0), (1, 1), arrowprops={"arrowstyle": "->", "color": INK})
    axes.set(title="Title", xlabel="x", ylabel="y")
    axes.legend()
    svg = publish(figure, "a", **WORDS).picture["svg"]
    colors = set(HEX.findall(svg))
    assert len(colors) >= 3
    assert {color for color in colors if darken(color) == color} == set()


def luminance(color: str) -> float:
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], channels))


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2."""
    bright, dim = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("background", ["#ffffff", darken("#ffffff")], ids=["light", "dark"])
@pytest.mark.parametrize("color", [*COLORS.values(), INK, MUTED])
def test_color_stands_out_from_the_page(color, background):
    color = color if background == "#ffffff" else darken(color)
    limit = 4.5 if to_hex(color) in {INK, MUTED, darken(INK), darken(MUTED)} else 3.0
    assert contrast(color, background) >= limit


# Red, green and blue as seen without one kind of cone: Machado, Oliveira and Fernandes (2009).
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def perceived(color: str, vision) -> np.ndarray:
    """CIELAB coordinates of a color as this eye sees it."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    white = TO_XYZ.sum(axis=1)
    ratio = TO_XYZ @ np.clip(np.array(vision) @ linear, 0, 1) / white
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("shade", [str, darken], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION.values(), ids=VISION)
def test_methods_are_told_apart_by_every_kind_of_eye(vision, shade):
    seen = {name: perceived(shade(color), vision) for name, color in COLORS.items()}
    distance = {
        pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)
    }
    # A difference of 2.3 is just noticeable side by side; lines in a plot need several times that.
    assert {pair: d for pair, d in distance.items() if d < 12} == {}
