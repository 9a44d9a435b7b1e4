"""Divisors and orders: against torch's optimizer, a plain loop, and what each order promises."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.experiments.divisors import DIVISORS, ORDERS, batches, drifts, settle


def sequence(order, count=6):
    rows = batches(order, 7, 2, np.random.default_rng(0))
    return [next(rows) for _ in range(count)]


def test_an_epoch_has_every_example_once():
    for order in ("reshuffled", "fixed"):
        epoch = np.concatenate(sequence(order, 3))
        assert len(set(epoch.tolist())) == 6


def test_fixed_batches_return_and_reshuffled_ones_do_not():
    fixed, again = np.split(np.array(sequence("fixed")), 2)
    assert (fixed == again).all()
    first, second = np.split(np.array(sequence("reshuffled")), 2)
    assert (first != second).any()


def test_independent_examples_may_come_twice():
    rows = batches("independent", 3, 4, np.random.default_rng(0))
    assert len(set(next(rows).tolist())) < 4


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="independent, reshuffled, fixed"):
        next(batches("sorted", 3, 1, np.random.default_rng(0)))


class Noisy:
    """A parabola whose minimum every example has elsewhere."""

    minima = np.array([[0.0, 3.0], [1.0, -1.0], [2.0, 0.5]])

    def gradient(self, points, rows):
        return points - self.minima[rows].mean(axis=0)


def test_the_current_average_is_torchs_rule_at_a_falling_rate():
    problem, steps = Noisy(), 30
    order = batches("fixed", 3, 1, np.random.default_rng(0))
    end = settle(
        problem.gradient, [0.5, 0.5], order, rates=[0.1], alphas=[0.9], steps=steps, before=3
    )
    w = torch.nn.Parameter(torch.full((2,), 0.5, dtype=torch.float64))
    optimizer = torch.optim.RMSprop([w], lr=0.1, alpha=0.9, eps=0.0)
    again = batches("fixed", 3, 1, np.random.default_rng(0))
    start = np.full((1, 2), 0.5)
    squares = [problem.gradient(start, next(again))[0] ** 2 for _ in range(3)]
    optimizer.state[w] = {
        "step": torch.tensor(0.0),
        "square_avg": torch.tensor(np.mean(squares, axis=0)),
    }
    for t in range(steps):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - t / steps)
        w.grad = torch.tensor(problem.gradient(w.detach().numpy()[None], next(again))[0])
        optimizer.step()
    assert_allclose(end[DIVISORS.index("current"), 0, 0], w.detach(), rtol=1e-9)


def test_divisors_differ_and_runs_do_not_know_of_each_other():
    problem = Noisy()

    def ends(**options):
        order = batches("reshuffled", 3, 1, np.random.default_rng(1))
        return settle(problem.gradient, [0.5, 0.5], order, steps=200, **options)

    together = ends(rates=[0.05, 0.1], alphas=[0.5, 0.9])
    alone = ends(rates=[0.1], alphas=[0.9], divisors=["lagged"])
    assert_allclose(together[1, 1, 1], alone[0, 0, 0], rtol=1e-12)
    assert len(np.unique(together.round(9), axis=0)) == 3


NINE = np.array([0.1] * 9 + [-0.9])


@pytest.mark.parametrize("order", ORDERS)
def test_drifts_are_those_of_their_order_to_first_order(order):
    unit = 0.01 * 10 * 0.072 / (2 * 0.09**1.5)
    found = drifts(NINE, 0.99, order, epochs=200, seeds=300)
    for name, lagged in (("current", False), ("lagged", True)):
        said = -unit * equations.order_share(0.99, 10, order, lagged=lagged)
        assert found[name].mean() == pytest.approx(float(said), abs=0.06 * unit)
    assert found["greatest"].mean() == pytest.approx(0, abs=0.06 * unit)


def test_a_fixed_drift_is_the_equations():
    trap = np.array([3.0, -1.0, -1.0])
    found = drifts(trap, 0.3, "fixed", epochs=100, seeds=1)["current"]
    assert_allclose(found, equations.drift(trap, 0.3), rtol=1e-9)
