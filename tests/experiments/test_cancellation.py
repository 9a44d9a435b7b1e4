"""The difference of averages in float32, against torch, whose rounding it shares."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import RMSprop, convention
from rmsprop.experiments.cancellation import (
    WEIGHTS,
    damage,
    damage_by_name,
    first_negative,
    nearly_constant_gradients,
    share_lost,
    subtracted_variance,
)

STEADY = nearly_constant_gradients(noise=1e-4, parameters=300, steps=400, seed=0)


def torch_steps(gradients, **options):
    w = torch.zeros(gradients.shape[1:], requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=1.0, centered=True, **options)
    steps = []
    for grad in gradients:
        w.data.zero_()
        w.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        steps.append(-w.detach().numpy().copy())
    return np.stack(steps)


def test_gradients_have_the_mean_and_the_noise_asked_for():
    sizes = np.array([[0.01], [3.0]])
    gradients = nearly_constant_gradients(sizes, noise=0.1, parameters=500, steps=40, seed=0)
    assert gradients.shape == (40, 2, 1, 500)
    assert gradients.dtype == np.float32
    assert_allclose(gradients.mean(axis=(0, -1)), sizes, rtol=0.01)
    assert_allclose(gradients.std(axis=(0, -1)), 0.1 * sizes, rtol=0.05)
    # The same noise at every size, another at every step and for every parameter.
    assert_allclose(gradients[:, 1], 300 * gradients[:, 0], rtol=1e-6)
    assert len(np.unique(gradients[:, 1])) > 0.99 * gradients[:, 1].size


def test_difference_is_the_variance_where_nothing_cancels():
    gradients = np.random.default_rng(0).normal(1.0, 2.0, (100, 50)).astype(np.float32)
    v, m = np.zeros(50), np.zeros(50)
    for g in gradients.astype(np.float64):
        v, m = 0.9 * v + 0.1 * g**2, 0.9 * m + 0.1 * g
    for weights in set(WEIGHTS.values()):
        computed = subtracted_variance(gradients, 0.9, weights=weights)
        assert computed.dtype == np.float32
        assert_allclose(computed[-1], v - m**2, rtol=1e-5)


def test_initial_value_fades_as_alpha_to_the_t():
    gradients = np.zeros((30, 1), np.float32)
    computed = subtracted_variance(gradients, 0.75, initial_accumulator_value=2.0)
    assert_allclose(computed[:, 0], 2 * 0.75 ** np.arange(1, 31), rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.9, 0.95])
def test_difference_is_as_often_negative_as_torchs_step_is_nan(alpha):
    theirs = np.isnan(torch_steps(STEADY, alpha=alpha)).any(axis=0).mean()
    ours = (subtracted_variance(STEADY, alpha) < 0).any(axis=0).mean()
    assert theirs > 0.9
    assert ours == pytest.approx(theirs, abs=0.05)


def test_one_constant_has_no_bias_to_protect_it():
    gradients = nearly_constant_gradients(noise=1e-4, parameters=300, steps=1500, seed=0)
    torch, one = (
        (subtracted_variance(gradients, 0.99, weights=each) < 0).any(axis=0).mean()
        for each in ((2, 1), (1, 1))
    )
    assert one > torch + 0.3


def test_first_negative_is_where_the_difference_is():
    options = {"noise": 1e-4, "parameters": 300, "steps": 400, "seed": 0}
    first = first_negative([1.0, 1.3], alpha=0.95, **options)
    computed = subtracted_variance(nearly_constant_gradients([1.0, 1.3], **options), 0.95)
    for k in range(2):
        negative = computed[:, k] < 0
        expected = np.where(negative.any(axis=0), negative.argmax(axis=0) + 1, np.inf)
        assert_array_equal(first[k], expected)
    shares = share_lost([1.0, 1.3], alpha=0.95, **options)
    assert_array_equal(shares, (first <= 400).mean(axis=1))
    assert shares.min() > 0


@pytest.mark.parametrize("name", WEIGHTS)
def test_damage_by_name_is_that_of_its_own_numbers(name):
    gradients = nearly_constant_gradients([0.1, 1.0], noise=0.3, parameters=40, steps=80, seed=1)
    longest = np.zeros(2)
    w = torch.zeros(gradients.shape[1:], requires_grad=True)
    options = convention(name, lr=1.0, centered=True, momentum=0.0)
    optimizer = RMSprop([w], **options)
    for grad in gradients:
        w.data.zero_()
        w.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        longest = np.maximum(longest, w.detach().abs().amax(-1).numpy())
    assert_allclose(damage_by_name(name, gradients).longest, longest, rtol=1e-4)


def test_damage_is_what_torchs_steps_show():
    """With gradients that vary: where they do not, machines round to different fates."""
    gradients = nearly_constant_gradients([1.0, 50.0], noise=0.3, parameters=40, steps=80, seed=1)
    result = damage(gradients, 0.9, 1e-8)
    assert_array_equal(result.lost, [0, 0])
    steps = torch_steps(gradients, alpha=0.9, eps=1e-8)
    assert_allclose(result.longest, np.abs(steps).max(axis=(0, -1)), rtol=1e-4)


def test_damage_with_eps_inside_is_that_of_the_conventions_optimizer():
    options = convention("dqn", lr=1.0)
    gradients = nearly_constant_gradients([0.1, 1.0], noise=0.1, parameters=40, steps=80, seed=1)
    w = torch.zeros(gradients.shape[1:], requires_grad=True)
    optimizer = RMSprop([w], **options)
    longest = np.zeros(2)
    for grad in gradients:
        w.data.zero_()
        w.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        longest = np.maximum(longest, w.detach().abs().amax(-1).numpy())
    result = damage(gradients, options["alpha"], options["eps"], eps_in_sqrt=True)
    assert_allclose(result.longest, longest, rtol=1e-4)


def test_initial_accumulator_shortens_the_first_steps():
    gradients = nearly_constant_gradients(noise=1.0, parameters=40, steps=1, seed=1)
    options = {"alpha": 0.9, "eps": 1e-10, "eps_in_sqrt": True}
    without = damage(gradients, **options).longest
    assert without == pytest.approx(1 / np.sqrt(0.09), rel=1e-4)
    assert damage(gradients, **options, initial_accumulator_value=100.0).longest < 0.4


def test_parameter_once_nan_is_lost_and_its_later_steps_do_not_count():
    with np.errstate(invalid="ignore"):
        steps = STEADY / (np.sqrt(subtracted_variance(STEADY, 0.95)) + np.float32(1e-8))
    lives = []
    for taken in steps.T:
        died = np.flatnonzero(np.isnan(taken))
        lives.append(taken[: died[0]] if len(died) else taken)
    died = [len(life) < len(STEADY) for life in lives]
    recovered = [alive and not np.isnan(last) for alive, last in zip(died, steps[-1], strict=True)]
    assert any(recovered)
    result = damage(STEADY, 0.95, 1e-8)
    assert result.lost == np.mean(died)
    assert result.longest == max(life.max() for life in lives)
    assert result.longest < np.nanmax(steps)
