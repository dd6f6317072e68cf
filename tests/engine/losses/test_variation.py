"""Total variation against autograd of its formula, band by band."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses import variation as module
from painter.losses.variation import variation


@pytest.mark.parametrize("band", [1, 4, 10, 256])
def test_variation_is_per_pixel_and_its_gradient_is_that_of_autograd(monkeypatch, band):
    monkeypatch.setattr(module, "_BAND_PIXELS", 13 * band)
    canvas = noise(3, 11, 13).requires_grad_()
    down = (canvas[:, 1:] - canvas[:, :-1]).square().sum()
    right = (canvas[:, :, 1:] - canvas[:, :, :-1]).square().sum()
    expected = (down + right) / (11 * 13)
    (3 * expected).backward()
    torch.testing.assert_close(variation(canvas.detach()), expected.detach())
    gradient = torch.zeros_like(canvas)
    variation(canvas.detach(), gradient, 3)
    torch.testing.assert_close(gradient, canvas.grad)


@pytest.mark.parametrize("seamless", [(True, False), (False, True), (True, True)])
def test_where_sides_meet_their_pixels_are_neighbors(seamless):
    canvas = noise(3, 11, 13).requires_grad_()
    total = canvas.new_zeros(())
    for dim, goes_on in zip((-2, -1), seamless, strict=True):
        change = canvas - canvas.roll(1, dim)
        first = 0 if goes_on else 1
        total = total + change.narrow(dim, first, canvas.shape[dim] - first).square().sum()
    (3 * total / (11 * 13)).backward()
    gradient = torch.zeros_like(canvas)
    found = variation(canvas.detach(), gradient, 3, seamless)
    torch.testing.assert_close(found, total.detach() / (11 * 13))
    torch.testing.assert_close(gradient, canvas.grad)
