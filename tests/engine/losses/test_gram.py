"""Gram matrices against float64 autograd of the formula."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses.gram import Gram
from statistics_of import means_of


@pytest.mark.parametrize("weighted", [False, True])
def test_gram_loss_is_the_relative_distance_of_gram_matrices(weighted):
    features = (noise(6, 9, 7) - 0.5).requires_grad_()
    weights = noise(9, 7, seed=5) if weighted else None
    means = means_of(noise(6, 5, 4, seed=1) - 0.3)
    expected = (means_of(features, weights)[1] - means[1]).square().sum() / means[1].square().sum()
    expected.backward()
    loss, own = Gram(0.0), Gram(0.0).of_canvas(features.detach(), weights)
    found, to_means = loss.compare(own, loss.target(means))
    gradient = loss.gradient(features.detach(), own, to_means, weights)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, features.grad, rtol=1e-10, atol=1e-14)


def test_a_floor_keeps_a_style_without_features_from_dividing_by_nothing():
    flat = torch.zeros(4, 4, dtype=torch.float64)
    loss = Gram(50.0)  # the floor is 1
    own = loss.of_canvas(noise(4, 3, 3), None)
    assert 0 < float(loss.compare(own, loss.target((flat[0], flat)))[0]) < 10
