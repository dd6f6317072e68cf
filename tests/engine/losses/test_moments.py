"""Mean and Gram matrix of features, summed by parts and in few bits."""

from __future__ import annotations

import torch

from networks import noise
from painter.losses.moments import moments


def test_moments_of_parts_add_up_to_those_of_the_whole():
    features, weights = noise(4, 10, 8), noise(10, 8, seed=3)
    whole = moments(features, weights)
    parts = moments(features[:, :6], weights[:6]) + moments(features[:, 6:], weights[6:])
    for name in ("count", "first", "second"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name))


def test_bfloat16_statistics_are_summed_in_float32():
    features = noise(32, 96, 96) - 0.4
    rounded = features.to(torch.bfloat16)
    exact = moments(rounded.double()).second
    found = moments(rounded).second
    assert found.dtype == torch.float32
    assert float((found.double() - exact).norm() / exact.norm()) < 1e-3
