"""The edge with momentum: derived again by SymPy, and against what runs do."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.equations import State
from rmsprop.equations.edge import KINDS
from rmsprop.experiments.rules import Adam, RMSpropRule

A, MU, Z = sympy.symbols("alpha mu z", positive=True)


def linearized(kind):
    """Return the edge and the characteristic polynomial of a step, from the rule alone."""
    w, b, v = sympy.symbols("w b v", positive=True)  # sizes; signs are those of the first half
    eta = sympy.Symbol("eta", positive=True)
    square = A * v + (1 - A) * w**2  # curvature 1, so that g = w
    root = sympy.sqrt(square)
    if kind == "average":
        buffer = -MU * b + (1 - MU) * w
        step = eta * buffer / root
    else:
        buffer = -MU * b + w / root
        step = eta * (MU * buffer + w / root if kind == "nesterov" else buffer)
    new = (step - w, buffer, square)  # sizes again: all signs have turned
    size = sympy.Symbol("size", positive=True)
    resting = {"average": size * (1 - MU) / (1 + MU)}.get(kind, 1 / (1 + MU))
    fixed = {w: size, b: resting, v: size**2}
    rate = sympy.solve((new[0] - w).subs(fixed), eta)[0]
    assert all(
        sympy.simplify((n - o).subs(fixed)) == 0 for n, o in zip(new[1:], (b, v), strict=True)
    )
    jacobian = sympy.Matrix(new).jacobian((w, b, v)).subs(fixed).subs(eta, rate)
    return sympy.simplify(rate / size), sympy.factor((Z * sympy.eye(3) - jacobian).det())


@pytest.mark.parametrize("kind", KINDS)
def test_edge_and_eigenvalues_are_those_of_the_linearized_rule(kind):
    edge, polynomial = linearized(kind)
    left = (Z + MU) * (Z + 1) * (Z - A)
    right = {
        "heavy ball": 2 * (1 + MU) * A * Z * (Z - 1),
        "nesterov": 2 * (1 + MU) / (1 + 2 * MU) * A * (Z - 1) * ((1 + MU) * Z + MU),
        "average": 2 * (A + MU) * Z * (Z - 1),
    }[kind]
    assert sympy.cancel(polynomial - (left - right)) == 0
    for mu, alpha in ((0.0, 0.9), (0.3, 0.5), (0.9, 0.999)):
        assert float(edge.subs(MU, mu)) == pytest.approx(float(equations.edge(mu, kind)), rel=1e-12)
        found = np.sort_complex(equations.cycle_eigenvalues(mu, alpha, kind))
        exact = np.roots(sympy.Poly((left - right).subs({MU: mu, A: alpha}), Z).all_coeffs())
        assert_allclose(found, np.sort_complex(exact.astype(complex)), atol=1e-7)


def test_without_momentum_it_is_the_ring_of_the_plain_rule():
    alpha = np.array([0.5, 0.9, 0.99])
    greatest = np.abs(equations.cycle_eigenvalues(0.0, alpha)).max(axis=-1)
    assert_allclose(greatest, equations.ring_down(alpha)[0], rtol=1e-12)


@pytest.mark.parametrize("kind", ["heavy ball", "average"])
@given(alpha=st.floats(0.05, 0.999))
def test_quiet_momentum_is_where_an_eigenvalue_leaves_the_circle(kind, alpha):
    threshold = equations.quiet_momentum(alpha, kind)
    at, below, above = (
        np.abs(equations.cycle_eigenvalues(threshold * part, alpha, kind)).max()
        for part in (1, 0.99, 1.01)
    )
    assert at == pytest.approx(1, abs=1e-9)
    assert below < 1 < above


def test_quiet_momentum_has_its_limits():
    alpha = 1 - 1e-9
    assert equations.quiet_momentum(alpha) == pytest.approx(np.sqrt(5) - 2, abs=1e-8)
    adam = equations.quiet_momentum(alpha, "average")
    assert adam == pytest.approx(3 - 2 * np.sqrt(2), abs=1e-8)


@given(mu=st.floats(0, 0.999), alpha=st.floats(0.001, 0.999))
def test_with_nesterovs_step_the_cycle_always_attracts(mu, alpha):
    assert np.abs(equations.cycle_eigenvalues(mu, alpha, "nesterov")).max() < 1
    assert equations.quiet_momentum(alpha, "nesterov") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_schur_and_cohn_give_the_condition(kind):
    """Of the three conditions on a cubic only one can fail, and it is the one in the book."""
    _, polynomial = linearized(kind)
    _, c2, c1, c0 = sympy.Poly(polynomial, Z).monic().all_coeffs()
    last = sympy.factor(1 - c0**2 - (c1 - c0 * c2))
    book = {
        "heavy ball": 1 - (1 + 3 * A) * MU - A * MU**2,
        "nesterov": (1 + (1 + 3 * A) * MU - (2 - A) * MU**2) / (1 + 2 * MU),
        "average": 1 - 3 * (1 + A) * MU + A * MU**2,
    }[kind]
    assert sympy.cancel(last - (1 - A) * book) == 0
    numbers = np.linspace(0.001, 0.999, 40)
    mu, a = np.meshgrid(numbers, numbers)
    for always in (1 + c2 + c1 + c0, 1 - c2 + c1 - c0):
        assert (sympy.lambdify((MU, A), always)(mu, a) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("curvature", [0.5, 30.0])
def test_a_run_comes_to_the_amplitude_and_the_edge(kind, curvature):
    mu, lr = 0.15, 0.02
    rule = (
        Adam(lr, mu, 0.9, 0.0)
        if kind == "average"
        else RMSpropRule(lr, 0.9, 0.0, mu, nesterov=kind == "nesterov")
    )
    w, state = np.array([lr / 2]), State.start((1,))
    for _ in range(20_000):
        w, state = rule.step(w, curvature * w, state)
    expected = lr / equations.edge(mu, kind)
    assert_allclose(np.abs(w), expected, rtol=1e-9)
    assert_allclose(lr * curvature / np.sqrt(state.square_avg), equations.edge(mu, kind), rtol=1e-9)


def test_what_is_not_a_kind_is_refused():
    for equation in (equations.edge, equations.quiet_momentum):
        with pytest.raises(ValueError, match=r"kind must be one of heavy ball, .* got 'heavy'"):
            equation(0.5, "heavy")
    with pytest.raises(ValueError, match=r"momentum must lie in \[0, 1\)"):
        equations.edge(1.0)
