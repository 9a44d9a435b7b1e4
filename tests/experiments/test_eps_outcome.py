"""Students with many values of eps against students that are trained alone, by PyTorch."""

from functools import partial

import numpy as np
import torch
from numpy.testing import assert_allclose

from rmsprop.experiments.eps_outcome import train_with_eps
from rmsprop.experiments.students import train_students

SETTING = {"seeds": 3, "steps": 12}


def test_every_pair_of_rate_and_eps_is_trained_as_it_is_alone():
    made = []

    def torch_optimizer(groups, eps):
        made.append(torch.optim.RMSprop(groups, alpha=0.9, eps=eps))
        return made[-1]

    lrs, eps = [0.003, 0.1], np.array([[1e-8], [0.3], [10.0]])
    run = train_with_eps(lrs, eps, alpha=0.9, **SETTING)
    assert (run.losses.shape, run.gradients.shape) == ((3, 2, 3), (3, 2))
    for (row, column), gradient in np.ndenumerate(run.gradients):
        make_optimizer = partial(torch_optimizer, eps=eps[row, 0])
        alone = train_students(make_optimizer, [lrs[column]], **SETTING).numpy()
        assert_allclose(run.losses[row, column], alone[0], rtol=1e-9)
        squares = [state["square_avg"].flatten() for state in made[-1].state.values()]
        sizes = torch.cat(squares).sqrt().numpy()
        assert_allclose(gradient, np.quantile(sizes, 0.5, method="lower"), rtol=1e-9)


def test_eps_inside_the_root_acts_at_its_own_root():
    outside = train_with_eps(0.01, 1e3, **SETTING).losses
    inside = train_with_eps(0.01, 1e6, eps_in_sqrt=True, **SETTING).losses
    assert_allclose(inside, outside, rtol=1e-6)
    assert not np.allclose(inside, train_with_eps(0.01, 1e6, **SETTING).losses, rtol=1e-6)
