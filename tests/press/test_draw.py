"""Parts of figures: what is drawn, where, and in which colors."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backend_bases import MouseEvent

from rmsprop.experiments.statistics import Interval
from rmsprop.press import draw
from rmsprop.press.style import INK, use_style


@pytest.fixture
def ax():
    use_style()
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_label_stands_off_its_point_by_so_many_points(ax):
    draw.label(ax, "here", (0.5, 0.5), (7, -3), ha="right")
    (text,) = ax.texts
    ax.figure.canvas.draw()
    place = text.get_transform().transform(text.get_position())
    offset = (place - ax.transData.transform((0.5, 0.5))) * 72 / ax.figure.dpi
    assert offset == pytest.approx((7, -3))
    assert (text.get_text(), text.get_color(), text.get_ha()) == ("here", INK, "right")


def test_guides_cross_the_axes(ax):
    draw.guide(ax, x=0.2)
    draw.guide(ax, y=0.7, color="red")
    upright, level = ax.lines
    assert upright.get_xdata() == [0.2, 0.2]
    assert level.get_ydata() == [0.7, 0.7]
    assert level.get_color() == "red"
    assert upright.is_dashed()


def test_band_has_the_median_between_the_quartiles(ax):
    values = np.random.default_rng(0).exponential(size=(4, 101))
    middle = draw.band(ax, np.arange(4), values, INK)
    assert np.array_equal(middle, np.median(values, axis=1))
    assert np.array_equal(ax.lines[0].get_ydata(), middle)
    edges = ax.collections[0].get_paths()[0].vertices
    assert edges[:, 1].min() == np.quantile(values, 0.25, axis=1).min()
    assert edges[:, 1].max() == np.quantile(values, 0.75, axis=1).max()


def test_loss_map_shows_each_value_at_its_place(ax):
    mesh = draw.loss_map(ax, [1, 10, 100], [1, 10], [[1, 2, 3], [4, 5, 6]], (1, 6))
    assert mesh.get_array().ravel().tolist() == [1, 2, 3, 4, 5, 6]
    assert mesh.contains(_at(ax, 10, 10))[1]["ind"].tolist() == [4]


def _at(ax, x, y):
    ax.figure.canvas.draw()
    return MouseEvent("motion_notify_event", ax.figure.canvas, *ax.transData.transform((x, y)))


def test_alphas_stand_at_their_windows_above_the_axes(ax):
    ax.set(xscale="log", xlim=(1, 1e4), ylim=(0, 3))
    draw.mark_alphas(ax, (0.9, 0.99))
    assert [line.get_xdata()[0] for line in ax.lines] == pytest.approx([10, 100])
    assert [text.get_text() for text in ax.texts] == ["0.9", "0.99", "alpha ="]
    assert all(text.xy[1] == 3 for text in ax.texts)


def test_level_lines_lie_where_the_function_has_their_values(ax):
    x, y = np.linspace(-2, 2, 81), np.linspace(-1, 1, 41)
    draw.level_lines(ax, lambda w: w[..., 0] ** 2 + 4 * w[..., 1] ** 2, x, y, [0.5, 2.0])
    (lines,) = ax.collections
    for path, level in zip(lines.get_paths(), (0.5, 2.0), strict=True):
        assert path.vertices**2 @ [1, 4] == pytest.approx(level, rel=0.01)


def test_intervals_stand_in_their_order_from_top_to_bottom(ax):
    found = {"first": Interval(2.0, 1.0, 4.0), "second": Interval(3.0, 2.5, 3.5)}
    draw.intervals(ax, found, "red", lift=0.25, mark="D")
    line, mark, other, _ = (
        (*each.get_xdata(), *each.get_ydata(), each.get_marker()) for each in ax.lines
    )
    assert line[:4] == (1.0, 4.0, 1.25, 1.25)
    assert mark == (2.0, 1.25, "D")
    assert other[:4] == (2.5, 3.5, 0.25, 0.25)
    assert ax.get_yticks().tolist() == [1, 0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["first", "second"]
