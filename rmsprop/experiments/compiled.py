"""Plain arithmetic compiled by Numba: a loop over runs for every problem and every rule.

What is compiled is ``rmsprop.equations.arithmetic`` and the functions of `problems` and `rules`, as
they are. Each loop has one type, whatever the problem or the rule, so that one race takes all.
"""

import functools
from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.extending import register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from rmsprop.equations import State, arithmetic

__all__ = [
    "ARRAY",
    "GRADIENT",
    "MOST",
    "NUMBERS",
    "OPTIONS",
    "ROWS",
    "RULE",
    "STACK",
    "gradient_loop",
    "rule_loop",
    "stack_loop",
]

#: Options of Numba. Without ZeroDivisionError loops become vector instructions.
OPTIONS: dict[str, Any] = {"error_model": "numpy"}

#: Numbers that a problem or a rule may have.
MOST = 8
#: The type of these numbers, filled up with zeros.
NUMBERS = types.UniTuple(types.float64, MOST)
#: The type of one number for each run.
ARRAY = types.float64[::1]
#: The type of what `gradient_loop` returns.
GRADIENT = types.void(ARRAY, ARRAY, NUMBERS, ARRAY, ARRAY)
#: The type of a table of numbers.
ROWS = types.float64[:, ::1]
#: The type of what `rule_loop` returns.
RULE = types.void(ARRAY, ARRAY, ROWS, types.int64, ARRAY, NUMBERS)
#: The type of what `stack_loop` returns.
STACK = types.void(ROWS, ROWS, types.float64[:, :, ::1], types.int64, ROWS)

for name in arithmetic.__all__:
    if name != "State":  # which Numba knows as a tuple
        register_jitable(**OPTIONS)(getattr(arithmetic, name))


@functools.cache
def gradient_loop(partials: Callable[..., Any], count: int) -> Callable[..., None]:
    """Return the loop that fills in gradients.

    Args:
        partials: of a problem, see `rmsprop.experiments.problems.Problem`.
        count: how many parameters it takes.

    Returns:
        A compiled function of the type `GRADIENT`, of x, y, parameters filled up with zeros, and
        the arrays for the partial derivatives.
    """
    at = numba.njit(partials, **OPTIONS)

    def loop(x, y, parameters, gx, gy):  # type: ignore[no-untyped-def]
        for i in range(len(x)):
            gx[i], gy[i] = at(x[i], y[i], *parameters[:count])

    return numba.njit(GRADIENT, **OPTIONS)(loop)


@functools.cache
def rule_loop(
    move: Callable[..., Any], count: int, switches: tuple[bool, ...]
) -> Callable[..., None]:
    """Return the loop that moves points.

    Args:
        move: of a rule, see `rmsprop.experiments.rules.Rule`.
        count: how many numbers it takes beside the learning rate.
        switches: what it takes after them.

    Returns:
        A compiled function of the type `RULE`, of coordinates, gradients, the four averages of
        `rmsprop.equations.State` as rows, steps taken, learning rates, and the other numbers filled
        up with zeros.
    """
    moved = numba.njit(move, **OPTIONS)

    def loop(w, g, kept, t, lr, numbers):  # type: ignore[no-untyped-def]
        for i in range(len(w)):
            state = State(kept[0, i], kept[1, i], kept[2, i], kept[3, i], t)
            w[i], new = moved(w[i], g[i], state, lr[i], *numbers[:count], *switches)
            kept[0, i], kept[1, i] = new.square_avg, new.grad_avg
            kept[2, i], kept[3, i] = new.grad_var, new.momentum_buffer

    return numba.njit(RULE, **OPTIONS)(loop)


@functools.cache
def stack_loop(
    move: Callable[..., Any], count: int, switches: tuple[bool, ...]
) -> Callable[..., None]:
    """Return the loop that moves the weights of a stack of networks, each by its own numbers.

    Args:
        move: of a rule, see `rmsprop.experiments.rules.Rule`.
        count: how many numbers it takes beside the learning rate.
        switches: what it takes after them.

    Returns:
        A compiled function of the type `STACK`, of weights and gradients, a row for each network,
        the four averages of `rmsprop.equations.State`, steps taken, and the numbers, a row for each
        network, the learning rate first.
    """
    moved = numba.njit(move, **OPTIONS)

    def loop(w, g, kept, t, numbers):  # type: ignore[no-untyped-def]
        for i in range(len(w)):
            lr, others = numbers[i, 0], to_fixed_tuple(numbers[i, 1:], count)
            for j in range(w.shape[1]):
                state = State(kept[0, i, j], kept[1, i, j], kept[2, i, j], kept[3, i, j], t)
                w[i, j], new = moved(w[i, j], g[i, j], state, lr, *others, *switches)
                kept[0, i, j], kept[1, i, j] = new.square_avg, new.grad_avg
                kept[2, i, j], kept[3, i, j] = new.grad_var, new.momentum_buffer

    return numba.njit(STACK, **OPTIONS)(loop)
