"""One parameter of torch: where it goes, and what the optimizer keeps, against a linear filter."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.signal import lfilter

from rmsprop.experiments.one_parameter import follow_gradients

SIZES = st.floats(0.01, 100) | st.floats(-100, -0.01)


@given(gradients=st.lists(SIZES, min_size=1, max_size=20), alpha=st.floats(0, 0.999))
def test_course_is_that_of_a_filter_of_the_squares(gradients, alpha):
    course = follow_gradients(gradients, alpha)
    square_avg = lfilter([1 - alpha], [1, -alpha], np.square(gradients))
    assert_allclose(course.square_avg, square_avg, rtol=1e-12)
    steps = gradients / np.sqrt(square_avg)
    assert_allclose(course.distance, np.cumsum(steps), rtol=0, atol=1e-9)


def test_parameter_stays_where_there_is_no_gradient():
    course = follow_gradients([2.0, 0.0, 0.0], 0.5)
    assert np.ptp(course.distance) == 0
    assert course.square_avg.tolist() == [2.0, 1.0, 0.5]
