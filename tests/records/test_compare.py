"""A figure passes within its tolerance, fails beyond it, and the failure is named."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rmsprop.records.compare import compare
from rmsprop.records.tidy import make_record

FINITE = st.floats(-1e100, 1e100)


def record(**changes):
    given = {"caption": "The finding.", "alt": "A line.", "data": {"x": [1.0, 2.0]}}
    return make_record("some-id", **(given | changes))


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_every_record_is_identical_with_itself(values):
    found = compare(record(data={"x": values}), record(data={"x": values}))
    assert (found.verdict, found.greatest, found.differences) == ("bit-identical", None, ())


@given(FINITE, FINITE, st.floats(0, 10), st.floats(0, 10))
def test_number_passes_exactly_within_its_tolerance(published, fresh, rtol, atol):
    found = compare(
        record(data={"x": published}, rtol=rtol, atol=atol),
        record(data={"x": fresh}, rtol=rtol, atol=atol),
    )
    if np.float64(published).tobytes() == np.float64(fresh).tobytes():
        assert found.verdict == "bit-identical"
    elif abs(fresh - published) <= atol + rtol * abs(published):
        assert found.verdict == "within tolerance"
    else:
        assert found.verdict == "deviates"
        assert repr(published) in found.differences[0]
        assert repr(fresh) in found.differences[0]


@given(st.integers(0, 9), FINITE.filter(lambda x: abs(x) > 1e-3))
def test_the_deviation_names_column_row_values_and_tolerance(row, shift):
    values = np.linspace(1, 2, 10)
    moved = values.copy()
    moved[row] += shift
    found = compare(
        record(data={"x": values, "y": values}, atol=1e-4),
        record(data={"x": values, "y": moved}, atol=1e-4),
    )
    assert found.verdict == "deviates"
    assert (found.greatest.column, found.greatest.row) == ("y", f"row {row}")
    assert found.greatest.published == values[row]
    assert found.greatest.fresh == moved[row]
    assert math.isclose(found.greatest.size, abs(moved[row] - values[row]))
    assert math.isclose(found.greatest.allowed, 1e-4 + 1e-9 * values[row])
    assert found.differences == (str(found.greatest),)
    assert str(found.greatest).startswith(f"y, row {row}: published {float(values[row])!r}, fresh ")


def test_every_column_that_deviates_is_named_with_how_often():
    x = np.zeros(3)
    found = compare(record(data={"x": x, "y": x}), record(data={"x": x + 1, "y": [0, 0, 1]}))
    assert [difference.split(",")[0] for difference in found.differences] == ["x", "y"]
    assert found.differences[0].endswith("(3 such in the column)")
    assert "such" not in found.differences[1]


@pytest.mark.parametrize(
    ("published", "fresh", "verdict"),
    [
        (math.inf, math.inf, "bit-identical"),
        (math.inf, -math.inf, "deviates"),
        (math.inf, 1e308, "deviates"),
        (1e308, math.inf, "deviates"),
    ],
)
def test_infinity_equals_itself_alone(published, fresh, verdict):
    assert compare(record(data={"x": published}), record(data={"x": fresh})).verdict == verdict


def test_infinity_beside_a_number_within_tolerance_passes():
    old, new = record(data={"x": [math.inf, 1.0]}), record(data={"x": [math.inf, 1.0 + 1e-12]})
    assert compare(old, new).verdict == "within tolerance"


def test_zero_tolerance_allows_nothing():
    found = compare(
        record(data={"x": 1.0}, rtol=0, atol=0), record(data={"x": 1 + 1e-15}, rtol=0, atol=0)
    )
    assert found.verdict == "deviates"
    assert found.greatest.severity == math.inf


def test_text_must_be_the_same():
    found = compare(record(data={"x": ["a", "b"]}), record(data={"x": ["a", "c"]}))
    assert found.differences == ("x, row 1: published 'b', fresh 'c'",)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"rtol": 1e-3}, "column: published {'name': 'x'"),
        ({"units": {"x": "m"}}, "column: published {'name': 'x'"),
        ({"data": {"y": [1.0, 2.0]}}, "columns: published x, fresh y"),
        ({"data": {"x": [1.0]}}, "rows: published 2, fresh 1"),
        ({"seed": 1}, "seed: published None, fresh 1"),
        ({"kind": "measured"}, "kind: published exact, fresh measured"),
        ({"alt": "Other."}, "alt: published 'A line.', fresh 'Other.'"),
    ],
    ids=str,
)
def test_what_is_said_of_the_data_must_be_the_same(changes, difference):
    """Above all: nobody loosens a tolerance in the record alone."""
    found = compare(record(), record(**changes))
    assert found.verdict == "deviates"
    assert found.differences[0].startswith(difference)


@pytest.mark.parametrize(
    ("published", "fresh", "same"),
    [
        ("It is 1.03.", "It is 1.03.", True),
        ("It is 1.03.", "It is 1.04.", True),
        ("It is 1.03.", "It is 1.05.", False),
        ("It is 1.03.", "It was 1.03.", False),
        ("It is 4,000.", "It is 4,001.", True),
        ("It is 4,000.", "It is 5,000.", False),
        ("It is 1.5e-07.", "It is 1.6e-07.", True),
        ("It is 1.5e-07.", "It is 1.5e-06.", False),
        ("float32, 12%", "float64, 12%", False),
        ("3 and 4", "4 and 3", True),
        ("-3", "−3", True),
    ],
)  # fmt: skip
def test_number_in_a_caption_may_differ_by_one_unit_of_its_last_digit(published, fresh, same):
    found = compare(record(caption=published), record(caption=fresh))
    assert (found.verdict == "bit-identical") is same


def test_number_in_a_caption_may_differ_by_the_tolerance_of_the_data():
    assert compare(record(caption="36%", rtol=0.5), record(caption="25%", rtol=0.5)).verdict == (
        "bit-identical"
    )


def statistical(losses, within=0.5, caption="9 of 10"):
    return record(
        caption=caption,
        data={"lr": np.array([[0.1], [0.2]]), "seed": np.arange(5), "loss": losses},
        kind="statistical",
        over="seed",
        within={"loss": within},
    )


LOSSES = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 1.0, 1.0, 1.0, 1.0]])


@given(st.permutations(range(5)))
def test_seeds_may_change_places_where_their_median_stays(order):
    found = compare(statistical(LOSSES), statistical(LOSSES[:, list(order)]))
    assert found.verdict in ("bit-identical", "within tolerance")


@given(st.floats(0, 4), st.floats(0, 4))
@example(shift=1.1, within=0.5)
@example(shift=0.9, within=0.5)
def test_median_passes_within_a_multiple_of_the_interquartile_range(shift, within):
    moved = LOSSES + np.array([[shift], [0]])
    found = compare(statistical(LOSSES, within), statistical(moved, within))
    deviation = np.median(moved[0]) - 3
    assert (found.verdict == "deviates") is bool(deviation > within * 2)
    if found.differences:
        assert found.differences[0].startswith("median loss, lr 0.1: published 3.0, fresh ")


def test_median_without_a_band_must_stay():
    moved = LOSSES + np.array([[0], [1e-9]])
    assert compare(statistical(LOSSES), statistical(moved)).verdict == "deviates"


def test_median_beside_infinite_losses_must_stay():
    wild = LOSSES.copy()
    wild[0, 2:] = math.inf
    assert compare(statistical(wild), statistical(wild)).verdict == "bit-identical"
    assert compare(statistical(wild), statistical(LOSSES)).verdict == "deviates"
    swapped = wild[:, ::-1]
    assert compare(statistical(wild), statistical(swapped)).verdict == "within tolerance"


def test_what_does_not_depend_on_the_seed_is_compared_exactly():
    other = record(
        caption="9 of 10",
        data={"lr": np.array([[0.1], [0.3]]), "seed": np.arange(5), "loss": LOSSES},
        kind="statistical",
        over="seed",
        within={"loss": 0.5},
    )
    found = compare(statistical(LOSSES), other)
    assert found.differences[0].startswith("lr, row 5: published 0.2, fresh 0.3")


def test_caption_of_a_statistical_figure_may_count_differently():
    assert compare(statistical(LOSSES), statistical(LOSSES, caption="1 of 10")).verdict == (
        "bit-identical"
    )


def test_measured_data_are_never_compared_but_what_they_are_is():
    old = record(kind="measured", data={"x": [1.0, 2.0]}, caption="It takes 3 ms.")
    assert compare(old, record(kind="measured", data={"x": 9.0}, caption="It takes 7 ms.")) == (
        compare(old, old)
    )
    assert compare(old, old).verdict == "measured"
    assert compare(old, record(kind="measured", data={"y": 9.0})).verdict == "deviates"


def test_figure_without_a_record_is_missing():
    assert compare(None, record()).verdict == "missing"
