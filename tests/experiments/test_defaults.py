"""Defaults against the signature and the conventions that they are read from."""

import pytest
import torch

from rmsprop import convention
from rmsprop.experiments.defaults import usual_alphas


def test_pytorch_has_the_alpha_of_an_optimizer_made_without_one():
    optimizer = torch.optim.RMSprop([torch.zeros(1)])
    assert usual_alphas()["PyTorch, `torch.optim.RMSprop`"] == optimizer.defaults["alpha"]


def test_the_greatest_come_first():
    alphas = list(usual_alphas().values())
    assert alphas == sorted(alphas, reverse=True)


@pytest.mark.parametrize(
    ("start", "name"), [("Keras", "keras"), ("Graves", "graves"), ("timm", "timm")]
)
def test_a_convention_has_its_own(start, name):
    found = [alpha for source, alpha in usual_alphas().items() if source.startswith(start)]
    assert found == [convention(name)["alpha"]]
