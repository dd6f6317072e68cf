"""A canvas and what it looks like on the level before."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from networks import noise
from painter.canvas.downsampling import Downsampling, resized, resizing_matrix

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


@pytest.mark.parametrize(("shape", "other"), [((48, 64), (24, 32)), ((24, 33), (48, 65))])
def test_a_seamless_canvas_is_resized_as_the_middle_of_its_repetitions(shape, other):
    canvas = noise(3, *shape).float()
    large = (3 * other[0], 3 * other[1])
    whole = F.interpolate(canvas.repeat(1, 3, 3)[None], size=large, mode="bicubic", antialias=True)[
        0
    ].clamp(0, 1)
    both = whole[:, other[0] : 2 * other[0], other[1] : 2 * other[1]]
    torch.testing.assert_close(resized(canvas, other, (True, True)), both, rtol=0, atol=1e-5)
    # Of one that is seamless to the right alone, the first rows and the last have no other side.
    right = resized(canvas, other, (False, True))
    assert float((right - both)[:, 0].abs().max()) > 0.01
    torch.testing.assert_close(right[:, 4:-4], both[:, 4:-4], rtol=0, atol=1e-5)


def test_a_seamless_canvas_may_be_turned_before_it_is_made_smaller():
    downsampling = Downsampling((48, 64), (24, 32), torch.device("cpu"), (True, True))
    canvas = noise(3, 48, 64).float()
    turned = downsampling(canvas.roll((10, 6), (1, 2)))
    torch.testing.assert_close(turned, downsampling(canvas).roll((5, 3), (1, 2)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("seamless", [(True, False), (False, True), (True, True)])
def test_the_adjoint_of_a_seamless_one_is_its_transpose(seamless):
    downsampling = Downsampling((48, 64), (24, 32), torch.device("cpu"), seamless)
    canvas, pull = noise(3, 48, 64).float(), noise(3, 24, 32, seed=1).float()
    gradient = torch.zeros_like(canvas)
    downsampling.add_adjoint(gradient, pull, 0.5)
    own = (gradient.double() * canvas).sum()
    torch.testing.assert_close(
        own, 0.5 * (downsampling(canvas).double() * pull).sum(), rtol=1e-5, atol=0
    )
