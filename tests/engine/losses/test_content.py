"""The content loss against autograd of its formula."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses.content import L2, energy


@pytest.mark.parametrize("weighted", [False, True])
def test_content_loss_is_the_relative_distance_of_features(weighted):
    features = (noise(6, 9, 7) - 0.5).requires_grad_()
    target, weights = noise(6, 9, 7, seed=1), noise(9, 7, seed=5) if weighted else None
    shares = 1 if weights is None else weights
    expected = (shares * (features - target).square()).sum() / (shares * target.square()).sum()
    expected.backward()
    loss, gradient = L2(energy(target, weights)).compare(features.detach(), target, weights)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, features.grad, rtol=1e-10, atol=1e-14)
