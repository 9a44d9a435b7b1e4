"""Which settings imitate a teacher best after 400 steps, each at its best rate."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.conventions import CONVENTIONS, convention
from rmsprop.experiments.statistics import tuned_ratio, tuned_trend
from rmsprop.experiments.students import score_students, train_students
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.study import Study
from rmsprop.studies.methods import Method, descent, rmsprop

__all__ = ["ALPHAS", "EPS", "METHODS", "STEPS", "STUDY", "task"]

ALPHAS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
EPS = (1e-8, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
STEPS = 400


def _convention(name: str, *, tuned: bool) -> Method:
    options = {"lr": 1e-2} | convention(name)
    rate = options.pop("lr")
    return rmsprop(3e-4, 0.2, **options) if tuned else rmsprop(rate, rate, **options)


def _with_eps(eps: float) -> Method:
    middle = max(0.01, eps / 6)
    return rmsprop(middle / 6, middle * 10, eps=eps)


METHODS = {
    **{f"{a:g}": rmsprop(3e-4, 0.1, alpha=a) for a in ALPHAS},
    **{
        f"{a:g} corrected": rmsprop(1.5e-3, 0.06, alpha=a, bias_correction=True)
        for a in (0.9, 0.99, 0.999, 0.9999)
    },
    **{f"{a:g} centered": rmsprop(1.5e-3, 0.06, alpha=a, centered=True) for a in (0.9, 0.99)},
    **{f"eps {eps:g}": _with_eps(eps) for eps in EPS},
    **{f"eps {eps:g}, rate 0.01": rmsprop(0.01, 0.01, eps=eps) for eps in EPS},
    **{
        f"eps {eps * eps:g} inside, rate 0.01": rmsprop(0.01, 0.01, eps=eps**2, eps_in_sqrt=True)
        for eps in EPS
    },
    **{name: _convention(name, tuned=True) for name in CONVENTIONS},
    **{f"{name}, default rate": _convention(name, tuned=False) for name in CONVENTIONS},
    "SGD": descent(0.02, 1.0),
}


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Train a student at every rate of a method.

    Args:
        method: a key of `METHODS`.
        seed: of teacher, examples and initial weights.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the loss over all examples, and the median over the weights of the root mean
        square of recent gradients.

    >>> result = task("SGD", seed=0, nudge=0.0)
    >>> len(result["rate"]) == len(result["loss"]) == len(result["gradient"])
    True
    """
    trained = train_students(METHODS[method].rules(), seed=seed, steps=STEPS, nudge=nudge)
    squares = [layer.square_avg.reshape(len(layer.square_avg), -1) for layer in trained.averages]
    return {
        "rate": METHODS[method].rates,
        "loss": score_students(trained, seed=seed),
        "gradient": np.median(np.sqrt(np.concatenate(squares, axis=1)), axis=1),
    }


CONCLUSIONS = (
    Conclusion(
        "students-memory",
        "From alpha 0 by 0.9 and 0.99 to 0.999 every longer memory lowers the loss.",
        ("0", "0.9", "0.99", "0.999"),
        tuned_trend,
        greatest=0.99,
    ),
    Conclusion(
        "students-longest-memory",
        "Beyond, at 0.9999, nothing more is gained or lost, within 10%.",
        ("0.999", "0.9999"),
        tuned_ratio,
        least=1 / 1.1,
        greatest=1.1,
    ),
    Conclusion(
        "students-bias-corrected",
        "Bias correction raises the loss at 0.999.",
        ("0.999", "0.999 corrected"),
        tuned_ratio,
        least=1.15,
    ),
    Conclusion(
        "students-corrected-memory",
        "With the bias corrected 0.999 gains at most a tenth on 0.9.",
        ("0.9 corrected", "0.999 corrected"),
        tuned_ratio,
        least=0.9,
    ),
    Conclusion(
        "students-centered-short",
        "Centering lowers the loss at alpha 0.9.",
        ("0.9", "0.9 centered"),
        tuned_ratio,
        greatest=0.985,
    ),
    Conclusion(
        "students-centered-usual",
        "At alpha 0.99 centering makes no difference to the loss, within 4%.",
        ("0.99", "0.99 centered"),
        tuned_ratio,
        least=1 / 1.04,
        greatest=1.04,
    ),
    Conclusion(
        "students-small-eps",
        "An eps of 0.0001 makes no difference to the loss, within 5%.",
        ("eps 1e-08", "eps 0.0001"),
        tuned_ratio,
        least=1 / 1.05,
        greatest=1.05,
    ),
    Conclusion(
        "students-eps-of-gradients",
        "An eps of 0.01, the size of the gradients, raises the loss at the best rate.",
        ("eps 1e-08", "eps 0.01"),
        tuned_ratio,
        least=1.2,
    ),
    Conclusion(
        "students-eps-is-descent",
        "With an eps of 10 RMSprop reaches what gradient descent reaches, within 4%.",
        ("SGD", "eps 10"),
        tuned_ratio,
        least=1 / 1.04,
        greatest=1.04,
    ),
    Conclusion(
        "students-eps-at-one-rate",
        "At the rate 0.01 an eps of 10 has a multiple of the loss.",
        ("eps 1e-08, rate 0.01", "eps 10, rate 0.01"),
        tuned_ratio,
        least=8.0,
    ),
    Conclusion(
        "students-eps-inside",
        "An eps of 0.01, squared and put inside the root, acts alike, within 20%.",
        ("eps 0.01, rate 0.01", "eps 0.0001 inside, rate 0.01"),
        tuned_ratio,
        least=1 / 1.2,
        greatest=1.2,
    ),
    Conclusion(
        "students-start-at-one",
        "An average that starts at 1, TensorFlow's, costs loss against one that starts at 0, "
        "Optax's, in a run this short.",
        ("optax", "tensorflow"),
        tuned_ratio,
        least=1.05,
    ),
    Conclusion(
        "students-dqn",
        "DQN's large eps costs most: its loss is a multiple of PyTorch's.",
        ("pytorch", "dqn"),
        tuned_ratio,
        least=1.7,
    ),
)

STUDY = Study(
    "students",
    task,
    grid(method=METHODS, seed=range(128)),
    scope="students of 10 inputs and 32 hidden units, 400 steps of 16 examples, constant rates, "
    "each method at its best where no rate is named",
    conclusions=CONCLUSIONS,
)
