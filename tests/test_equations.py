"""The equations against SciPy, PyTorch, exact rational sums and their own invariants."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import simpson
from scipy.signal import lfilter
from scipy.stats import norm

from rmsprop import equations
from rmsprop.equations import State
from rmsprop.experiments.steady_gradients import variance_error

EPSILON = np.finfo(np.float64).eps
ALPHAS = (0.0, 0.5, 0.9, 0.99, 0.999)

alphas = st.floats(0, 0.999)
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


SPREADS = (0.0, 1e-12, 1e-6, 1.0, 1e3)


def series(spreads=SPREADS):
    """Gradients around a level: constant, nearly constant or wild."""
    noise = st.lists(st.floats(-1, 1), min_size=1, max_size=40)
    return st.builds(
        lambda level, s, x: level + s * np.array(x), numbers, st.sampled_from(spreads), noise
    )


# --- the exponential moving average -----------------------------------------------------------


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("initial", [0.0, -3.0])
def test_iterated_average_equals_scipy_lfilter(alpha, initial):
    x = np.random.default_rng(0).normal(size=(3, 400))
    zi = np.full((3, 1), alpha * initial)
    expected, _ = lfilter([1 - alpha], [1, -alpha], x, zi=zi)
    assert_allclose(equations.iterate_average(x, alpha, initial), expected, rtol=0, atol=1e-13)


def test_iterated_average_of_many_alphas_starts_and_series_equals_each_alone():
    rng = np.random.default_rng(1)
    x, alpha, initial = rng.normal(size=(3, 20)), np.array(ALPHAS)[:, None], rng.normal(size=3)
    together = equations.iterate_average(x, alpha, initial)
    assert together.shape == (5, 3, 20)
    for i, j in np.ndindex(5, 3):
        alone = equations.iterate_average(x[j], ALPHAS[i], initial[j])
        assert_array_equal(together[i, j], alone)


def test_iterated_average_of_nothing_is_nothing():
    assert equations.iterate_average(np.empty((2, 0)), 0.9).shape == (2, 0)


@given(average=numbers, x=numbers, alpha=alphas)
def test_one_update_equals_torch_lerp_and_one_iteration(average, x, alpha):
    updated = equations.update_average(average, x, alpha)
    expected = torch.lerp(*torch.tensor([x, average], dtype=torch.float64), alpha)
    # Each side makes at most three rounding errors of half an epsilon, of the larger number.
    assert_allclose(updated, expected, rtol=0, atol=4 * EPSILON * max(abs(average), abs(x)))
    assert updated == equations.iterate_average([x], alpha, average)[0]


@given(x=st.lists(numbers, min_size=1, max_size=60), alpha=alphas)
def test_average_is_the_weighted_sum_of_the_past(x, alpha):
    newest_first = np.array(x[::-1])
    expected = equations.weights(alpha, len(x)) @ newest_first
    # At most two roundings per step, which the average forgets at the rate 1 - alpha.
    bound = 4 * EPSILON * np.abs(newest_first).max() / (1 - alpha)
    assert_allclose(equations.iterate_average(x, alpha)[-1], expected, rtol=0, atol=bound)


@given(alpha=alphas, n=st.integers(0, 500))
def test_weights_sum_to_one_less_what_is_forgotten(alpha, n):
    weights = equations.weights(alpha, n)
    assert_allclose(weights.sum(), 1 - alpha**n, rtol=0, atol=1e-13)
    assert np.all(np.diff(weights) <= 0)


def test_weights_of_many_alphas_have_the_ages_last():
    weights = equations.weights([[0.5], [0.9]], 3)
    assert_allclose(weights[1, 0], [0.1, 0.09, 0.081], rtol=1e-15 * 4)
    assert weights.shape == (2, 1, 3)


@pytest.mark.parametrize(("alpha", "steps"), [(0.9, "6.579"), (0.99, "68.97"), (0.999, "692.8")])
def test_half_life_has_its_known_value(alpha, steps):
    assert f"{equations.half_life(alpha):.4g}" == steps


@given(alpha=st.floats(1e-3, 0.999))
def test_weight_is_half_after_a_half_life(alpha):
    # The exponent amplifies the rounding of the half-life by ln 2 at most; alpha^t by t.
    assert_allclose(alpha ** equations.half_life(alpha), 0.5, rtol=8 * EPSILON)


def test_half_life_without_memory_is_zero():
    assert equations.half_life(0.0) == 0


@pytest.mark.parametrize("alpha", ALPHAS)
def test_window_is_the_mean_of_age_plus_one(alpha):
    n = 40_000
    expected = (np.arange(1, n + 1) * equations.weights(alpha, n)).sum()
    assert_allclose(equations.window(alpha), expected, rtol=1e-12)


def exact_sum_of_weights(alpha: float, t: int, power: int) -> float:
    exact = Fraction(alpha)
    return float(sum(((1 - exact) * exact**k) ** power for k in range(t)))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("t", [0, 1, 2, 7, 40])
def test_bias_and_variance_equal_exact_sums_of_the_weights(alpha, t):
    mean, variance = (exact_sum_of_weights(alpha, t, power) for power in (1, 2))
    assert_allclose(equations.mean_factor(alpha, t), mean, rtol=0, atol=2 * EPSILON)
    assert_allclose(equations.variance_factor(alpha, t), variance, rtol=0, atol=2 * EPSILON)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_variance_tends_to_the_sum_of_all_squared_weights(alpha):
    expected = (equations.weights(alpha, 40_000) ** 2).sum()
    assert_allclose(equations.variance_factor(alpha), expected, rtol=1e-12)
    assert equations.mean_factor(alpha, np.inf) == 1


@pytest.mark.parametrize(("alpha", "samples"), [(0, 1), (0.9, 19), (0.99, 199), (0.999, 1999)])
def test_effective_samples_have_their_known_value(alpha, samples):
    assert_allclose(equations.effective_samples(alpha), samples, rtol=1e-12)


def test_bias_and_variance_broadcast_steps_against_alphas():
    alpha, t = np.array([0.5, 0.9])[:, None], np.arange(4)
    assert equations.mean_factor(alpha, t).shape == equations.variance_factor(alpha, t).shape
    assert_allclose(equations.mean_factor(alpha, t)[1], [0, 0.1, 0.19, 0.271], rtol=1e-14)


# --- Gaussian, periodic and constant gradients ------------------------------------------------


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_cumulants_are_those_of_a_weighted_sum_of_chi_squares(alpha, order):
    # The first four cumulants of one squared Gaussian, from its raw moments 1, 3, 15, 105.
    single = {1: 1, 2: 3 - 1, 3: 15 - 9 + 2, 4: 105 - 60 - 27 + 36 - 6}[order]
    expected = single * (equations.weights(alpha, 40_000) ** order).sum()
    assert_allclose(equations.average_cumulant(alpha, order), expected, rtol=1e-11)


@pytest.mark.parametrize(("alpha", "skewness"), [(0.9, 0.8644), (0.99, 0.2673)])
def test_skewness_has_its_known_value(alpha, skewness):
    variance, third = equations.average_cumulant(alpha, [2, 3])
    assert round(float(third / variance**1.5), 4) == skewness


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
def test_distribution_has_the_moments_that_the_cumulants_say(alpha):
    x = np.linspace(0, 45 * (1 - alpha) + 3, 1_501)
    above = 1 - equations.average_distribution(x, alpha)
    mean = simpson(above, x=x)
    variance = simpson(2 * x * above, x=x) - mean**2
    assert_allclose(mean, 1, rtol=1e-8)
    assert_allclose(variance, equations.average_cumulant(alpha, 2), rtol=1e-7)


def test_distribution_near_one_is_that_of_edgeworth():
    # Edgeworth's expansion to the order of the skewness: the rest is of the order of 1/n.
    alpha, z = 0.9999, np.linspace(-2, 2, 9)
    variance, third = equations.average_cumulant(alpha, [2, 3])
    skewness = third / variance**1.5
    expected = norm.cdf(z) - skewness / 6 * (z**2 - 1) * norm.pdf(z)
    computed = equations.average_distribution(1 + z * np.sqrt(variance), alpha)
    assert_allclose(computed, expected, rtol=0, atol=1e-4)
    assert np.abs(computed - norm.cdf(z)).max() > 5e-4


def test_distribution_agrees_with_a_simulation():
    rng, alpha, n = np.random.default_rng(6), 0.5, 200_000
    average = equations.weights(alpha, 60) @ rng.standard_normal((60, n)) ** 2
    x = np.array([0.1, 0.3, 1.0, 3.0])
    p = equations.average_distribution(x, alpha)
    share = (average <= x[:, None]).mean(axis=1)
    assert_allclose((share - p) / np.sqrt(p * (1 - p) / n), 0, atol=4)


@pytest.mark.parametrize("alpha", [0.49, 1.0, -0.5, np.nan])
def test_distribution_names_an_alpha_that_it_cannot_integrate(alpha):
    with pytest.raises(ValueError, match=r"alpha must lie in \[0.5, 1\), got"):
        equations.average_distribution(1.0, alpha)


@given(
    grads=st.lists(st.floats(-10, 10), min_size=1, max_size=12),
    alpha=st.floats(0, 0.99),
)
def test_settled_average_is_where_repeating_the_gradients_leads(grads, alpha):
    periods = int(40 / -np.log(max(alpha, 1e-9)) / len(grads)) + 2
    squares = np.square(grads)
    expected = equations.iterate_average(np.tile(squares, periods), alpha)[-len(grads) :]
    bound = 8 * EPSILON * squares.max() / (1 - alpha)
    settled = equations.settled_square_avg(grads, alpha)
    assert_allclose(settled, expected, rtol=0, atol=bound + 1e-16)


@pytest.mark.parametrize(
    ("alpha", "drift"), [(0.5, 4.2736), (0.9, 0.67950), (0.99, 0.066711), (0.999, 0.0066670)]
)
def test_nine_and_one_has_its_known_drift(alpha, drift):
    grads = np.array([0.1] * 9 + [-0.9])
    average = equations.settled_square_avg(grads, alpha)
    assert_allclose((grads / np.sqrt(average)).sum(), drift, rtol=2e-5)


@pytest.mark.parametrize(("alpha", "atol"), [(0.5, 2e-4), (0.9, 1e-5), (0.99, 3e-7), (0.999, 1e-8)])
def test_excess_displacement_is_the_sum_of_the_first_steps(alpha, atol):
    steps = 1 / np.sqrt(1 - alpha ** np.arange(1.0, 45_000))
    expected = math.fsum(steps - 1)
    assert_allclose(equations.excess_displacement(alpha), expected, rtol=0, atol=atol)


@given(
    alpha=st.floats(0.5, 0.999),
    ratio=st.floats(1.5, 1e3),
    length=st.integers(1, 50),
    share=st.floats(0.1, 0.95),
)
def test_step_is_back_to_its_share_after_the_burst_memory(alpha, ratio, length, share):
    steps = equations.burst_memory(alpha, ratio, length, share)
    raised = equations.iterate_average(np.full(length, ratio**2), alpha, 1.0)[-1] - 1
    step = 1 / np.sqrt(1 + raised * alpha**steps)
    assert step >= share * (1 - 1e-9)
    if steps > 0:
        assert_allclose(step, share, rtol=1e-9)


# --- the centered variance --------------------------------------------------------------------


def iterate_variance(grads, alpha):
    mean, variance, variances = 0.0, 0.0, []
    for grad in grads:
        mean, variance = equations.update_variance(mean, variance, grad, alpha)
        variances.append(variance)
    return np.array(variances)


@given(grads=series(), alpha=alphas)
def test_centered_variance_is_the_mean_square_less_the_squared_mean(grads, alpha):
    naive = (
        equations.iterate_average(grads**2, alpha) - equations.iterate_average(grads, alpha) ** 2
    )
    # Let u = eps / 2 and G = max g^2. A step errs by 4uG in the average of squares and by
    # 3u sqrt(G) in that of g; averages forget at the rate 1 - alpha, so v - m^2 errs by
    # (4 + 6 + 2) uG / (1 - alpha). In the recursion d errs by 9u sqrt(G) / (1 - alpha), its square
    # by 4 sqrt(G) times that, and rounding adds less than 16 uG / (1 - alpha). In all 32 eps G.
    bound = 32 * EPSILON * (grads**2).max() / (1 - alpha)
    assert_allclose(iterate_variance(grads, alpha), naive, rtol=0, atol=bound)


@given(grads=series(SPREADS[:4]), alpha=alphas)
def test_centered_variance_is_never_negative(grads, alpha):
    assert np.all(iterate_variance(grads, alpha) >= 0)


@pytest.mark.parametrize(("dtype", "spread"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_difference_of_averages_turns_negative_where_the_recursion_does_not(dtype, spread):
    rng, alpha = np.random.default_rng(2), dtype(0.9)
    mean = square = np.zeros(1000, dtype)
    stable = (np.zeros(1000), np.zeros(1000))
    lowest = np.inf
    for _ in range(500):  # 0.9^500 is 1e-23: nothing is left of the start
        grad = (1 + spread * rng.normal(size=1000)).astype(dtype)
        mean = alpha * mean + (1 - alpha) * grad
        square = alpha * square + (1 - alpha) * grad**2
        stable = equations.update_variance(*stable, grad.astype(np.float64), 0.9)
        lowest = min(lowest, (square - mean**2).min())
        assert stable[1].min() >= 0
    assert lowest < 0
    expected = spread**2 * (1 - equations.variance_factor(0.9))
    assert_allclose(stable[1].mean(), expected, rtol=0.05)  # 1.4 % is one standard deviation


@given(alpha=st.floats(0.05, 0.999), grad=st.floats(1e-3, 1e3), sign=st.sampled_from([-1, 1]))
def test_constant_gradient_makes_the_steps_of_its_formula(alpha, grad, sign):
    state, t = State.start(()), 0
    # Below a variance of 1e-8 of v, the deviation g - m has lost half of its digits.
    while t < 400 and alpha**t > 1e-8:
        t += 1
        moved, state = equations.step(
            0.0, sign * grad, state, lr=1.0, alpha=alpha, eps=0.0, centered=True
        )
        assert_allclose(-sign * moved, equations.constant_gradient_step(alpha, t), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99, 0.999])
def test_shortest_step_for_a_constant_gradient_is_two_at_the_half_life(alpha):
    t = equations.half_life(alpha)
    assert_allclose(equations.constant_gradient_step(alpha, t), 2, rtol=1e-12)
    assert np.all(equations.constant_gradient_step(alpha, t * np.array([0.9, 1.1])) > 2)


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("noise", [0.0, 0.1, 3.0])
def test_mean_of_the_variance_is_that_of_many_chains(alpha, noise):
    rng, steps, chains = np.random.default_rng(7), 60, 40_000
    grads = 1 + noise * rng.standard_normal((chains, steps))
    variance = iterate_variance(grads.T, alpha)
    expected = equations.expected_grad_var(alpha, np.arange(1, steps + 1), noise)
    error = variance.std(axis=1) / chains**0.5
    assert np.all(np.abs(variance.mean(axis=1) - expected) <= 5 * error + 1e-12)


def test_rounded_weights_are_those_of_float32():
    alphas = np.array([0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999])
    for alpha, bias in zip(alphas, equations.rounding_bias(alphas), strict=True):
        kept, new = np.float64(np.float32(alpha)), np.float64(np.float32(1 - alpha))
        assert bias == new / (1 - kept) - 1


@pytest.mark.parametrize("noise", [1e-2, 1e-3])
@pytest.mark.parametrize("alpha", [0.8, 0.9, 0.95, 0.98, 0.99])
def test_rounding_of_torch_in_float32_has_the_bias_and_the_spread_predicted(alpha, noise):
    error = variance_error(alpha, noise=noise, parameters=4000)
    spread = equations.rounding_spread(alpha)
    assert_allclose(error.std(), spread, rtol=0.1)
    assert abs(error.mean() - equations.rounding_bias(alpha)) < 0.15 * spread


# --- the update rule --------------------------------------------------------------------------

OPTIONS = [
    dict(zip(("centered", "momentum", "weight_decay", "maximize", "eps"), values, strict=True))
    for values in itertools.product(
        (False, True), (0.0, 0.9), (0.0, 0.1), (False, True), (0.0, 1e-8, 1e-2)
    )
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_step_equals_torch_with_every_combination_of_options(options):
    rng = np.random.default_rng(3)
    param, grads = rng.normal(size=16), rng.normal(size=(30, 16))
    weight = torch.nn.Parameter(torch.from_numpy(param.copy()))
    optimizer = torch.optim.RMSprop([weight], lr=0.01, alpha=0.9, **options)
    state = State.start(param.shape)
    # Gradients that scatter around 0 keep v - m^2 within a thousandth of v; torch loses no more
    # than three digits to the subtraction.
    rtol = 1e-11 if options["centered"] else 1e-13
    for grad in grads:
        weight.grad = torch.from_numpy(grad)
        optimizer.step()
        param, state = equations.step(param, grad, state, lr=0.01, alpha=0.9, **options)
        assert_allclose(param, weight.detach(), rtol=0, atol=rtol)
    theirs = {name: value.numpy() for name, value in optimizer.state[weight].items()}
    if options["centered"]:
        variance = theirs["square_avg"] - theirs["grad_avg"] ** 2
        assert_allclose(state.grad_avg, theirs["grad_avg"], rtol=0, atol=1e-14)
        assert_allclose(state.grad_var, variance, rtol=rtol)
    else:
        assert_allclose(state.square_avg, theirs["square_avg"], rtol=1e-14)
    if options["momentum"]:
        assert_allclose(state.momentum_buffer, theirs["momentum_buffer"], rtol=0, atol=100 * rtol)


@given(grads=st.lists(numbers, min_size=1, max_size=40), alpha=alphas, lr=st.floats(1e-6, 10))
def test_no_step_is_longer_than_the_largest(grads, alpha, lr):
    state, bound = State.start(()), equations.largest_step(alpha, lr)
    for grad in grads:
        moved, state = equations.step(0.0, grad, state, lr=lr, alpha=alpha, eps=1e-30)
        assert abs(moved) <= bound * (1 + 4 * EPSILON)


@given(alpha=alphas, grad=st.floats(1e-6, 1e6), silence=st.integers(0, 5))
def test_first_step_is_the_largest_even_after_silence(alpha, grad, silence):
    state = State.start(())
    for _ in range(silence):
        _, state = equations.step(0.0, 0.0, state, alpha=alpha)
    moved, _ = equations.step(0.0, grad, state, lr=1.0, alpha=alpha, eps=0.0)
    assert_allclose(-moved, equations.largest_step(alpha), rtol=4 * EPSILON)


@given(
    grads=st.lists(st.floats(0.1, 10), min_size=1, max_size=20),
    alpha=st.floats(0.1, 0.999),
    exponent=st.integers(-60, 60),
    centered=st.booleans(),
)
def test_without_eps_the_scale_of_the_gradient_does_not_matter(grads, alpha, exponent, centered):
    ends = []
    for scale in (1.0, 2.0**exponent):  # a power of two, so that scaling rounds nothing
        param, state = 1.0, State.start(())
        for grad in grads:
            param, state = equations.step(
                param, scale * grad, state, alpha=alpha, eps=0.0, momentum=0.5, centered=centered
            )
        ends.append(param)
    assert ends[0] == ends[1]


@pytest.mark.parametrize("centered", [False, True])
def test_step_of_many_settings_equals_each_alone(centered):
    rng = np.random.default_rng(4)
    settings = {
        "lr": [0.1, 0.01, 1.0],
        "alpha": [0.5, 0.9, 0.99],
        "eps": [1e-8, 0.0, 1.0],
        "weight_decay": [0.0, 0.1, 0.2],
        "momentum": [0.0, 0.9, 0.5],
    }
    start, grads = rng.normal(size=(4, 3)), rng.normal(size=(10, 4, 3))
    together, state = start, State.start((4, 3))
    for grad in grads:
        together, state = equations.step(together, grad, state, **settings, centered=centered)
    for run in range(3):
        alone, state = start[:, run], State.start((4,))
        for grad in grads[..., run]:
            alone, state = equations.step(
                alone, grad, state, centered=centered, **{k: v[run] for k, v in settings.items()}
            )
        assert_array_equal(together[:, run], alone)


@pytest.mark.parametrize("centered", [False, True])
def test_one_scalar_parameter_takes_a_list_of_settings(centered):
    param, state = 1.0, State.start(())
    for grad in (1.0, -2.0):
        param, state = equations.step(
            param, grad, state, lr=[0.1, 0.2], momentum=[0.0, 0.9], eps=[0.0, 1.0],
            weight_decay=[0.0, 0.1], centered=centered,
        )  # fmt: skip
    assert param.shape == (2,)


@pytest.mark.parametrize("centered", [False, True])
def test_step_changes_none_of_its_arguments(centered):
    param, grad, state = np.ones(2), np.ones(2), State.start((2,))
    equations.step(param, grad, state, momentum=0.9, weight_decay=0.1, centered=centered)
    assert_array_equal(param, 1)
    assert_array_equal(grad, 1)
    for buffer in state[:4]:
        assert_array_equal(buffer, 0)


def test_effective_rate_times_gradient_is_the_step():
    rng = np.random.default_rng(5)
    grad = rng.normal(size=50)
    moved, state = equations.step(np.zeros(50), grad, State.start((50,)), lr=0.3, eps=0.01)
    rate = equations.effective_rate(state.square_avg, lr=0.3, eps=0.01)
    assert_allclose(rate * grad, -moved, rtol=4 * EPSILON)


@pytest.mark.parametrize("eps_in_sqrt", [False, True])
@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 1.1, 3.0])
def test_parabola_ends_in_the_cycle_that_eps_leaves(part, alpha, eps_in_sqrt):
    curvature, lr = 3.0, 0.02
    eps = part * ((lr * curvature) ** 2 / 4 if eps_in_sqrt else lr * curvature / 2)
    expected = equations.cycle_amplitude(curvature, lr, eps, eps_in_sqrt=eps_in_sqrt)
    w = 1.01 * expected if expected else np.array(0.5 * lr)
    state = State.start(())._replace(square_avg=(curvature * w) ** 2)
    for _ in range(6000):
        w, state = equations.step(
            w, curvature * w, state, lr=lr, alpha=alpha, eps=eps, eps_in_sqrt=eps_in_sqrt
        )
    assert (expected == 0) == (part > 1)
    assert_allclose(abs(w), expected, rtol=1e-9, atol=1e-12)


# --- all of them ------------------------------------------------------------------------------

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
    "constant_gradient_step": lambda alpha: equations.constant_gradient_step(alpha, 3),
    "expected_grad_var": lambda alpha: equations.expected_grad_var(alpha, 3, 0.1),
    "rounding_bias": equations.rounding_bias,
    "rounding_spread": equations.rounding_spread,
    "corrected_alpha": lambda alpha: equations.corrected_alpha(alpha, 3),
    "step": lambda alpha: equations.step(1.0, 1.0, State.start(()), alpha=alpha),
    "centered step": lambda alpha: equations.step(
        1.0, 1.0, State.start(()), alpha=alpha, centered=True
    ),
    "largest_step": equations.largest_step,
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
    "effective_rate": lambda x: equations.effective_rate(x, lr=0.1),
    "largest_step": lambda x: equations.largest_step(0.9, x),
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


@pytest.mark.parametrize("equation", BY_ALPHA.values(), ids=BY_ALPHA)
def test_scalars_and_arrays_of_alpha_give_float64(equation):
    for alpha in (0.5, np.float32(0.5), np.array([0.5], np.float32)):
        result = equation(alpha)
        arrays = [
            leaf for leaf in leaves(result) if not isinstance(leaf, int)
        ]  # not the step count
        assert {np.asarray(leaf).dtype for leaf in arrays} == {np.dtype(np.float64)}


# --- in a valley, and on a saddle -------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("angle", [0.2, -0.6, np.pi / 4, 1.2, 2.5])
def test_floor_rate_is_that_of_a_run_in_a_narrow_valley(angle, alpha):
    condition = 1e5
    c, s = np.cos(angle), np.sin(angle)
    floor, wall = np.array([c, s]), np.array([-s, c])
    hessian = np.outer(floor, floor) + condition * np.outer(wall, wall)
    w, state, along = floor, State.start((2,)), []
    for _ in range(6001):
        w, state = equations.step(w, hessian @ w, state, lr=0.01, alpha=alpha, eps=0.0)
        along.append(w @ floor)
    middle = (np.array(along[1:]) + along[:-1]) / 2
    measured = np.log(middle[3000] / middle[6000 - 1]) / (6000 - 1 - 3000)
    assert_allclose(measured, equations.floor_rate(condition, angle, alpha), rtol=2e-3)


def test_floor_rate_at_45_degrees_is_gradient_descents_times_the_factor_of_alpha():
    conditions = np.array([1.0, 10.0, 1e4])
    rate = equations.floor_rate(conditions, np.pi / 4, 0.9)
    assert_allclose(rate, 1.8 / 1.9 * 2 / conditions, rtol=1e-14)


@pytest.mark.parametrize(("curvature", "lr", "noise"), [(0.1, 0.01, 0.1), (1.0, 0.05, 2.0)])
def test_escape_time_is_when_half_of_many_chains_are_farther_out(curvature, lr, noise):
    rng = np.random.default_rng(0)
    t = round(equations.escape_time(1.0, curvature, lr, noise).item())
    y = np.zeros(20_000)
    for _ in range(t):
        y += lr * (curvature * y + noise * rng.standard_normal(y.size))
    assert_allclose((np.abs(y) > 1).mean(), 0.5, atol=0.015)


def test_escape_time_inverts_the_spread_that_the_recursion_grows():
    variance, growth = 0.0, 1 + 0.02 * 0.3
    for _ in range(500):
        variance = growth**2 * variance + (0.02 * 1.5) ** 2
    quartile = 0.6744897501960817 * np.sqrt(variance)
    assert_allclose(equations.escape_time(quartile, 0.3, 0.02, 1.5), 500, rtol=1e-11)
