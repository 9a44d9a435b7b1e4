r"""Which of many solutions the rule goes for, and until when."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64

__all__ = ["margin_turn"]


def margin_turn(eps: ArrayLike, margin: ArrayLike) -> Array:
    r"""Sum of all learning rates at which eps turns RMSprop from one margin to another.

    .. math:: \sum_t \eta_t = \frac{\ln(1/\epsilon)}{\gamma_\infty}

    Args:
        eps: :math:`\epsilon`, outside the root, above 0 and below 1.
        margin: :math:`\gamma_\infty`, the largest margin of the data for weights of at most 1;
            broadcasts.

    Returns:
        The sum, of exact gradients of a logistic or exponential loss, to leading order in the
        logarithm.

    Book: equation ``eq-turn``, derived there.

    >>> round(float(margin_turn(1e-8, 2.0)), 4)
    9.2103
    """
    return -np.log(float64(eps)) / float64(margin)
