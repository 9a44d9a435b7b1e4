"""A figure is published with its words, in light and dark; equal data give equal bytes."""

import base64
import json
import re
import xml.etree.ElementTree as ET
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from rmsprop.figures import COLORS, INK, MUTED, publish, use_style
from rmsprop.figures.publish import MIME_TYPE
from rmsprop.figures.style import darken

WORDS = {"caption": "The finding.", "alt": "A line that rises."}
HEX = re.compile(r"#[0-9a-f]{6}\b")


@pytest.fixture(autouse=True)
def style():
    with mpl.rc_context():
        use_style()
        yield
    plt.close("all")


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


def test_record_holds_the_words_on_one_line_and_the_size_in_pixels():
    record = published(caption="  Two\n  lines. ", alt="\tA   line.\n").record
    assert record["id"] == "a-figure"
    assert record["caption"] == "Two lines."
    assert record["alt"] == "A line."
    assert (record["width"], record["height"]) == (538, 298)  # 5.6 x 3.1 inches of 96 pixels
    root = ET.fromstring(record["svg"])
    assert root.get("viewBox").split()[2:] == ["403.2", "223.2"]  # of 72 points
    assert json.loads(json.dumps(record)) == record


def test_notebook_shows_the_picture_with_its_words_escaped():
    shown = published(caption='x < 1 & "y"', alt='<b> "quoted"')._repr_mimebundle_()
    assert set(shown) == {MIME_TYPE, "text/html", "text/plain"}
    assert 'alt="&lt;b&gt; &quot;quoted&quot;"' in shown["text/html"]
    assert "<figcaption>x &lt; 1 &amp; &quot;y&quot;</figcaption>" in shown["text/html"]
    picture = re.search(r"base64,([^\"]+)", shown["text/html"])[1]
    assert base64.b64decode(picture).decode() == shown[MIME_TYPE]["svg"]
    assert shown["text/plain"] == 'Figure a-figure: x < 1 & "y"'


@pytest.mark.parametrize("id", ["", "A", "a_b", "a b", "-a", "a-", "a--b", "ä", "a\n"])
def test_malformed_id_is_quoted(id):
    message = f"id must be lower-case words joined by hyphens, got {id!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        publish(plt.figure(), id, **WORDS)


@pytest.mark.parametrize("id", ["a", "a1", "average-of-2-steps", "3"])
def test_words_joined_by_hyphens_are_an_id(id):
    assert publish(plt.figure(), id, **WORDS).record["id"] == id


@pytest.mark.parametrize("name", ["caption", "alt"])
@pytest.mark.parametrize("text", ["", "  \n"])
def test_figure_without_words_is_named(name, text):
    message = f"{name} must not be empty, got {text!r} for figure some-id"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        publish(plt.figure(), "some-id", **(WORDS | {name: text}))


def test_same_data_give_the_same_bytes():
    first, second = (published().record["svg"] for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first


def test_dark_variant_differs_in_colors_only():
    light = published().record["svg"]
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
    svg = publish(figure, "a", **WORDS).record["svg"]
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
