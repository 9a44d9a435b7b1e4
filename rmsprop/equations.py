r"""The mathematics of RMSprop in NumPy: one function per numbered equation of the book.

Everything is float64. Hyperparameters are numbers or arrays that broadcast against the data, so one
call evaluates any number of runs; `iterate_average` reads time along the last axis. The names are
PyTorch's: `alpha`, `lr`, `eps`, `square_avg`, `grad_avg`, `momentum_buffer`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def _float64(x: ArrayLike) -> Array:
    return np.asarray(x, dtype=np.float64)


def _smoothing_constant(alpha: ArrayLike) -> Array:
    alpha = _float64(alpha)
    if not np.all((alpha >= 0) & (alpha < 1)):
        raise ValueError(f"alpha must lie in [0, 1), got {alpha}")
    return alpha


# --- the exponential moving average -----------------------------------------------------------


def update_average(average: ArrayLike, x: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Take one step of the exponential moving average.

    .. math:: S_t = \alpha\, S_{t-1} + (1 - \alpha)\, x_t

    Args:
        average: :math:`S_{t-1}`, any shape.
        x: the new observation :math:`x_t`; broadcasts against `average`.
        alpha: smoothing constant in [0, 1); broadcasts too.

    Returns:
        :math:`S_t`, float64.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-average``. Equal to ``torch.lerp(x, average, alpha)``. Source: Tieleman and
    Hinton (2012), slide 29, with the square of the gradient as :math:`x`.

    >>> float(update_average(0.0, 1.0, alpha=0.9))
    0.09999999999999998
    """
    alpha = _smoothing_constant(alpha)
    return alpha * _float64(average) + (1 - alpha) * _float64(x)


def iterate_average(x: ArrayLike, alpha: ArrayLike, initial: ArrayLike = 0.0) -> Array:
    r"""Average a whole series: `update_average` applied along the last axis.

    Args:
        x: observations, shape ``(..., T)``.
        alpha: smoothing constant in [0, 1), broadcasting against the leading axes ``(...)``.
        initial: :math:`S_0`, broadcasting against the leading axes (0 unless said).

    Returns:
        :math:`S_1, \dots, S_T`, shape ``(..., T)`` after broadcasting.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-average``. For one `alpha` and a zero start equal to
    ``scipy.signal.lfilter([1 - alpha], [1, -alpha], x)``; differs in taking many alphas at once.

    >>> iterate_average([1.0, 1.0, 1.0], alpha=0.5)
    array([0.5  , 0.75 , 0.875])
    >>> iterate_average([1.0, 1.0], alpha=[0.5, 0.9]).shape
    (2, 2)
    """
    x, average, alpha = _float64(x), _float64(initial), _smoothing_constant(alpha)
    leading = np.broadcast_shapes(x.shape[:-1], alpha.shape, average.shape)
    averages = np.empty((*leading, x.shape[-1]))
    for t in range(x.shape[-1]):
        average = alpha * average + (1 - alpha) * x[..., t]
        averages[..., t] = average
    return averages


def weights(alpha: ArrayLike, n: int) -> Array:
    r"""Weights that the average gives to the last `n` observations, newest first.

    .. math:: \omega_k = (1 - \alpha)\, \alpha^k, \qquad k = 0, \dots, n - 1

    Args:
        alpha: smoothing constant in [0, 1), shape ``(...)``.
        n: how many weights, at least 0.

    Returns:
        Shape ``(..., n)``. They sum to :math:`1 - \alpha^n`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-weights``.

    >>> weights(0.5, 3)
    array([0.5  , 0.25 , 0.125])
    """
    alpha = _smoothing_constant(alpha)[..., None]
    return (1 - alpha) * alpha ** np.arange(n)


def window(alpha: ArrayLike) -> Array:
    r"""Effective window of the average, in steps: how old the weights are on average, plus one.

    .. math:: N = \sum_{k \ge 0} (k + 1)\, \omega_k = \frac{1}{1 - \alpha}

    Args:
        alpha: smoothing constant in [0, 1).

    Returns:
        Steps, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-window``. The last N observations carry :math:`1 - \alpha^N \approx 1 - 1/e`
    of the weight.

    >>> float(window(0.75))
    4.0
    """
    return 1 / (1 - _smoothing_constant(alpha))


def half_life(alpha: ArrayLike) -> Array:
    r"""Steps after which an observation's weight has halved.

    .. math:: \tau = \frac{\ln 2}{-\ln \alpha}

    Args:
        alpha: smoothing constant in [0, 1); at 0 the half-life is 0.

    Returns:
        Steps (not rounded), the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-half-life``. Equal to the ``halflife`` of ``pandas.Series.ewm``.

    >>> float(half_life(0.5))
    1.0
    """
    with np.errstate(divide="ignore"):
        return np.log(2) / -np.log(_smoothing_constant(alpha))


def mean_factor(alpha: ArrayLike, t: ArrayLike) -> Array:
    r"""Bias of the average that starts at zero: its mean as a fraction of the observations' mean.

    .. math:: \frac{\mathbb{E} S_t}{\mathbb{E} x} = 1 - \alpha^t

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of observations seen, at least 0; broadcasts against `alpha`.

    Returns:
        Fractions in [0, 1]. Adam divides its averages by them.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-bias``. Source: Kingma and Ba (2015), section 3.

    >>> float(mean_factor(0.5, 2))
    0.75
    """
    return 1 - _smoothing_constant(alpha) ** _float64(t)


def variance_factor(alpha: ArrayLike, t: ArrayLike = np.inf) -> Array:
    r"""Variance of the average of independent observations, as a fraction of theirs.

    .. math::

       \frac{\operatorname{Var} S_t}{\operatorname{Var} x}
       = \frac{1 - \alpha}{1 + \alpha} \left(1 - \alpha^{2t}\right)

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of observations seen, at least 0 (default: the limit); broadcasts.

    Returns:
        Fractions in [0, 1].

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-variance``.

    >>> round(float(variance_factor(0.9)), 6)
    0.052632
    """
    alpha = _smoothing_constant(alpha)
    return (1 - alpha) / (1 + alpha) * (1 - alpha ** (2 * _float64(t)))


def effective_samples(alpha: ArrayLike) -> Array:
    r"""Size of the plain sample mean that is as noisy as the average.

    .. math:: n_\text{eff} = \frac{1 + \alpha}{1 - \alpha}

    Args:
        alpha: smoothing constant in [0, 1).

    Returns:
        A number of samples, the shape of `alpha`: about twice `window`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-effective-samples``. Equal to :math:`\rho_\infty` of RAdam with
    :math:`\beta_2 = \alpha` (Liu et al., 2020, section 4.1).

    >>> round(float(effective_samples(0.9)), 9)
    19.0
    """
    return 1 / variance_factor(alpha)


def average_cumulant(alpha: ArrayLike, order: ArrayLike) -> Array:
    r"""Cumulant of the settled average of squares of independent standard Gaussian gradients.

    .. math:: \kappa_n = 2^{n-1} (n-1)!\, \sum_{k \ge 0} \omega_k^n
              = \frac{2^{n-1} (n-1)!\, (1 - \alpha)^n}{1 - \alpha^n}

    Args:
        alpha: smoothing constant in [0, 1).
        order: :math:`n`, at least 1; broadcasts. 1 is the mean, 2 the variance, and the third over
            the variance to the power 3/2 is the skewness.

    Returns:
        Cumulants, in the units of the gradient to the power 2n.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-cumulants``. A chi-square variable has the cumulants
    :math:`2^{n-1} (n-1)!`, and those of independent summands add.

    >>> float(average_cumulant(0.5, 1))
    1.0
    """
    alpha, order = _smoothing_constant(alpha), _float64(order)
    factorial = np.vectorize(math.gamma, otypes=[float])(order)
    return 2 ** (order - 1) * factorial * (1 - alpha) ** order / (1 - alpha**order)


def average_distribution(x: ArrayLike, alpha: float) -> Array:
    r"""Distribution of the settled average of squares of independent standard Gaussian gradients.

    .. math:: P(S \le x) = \frac12 - \frac1\pi \int_0^\infty
              \operatorname{Im}\left[e^{-iux} \prod_{k \ge 0} (1 - 2iu\,\omega_k)^{-1/2}\right]
              \frac{du}{u}

    Args:
        x: where to evaluate it, at least 0, any shape.
        alpha: smoothing constant in [0.5, 1), one number. Below, the integral converges too slowly.

    Returns:
        Probabilities, the shape of `x`, to about 1e-11.

    Raises:
        ValueError: if `alpha` is outside [0.5, 1).

    Book: equation ``eq-distribution``. The inversion formula is that of Gil-Pelaez (1951); the
    midpoint rule for a weighted sum of chi-squares, that of Davies (1980).

    >>> average_distribution([0.0, 1.0, 50.0], alpha=0.5).round(4)
    array([0.    , 0.6283, 1.    ])
    """
    if not 0.5 <= alpha < 1:
        raise ValueError(f"alpha must lie in [0.5, 1), got {alpha}")
    x = _float64(x)
    share = weights(alpha, int(40 / -math.log(alpha)))
    # The midpoint rule errs by the probability of lying further than 2 pi / spacing from x.
    spacing = 2 * math.pi / (x.max() + 2 + 60 * (1 - alpha))
    last = 1.0
    while np.log1p((2 * last * share) ** 2).sum() < 4 * 30:  # the product is above e^-30
        last *= 1.2
    total = np.zeros(x.shape)
    for u in np.arange(spacing / 2, last, spacing):
        phase = np.arctan(2 * u * share).sum() / 2
        size = np.exp(-np.log1p((2 * u * share) ** 2).sum() / 4)
        total += size * np.sin(phase - u * x) * spacing / u
    return np.clip(0.5 - total / math.pi, 0, 1)


def settled_square_avg(grads: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Average of squares after each of the gradients that repeat for ever in this order.

    .. math:: v_i = \frac{1 - \alpha}{1 - \alpha^n} \sum_{k=0}^{n-1} \alpha^k g_{i-k}^2,
              \qquad g_{i-n} = g_i

    Args:
        grads: one period of gradients, shape ``(..., n)``.
        alpha: smoothing constant in [0, 1), broadcasting against the leading axes ``(...)``.

    Returns:
        :math:`v_1, \dots, v_n`, shape ``(..., n)`` after broadcasting.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-periodic``. It is the fixed point of `iterate_average` over one period.

    >>> settled_square_avg([1.0, 1.0], alpha=0.5)
    array([1., 1.])
    """
    squares, alpha = _float64(grads) ** 2, _smoothing_constant(alpha)
    n = squares.shape[-1]
    newest_first = squares[..., ::-1]
    last = (weights(alpha, n) * newest_first).sum(axis=-1) / mean_factor(alpha, n)
    return iterate_average(squares, alpha, last)


def excess_displacement(alpha: ArrayLike) -> Array:
    r"""How much further than :math:`t\eta` a constant gradient drives RMSprop, in units of lr.

    .. math::

       \sum_{t \ge 1} \left(\frac{1}{\sqrt{1 - \alpha^t}} - 1\right)
       = \frac{2 \ln 2}{\theta} + \frac{\zeta(1/2)}{\sqrt\theta} + \frac12
       + \frac{\zeta(-1/2)}{4} \sqrt\theta + O(\theta^{3/2}), \qquad \theta = -\ln\alpha

    Args:
        alpha: smoothing constant, at least 0.5, below 1.

    Returns:
        The four terms, in units of lr; the rest is below 2e-4 for `alpha` of at least 0.5.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-excess``, derived there: the integral of the summand, and the terms that
    Euler-Maclaurin summation adds where the summand has a singularity.

    >>> round(float(excess_displacement(0.99)), 2)
    123.86
    """
    zeta = {0.5: -1.4603545088095868, -0.5: -0.20788622497735457}
    root = np.sqrt(-np.log(_smoothing_constant(alpha)))
    return 2 * np.log(2) / root**2 + zeta[0.5] / root + 0.5 + zeta[-0.5] / 4 * root


def burst_memory(
    alpha: ArrayLike, ratio: ArrayLike, length: ArrayLike = 1, share: ArrayLike = 0.9
) -> Array:
    r"""Steps after a burst of large gradients until steps are back to a share of their length.

    .. math:: k = \frac{1}{-\ln\alpha}\, \ln \frac{(\rho^2 - 1)(1 - \alpha^m)}{q^{-2} - 1}

    Args:
        alpha: smoothing constant in [0, 1).
        ratio: :math:`\rho`, size of the gradients in the burst over that of the steady ones, above
            1; broadcasts.
        length: :math:`m`, gradients in the burst, at least 1; broadcasts.
        share: :math:`q` in (0, 1), of the length before; broadcasts.

    Returns:
        Steps (not rounded); 0 if they are never that short.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-burst``, derived there.

    >>> round(float(burst_memory(0.9, ratio=100.0)), 2)
    79.32
    """
    alpha, share = _smoothing_constant(alpha), _float64(share)
    raised = (_float64(ratio) ** 2 - 1) * mean_factor(alpha, length)
    return np.maximum(half_life(alpha) * np.log2(raised / (share**-2 - 1)), 0.0)


def update_variance(
    grad_avg: ArrayLike, grad_var: ArrayLike, grad: ArrayLike, alpha: ArrayLike
) -> tuple[Array, Array]:
    r"""Take one step of the exponentially weighted mean and variance of the gradient.

    .. math::

       d_t &= g_t - m_{t-1} \\
       m_t &= m_{t-1} + (1 - \alpha)\, d_t \\
       c_t &= \alpha \left(c_{t-1} + (1 - \alpha)\, d_t^2\right)

    Args:
        grad_avg: :math:`m_{t-1}`, any shape.
        grad_var: :math:`c_{t-1}`, at least 0, broadcasting against `grad_avg`.
        grad: the gradient :math:`g_t`; broadcasts.
        alpha: smoothing constant in [0, 1); broadcasts.

    Returns:
        :math:`m_t` and :math:`c_t`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-centered-variance``. In exact arithmetic :math:`c_t = v_t - m_t^2`, the
    difference that ``torch.optim.RMSprop(centered=True)`` takes the root of; unlike that difference
    it is a sum of non-negative terms, so rounding can never make it negative. Source of the
    recursion: Finch (2009), section 9.

    >>> m, c = update_variance(0.0, 0.0, 2.0, alpha=0.5)
    >>> float(m), float(c)
    (1.0, 1.0)
    """
    alpha = _smoothing_constant(alpha)
    grad_avg = _float64(grad_avg)
    deviation = _float64(grad) - grad_avg
    return (
        grad_avg + (1 - alpha) * deviation,
        alpha * (_float64(grad_var) + (1 - alpha) * deviation**2),
    )


def constant_gradient_step(alpha: ArrayLike, t: ArrayLike) -> Array:
    r"""Length of the centered step for a constant gradient, in units of lr, without eps.

    .. math:: \frac{|w_t - w_{t-1}|}{\eta} = \frac{1}{\sqrt{\alpha^t (1 - \alpha^t)}}

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of the step, at least 1; broadcasts.

    Returns:
        Lengths: at least 2, at the half-life, and from then on growing without bound.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-constant-gradient``, derived there. The uncentered step is
    :math:`1 / \sqrt{1 - \alpha^t}`, which tends to 1.

    >>> float(constant_gradient_step(0.5, 1))
    2.0
    """
    remembered = _smoothing_constant(alpha) ** _float64(t)
    with np.errstate(divide="ignore"):
        return 1 / np.sqrt(remembered * (1 - remembered))


def expected_grad_var(alpha: ArrayLike, t: ArrayLike, noise: ArrayLike) -> Array:
    r"""Mean of the variance :math:`c_t` for a steady gradient with noise, from a zero start.

    .. math::

       \frac{\mathbb{E}\, c_t}{\mu^2} = \alpha^t (1 - \alpha^t)
       + \rho^2 \left(1 - \alpha^t - \frac{1 - \alpha}{1 + \alpha} (1 - \alpha^{2t})\right)

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of gradients seen, at least 0; broadcasts.
        noise: :math:`\rho`, standard deviation of the gradient over its mean :math:`\mu`, at least
            0; broadcasts.

    Returns:
        In units of :math:`\mu^2`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-expected-variance``, derived there.

    >>> float(expected_grad_var(0.5, 1, noise=0.0))
    0.25
    """
    remembered = _smoothing_constant(alpha) ** _float64(t)
    scatter = 1 - remembered - variance_factor(alpha, t)
    return remembered * (1 - remembered) + _float64(noise) ** 2 * scatter


def rounding_bias(alpha: ArrayLike, digits: int = 24) -> Array:
    r"""What rounding the smoothing constant adds to :math:`v - m^2`, as a fraction of :math:`v`.

    .. math:: \delta = \frac{\operatorname{fl}(1 - \alpha)}{1 - \operatorname{fl}(\alpha)} - 1

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits of the significand that `alpha` and :math:`1 - \alpha` are rounded to:
            24 for float32, which PyTorch uses for float16 and bfloat16 too.

    Returns:
        Fractions of either sign, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rounding-bias``, derived there. It is that of an average
    ``alpha * v + (1 - alpha) * g**2``, whose two rounded weights do not add up to 1.

    >>> float(rounding_bias(0.75))
    0.0
    >>> bool(rounding_bias(0.9) < 0 < rounding_bias(0.99))
    True
    """
    alpha = _smoothing_constant(alpha)
    return _rounded(1 - alpha, digits) / (1 - _rounded(alpha, digits)) - 1


def _rounded(x: Array, digits: int) -> Array:
    significand, exponent = np.frexp(x)
    return np.ldexp(np.round(np.ldexp(significand, digits)), exponent - digits)


def rounding_spread(alpha: ArrayLike, digits: int = 24) -> Array:
    r"""Standard deviation of the rounding error of :math:`v - m^2`, as a fraction of :math:`v`.

    .. math:: s = \frac{u}{\sqrt{1 - \alpha^2}}, \qquad u = 2^{-p}

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits :math:`p` of the significand that the averages are kept with: 24 for
            float32, 11 for float16, 8 for bfloat16.

    Returns:
        Fractions, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rounding-spread``, derived there, for gradients that vary enough to keep the
    averages moving.

    >>> float(rounding_spread(0.0, digits=8))
    0.00390625
    """
    return 2.0**-digits / np.sqrt(1 - _smoothing_constant(alpha) ** 2)


# --- the update rule --------------------------------------------------------------------------


class State(NamedTuple):
    r"""What RMSprop remembers of the past, each array of the parameters' shape.

    `square_avg` is :math:`v`, the average of squared gradients (uncentered); `grad_avg` and
    `grad_var` are :math:`m` and :math:`c`, the gradient's weighted mean and variance (centered);
    `momentum_buffer` is :math:`b`; `t` counts the steps taken. Averages that the options do not
    need stay as they are.

    >>> State.start((2,)).square_avg
    array([0., 0.])
    """

    square_avg: Array
    grad_avg: Array
    grad_var: Array
    momentum_buffer: Array
    t: int

    @classmethod
    def start(cls, shape: tuple[int, ...], initial_accumulator_value: float = 0.0) -> "State":
        """Return the state before the first step, for parameters of this shape.

        `initial_accumulator_value` is what :math:`v` and :math:`c` start from.
        """
        accumulator = np.full(shape, float(initial_accumulator_value))
        return cls(accumulator, np.zeros(shape), accumulator, np.zeros(shape), 0)


def corrected_alpha(alpha: ArrayLike, t: ArrayLike) -> Array:
    r"""Smoothing constant of step `t` with which an average is free of bias.

    .. math:: \alpha_t = \alpha\, \frac{1 - \alpha^{t-1}}{1 - \alpha^t}

    Averaging with :math:`\alpha_t` gives :math:`S_t / (1 - \alpha^t)`, the average that started
    from zero divided by its `mean_factor`, without ever storing the biased one. The first step has
    :math:`\alpha_1 = 0`: the average is the first observation, whatever it started from.

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of the step, at least 1; broadcasts.

    Returns:
        :math:`\alpha_t`, growing from 0 towards `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-corrected-alpha``. Equal to what ``torch.optim.Adam`` does to its averages
    (Kingma and Ba, 2015, section 3).

    >>> corrected_alpha(0.5, [1, 2, 3]).round(4)
    array([0.    , 0.3333, 0.4286])
    """
    alpha, t = _smoothing_constant(alpha), _float64(t)
    return alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)


def step(
    param: ArrayLike,
    grad: ArrayLike,
    state: State,
    *,
    lr: ArrayLike = 1e-2,
    alpha: ArrayLike = 0.99,
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    momentum: ArrayLike = 0.0,
    centered: bool = False,
    maximize: bool = False,
    eps_in_sqrt: bool = False,
    lr_in_momentum: bool = False,
    decoupled_weight_decay: bool = False,
    bias_correction: bool = False,
    nesterov: bool = False,
) -> tuple[Array, State]:
    r"""Take one step of RMSprop.

    .. math::

       g_t &\leftarrow \pm\, g_t + \lambda w_{t-1} \\
       v_t &= \alpha v_{t-1} + (1 - \alpha) g_t^2 \\
       b_t &= \mu b_{t-1} + \frac{g_t}{\sqrt{v_t} + \epsilon} \\
       w_t &= w_{t-1} - \eta\, b_t

    Centered, :math:`v_t` gives way to the variance :math:`c_t` of `update_variance`. The last five
    options are what other implementations do instead; `rmsprop.conventions` says which does what.

    Args:
        param: the weights :math:`w_{t-1}`, any shape.
        grad: their gradient :math:`g_t`, same shape.
        state: from the step before, or ``State.start(shape)``.
        lr: learning rate :math:`\eta`; this and the other numbers broadcast against `param`.
        alpha: smoothing constant in [0, 1).
        eps: :math:`\epsilon`. Where the denominator is 0 nevertheless, the parameter stays.
        weight_decay: :math:`\lambda`.
        momentum: :math:`\mu`.
        centered: divide by the standard deviation of the gradient, not by its root mean square.
            With ``alpha=0`` that is always 0, and the step is :math:`g_t / \epsilon`.
        maximize: climb instead of descend (the minus sign in the first line).
        eps_in_sqrt: divide by :math:`\sqrt{v_t + \epsilon}`.
        lr_in_momentum: :math:`b_t = \mu b_{t-1} + \eta\, g_t / (\sqrt{v_t} + \epsilon)` and
            :math:`w_t = w_{t-1} - b_t`. It matters only while the learning rate changes.
        decoupled_weight_decay: :math:`w_{t-1} \leftarrow (1 - \eta \lambda)\, w_{t-1}` in place of
            the first line.
        bias_correction: average with `corrected_alpha` instead of `alpha`.
        nesterov: step along :math:`\mu b_t + g_t / (\sqrt{v_t} + \epsilon)` instead of :math:`b_t`.

    Returns:
        :math:`w_t` and the new state.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rmsprop``. Equal to ``torch.optim.RMSprop`` in exact arithmetic, for the
    options that it has; differs in computing the centered variance without cancellation. Sources:
    Tieleman and Hinton (2012), slide 29; Graves (2013), equations 38-45, for centering, there with
    :math:`\epsilon` inside the root; Dozat (2016) for Nesterov's momentum on a scaled gradient.

    >>> w, state = step(1.0, 4.0, State.start(()), lr=0.1, alpha=0.75, eps=0.0)
    >>> float(w)
    0.8
    """
    param, grad, lr, eps = _float64(param), _float64(grad), _float64(lr), _float64(eps)
    weight_decay, momentum = _float64(weight_decay), _float64(momentum)
    square_avg, grad_avg, grad_var, momentum_buffer, t = state
    t += 1
    if bias_correction:
        alpha = corrected_alpha(alpha, t)
    if maximize:
        grad = -grad
    if decoupled_weight_decay:
        param = param * (1 - lr * weight_decay)
    else:
        grad = grad + weight_decay * param
    if centered:
        grad_avg, grad_var = update_variance(grad_avg, grad_var, grad, alpha)
    else:
        square_avg = update_average(square_avg, grad**2, alpha)
    average = grad_var if centered else square_avg
    denominator = np.sqrt(average + eps) if eps_in_sqrt else np.sqrt(average) + eps
    update = grad / np.where(denominator == 0, np.inf, denominator)
    if lr_in_momentum:
        update = lr * update
    momentum_buffer = momentum * momentum_buffer + update
    direction = momentum * momentum_buffer + update if nesterov else momentum_buffer
    return (
        param - (direction if lr_in_momentum else lr * direction),
        State(square_avg, grad_avg, grad_var, momentum_buffer, t),
    )


def effective_rate(square_avg: ArrayLike, lr: ArrayLike, eps: ArrayLike = 1e-8) -> Array:
    r"""Learning rate that each parameter really has: what its gradient is multiplied by.

    .. math:: \eta_\text{eff} = \frac{\eta}{\sqrt{v_t} + \epsilon}

    Args:
        square_avg: :math:`v_t` (or the variance, for the centered rule), any shape.
        lr: base learning rate :math:`\eta`; broadcasts.
        eps: :math:`\epsilon`; broadcasts.

    Returns:
        Rates in units of parameter per gradient, one for every entry of `square_avg`.

    Book: equation ``eq-effective-rate``.

    >>> float(effective_rate(4.0, lr=0.1, eps=0.0))
    0.05
    """
    return _float64(lr) / (np.sqrt(_float64(square_avg)) + _float64(eps))


def largest_step(alpha: ArrayLike, lr: ArrayLike = 1.0) -> Array:
    r"""Largest step that RMSprop can take: the first one, or any after a long silence.

    .. math:: |w_t - w_{t-1}| \le \frac{\eta}{\sqrt{1 - \alpha}}

    Args:
        alpha: smoothing constant in [0, 1).
        lr: learning rate :math:`\eta`; broadcasts.

    Returns:
        The bound, in the parameters' units (without momentum and centering).

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-largest-step``. It follows from :math:`v_t \ge (1 - \alpha) g_t^2` (compare
    Kingma and Ba, 2015, section 2.1).

    >>> round(float(largest_step(0.99)), 9)
    10.0
    """
    return _float64(lr) / np.sqrt(1 - _smoothing_constant(alpha))


# --- what alpha does to a run -----------------------------------------------------------------


def ring_down(alpha: ArrayLike) -> tuple[Array, Array]:
    r"""How the cycle at the bottom of a parabola attracts: decay per step and period.

    .. math::

       \lambda^2 - (3\alpha - 1)\, \lambda + \alpha = 0, \qquad
       |\lambda| = \sqrt\alpha, \quad
       T = \frac{2\pi}{\arccos \frac{3\alpha - 1}{2 \sqrt\alpha}} \quad
       \text{for } \tfrac19 < \alpha < 1

    Args:
        alpha: smoothing constant in [0, 1).

    Returns:
        The modulus of the eigenvalue that decays last, and its period in steps. Up to 1/9 the
        eigenvalues are real and negative, and the period is 2.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-ring-down``, derived there, for any curvature and learning rate, eps = 0.

    >>> decay, period = ring_down(0.9)
    >>> float(decay.round(6)), float(period.round(2))
    (0.948683, 13.65)
    """
    alpha = _smoothing_constant(alpha)
    trace = 3 * alpha - 1
    root = np.sqrt(trace**2 - 4 * alpha + 0j)
    slowest = (trace + np.where(trace < 0, -root, root)) / 2
    return np.abs(slowest), 2 * np.pi / np.abs(np.angle(slowest))


def dip(alpha: ArrayLike) -> Array:
    r"""How far RMSprop falls below the cycle before a spike throws it back, on a parabola.

    .. math::

       \ln \frac{|w|_\text{least}}{|w|_\text{first}}
       \approx -\frac{2}{|\ln\alpha|} \int_0^2 \frac{-\ln|1 - s|}{s}\, ds
       = -\frac{\pi^2}{2\, |\ln\alpha|}

    Args:
        alpha: smoothing constant in (0, 1).

    Returns:
        Natural logarithms, negative: the ratio itself soon underflows.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-dip``, derived there.

    >>> round(float(dip(0.99)))
    -491
    """
    return np.pi**2 / (2 * np.log(_smoothing_constant(alpha)))


def drift(grads: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Way that a parameter goes, in units of lr, while a period of gradients repeats for ever.

    .. math::

       D(\alpha) = -\sum_{i=1}^n \frac{g_i}{\sqrt{v_i}}

    with :math:`v_i` of `settled_square_avg`.

    Args:
        grads: one period of gradients, not all zero, shape ``(..., n)``.
        alpha: smoothing constant in [0, 1), broadcasting against the leading axes ``(...)``. At 0,
            no gradient may be zero.

    Returns:
        Displacement over one period, shape ``(...)``. It opposes the mean gradient where RMSprop
        descends.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-drift``, derived there.

    >>> round(float(drift([3.0, -1.0, -1.0], alpha=0.1)), 4)
    0.6809
    """
    return -(_float64(grads) / np.sqrt(settled_square_avg(grads, alpha))).sum(axis=-1)


def safe_window(rare: ArrayLike, n: ArrayLike) -> Array:
    r"""Window that RMSprop needs where one large gradient comes in every `n` steps.

    .. math:: \frac{1}{1 - \alpha^*} \approx \frac{C n}{4\, (C - n + 1)}

    Args:
        rare: :math:`C`, the rare gradient; the others are -1. Above ``n - 1``.
        n: steps from one rare gradient to the next, at least 2; broadcasts.

    Returns:
        Steps: the root of `drift`, to first order for a large :math:`C` and a window much longer
        than `n`. With :math:`C = n` it is :math:`n^2/4`.

    Book: equation ``eq-safe-window``, derived there.

    >>> float(safe_window(10.0, 10))
    25.0
    """
    rare, n = _float64(rare), _float64(n)
    return rare * n / (4 * (rare - n + 1))


def safe_window_random(mean: ArrayLike, square: ArrayLike, cube: ArrayLike) -> Array:
    r"""Window that RMSprop needs where gradients are independent of each other.

    .. math::

       \frac{1}{1 - \alpha^*} \approx
       \frac12 \left(\frac{\mathbb{E} g^3}{\mathbb{E} g\; \mathbb{E} g^2} - 1\right)

    Args:
        mean: :math:`\mathbb{E} g`, not 0.
        square: :math:`\mathbb{E} g^2`; broadcasts.
        cube: :math:`\mathbb{E} g^3`; broadcasts. Where it has not the sign of the mean, or is
            small, any window will do, and the result is below 1.

    Returns:
        Steps: where the mean step changes its sign, to first order for a long window.

    Book: equation ``eq-safe-window-random``, derived there.

    >>> float(safe_window_random(0.5, 2.0, 9.0))
    4.0
    """
    return (_float64(cube) / (_float64(mean) * _float64(square)) - 1) / 2


def cycle_amplitude(
    curvature: ArrayLike, lr: ArrayLike, eps: ArrayLike = 0.0, *, eps_in_sqrt: bool = False
) -> Array:
    r"""Distance from the minimum at which RMSprop jumps to and fro for ever, on a parabola.

    .. math::

       |w| = \max\left(\frac\eta2 - \frac\epsilon h,\ 0\right)
       \quad\text{or, inside the root,}\quad
       |w| = \frac\eta2 \sqrt{\max\left(1 - \frac{4\epsilon}{\eta^2 h^2},\ 0\right)}

    Args:
        curvature: :math:`h > 0` of :math:`h w^2 / 2`.
        lr: learning rate :math:`\eta`; broadcasts.
        eps: :math:`\epsilon`; broadcasts.
        eps_in_sqrt: divide by :math:`\sqrt{v_t + \epsilon}`.

    Returns:
        The amplitude of the attracting two-cycle, for any alpha; 0 where RMSprop converges.

    Book: equation ``eq-eps-cycle``, derived there.

    >>> float(cycle_amplitude(1.0, lr=0.5))
    0.25
    """
    curvature, lr, eps = _float64(curvature), _float64(lr), _float64(eps)
    if eps_in_sqrt:
        return lr / 2 * np.sqrt(np.maximum(1 - 4 * eps / (lr * curvature) ** 2, 0))
    return np.maximum(lr / 2 - eps / curvature, 0)


# --- in a valley, and on a saddle -------------------------------------------------------------


def floor_rate(condition: ArrayLike, angle: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Share of its way along a valley's floor that RMSprop covers per step, in its final cycle.

    .. math::

       \rho = \frac{2\alpha}{1 + \alpha} \cdot
       \frac{2\kappa}{(h_{11} + |h_{12}|)(h_{22} + |h_{12}|)}

    with :math:`h` the Hessian of a valley of curvatures 1 and :math:`\kappa`, turned by the angle.
    It does not depend on the learning rate.

    Args:
        condition: condition number :math:`\kappa`, at least 1.
        angle: angle :math:`\theta` in radians between the floor and the first axis; broadcasts.
        alpha: smoothing constant in [0, 1); broadcasts.

    Returns:
        :math:`\rho`; that of gradient descent, at its best learning rate, is
        :math:`2 / (\kappa + 1)`. To leading order in :math:`\rho`: where it is not small, the floor
        and the cycle are not apart.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-floor-rate``, derived there.

    >>> float(floor_rate(100, np.pi / 4, alpha=0.9).round(6))
    0.018947
    """
    alpha, kappa = _smoothing_constant(alpha), _float64(condition)
    c, s = np.cos(angle), np.sin(angle)
    mixed = (kappa - 1) * np.abs(c * s)
    along, across = c * c + kappa * s * s + mixed, s * s + kappa * c * c + mixed
    return 2 * alpha / (1 + alpha) * 2 * kappa / (along * across)


def escape_time(
    distance: ArrayLike, curvature: ArrayLike, lr: ArrayLike, noise: ArrayLike
) -> Array:
    r"""Steps after which noise has carried half of all runs of gradient descent off a ridge.

    .. math::

       t = \frac{1}{2 \ln(1 + \eta\lambda)} \ln\left(1 + \left((1 + \eta\lambda)^2 - 1\right)
       \left(\frac{y}{q\, \eta\, \sigma}\right)^2\right)

    with :math:`q = 0.6745` the upper quartile of the normal distribution.

    Args:
        distance: :math:`y`, how far from the ridge they must be; at least 0.
        curvature: :math:`\lambda > 0`, of the parabola :math:`-\lambda y^2 / 2` that falls away.
        lr: learning rate :math:`\eta > 0`.
        noise: standard deviation :math:`\sigma > 0` of the gradient's normal noise.

    Returns:
        Steps, not rounded, of runs that start on the ridge itself. All arguments broadcast.

    Book: equation ``eq-escape``, derived there.

    >>> round(float(escape_time(0.36, curvature=0.1, lr=0.01, noise=0.1)))
    3175
    """
    distance, lr, noise = _float64(distance), _float64(lr), _float64(noise)
    growth = 1 + lr * _float64(curvature)
    spread = distance / (0.6744897501960817 * lr * noise)
    return np.log1p((growth**2 - 1) * spread**2) / (2 * np.log(growth))
