"""Figures for phones: one column, in which nothing is lost, cut off or made smaller."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rmsprop.press.narrow import WIDTH, narrow
from rmsprop.press.style import use_style

LABEL = "median number of steps that a run takes to settle, at its best learning rate"


@pytest.fixture(autouse=True)
def style():
    use_style()
    yield
    plt.close("all")


def boxes(figure):
    """Return what every text and panel covers, in inches."""
    figure.canvas.draw()
    parts = [*figure.axes, *figure.legends]
    parts += [text for ax in figure.axes for text in (ax.title, ax.xaxis.label, ax.yaxis.label)]
    found = [part.get_tightbbox().transformed(figure.dpi_scale_trans.inverted()) for part in parts]
    return [box for box in found if np.isfinite(box.x0)]  # a text may be empty


def assert_all_inside(figure):
    width, height = figure.get_size_inches()
    for box in boxes(figure):
        assert box.x0 >= -0.01
        assert box.y0 >= -0.01
        assert box.x1 <= width + 0.01
        assert box.y1 <= height + 0.01


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_panels_are_stacked_and_whole(columns):
    figure, axes = plt.subplots(1, columns, figsize=(6.4, 3.4), sharey=True, squeeze=False)
    for k, ax in enumerate(axes[0]):
        ax.plot([1, 2], [k, 3], label=f"a method with a name, {k}")
        ax.set(title=f"panel {k}", xlabel=LABEL)
    axes[0, 0].set_ylabel(LABEL)
    figure.legend(loc="outside lower center", ncols=3)
    narrow(figure)
    assert_all_inside(figure)
    assert figure.get_size_inches()[0] == WIDTH
    places = [ax.get_position() for ax in axes[0]]
    assert all(above.y0 > below.y1 for above, below in pairwise(places))
    assert np.ptp([place.width for place in places]) < 0.01
    for ax in axes[0]:
        assert " ".join(ax.get_ylabel().split()) == LABEL
        assert any(tick.label1.get_visible() for tick in ax.yaxis.get_major_ticks())


def test_one_panel_keeps_its_height_and_colorbar():
    figure, ax = plt.subplots(figsize=(5.6, 4.0))
    figure.colorbar(ax.imshow(np.eye(2)), ax=ax)
    narrow(figure)
    assert figure.get_size_inches().tolist() == [WIDTH, 4.0]
    assert len(figure.axes) == 2
    assert_all_inside(figure)


def test_panels_of_one_column_stay_where_they_are():
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 4.6), height_ratios=[3, 1])
    narrow(figure)
    assert figure.get_size_inches().tolist() == [WIDTH, 4.6]
    figure.canvas.draw()
    assert top.get_position().height > 2 * bottom.get_position().height


def test_letters_keep_their_size_and_data_stay():
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2, 3])
    left.set_xlabel("step")
    before = [label.get_fontsize() for label in left.get_xticklabels()]
    narrow(figure)
    assert [label.get_fontsize() for label in left.get_xticklabels()] == before
    assert left.xaxis.label.get_fontsize() == plt.rcParams["axes.labelsize"]
    assert left.lines[0].get_ydata().tolist() == [1, 2, 3]
    assert not right.lines


def test_the_legend_names_what_it_named():
    figure, ax = plt.subplots()
    for k in range(5):
        ax.plot([k, 1], label=str(k))
    figure.legend(loc="outside lower center", ncols=5)
    narrow(figure)
    figure.canvas.draw()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2", "3", "4"]
    assert len({round(text.get_window_extent().x0) for text in legend.get_texts()}) == 2
