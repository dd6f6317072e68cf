"""A canvas and what it looks like on the level before."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from networks import noise
from painter.canvas.downsampling import Downsampling, resizing_matrix

SHAPES = [
    ((48, 64), (24, 32)),
    ((341, 97), (170, 48)),
    ((65, 33), (33, 32)),
    ((300, 90), (150, 45)),
]


def _by_matrices(shape, smaller):
    """As on CUDA."""
    downsampling = Downsampling(shape, smaller, torch.device("cpu"))
    matrices = (resizing_matrix(*pair) for pair in zip(shape, smaller, strict=True))
    downsampling._matrices = tuple(matrices)
    return downsampling


@pytest.mark.parametrize(("shape", "smaller"), SHAPES)
@pytest.mark.parametrize("make", [Downsampling, _by_matrices], ids=["resized", "matrices"])
def test_a_canvas_is_resized_as_pictures_are(make, shape, smaller):
    args = (torch.device("cpu"),) if make is Downsampling else ()
    canvas = noise(3, *shape)
    expected = F.interpolate(
        canvas[None], size=smaller, mode="bicubic", antialias=True, align_corners=False
    )[0]
    torch.testing.assert_close(make(shape, smaller, *args)(canvas), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("shape", "smaller"), SHAPES)
@pytest.mark.parametrize("make", [Downsampling, _by_matrices], ids=["resized", "matrices"])
def test_the_adjoint_is_that_of_autograd(make, shape, smaller):
    args = (torch.device("cpu"),) if make is Downsampling else ()
    canvas = noise(3, *shape).requires_grad_()
    pull, before = noise(3, *smaller, seed=1), noise(3, *shape, seed=2)
    small = F.interpolate(
        canvas[None], size=smaller, mode="bicubic", antialias=True, align_corners=False
    )[0]
    (small * pull).sum().backward()
    gradient = before.clone()
    make(shape, smaller, *args).add_adjoint(gradient, pull, 0.5)
    torch.testing.assert_close(gradient, before + 0.5 * canvas.grad, rtol=0, atol=1e-6)
