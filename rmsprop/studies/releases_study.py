"""What averaging and annealing release of the loss of mini-batches, against the expected floor."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments import softmax
from rmsprop.experiments.digits import digits_loss
from rmsprop.experiments.floors import Hovering, anneal, hover
from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import at_given_rates
from rmsprop.records.study import Study

__all__ = ["METHODS", "STUDY", "Setting", "task"]

Array = NDArray[np.float64]


class Setting(NamedTuple):
    """What is trained, and how.

    Attributes:
        model: ``softmax``, which starts at its minimum; ``network``, whose weights decay; or
            ``separable``, the same without decay, whose loss has no minimum.
        alpha: smoothing constant.
        batch: examples of a step, drawn anew.
        momentum: of the heavy ball; the rates are those times what it leaves of one.
    """

    model: str
    alpha: float
    batch: int
    momentum: float = 0.0


RATES = {"softmax": (1e-3, 3e-3), "network": (3e-3, 1e-2), "separable": (1e-3, 3e-3)}
PENALTY = 1e-3
STEPS, WATCHED, DECAY = 6000, 3000, 2000
METHODS = {
    **{f"softmax, {alpha:g}, 64": Setting("softmax", alpha, 64) for alpha in (0.9, 0.99, 0.999)},
    **{f"softmax, {alpha:g}, 8": Setting("softmax", alpha, 8) for alpha in (0.9, 0.99)},
    "softmax, 0.99, 64, momentum": Setting("softmax", 0.99, 64, 0.9),
    **{f"network, {alpha:g}, 32": Setting("network", alpha, 32) for alpha in (0.9, 0.99)},
    "network, 0.99, 32, momentum": Setting("network", 0.99, 32, 0.9),
    "separable, 0.99, 32": Setting("separable", 0.99, 32),
}


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Train on mini-batches at constant rates, then average, and anneal.

    Args:
        method: a key of `METHODS`.
        seed: of the batches, and of the network's images and initial weights.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the mean ``loss`` above the least that is known: that of the minimum, for the
        network 0; and as shares of the expected floor the ``loss_share``, and what is released by
        averaging the points, ``averaged``, and by annealing, ``annealed``.
    """
    setting = METHODS[method]
    rates = np.array(RATES[setting.model]) * (1 - setting.momentum)
    rule = RMSpropRule(
        rates,
        alpha=setting.alpha,
        momentum=setting.momentum,
        weight_decay=PENALTY if setting.model == "network" else 0.0,
        bias_correction=True,
    )
    rng = np.random.default_rng(seed)
    value, gradient, start, examples, least = _model(setting.model, seed, nudge)

    def noisy(points: Array) -> Array:
        return gradient(points, rng.integers(examples, size=setting.batch))

    starts = np.tile(start, (len(rates), 1))
    seen = hover(value, noisy, starts, rule, steps=STEPS, watched=WATCHED, every=20)
    return {"rate": rates} | _shares(seen, value, anneal(noisy, seen, rule, DECAY), least)


def _model(
    name: str, seed: int, nudge: float
) -> tuple[Callable[[Array], Array], Callable[..., Array], Array, int, float]:
    """Return value, gradient, start, the number of examples, and the least loss that is known."""
    if name == "softmax":
        start = softmax.minimum() * (1 + nudge)
        least = float(softmax.value(softmax.minimum()[None])[0])
        return softmax.value, softmax.gradient, start, softmax.EXAMPLES, least
    problem = digits_loss(seed, nudge)
    penalty = PENALTY if name == "network" else 0.0

    def value(points: Array) -> Array:
        return problem.value(points) + penalty / 2 * (points**2).sum(axis=-1)

    return value, problem.gradient, problem.start, problem.y.shape[1], 0.0


def _shares(
    seen: Hovering, value: Callable[[Array], Array], annealed: Array, least: float
) -> dict[str, Array]:
    return {
        "loss": seen.loss - least,
        "loss_share": (seen.loss - least) / seen.floor,
        "averaged": (seen.loss - value(seen.center)) / seen.floor,
        "annealed": (seen.loss - value(annealed)) / seen.floor,
    }


NETWORKS = (
    ("9", "alpha 0.9", "network, 0.9, 32"),
    ("99", "alpha 0.99", "network, 0.99, 32"),
    ("momentum", "alpha 0.99 with momentum 0.9", "network, 0.99, 32, momentum"),
)
CONCLUSIONS = (
    at_given_rates(
        "releases-softmax-99",
        "Softmax regression hovers at the expected floor at alpha 0.99, batches of 64, within 6%.",
        "softmax, 0.99, 64",
        "loss_share",
        0.94,
        1.06,
    ),
    at_given_rates(
        "releases-softmax-999",
        "So it does at alpha 0.999, within 6%.",
        "softmax, 0.999, 64",
        "loss_share",
        0.94,
        1.06,
    ),
    at_given_rates(
        "releases-softmax-momentum",
        "So it does with momentum 0.9, alpha 0.99, within 8%.",
        "softmax, 0.99, 64, momentum",
        "loss_share",
        0.92,
        1.08,
    ),
    at_given_rates(
        "releases-softmax-small-batch",
        "At alpha 0.99 and batches of 8 it does within 12%.",
        "softmax, 0.99, 8",
        "loss_share",
        0.88,
        1.12,
    ),
    at_given_rates(
        "releases-short-memory",
        "At alpha 0.9 it hovers at 1.4 times the expected floor or more, batches of 64.",
        "softmax, 0.9, 64",
        "loss_share",
        1.4,
    ),
    at_given_rates(
        "releases-short-memory-small-batch",
        "And at 3 times or more with batches of 8.",
        "softmax, 0.9, 8",
        "loss_share",
        3.0,
    ),
    *(
        at_given_rates(
            f"releases-annealed-{id}",
            f"Annealing a network releases the expected floor, within a quarter, {words}.",
            method,
            "annealed",
            0.8,
            1.25,
        )
        for id, words, method in NETWORKS
    ),
    *(
        at_given_rates(
            f"releases-averaged-{id}",
            f"Averaging its points releases 0.6 to 0.95 times that, {words}.",
            method,
            "averaged",
            0.6,
            0.95,
        )
        for id, words, method in NETWORKS
    ),
)

STUDY = Study(
    "releases",
    task,
    grid(method=METHODS, seed=range(64)),
    scope=f"scikit-learn's digits, batches drawn anew, bias corrected, {STEPS:,} steps at constant "
    "rates of 0.001 and 0.003, the network's 0.003 and 0.01, a tenth of that with momentum 0.9, "
    f"then {DECAY:,} that decay linearly; means over the last {WATCHED:,} constant ones; the "
    "network has 32 hidden units, and its weights decay, coupled, at 0.001",
    conclusions=CONCLUSIONS,
)
