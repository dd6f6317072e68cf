"""Mean and Gram matrix of features, summed by parts and in few bits."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from networks import noise
from painter.losses.moments import _outer_sum_on_cuda, moments


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


@pytest.mark.parametrize("positions", [16, 66 * 66, 81 * 83, 4099, 132 * 100])
def test_on_cuda_products_are_made_in_pieces_that_leave_nothing_over_if_possible(
    monkeypatch, positions
):
    rows = noise(positions, 8).to(torch.bfloat16)
    calls = []

    def product(name, left, right, out_dtype):
        calls.append(name)
        return left.to(out_dtype) @ right.to(out_dtype)

    for name in ("bmm", "mm"):
        monkeypatch.setattr(torch, name, partial(product, name))
    found = _outer_sum_on_cuda(rows, rows, torch.float32)
    expected = rows.double().T @ rows.double()
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-2)
    # 4099 is a prime.
    assert calls == (["bmm", "mm"] if positions == 4099 else ["bmm"])
