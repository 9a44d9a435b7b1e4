"""At what loss students hover without noise, against the floor by the state and by the Hessian."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations import cut_floor, max_cut
from rmsprop.experiments.floors import hover
from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.sharpness import hessian
from rmsprop.experiments.students import student_loss
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import at_given_rates
from rmsprop.records.study import Study

__all__ = ["ALPHAS", "RATES", "STEPS", "STUDY", "WATCHED", "task"]

ALPHAS = (0.5, 0.9, 0.99)
RATES = (3e-4, 1e-3, 3e-3)
STEPS, WATCHED = 10_000, 2000
GAP = 1e-6


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Train a student on all its examples at once, at three rates.

    Args:
        method: alpha.
        seed: of teacher, examples and initial weights.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the mean ``loss`` above that of the mean point; and as shares of it the floor
        by the state, ``by_state``, by the maximal cut of the Hessian at the mean point, ``by_cut``,
        and by the Hessian's trace, ``by_trace``; and the ``gap`` of the maximal cut.
    """
    problem = student_loss(seed, nudge)
    rates = np.array(RATES)
    rule = RMSpropRule(rates, alpha=float(method), eps=0.0)
    start = np.tile(problem.start, (len(rates), 1))
    seen = hover(problem.value, problem.gradient, start, rule, steps=STEPS, watched=WATCHED)
    loss = seen.loss - problem.value(seen.center)
    hessians = [hessian(problem.gradient, center) for center in seen.center]
    cuts = [max_cut(each, gap=GAP) for each in hessians]
    traces = np.array([each.trace() for each in hessians])
    return {
        "rate": rates,
        "loss": loss,
        "by_state": seen.floor / loss,
        "by_cut": cut_floor([each.value for each in cuts], rates) / loss,
        "by_trace": cut_floor(traces, rates) / loss,
        "gap": [each.bound / each.value - 1 for each in cuts],
    }


CONCLUSIONS = (
    *(
        at_given_rates(
            f"floors-state-{str(alpha)[2:]}",
            f"The floor by the state is the loss at alpha {alpha:g}, within 2%.",
            f"{alpha:g}",
            "by_state",
            0.98,
            1.02,
        )
        for alpha in ALPHAS
    ),
    at_given_rates(
        "floors-cut-99",
        "At alpha 0.99 the floor by the maximal cut is the loss, within 3%.",
        "0.99",
        "by_cut",
        0.97,
        1.03,
    ),
    at_given_rates(
        "floors-cut-9",
        "At alpha 0.9 it is 3 to 9% above the loss.",
        "0.9",
        "by_cut",
        1.03,
        1.09,
    ),
    at_given_rates(
        "floors-cut-5",
        "At alpha 0.5 it is 8 to 20% above the loss.",
        "0.5",
        "by_cut",
        1.08,
        1.2,
    ),
    at_given_rates(
        "floors-trace",
        "The floor by the trace alone, as if weights were independent, is less than a seventh of "
        "the loss.",
        "0.99",
        "by_trace",
        0.0,
        1 / 7,
    ),
)

STUDY = Study(
    "floors",
    task,
    grid(method=[f"{alpha:g}" for alpha in ALPHAS], seed=range(64)),
    scope="students of 10 inputs and 32 hidden units, all 256 examples at every step, rates of "
    f"{RATES[0]:g} to {RATES[-1]:g}, eps 0, the last {WATCHED:,} of {STEPS:,} steps",
    conclusions=CONCLUSIONS,
)
