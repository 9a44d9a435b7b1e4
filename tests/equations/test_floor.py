"""The floor: its derivation by SymPy, exact second moments, and duality of the maximal cut."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import solve_discrete_lyapunov

from rmsprop import equations
from rmsprop.equations import State
from rmsprop.experiments.floors import random_hessian


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_floor_follows_from_three_means_that_stand_still(nesterov):
    """Eliminate from w'Rw, w'Rb and b'Rb, R the root of v, as the book does by hand."""
    eta, mu, gg, bb, wb, bg, wg, ww = sympy.symbols("eta mu gg bb wb bg wg ww")
    # The step: b' = mu b + u with u = g / R, w' = w - eta (b' or mu b' + u); products with R.
    new_bb = mu**2 * bb + 2 * mu * bg + gg
    w_new_b, new_b_g = mu * wb + wg, mu * bg + gg
    if nesterov:
        along, length = mu * w_new_b + wg, mu**2 * new_bb + 2 * mu * new_b_g + gg
        new_wb = w_new_b - eta * (mu * new_bb + new_b_g)
    else:
        along, length, new_wb = w_new_b, new_bb, w_new_b - eta * new_bb
    standing = [new_bb - bb, new_wb - wb, -2 * eta * along + eta**2 * length]
    (found,) = sympy.solve(standing, (wg, wb, bg), dict=True)
    book = (1 + mu) * bb if not nesterov else mu * (1 + mu) * bb + gg
    # Half of w'g is the loss above the minimum.
    assert sympy.simplify(found[wg] / 2 - eta / 4 * book) == 0
    assert ww not in found[wg].free_symbols


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("mu", [0.0, 0.3, 0.9])
@given(seed=st.integers(0, 1000), lr=st.floats(0.001, 0.1))
@settings(max_examples=20, deadline=None)
def test_it_is_exact_where_v_is_constant(nesterov, mu, seed, lr):
    """Second moments of a linear map with noise, by Lyapunov's equation."""
    n = 4
    rng = np.random.default_rng(seed)
    h, noise = random_hessian(n, seed) + 0.1 * np.eye(n), rng.standard_normal((n, n))
    root = rng.uniform(1, 2, n)
    u_of_w = h / root[:, None]
    identity = np.eye(n)
    of_g = mu + 1 if nesterov else 1.0
    of_b = mu**2 if nesterov else mu
    step = np.block(
        [[identity - lr * of_g * u_of_w, -lr * of_b * identity], [u_of_w, mu * identity]]
    )
    kick = np.vstack([-lr * of_g * identity, identity]) / root @ noise
    moments = solve_discrete_lyapunov(step, kick @ kick.T)
    loss = np.trace(h @ moments[:n, :n]) / 2
    square = np.diag(h @ moments[:n, :n] @ h + noise @ noise.T)
    buffer = np.diag(moments[n:, n:])
    # The divisor is held constant here; the mean square stands where its root would be.
    if nesterov:
        floor = lr / 4 * (mu * (1 + mu) * root @ buffer + (square / root).sum())
    else:
        floor = lr / 4 * ((square / root).sum() if mu == 0 else (1 + mu) * root @ buffer)
    assert_allclose(loss, floor, rtol=1e-9)


def test_state_floor_is_the_sum_for_every_run():
    v, b = np.array([[1.0, 4.0], [9.0, 16.0]]), np.array([[1.0, 2.0], [0.5, 0.0]])
    assert_allclose(equations.state_floor(v, [0.1, 0.2]), [0.075, 0.35])
    heavy = equations.state_floor(v, 0.1, momentum=0.5, momentum_buffer=b)
    assert_allclose(heavy, 0.1 * 1.5 / 4 * np.array([1 + 8, 0.75]))
    ahead = equations.state_floor(v, 0.1, momentum=0.5, momentum_buffer=b, nesterov=True)
    assert_allclose(ahead, 0.1 / 4 * (0.75 * np.array([9, 0.75]) + np.array([3, 7])))
    assert_allclose(equations.state_floor(v[0], 0.1, 1.0), 0.025 * (1 / 2 + 4 / 3))
    inside = equations.state_floor(v[0], 0.1, 5.0, eps_in_sqrt=True)
    assert_allclose(inside, 0.025 * (1 / np.sqrt(6) + 4 / 3))
    assert equations.state_floor([0.0], 0.1) == 0


@given(st.floats(0.01, 10), st.floats(0.01, 10), st.floats(-0.99, 0.99))
def test_in_the_plane_it_has_a_closed_form(first, second, part):
    mixed = part * np.sqrt(first * second)
    solved = equations.max_cut([[first, mixed], [mixed, second]])
    closed = first + second + 2 * abs(mixed)
    assert_allclose([solved.value, solved.bound], closed, rtol=1e-9)
    assert_allclose(solved.diagonal, [first + abs(mixed), second + abs(mixed)], rtol=1e-8)


@pytest.mark.parametrize("n", [3, 12, 40])
def test_the_gap_closes_and_the_dual_is_feasible(n):
    for seed in range(4):
        h = random_hessian(n, seed)
        solved = equations.max_cut(h)
        assert_allclose(np.linalg.norm(solved.vectors, axis=1), 1, rtol=1e-12)
        gram = solved.vectors @ solved.vectors.T
        assert solved.value == pytest.approx((h * gram).sum(), rel=1e-12)
        assert solved.value <= solved.bound * (1 + 1e-12) <= solved.value * (1 + 2e-9)
        assert solved.bound == pytest.approx(solved.diagonal.sum(), rel=1e-12)
        least = np.linalg.eigvalsh(np.diag(solved.diagonal) - h)[0]
        assert least >= -1e-9 * np.abs(h).max()


def test_of_one_factor_it_is_the_square_of_the_sum():
    factor = np.array([1.0, -2.0, 3.0, 0.0])
    solved = equations.max_cut(np.outer(factor, factor))
    assert_allclose([solved.value, solved.bound], 36, rtol=1e-9)
    assert solved.diagonal[3] == 0


def test_no_choice_of_signs_exceeds_it_and_grothendieck_bounds_it():
    for seed in range(5):
        h = random_hessian(8, seed)
        signs = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
        best = np.einsum("ik,ij,jk->k", signs, h, signs).max()
        value = equations.max_cut(h).value
        assert best <= value * (1 + 1e-9)
        assert value <= np.pi / 2 * best  # Nesterov (1998)


def test_without_curvature_nothing_is_cut():
    assert equations.max_cut(np.zeros((3, 3)))[:2] == (0, 0)


def test_what_has_no_floor_is_refused():
    with pytest.raises(ValueError, match="must be a symmetric matrix"):
        equations.max_cut([[1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="must be of a minimum"):
        equations.max_cut([[-1.0, 0.0], [0.0, 1.0]], sweeps=30)


@pytest.mark.parametrize("seed", range(6))
def test_a_run_on_a_quadratic_ends_at_the_cut_floor(seed):
    """Exactly where the cut has rank 1, a cycle of two points; within 2% elsewhere."""
    n, lr = 6, 1e-2
    h = random_hessian(n, seed)
    solved = equations.max_cut(h)
    second = np.linalg.svd(solved.vectors)[1][1]
    w, state = np.full(n, lr), State.start((n,))
    losses = []
    for _ in range(40_000):
        losses.append(w @ h @ w / 2)
        w, state = equations.step(w, h @ w, state, lr=lr, alpha=0.99, eps=0.0)
    floor = equations.cut_floor(solved.value, lr)
    exact = second < 1e-3
    assert_allclose(np.mean(losses[-10_000:]), floor, rtol=1e-6 if exact else 0.02)


def test_cut_floor_of_one_parameter_is_that_of_the_cycle():
    for mu in (0.0, 0.2):
        amplitude = 0.1 / equations.edge(mu)
        floor = equations.cut_floor(equations.max_cut([[3.0]]).value, 0.1, mu)
        assert_allclose(floor, 3.0 * amplitude**2 / 2, rtol=1e-12)
