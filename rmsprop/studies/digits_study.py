"""Which settings read handwritten digits best after five epochs, each at its best rate."""

from collections.abc import Callable, Mapping

from numpy.typing import ArrayLike

from rmsprop.experiments.digits import EPOCH, score_digits, train_digits
from rmsprop.experiments.statistics import tuned_difference, tuned_ratio, untuned_ratio
from rmsprop.experiments.sweep import grid
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
    "0.9 momentum": rmsprop(3e-4, 0.02, alpha=0.9, momentum=0.9),
    "0.9 linear": rmsprop(8e-3, 0.2, alpha=0.9),
    "0.99 linear": rmsprop(3e-3, 0.1, alpha=0.99),
    "0.99 corrected linear": rmsprop(8e-3, 0.2, alpha=0.99, bias_correction=True),
    "0.99 warm-up linear": rmsprop(8e-3, 0.2, alpha=0.99),
    "0.9 momentum linear": rmsprop(6e-4, 0.04, alpha=0.9, momentum=0.9),
    "0.9 root": rmsprop(8e-3, 0.3, alpha=0.9),
    "SGD": descent(0.1, 3.0),
    "momentum 0.9": descent(0.02, 0.6, momentum=0.9),
    "momentum 0.9 linear": descent(0.04, 1.2, momentum=0.9),
    "Adam": adam(3e-3, 0.1),
    "Adam linear": adam(5e-3, 0.2),
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
    if method.endswith("warm-up linear"):
        return lambda t: min(1.0, (1 + t) / EPOCH) * (1 - t / STEPS)
    if method.endswith("linear"):
        return lambda t: 1 - t / STEPS
    if method.endswith("root"):
        return lambda t: float((1 + t) ** -0.5)
    return None


CONCLUSIONS = (
    Conclusion(
        "digits-no-memory",
        "Without a memory (alpha 0) the training loss is higher than at 0.99.",
        ("0.99", "0"),
        tuned_ratio,
        least=1.15,
    ),
    Conclusion(
        "digits-usual-alphas",
        "Alphas 0.9 and 0.99 reach the same training loss, within 15%.",
        ("0.99", "0.9"),
        tuned_ratio,
        least=1 / 1.15,
        greatest=1.15,
    ),
    Conclusion(
        "digits-long-memory",
        "A memory longer than the run (0.9999) costs training loss against 0.99.",
        ("0.99", "0.9999"),
        tuned_ratio,
        least=1.02,
    ),
    Conclusion(
        "digits-long-memory-test",
        "Alpha 0.9999 reads more test images than 0.9: its error is smaller by at least a quarter "
        "of a percentage point.",
        ("0.9999", "0.9"),
        tuned_difference,
        least=0.0025,
        of="error",
    ),
    Conclusion(
        "digits-rate-not-moved",
        "Alpha 0.9999 at the rate that is best for 0.9 has a multiple of its loss at its own.",
        ("0.9", "0.9999"),
        untuned_ratio,
        least=20.0,
    ),
    Conclusion(
        "digits-bias-corrected",
        "Bias correction raises the training loss at 0.99.",
        ("0.99", "0.99 corrected"),
        tuned_ratio,
        least=1.05,
    ),
    Conclusion(
        "digits-centered-short",
        "Centering lowers the training loss at alpha 0.9.",
        ("0.9", "0.9 centered"),
        tuned_ratio,
        greatest=0.98,
    ),
    Conclusion(
        "digits-centered-usual",
        "At alpha 0.99 centering makes no difference to the training loss, within 6%.",
        ("0.99", "0.99 centered"),
        tuned_ratio,
        least=1 / 1.06,
        greatest=1.06,
    ),
    Conclusion(
        "digits-linear-decay",
        "A rate that decays linearly to zero halves the training loss of a constant one, and more.",
        ("0.9", "0.9 linear"),
        tuned_ratio,
        greatest=0.5,
    ),
    Conclusion(
        "digits-linear-decay-test",
        "A linearly decaying rate reads more test images than a constant one: the error is smaller "
        "by at least half a percentage point.",
        ("0.9 linear", "0.9"),
        tuned_difference,
        least=0.005,
        of="error",
    ),
    Conclusion(
        "digits-root-decay",
        "A rate that decays like one over the root of the step is worse than a constant one.",
        ("0.9", "0.9 root"),
        tuned_ratio,
        least=1.2,
    ),
    Conclusion(
        "digits-decay-short-memory",
        "With a linearly decaying rate alpha 0.99 leaves a multiple of the training loss of 0.9.",
        ("0.9 linear", "0.99 linear"),
        tuned_ratio,
        least=2.5,
    ),
    Conclusion(
        "digits-decay-corrected",
        "With it, bias correction at 0.99 at least halves the training loss.",
        ("0.99 linear", "0.99 corrected linear"),
        tuned_ratio,
        greatest=0.5,
    ),
    Conclusion(
        "digits-decay-warm-up",
        "So does a warm-up of one epoch in place of the correction: at least halved at 0.99.",
        ("0.99 linear", "0.99 warm-up linear"),
        tuned_ratio,
        greatest=0.5,
    ),
    Conclusion(
        "digits-decay-momentum",
        "With a linearly decaying rate momentum 0.9 lowers RMSprop's training loss at alpha 0.9.",
        ("0.9 linear", "0.9 momentum linear"),
        tuned_ratio,
        greatest=0.95,
    ),
    Conclusion(
        "digits-decay-adam",
        "With a linearly decaying rate Adam's training loss is higher than RMSprop's at alpha 0.9.",
        ("0.9 linear", "Adam linear"),
        tuned_ratio,
        least=1.1,
    ),
    Conclusion(
        "digits-momentum",
        "At constant rates gradient descent with momentum 0.9 trains better than RMSprop.",
        ("0.99", "momentum 0.9"),
        tuned_ratio,
        greatest=0.85,
    ),
    Conclusion(
        "digits-adam",
        "At constant rates Adam trains better than RMSprop.",
        ("0.99", "Adam"),
        tuned_ratio,
        greatest=0.85,
    ),
    Conclusion(
        "digits-descent",
        "At constant rates gradient descent without momentum trains worse than RMSprop.",
        ("0.99", "SGD"),
        tuned_ratio,
        least=1.0,
    ),
)

STUDY = Study(
    "digits",
    task,
    grid(method=METHODS, seed=range(128)),
    scope="networks of 32 hidden units on scikit-learn's digits, 5 epochs of batches of 32, each "
    "method at its best rate, constant where no decay is named",
    conclusions=CONCLUSIONS,
)
