"""Decoupled decay: the box against a solver, the moments by SymPy and by simulation."""

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.experiments.decayed import pulled
from rmsprop.experiments.noisy_weights import held_moments
from rmsprop.experiments.rules import RMSpropRule


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("decay", [0.5, 1.0, 4.0])
def test_box_distance_is_zero_at_the_solution_and_nowhere_near_it(seed, decay):
    problem = pulled(12, decay, seed)
    assert 0 < (np.abs(problem.boxed) == 1 / decay).sum() < 12
    at = equations.box_distance(problem.boxed, problem.gradient(problem.boxed), decay)
    assert at < 1e-6
    rng = np.random.default_rng(seed)
    near = problem.boxed + 0.1 * rng.standard_normal((20, 12))
    assert np.all(equations.box_distance(near, problem.gradient(near), decay) > 0.003)


def test_outside_the_box_the_distance_is_at_least_that_from_it():
    assert equations.box_distance([3.0], [-1.0], 1.0) == 2


def test_spread_follows_from_what_one_gradient_does_now_and_through_the_average():
    """Sum the squares of a weight's responses, direct and through v, as the book does by hand."""
    r, c = sympy.symbols("r c", positive=True)  # time in units of 1/(eta lambda)
    through = c / (c - 1)  # times exp(-s) - exp(-c s); the direct one is exp(-s)
    held = r**2 / (1 + r**2)

    def square(slow, fast):
        """Integrate (slow exp(-s) + fast exp(-c s))^2 over s."""
        return slow**2 / 2 + 2 * slow * fast / (1 + c) + fast**2 / (2 * c)

    # Responses to xi, and to xi^2 - 1 of variance 2, in units of eta sigma / root of V.
    to_square = through * r / (2 * (1 + r**2))
    total = square(1 - through * held, through * held) + 2 * square(to_square, -to_square)
    share = c / (1 + c)
    book = (1 - share * r**2 * (sympy.Rational(3, 2) + r**2) / (1 + r**2) ** 2) / 2
    assert sympy.simplify(total - book) == 0
    alone = equations.decay_moments(1.5, lr=0.01, alpha=0.99, weight_decay=0.5).variance
    value = book.subs({r: sympy.Rational(3, 2), c: 2}) / (1 + 1.5**2) * 0.01 / 0.5
    assert float(alone) == pytest.approx(float(value))


def test_short_and_long_memory_are_the_two_ends():
    r = np.array([0.0, 0.5, 1.0, 3.0])
    base = 0.01 / (2 * 0.1)
    short = equations.decay_moments(r, lr=1e-9, alpha=0.5, weight_decay=1e8 * 1e-9).variance
    long = equations.decay_moments(r, lr=0.01, alpha=1 - 1e-12, weight_decay=0.1).variance
    assert_allclose(short * 0.01 / 1e-9, base * (1 + r**2 / 2) / (1 + r**2) ** 3, rtol=1e-6)
    assert_allclose(long, base / (1 + r**2), rtol=1e-6)


def test_moments_are_those_of_simulated_weights():
    ratio, alpha = (x.ravel() for x in np.meshgrid([0, 0.5, 1, 2, 4], [0.99, 0.999]))
    options = {"alpha": alpha, "weight_decay": np.full(10, 0.2)}
    rule = RMSpropRule(
        np.full(10, 0.01),
        eps=0.0,
        bias_correction=True,
        decoupled_weight_decay=True,
        **options,
    )
    seen = held_moments(ratio, rule, steps=8000, chains=300, seed=4)
    expected = equations.decay_moments(ratio, lr=0.01, **options)
    spread = np.sqrt(expected.variance)
    assert_allclose(np.sqrt(seen.variance), spread, rtol=0.04)
    assert np.all(np.abs(seen.mean - expected.mean) < 0.12 * spread)
