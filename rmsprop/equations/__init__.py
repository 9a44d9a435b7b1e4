r"""The mathematics of RMSprop in NumPy: one function per numbered equation of the book.

Everything is float64. Hyperparameters are numbers or arrays that broadcast against the data, so one
call evaluates any number of runs; `iterate_average` reads time along the last axis. The names are
PyTorch's: `alpha`, `lr`, `eps`, `square_avg`, `grad_avg`, `momentum_buffer`.

By subject: `average`, `noise` and `memory` are the moving average of observations that are any,
random, or known; `bits` what it loses when it is stored in few; `variance` the centered one,
`rounding` what that loses in PyTorch; `rule` the update, which ``arithmetic`` holds for NumPy and
Numba alike; `cycle`, `edge`, `floor`, `traps` and `valley` what it does at a minimum, with
momentum, what it leaves there, astray, on the way; `geometry` which minimum it goes for; `batches`
and `decay` what changes with the size of a batch, and where decay holds the weights.
"""

from rmsprop.equations.average import (
    corrected_alpha,
    half_life,
    iterate_average,
    mean_factor,
    update_average,
    weights,
    window,
)
from rmsprop.equations.batches import (
    Moments,
    Recipe,
    move_recipe,
    noise_moments,
    noisy_speed_up,
    one_step_rate,
)
from rmsprop.equations.bits import enough_digits, nearest_level, stored_share, stored_spread
from rmsprop.equations.cycle import cycle_amplitude, dip, ring_down
from rmsprop.equations.decay import box_distance, decay_moments
from rmsprop.equations.edge import cycle_eigenvalues, edge, quiet_momentum
from rmsprop.equations.floor import MaxCut, cut_floor, max_cut, state_floor
from rmsprop.equations.geometry import margin_turn
from rmsprop.equations.memory import (
    burst_memory,
    excess_displacement,
    late_start,
    settled_square_avg,
)
from rmsprop.equations.noise import (
    average_cumulant,
    average_distribution,
    effective_samples,
    rectification,
    variance_factor,
)
from rmsprop.equations.rounding import (
    enough_noise,
    first_nan,
    lost_bound,
    rounding_bias,
    rounding_reach,
    rounding_spread,
    safe_gradient,
)
from rmsprop.equations.rule import State, effective_rate, largest_step, step
from rmsprop.equations.traps import (
    drift,
    greatest_price,
    order_share,
    rest_gradient,
    safe_window,
    safe_window_random,
)
from rmsprop.equations.valley import escape_time, floor_rate
from rmsprop.equations.variance import (
    constant_gradient_step,
    expected_grad_var,
    update_variance,
)

__all__ = [
    "MaxCut",
    "Moments",
    "Recipe",
    "State",
    "average_cumulant",
    "average_distribution",
    "box_distance",
    "burst_memory",
    "constant_gradient_step",
    "corrected_alpha",
    "cut_floor",
    "cycle_amplitude",
    "cycle_eigenvalues",
    "decay_moments",
    "dip",
    "drift",
    "edge",
    "effective_rate",
    "effective_samples",
    "enough_digits",
    "enough_noise",
    "escape_time",
    "excess_displacement",
    "expected_grad_var",
    "first_nan",
    "floor_rate",
    "greatest_price",
    "half_life",
    "iterate_average",
    "largest_step",
    "late_start",
    "lost_bound",
    "margin_turn",
    "max_cut",
    "mean_factor",
    "move_recipe",
    "nearest_level",
    "noise_moments",
    "noisy_speed_up",
    "one_step_rate",
    "order_share",
    "quiet_momentum",
    "rectification",
    "rest_gradient",
    "ring_down",
    "rounding_bias",
    "rounding_reach",
    "rounding_spread",
    "safe_gradient",
    "safe_window",
    "safe_window_random",
    "settled_square_avg",
    "state_floor",
    "step",
    "stored_share",
    "stored_spread",
    "update_average",
    "update_variance",
    "variance_factor",
    "weights",
    "window",
]
