"""A canvas as a pyramid: there and back, and the adjoint of what makes a canvas of it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from networks import noise
from painter.canvas.laplacian import Laplacian

SHAPES = [(48, 64), (65, 33), (16, 80), (9, 70)]
SIDES = [(False, False), (True, False), (True, True)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seamless", SIDES)
def test_a_canvas_is_the_sum_of_its_pyramid(shape, seamless):
    canvas = noise(3, *shape)
    laplacian = Laplacian(canvas, seamless)
    coefficients = laplacian.analyzed(canvas)
    torch.testing.assert_close(laplacian.synthesized(coefficients), canvas)
    smooth = torch.full_like(canvas, 0.3)
    *finer, coarsest = laplacian.analyzed(smooth)
    assert all(float(each.abs().max()) < 1e-12 for each in finer)
    torch.testing.assert_close(coarsest, torch.full_like(coarsest, 0.3))


def test_it_is_enlarged_bilinearly():
    canvas = noise(3, 48, 64)
    laplacian = Laplacian(canvas, (False, False))
    coefficients = [torch.zeros_like(each) for each in laplacian.analyzed(canvas)]
    coefficients[1] = noise(3, 24, 32, seed=1)
    expected = F.interpolate(coefficients[1][None], (48, 64), mode="bilinear")[0]
    torch.testing.assert_close(laplacian.synthesized(coefficients), expected)
    turned = Laplacian(canvas, (True, True))
    moved = [each.roll((1, 1), (1, 2)) for each in coefficients]
    rolled = turned.synthesized(coefficients).roll((2, 2), (1, 2))
    torch.testing.assert_close(turned.synthesized(moved), rolled)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seamless", SIDES)
def test_the_adjoint_is_that_of_autograd(shape, seamless):
    canvas = noise(3, *shape)
    laplacian = Laplacian(canvas, seamless)
    coefficients = [each.clone().requires_grad_() for each in laplacian.analyzed(canvas)]
    pull = noise(3, *shape, seed=1)
    (laplacian.synthesized(coefficients) * pull).sum().backward()
    found = laplacian.adjoint(pull.clone())
    for own, each in zip(found, coefficients, strict=True):
        torch.testing.assert_close(own, each.grad, rtol=1e-12, atol=1e-12)
