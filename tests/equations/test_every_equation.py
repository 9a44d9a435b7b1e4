"""What holds for every equation: the range of alpha, and float64."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rmsprop import equations
from rmsprop.equations import State

BY_ALPHA = {
    "update_average": lambda alpha: equations.update_average(0.0, 1.0, alpha),
    "iterate_average": lambda alpha: equations.iterate_average([1.0], alpha),
    "weights": lambda alpha: equations.weights(alpha, 3),
    "window": equations.window,
    "half_life": equations.half_life,
    "mean_factor": lambda alpha: equations.mean_factor(alpha, 3),
    "variance_factor": equations.variance_factor,
    "effective_samples": equations.effective_samples,
    "update_variance": lambda alpha: equations.update_variance(0.0, 0.0, 1.0, alpha),
    "average_cumulant": lambda alpha: equations.average_cumulant(alpha, 2),
    "settled_square_avg": lambda alpha: equations.settled_square_avg([1.0, 2.0], alpha),
    "burst_memory": lambda alpha: equations.burst_memory(alpha, 10.0),
    "excess_displacement": equations.excess_displacement,
    "late_start": lambda alpha: equations.late_start(alpha, 10.0),
    "constant_gradient_step": lambda alpha: equations.constant_gradient_step(alpha, 3),
    "expected_grad_var": lambda alpha: equations.expected_grad_var(alpha, 3, 0.1),
    "order_share": lambda alpha: equations.order_share(alpha, 3),
    "rest_gradient": lambda alpha: equations.rest_gradient(1.0, 1.0, alpha),
    "greatest_price": lambda alpha: equations.greatest_price(2.0, alpha),
    "rounding_bias": equations.rounding_bias,
    "rounding_spread": equations.rounding_spread,
    "rounding_reach": lambda alpha: equations.rounding_reach(alpha, 100),
    "stored_spread": lambda alpha: equations.stored_spread(alpha, 0.01),
    "stored_share": lambda alpha: equations.stored_share(alpha, 0.01),
    "enough_digits": equations.enough_digits,
    "nearest_level": lambda alpha: equations.nearest_level(alpha, 0.01),
    "lost_bound": lambda alpha: equations.lost_bound(alpha, 0.1, 100),
    "enough_noise": lambda alpha: equations.enough_noise(alpha, 100),
    "safe_gradient": lambda alpha: equations.safe_gradient(alpha, 1e-4, 100),
    "first_nan": lambda alpha: equations.first_nan(alpha, 100),
    "corrected_alpha": lambda alpha: equations.corrected_alpha(alpha, 3),
    "step": lambda alpha: equations.step(1.0, 1.0, State.start(()), alpha=alpha),
    "centered step": lambda alpha: equations.step(
        1.0, 1.0, State.start(()), alpha=alpha, centered=True
    ),
    "largest_step": equations.largest_step,
    "quiet_momentum": equations.quiet_momentum,
    "rectification": lambda alpha: equations.rectification(alpha, 3),
    "move_recipe": lambda alpha: equations.move_recipe(2.0, lr=0.1, alpha=alpha),
    "decay_moments": lambda alpha: equations.decay_moments(
        1.0, lr=0.1, alpha=alpha, weight_decay=0.1
    ),
}


@pytest.mark.parametrize("alpha", [-0.1, 1.0, 2, np.nan, np.inf, [0.5, 1.0]], ids=str)
@pytest.mark.parametrize("equation", BY_ALPHA.values(), ids=BY_ALPHA)
def test_alpha_outside_its_range_is_named(equation, alpha):
    with pytest.raises(ValueError, match=r"alpha must lie in \[0, 1\), got .*\d|nan|inf"):
        equation(alpha)


BY_DATA = {
    "average_distribution": lambda x: equations.average_distribution(x, 0.9),
    "settled_square_avg": lambda x: equations.settled_square_avg(x, 0.9),
    "burst_memory": lambda x: equations.burst_memory(0.9, 100.0, share=x / 8),
    "cycle_amplitude": lambda x: equations.cycle_amplitude(x, 0.1, 0.001),
    "update_average": lambda x: equations.update_average(x, x + x, 0.9),
    "iterate_average": lambda x: equations.iterate_average(x, 0.9),
    "mean_factor": lambda x: equations.mean_factor(0.9, x),
    "variance_factor": lambda x: equations.variance_factor(0.9, x),
    "update_variance": lambda x: equations.update_variance(x, x[::-1], x[::-1], 0.9),
    "constant_gradient_step": lambda x: equations.constant_gradient_step(0.9, x),
    "expected_grad_var": lambda x: equations.expected_grad_var(0.9, x, x),
    "step": lambda x: equations.step(x, x[::-1], State.start((3,)))[0],
    "centered step": lambda x: equations.step(x, x, State.start((3,)), centered=True)[0],
    "stored_share": lambda x: equations.stored_share(0.9, x),
    "effective_rate": lambda x: equations.effective_rate(x, lr=0.1),
    "largest_step": lambda x: equations.largest_step(0.9, x),
    "state_floor": lambda x: equations.state_floor(x, x, momentum=0.5, momentum_buffer=x),
    "cut_floor": lambda x: equations.cut_floor(x, x, 0.5),
    "move_recipe": lambda x: equations.move_recipe(x, lr=x, eps=x).lr,
    "noise_moments": lambda x: equations.noise_moments(x, start=x, lr=x, noise=x).variance,
    "one_step_rate": lambda x: equations.one_step_rate(x, x, np.diag(x)),
    "noisy_speed_up": equations.noisy_speed_up,
    "box_distance": lambda x: equations.box_distance(x, x, 1.0),
    "decay_moments": lambda x: equations.decay_moments(x, lr=x, alpha=0.9, weight_decay=x).variance,
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.uint8])
@pytest.mark.parametrize("equation", BY_DATA.values(), ids=BY_DATA)
def test_data_of_any_type_are_computed_in_float64(equation, dtype):
    data = np.array([3, 5, 7], dtype)
    if np.issubdtype(dtype, np.floating):
        data = data / dtype(7)
    assert data.dtype == dtype
    result = np.asarray(equation(data))
    assert result.dtype == np.float64
    assert_array_equal(result, equation(data.astype(np.float64)))


def leaves(result):
    return (
        [leaf for part in result for leaf in leaves(part)]
        if isinstance(result, tuple)
        else [result]
    )


OF_ONE_ALPHA = {"lost_bound", "enough_noise", "nearest_level"}
BY_ALPHAS = {name: equation for name, equation in BY_ALPHA.items() if name not in OF_ONE_ALPHA}


@pytest.mark.parametrize("equation", BY_ALPHAS.values(), ids=BY_ALPHAS)
def test_scalars_and_arrays_of_alpha_give_float64(equation):
    for alpha in (0.5, np.float32(0.5), np.array([0.5], np.float32)):
        result = equation(alpha)
        arrays = [
            leaf for leaf in leaves(result) if not isinstance(leaf, int)
        ]  # not the step count
        assert {np.asarray(leaf).dtype for leaf in arrays} == {np.dtype(np.float64)}
