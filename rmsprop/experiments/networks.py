"""Train small networks, all those of one seed in a stack: every rate, alpha and eps at once.

In NumPy, whose products, exponentials and tangents are faster for networks this small than
PyTorch's; the rule is compiled by Numba. Tests hold both to ``torch.autograd`` and ``torch.optim``.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmsprop.equations import State
from rmsprop.experiments.compiled import stack_loop
from rmsprop.experiments.rules import Rule

__all__ = ["Trained", "backpropagate", "initial_weights", "network", "train"]

Array = NDArray[np.float64]


class Trained(NamedTuple):
    """A stack after its last step.

    Attributes:
        weights: an array for each layer, first dimension: the networks.
        averages: for each layer what the rule remembers, arrays of the weights' shapes.
    """

    weights: list[Array]
    averages: list[State]


def network(x: Array, weights: Sequence[Array]) -> Array:
    r"""Compute :math:`f(x) = W_2 \tanh(W_1 x + b_1) + b_2` for a stack of networks.

    Args:
        x: inputs, an example a column, shape ``(inputs, examples)``, the same for all networks.
        weights: :math:`W_1, b_1, W_2, b_2`, shapes ``(networks, hidden, inputs)``,
            ``(networks, hidden, 1)``, ``(networks, outputs, hidden)``, ``(networks, outputs, 1)``.

    Returns:
        Outputs, shape ``(networks, outputs, examples)``.
    """
    _, _, w2, b2 = weights
    return w2 @ _hidden(x, weights) + b2


def _hidden(x: Array, weights: Sequence[Array]) -> Array:
    """Return the hidden layer. The stack is one tall matrix, because it shares its inputs."""
    w1, b1, _, _ = weights
    hidden = (w1.reshape(-1, len(x)) @ x).reshape(*w1.shape[:2], -1)
    hidden += b1
    return np.tanh(hidden, out=hidden)


def backpropagate(
    x: Array, y: Array, weights: Sequence[Array], error: Callable[[Array, Array], Array]
) -> list[Array]:
    r"""Differentiate each network's loss by its weights.

    .. math::

       \frac{\partial L}{\partial W_2} = \delta h^\top, \qquad
       \frac{\partial L}{\partial W_1} = (W_2^\top \delta \odot (1 - h^2))\, x^\top, \qquad
       h = \tanh(W_1 x + b_1)

    and the sums of :math:`\delta` and of the bracket over the examples for the biases.

    Args:
        x: inputs, shape ``(inputs, examples)``.
        y: the truth.
        weights: as for `network`.
        error: maps outputs and truth to :math:`\delta = \partial L / \partial f`, of the outputs'
            shape; may overwrite the outputs.

    Returns:
        The gradients, of the weights' shapes.
    """
    w1, _, w2, b2 = weights
    hidden = _hidden(x, weights)
    delta = error(w2 @ hidden + b2, y)
    to_w2, behind = delta @ hidden.mT, w2.mT @ delta
    hidden *= hidden
    behind *= np.subtract(1, hidden, out=hidden)
    to_w1 = (behind.reshape(-1, x.shape[1]) @ x.T).reshape(w1.shape)
    return [to_w1, behind.sum(-1, keepdims=True), to_w2, delta.sum(-1, keepdims=True)]


def initial_weights(
    rng: np.random.Generator, inputs: int, hidden: int, outputs: int
) -> list[Array]:
    """Draw a network's weights: normal, with a variance of one over a layer's inputs; biases 0."""
    w1, w2 = rng.standard_normal((hidden, inputs)), rng.standard_normal((outputs, hidden))
    biases = np.zeros((hidden, 1)), np.zeros((outputs, 1))
    return [w1 / inputs**0.5, biases[0], w2 / hidden**0.5, biases[1]]


def train(
    rule: Rule,
    initial: Sequence[Array],
    batches: Iterable[tuple[Array, Array]],
    error: Callable[[Array, Array], Array],
) -> Trained:
    """Train a stack of networks, one for every element of the rule's arrays, on the same batches.

    Args:
        rule: its numbers broadcast against each other; their shape is that of the stack. A schedule
            is asked at every step.
        initial: a network's weights before the first step.
        batches: for each step the examples, shape ``(inputs, examples)``, and the truth.
        error: as `backpropagate` takes it.

    Returns:
        The networks in the order of the broadcast arrays, and what the rule remembers of each.

    Raises:
        ValueError: if the rule's arrays do not broadcast.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> initial = [np.zeros((3, 2)), np.zeros((3, 1)), np.zeros((1, 3)), np.zeros((1, 1))]
    >>> rule, error = GradientDescent([0.25, 1.0]), lambda outputs, y: (outputs - y) / y.shape[1]
    >>> trained = train(rule, initial, [(np.ones((2, 4)), np.ones((1, 4)))], error)
    >>> trained.weights[3].ravel()
    array([0.25, 1.  ])
    """
    numbers, switches = rule.numbers(1)
    update = stack_loop(type(rule).move, numbers.shape[1] - 1, switches)
    weights = [np.tile(layer, (len(numbers), 1, 1)) for layer in initial]
    starts = [rule.start(layer.shape) for layer in weights]
    kept = [np.array(start[:4]).reshape(4, len(numbers), -1) for start in starts]
    t = 0
    # A network that diverges becomes inf and nan, which is its result, not an accident.
    with np.errstate(over="ignore", invalid="ignore"):
        for t, (x, y) in enumerate(batches, 1):
            if rule.scheduled:
                numbers, _ = rule.numbers(t)
            gradients = backpropagate(x, y, weights, error)
            for layer, gradient, remembered in zip(weights, gradients, kept, strict=True):
                update(_rows(layer), _rows(gradient), remembered, t - 1, numbers)
    averages = [
        State(*remembered.reshape(4, *layer.shape), t)  # type: ignore[call-arg]
        for layer, remembered in zip(weights, kept, strict=True)
    ]
    return Trained(weights, averages)


def _rows(stack: Array) -> Array:
    return stack.reshape(len(stack), -1)
