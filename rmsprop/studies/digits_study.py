"""Which settings read handwritten digits best after five epochs, each at its best rate."""

from collections.abc import Callable, Mapping

from numpy.typing import ArrayLike

from rmsprop.experiments.digits import EPOCH, score_digits, train_digits
from rmsprop.experiments.statistics import tuned_ratio, untuned_ratio
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.study import Study
from rmsprop.studies.methods import adam, descent, rmsprop

__all__ = ["ALPHAS", "METHODS", "STEPS", "STUDY", "task"]

ALPHAS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
METHODS = {
    **{f"{a:g}": rmsprop(3e-4, 0.1, alpha=a) for a in ALPHAS},
    **{
        f"{a:g} corrected": rmsprop(2e-3, 0.08, alpha=a, bias_correction=True)
        for a in (0.9, 0.99, 0.999)
    },
    **{f"{a:g} centered": rmsprop(2e-3, 0.05, alpha=a, centered=True) for a in (0.9, 0.99)},
    "0.9 linear": rmsprop(8e-3, 0.2, alpha=0.9),
    "0.9 root": rmsprop(8e-3, 0.3, alpha=0.9),
    "SGD": descent(0.1, 3.0),
    "momentum 0.9": descent(0.02, 0.6, momentum=0.9),
    "Adam": adam(3e-3, 0.1),
}
STEPS = 5 * EPOCH


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Train a classifier at every rate of a method.

    Args:
        method: a key of `METHODS`.
        seed: of split, order and initial weights.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the loss over the training images and the share of the test images that are
        read wrongly.

    >>> result = task("SGD", seed=0, nudge=0.0)
    >>> len(result["rate"]) == len(result["loss"]) == len(result["error"])
    True
    """
    rule = METHODS[method].rules(_schedule(method))
    trained = train_digits(rule, seed=seed, steps=STEPS, nudge=nudge)
    score = score_digits(trained, seed=seed)
    return {"rate": METHODS[method].rates, "loss": score.loss, "error": 1 - score.accuracy}


def _schedule(method: str) -> Callable[[int], float] | None:
    if method.endswith("linear"):
        return lambda t: 1 - t / STEPS
    if method.endswith("root"):
        return lambda t: float((1 + t) ** -0.5)
    return None


STUDY = Study(
    "digits",
    task,
    tuple(METHODS),
    scope="networks of 32 hidden units on scikit-learn's digits, 5 epochs of batches of 32, "
    "constant rates where no decay is named",
)
